"""Scores as a table of rows to store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ildb.melting.score import PairScores


def score_table(pairing_ids: Sequence[int] | npt.NDArray[np.int64], scores: PairScores) -> pa.Table:
    """One row per pairing: the numbers, null where there is none, the reasons, and the nearest known ILs as JSON text.

    Args:
        pairing_ids: of each scored pairing.
        scores: of the pairings, in the same order.
    """
    return pa.table(
        {
            "pairing_id": pa.array(pairing_ids, pa.int64()),
            "p_below": _or_null(scores.p_below_threshold),
            "value": _or_null(scores.tm_k),
            "low": _or_null(scores.tm_low_k),
            "high": _or_null(scores.tm_high_k),
            "in_domain": scores.in_domain,
            "domain_reasons": pa.array(scores.reasons, pa.list_(pa.string())),
            "nearest": pa.array(_nearest(scores), pa.string()),
        }
    )


def _nearest(scores: PairScores) -> list[str]:
    """JSON texts; what does not depend on the pairing is written once per training row."""
    model = scores.model
    used = np.unique(scores.neighbour_rows).tolist()
    heads = {row: json.dumps(model.neighbour(row, 0.0)._asdict() | {"similarity": None})[:-5] for row in used}
    return [
        f"[{', '.join(f'{heads[row]}{value:.6g}}}' for row, value in zip(rows, values, strict=True) if value > 0)}]"
        for rows, values in zip(scores.neighbour_rows.tolist(), scores.neighbour_similarity.tolist(), strict=True)
    ]


def stored_rows(table: pa.Table, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """The table's rows as tuples of these columns."""
    return list(zip(*(table.column(name).to_pylist() for name in columns), strict=True))


def _or_null(values: npt.NDArray[np.float64]) -> pa.Array:
    # NaN marks a pairing the model cannot describe.
    return pa.array(values, mask=np.isnan(values))
