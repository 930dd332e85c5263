"""The answer to a query of a person's own as CSV, JSON or Parquet, whatever types it has."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from psycopg.postgres import types
from psycopg.types import TypeInfo

from ildb.search.sql import CHUNK, Answer, Column

_JSON = {types["json"].oid, types["jsonb"].oid}
_ARROW: Mapping[str, pa.DataType] = {
    "bool": pa.bool_(), "int2": pa.int16(), "int4": pa.int32(), "int8": pa.int64(), "oid": pa.int64(),
    "float4": pa.float32(), "float8": pa.float64(), "numeric": pa.float64(), "date": pa.date32(),
    "timestamp": pa.timestamp("us"), "timestamptz": pa.timestamp("us", tz="UTC"), "bytea": pa.binary(),
}  # fmt: skip


def plain(value: Any) -> Any:
    """A value as JSON has it: exact numbers, ISO 8601 times, text for what JSON cannot say (NaN, infinity)."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        if not value.is_finite():
            return str(value)
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def plain_rows(answer: Answer, limit: int | None, *, nested_as_text: bool) -> Iterator[dict[str, Any]]:
    """The rows by column.

    Args:
        answer: the query's rows.
        limit: at most so many; None for all.
        nested_as_text: JSON values as JSON text, for formats without nesting.
    """
    names = [column.name for column in answer.columns]
    for row in answer.rows(limit):
        values = [plain(value) for value in row]
        if nested_as_text:
            values = [
                json.dumps(value, ensure_ascii=False) if isinstance(value, dict) or _is_deep(value) else value
                for value in values
            ]
        yield dict(zip(names, values, strict=True))


def _is_deep(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(item, list | dict) for item in value)


def _arrow_type(column: Column) -> pa.DataType:
    info = types.get(column.type_oid)
    if not isinstance(info, TypeInfo):
        return pa.string()
    kind = _ARROW.get(info.name, pa.string())
    return pa.list_(kind) if column.type_oid == info.array_oid else kind


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """Arrow types of the columns: numbers, times and one-dimensional arrays as such, everything else as text.

    ``numeric``, the type of PostgreSQL's own sums and averages, becomes a double.
    """
    return pa.schema([(column.name, _arrow_type(column)) for column in columns])


def record_batches(answer: Answer, limit: int | None) -> Iterator[pa.RecordBatch]:
    """The rows as Arrow, some thousand at a time."""
    schema = arrow_schema(answer.columns)
    stream = answer.rows(limit)
    while part := list(islice(stream, CHUNK)):
        arrays = [
            pa.array([_arrow_value(value, column, field.type) for value in values], field.type)
            for values, column, field in zip(zip(*part, strict=True), answer.columns, schema, strict=True)
        ]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def write_parquet(answer: Answer, limit: int | None, path: Path) -> int:
    """Write a Parquet file; how many rows it has."""
    count = 0
    with pq.ParquetWriter(path, arrow_schema(answer.columns), compression="zstd") as writer:
        for batch in record_batches(answer, limit):
            writer.write_batch(batch)
            count += batch.num_rows
    return count


def _arrow_value(value: Any, column: Column, kind: pa.DataType) -> Any:
    if value is None:
        return None
    if pa.types.is_list(kind):
        if _is_deep(value):
            value = [json.dumps(plain(item), ensure_ascii=False) for item in value]
        return [_arrow_value(item, column, kind.value_type) for item in value]
    if pa.types.is_floating(kind):
        return float(value)
    if pa.types.is_string(kind) and not isinstance(value, str):
        is_json = column.type_oid in _JSON or isinstance(value, dict | list)
        return json.dumps(plain(value), ensure_ascii=False) if is_json else str(plain(value))
    return value
