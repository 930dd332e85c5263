"""Screened pairings, filtered, for other tools: Arrow, Parquet, CSV, SDF and SMILES."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
from rdkit import Chem, rdBase
from rdkit.Chem import rdDepictor

from ildb import __version__
from ildb.errors import InputError
from ildb.export.atomic import replacing_file
from ildb.export.dictionary import origins
from ildb.export.parquet import ROWS_PER_GROUP
from ildb.export.result import Counter, Progress
from ildb.export.server import Column, Server

VIEW = "candidate"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which candidates are wanted.

    Attributes:
        run_id: only those whose latest decision is this run's.
        passed: only those that passed (or, False, that were refused); None for both.
        top: at most so many, the best.
        min_link_probability: least link probability.
        min_p_below_373_k: least P(Tm < 373 K).
        tm_below_k: predicted melting point below this, K.
        in_domain: whether the melting model has seen the like.
    """

    run_id: int | None = None
    passed: bool | None = True
    top: int | None = None
    min_link_probability: float | None = None
    min_p_below_373_k: float | None = None
    tm_below_k: float | None = None
    in_domain: bool | None = None

    def __post_init__(self) -> None:
        """Refuse a number of candidates that makes no sense.

        Raises:
            InputError: ``top`` is below 1.
        """
        if self.top is not None and self.top < 1:
            raise InputError(f"The best {self.top} candidates make no sense.", "Give at least 1.")

    def where(self) -> str:
        """The condition on the view ``candidate``: numbers in the precision of its columns, no text of anybody's."""
        parts = ["true"]
        if self.run_id is not None:
            parts.append(f"run_id = {int(self.run_id)}")
        if self.passed is not None:
            parts.append("passed" if self.passed else "NOT passed")
        if self.min_link_probability is not None:
            parts.append(f"link_probability >= {float(self.min_link_probability)!r}::real")
        if self.min_p_below_373_k is not None:
            parts.append(f"p_below_373_k >= {float(self.min_p_below_373_k)!r}::real")
        if self.tm_below_k is not None:
            parts.append(f"tm_k < {float(self.tm_below_k)!r}::real")
        if self.in_domain is not None:
            parts.append("in_domain" if self.in_domain else "NOT in_domain")
        return " AND ".join(parts)

    def order(self) -> str:
        """Best first; without ``top`` of a run still so, since a file should not depend on chance."""
        return (
            f"ORDER BY rank NULLS LAST, score DESC, pairing_id{'' if self.top is None else f' LIMIT {int(self.top)}'}"
        )


@dataclass
class Exported:
    """A file that is complete.

    Attributes:
        path: the file.
        n_rows: candidates in it.
        left_out: ids of pairings that the format cannot hold.
    """

    path: Path
    n_rows: int = 0
    left_out: list[int] = field(default_factory=list)


@contextmanager
def reading(server: Server, choice: Choice) -> Iterator[pa.RecordBatchReader]:
    """The candidates as Arrow batches, with units and comments in the fields' metadata."""
    columns = server.columns(VIEW)
    with server.batches(VIEW, columns, where=choice.where(), order=choice.order()) as reader:
        yield reader


def count(server: Server, choice: Choice) -> int:
    """How many candidates are chosen."""
    found = server.count(VIEW, choice.where())
    return found if choice.top is None else min(found, choice.top)


def export_candidates(server: Server, choice: Choice, path: Path, progress: Progress | None = None) -> Exported:
    """Write candidates to a file, in the format of its suffix; it appears whole or not at all.

    ``.parquet`` and ``.csv`` have the columns of the view ``candidate``. ``.sdf`` has each salt with a drawing's
    coordinates and its scores as data items; ``.smi`` its SMILES and the pairing's id.

    Args:
        server: an open connection (``ildb.export.server.connect``).
        choice: which.
        path: the file.
        progress: called with the view's name, rows so far, rows in all.

    Raises:
        InputError: the suffix is none of these, or the file cannot be written.
    """
    write = _WRITERS.get(path.suffix.lower())
    if write is None:
        raise InputError(f"Cannot tell the format from '{path.name}'.", f"Use one of {', '.join(_WRITERS)}.")
    result = Exported(path)
    server.require_revision()
    counter = Counter(VIEW, count(server, choice), progress)
    columns = server.columns(VIEW)
    # One connection, one question at a time: what goes with the rows is asked before them.
    note = {"ildb": json.dumps(_provenance(server, choice), ensure_ascii=False)} if write is _parquet else {}
    with replacing_file(path) as draft, reading(server, choice) as reader:
        n_rows = write(counter.passing(reader), _schema(reader.schema, columns, note), draft, result)
        result.n_rows = counter.verify(n_rows)
    return result


