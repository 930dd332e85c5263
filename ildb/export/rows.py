"""Rows of a search as CSV, JSON or Parquet, written as they come."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

CHUNK = 2_000

_ARROW = {
    "pairing_id": pa.int64(),
    "n_cation": pa.int16(),
    "n_anion": pa.int16(),
    "names": pa.list_(pa.string()),
    "evidence": pa.list_(pa.string()),
    "tm_k": pa.float64(),
    "tm_predicted_k": pa.float32(),
    "link_probability": pa.float32(),
    "p_below_373_k": pa.float32(),
    "passed": pa.bool_(),
    "rank": pa.int32(),
}

Rows = Iterable[Mapping[str, Any]]


def write_csv(rows: Rows, columns: Sequence[str], stream: TextIO) -> int:
    """CSV with a header; lists joined by ``; ``, nothing for None. Returns the number of rows."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow([_csv_cell(row[column]) for column in columns])
        count += 1
    return count


def _csv_cell(value: Any) -> Any:
    return "; ".join(map(str, value)) if isinstance(value, list) else value


def write_json(rows: Rows, columns: Sequence[str], stream: TextIO) -> int:
    """A JSON array with one object a line. Returns the number of rows."""
    stream.write("[")
    count = 0
    for row in rows:
        stream.write(",\n " if count else "\n ")
        stream.write(json.dumps({column: row[column] for column in columns}, ensure_ascii=False))
        count += 1
    stream.write("\n]\n" if count else "]\n")
    return count


def write_parquet(rows: Rows, columns: Sequence[str], path: Path) -> int:
    """A Parquet file, text where a column is not one of a search's figures. Returns the number of rows."""
    count = 0
    with pq.ParquetWriter(path, arrow_schema(columns), compression="zstd") as writer:
        for batch in arrow_batches(rows, columns):
            writer.write_batch(batch)
            count += batch.num_rows
    return count


def arrow_schema(columns: Sequence[str]) -> pa.Schema:
    """Arrow types of a search's columns."""
    return pa.schema([(column, _ARROW.get(column, pa.string())) for column in columns])


def arrow_batches(rows: Rows, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Rows as Arrow, some thousand at a time."""
    schema = arrow_schema(columns)
    stream = iter(rows)
    while batch := [dict(row) for row in islice(stream, CHUNK)]:
        yield pa.RecordBatch.from_pylist(batch, schema=schema)
