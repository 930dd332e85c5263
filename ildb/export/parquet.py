"""The database as a folder of Parquet files, whole or only what is new since an earlier export."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ildb.errors import InputError
from ildb.export import server as servers
from ildb.export.atomic import replacing_folder, require_parent
from ildb.export.changes import Chain, read_chain
from ildb.export.dictionary import dictionary, origins
from ildb.export.manifest import MANIFEST, describe_file, read_manifest
from ildb.export.result import Counter, ExportResult, Progress

DICTIONARY = "dictionary.json"
ROWS_PER_GROUP = 128 * 1024
# Large tables, by the column that most readers choose by.
PARTITIONS = {
    "link_score": "run_id", "melting_score": "model_id", "screening_decision": "run_id", "pairing_evidence": "kind",
    "measurement": "property",
}  # fmt: skip


def export_parquet(
    url: str,
    directory: Path,
    tables: Sequence[str] | None = None,
    progress: Progress | None = None,
    *,
    force: bool = False,
    partition: bool = False,
    since: Path | None = None,
) -> ExportResult:
    """Write every table as ``TABLE.parquet``, a dictionary of columns and a manifest, from one state of the database.

    Text arrays become lists, jsonb becomes JSON text; units and comments are in the fields' metadata. Memory does not
    grow with the number of rows. The manifest has the rows, bytes and sha256 of each file, and the rows' origins.

    With ``since``, only rows inserted or changed since that export are written, and ``TABLE.deleted.parquet`` has the
    keys of rows that are gone; tables without a change have no file. Apply an export like this by key: what it has
    replaces what there was (see ``ildb.export.changes``).

    Args:
        url: libpq URL of the server.
        directory: folder to make; it appears complete or not at all.
        tables: only these; None for all.
        progress: called with table, rows so far, rows in all.
        force: replace an earlier export at that place.
        partition: large tables as folders ``TABLE/COLUMN=VALUE/part-0.parquet`` (``PARTITIONS``).
        since: folder of an earlier export, itself full or of what was new; those it continues must be there, too.

    Raises:
        InputError: the folder exists (without ``force``, or it is not an export), a table is unknown, or the earlier
            export is of other tables, another database or damaged.
        DatabaseUnreachableError: no server answers.
        SchemaRevisionError: the schema is of another revision.
    """
    chosen = servers.choose(tables)
    check_directory(directory, force=force)
    if since is not None and partition:
        raise InputError("An export of what is new is not partitioned.", "Leave out --partition.")
    chain = None if since is None else read_chain(since, chosen)
    with servers.connect(url) as server, replacing_folder(directory) as draft:
        result = ExportResult(directory, server.require_revision())
        moment = server.moment()
        newer = "true" if chain is None else chain.moment.newer(moment)
        if chain is not None and chain.revision != result.revision:
            raise InputError(
                f"That export is of schema revision {chain.revision}, now it is {result.revision}.",
                "Make a full export.",
            )
        for table in chosen:
            writer = _TableWriter(server, draft, table, progress, newer)
            result.counts[table] = writer.write(PARTITIONS.get(table) if partition else None)
            result.totals[table] = server.count(table)
            if chain is not None:
                result.deleted[table] = _write_deleted(server, chain, table, draft, result)
        words = {table: dictionary(server, table) for table in chosen}
        (draft / DICTIONARY).write_text(json.dumps(words, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        result.details = {"moment": asdict(moment), **origins(server)}
        if since is not None:
            result.details["continues"] = os.path.relpath(since.absolute(), directory.absolute())
        for path in sorted(draft.rglob("*")):
            if path.is_file():
                result.files[path.relative_to(draft).as_posix()] = describe_file(path)
        manifest = json.dumps(result.manifest(), indent=2, ensure_ascii=False)
        (draft / MANIFEST).write_text(manifest + "\n", encoding="utf-8")
    return result


def check_directory(directory: Path, *, force: bool) -> None:
    """Refuse a place where an export would destroy something.

    Raises:
        InputError: the parent does not exist, or something is there that is not an earlier export.
    """
    require_parent(directory)
    if not directory.exists() or (directory.is_dir() and not any(directory.iterdir())):
        return
    if not _is_export(directory):
        raise InputError(f"{directory} exists and is not an export.", "Give another path: ildb does not delete it.")
    if not force:
        raise InputError(f"{directory} exists.", "Give another path, or --force to replace that export.")


def _is_export(directory: Path) -> bool:
    try:
        manifest = read_manifest(directory)
    except InputError:
        return False
    own = {MANIFEST, *manifest.get("files", ()), *(f"{table}.parquet" for table in manifest.get("counts", ()))}
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*") if not path.is_dir()} <= own


class _TableWriter:
    """One table into its file or files."""

    def __init__(self, server: servers.Server, folder: Path, table: str, progress: Progress | None, where: str) -> None:
        self._server = server
        self._folder = folder
        self._table = table
        self._where = where
        self._columns = server.columns(table)
        self._counter = Counter(table, server.count(table, where), progress)

    def write(self, partition: str | None) -> int:
        if partition is None:
            written = self._file(self._folder / f"{self._table}.parquet", self._columns, self._where)
            if not written and self._where != "true":
                (self._folder / f"{self._table}.parquet").unlink()
            return self._counter.verify(written)
        columns = [column for column in self._columns if column.name != partition]
        written = 0
        for value in self._server.distinct(self._table, partition):
            # Values are numbers, or words of a CHECK constraint or unit table.
            safe = str(value).replace("'", "''")
            place = self._folder / self._table / f"{partition}={_as_folder(str(value))}"
            place.mkdir(parents=True)
            written += self._file(place / "part-0.parquet", columns, f"{partition} = '{safe}'")
        return self._counter.verify(written)

    def _file(self, path: Path, columns: Sequence[servers.Column], where: str) -> int:
        with self._server.batches(self._table, columns, where=where) as reader:
            schema = _schema(reader.schema, columns)
            with pq.ParquetWriter(path, schema, compression="zstd") as writer:
                for batch in self._counter.passing(reader):
                    writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=schema), ROWS_PER_GROUP)
        return int(pq.read_metadata(path).num_rows)


def _as_folder(value: str) -> str:
    """A value as readers of partitioned folders expect it: percent-encoded where a path could not have it."""
    from urllib.parse import quote

    return quote(value, safe=" ")


def _write_deleted(server: servers.Server, chain: Chain, table: str, draft: Path, result: ExportResult) -> int:
    fresh = draft / f"{table}.parquet"
    return chain.write_deleted(
        server, table, fresh if fresh.exists() else None, result.totals[table], draft / f"{table}.deleted.parquet"
    )


def _schema(sent: pa.Schema, columns: Sequence[servers.Column]) -> pa.Schema:
    fields = []
    for field, column in zip(sent, columns, strict=True):
        notes = {"unit": column.unit, "comment": column.comment, "content": "json" if column.is_json else None}
        fields.append(field.with_metadata({key: value for key, value in notes.items() if value}))
    return pa.schema(fields)