def _provenance(server: Server, choice: Choice) -> dict[str, Any]:
    return {
        "code_version": __version__,
        "created_at": datetime.now(UTC).isoformat(),
        "choice": asdict(choice),
        **origins(server),
    }


def _schema(sent: pa.Schema, columns: list[Column], note: dict[str, str]) -> pa.Schema:
    fields = [
        sent_field.with_metadata({"unit": column.unit}) if column.unit else sent_field
        for sent_field, column in zip(sent, columns, strict=True)
    ]
    return pa.schema(fields, metadata=note or None)


Batches = Iterator[pa.RecordBatch]


def _parquet(batches: Batches, schema: pa.Schema, path: Path, _result: Exported) -> int:
    n_rows = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=schema), ROWS_PER_GROUP)
            n_rows += batch.num_rows
    return n_rows


def _csv(batches: Batches, schema: pa.Schema, path: Path, _result: Exported) -> int:
    flat = pa.schema([pa.field(f.name, pa.string() if pa.types.is_list(f.type) else f.type) for f in schema])
    n_rows = 0
    with pc.CSVWriter(path, flat) as writer:
        for batch in batches:
            arrays = [
                pa.array([None if v is None else "; ".join(v) for v in column.to_pylist()], pa.string())
                if pa.types.is_list(f.type)
                else column
                for f, column in zip(schema, batch.columns, strict=True)
            ]
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=flat))
            n_rows += batch.num_rows
    return n_rows


def salt_smiles(row: dict[str, Any]) -> str:
    """The SMILES of a pairing with its stoichiometry."""
    return ".".join([row["cation_smiles"]] * row["n_cation"] + [row["anion_smiles"]] * row["n_anion"])


def _smi(batches: Batches, _schema: pa.Schema, path: Path, _result: Exported) -> int:
    n_rows = 0
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for batch in batches:
            for row in batch.to_pylist():
                stream.write(f"{salt_smiles(row)}\t{row['pairing_id']}\n")
                n_rows += 1
    return n_rows


_SDF_ITEMS = (
    "pairing_id", "cation_smiles", "anion_smiles", "run_id", "passed", "rank", "score", "link_probability",
    "p_below_373_k", "tm_k", "tm_low_k", "tm_high_k", "in_domain",
)  # fmt: skip


def _sdf(batches: Batches, _schema: pa.Schema, path: Path, result: Exported) -> int:
    n_rows = 0
    with path.open("w", encoding="utf-8", newline="\n") as stream, rdBase.BlockLogs():
        for batch in batches:
            for row in batch.to_pylist():
                n_rows += 1
                mol = Chem.MolFromSmiles(salt_smiles(row))
                if mol is None or mol.GetNumAtoms() > 999:  # what the format's three digits can count
                    result.left_out.append(row["pairing_id"])
                    continue
                rdDepictor.Compute2DCoords(mol)
                mol.SetProp("_Name", str(row["pairing_id"]))
                stream.write(Chem.MolToMolBlock(mol))
                for item in _SDF_ITEMS:
                    if row[item] is not None:
                        stream.write(f">  <{item}>\n{_text(row[item])}\n\n")
                stream.write("$$$$\n")
    return n_rows


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


_WRITERS: dict[str, Callable[[Batches, pa.Schema, Path, Exported], int]] = {
    ".parquet": _parquet, ".csv": _csv, ".sdf": _sdf, ".smi": _smi,
}  # fmt: skip
