"""What the stages that score pairings with a property model share: slices of pairs, and a worker's scoring of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ildb.pipeline import store
from ildb.pipeline.stage import StageContext, TaskInput, TaskOutput

if TYPE_CHECKING:
    from ildb.melting.model import MeltingModel

_PAIRS = (
    "pairing_id", "cation_inchikey", "cation_smiles", "anion_inchikey", "anion_smiles", "n_cation", "n_anion",
)  # fmt: skip

SCORE_TYPES = {
    "pairing_id": "int8", "p_below": "float4", "value": "float4", "low": "float4", "high": "float4",
    "in_domain": "bool", "domain_reasons": "text[]", "nearest": "text",
}  # fmt: skip
"""Columns of `ildb.melting.rows.score_table` as PostgreSQL types, for `ildb.db.copy.stage_rows`."""


PROPOSING = ("links.expand", "generate.pair", "generate.sample")
"""Stages whose runs have pairings of their own: by link score or, of generated ones, by evidence."""


def proposing_runs(context: StageContext) -> list[int]:
    """Runs of the needed stages that propose pairings."""
    return sorted({up.run_id for up in context.upstream if up.uses in PROPOSING})


def plan_slices(
    context: StageContext, kind: str, rows: Iterable[Mapping[str, Any]], model_sha256: str, pairs_per_task: int
) -> list[dict[str, Any]]:
    """Payloads for `score_slice`: slices of one table of pairs.

    Args:
        context: the open transaction.
        kind: of the artifact that holds the pairs.
        rows: with the columns that scoring needs; best sorted by cation, so that a slice has few of them.
        model_sha256: the model's file.
        pairs_per_task: length of a slice.
    """
    table = pa.table(store.as_columns(rows, _PAIRS))
    pairs = context.put_table(kind, table)
    return [
        {"model": model_sha256, "pairs": pairs, "slice": [begin, min(pairs_per_task, len(table) - begin)]}
        for begin in range(0, len(table), pairs_per_task)
    ]


def score_slice(task: TaskInput) -> TaskOutput:
    """Score one slice: the table ``scores`` of `ildb.melting.rows.score_table`."""
    from ildb.melting.ions import IonTable
    from ildb.melting.rows import score_table
    from ildb.melting.score import score_pairs

    begin, length = task.payload["slice"]
    pairs = task.table("pairs").slice(begin, length)
    columns = {name: pairs.column(name).to_pylist() for name in _PAIRS}
    ions: dict[str, str] = {}
    for role in ("cation", "anion"):
        ions.update(zip(columns[f"{role}_inchikey"], columns[f"{role}_smiles"], strict=True))
    position = {inchikey: i for i, inchikey in enumerate(ions)}
    scores = score_pairs(
        _model(task.file("model")),
        IonTable.build(list(ions.values()), list(ions)),
        np.array([position[key] for key in columns["cation_inchikey"]], dtype=np.int64),
        np.array([position[key] for key in columns["anion_inchikey"]], dtype=np.int64),
        np.array(columns["n_cation"], dtype=np.int64),
        np.array(columns["n_anion"], dtype=np.int64),
    )
    table = score_table(columns["pairing_id"], scores)
    return TaskOutput({"n_scored": len(table)}, {"scores": table})


@lru_cache(maxsize=1)
def _model(path: Path) -> MeltingModel:
    """Kept by the worker for its next slice; the path names the content."""
    from ildb.melting.store import load

    return load(path)
