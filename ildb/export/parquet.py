"""The database as a folder of Parquet files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ildb.errors import InputError
from ildb.export import server as servers
from ildb.export.atomic import replacing_folder, require_parent
from ildb.export.result import Counter, ExportResult, Progress

MANIFEST = "manifest.json"
ROWS_PER_GROUP = 128 * 1024


def export_parquet(
    url: str,
    directory: Path,
    tables: Sequence[str] | None = None,
    progress: Progress | None = None,
    *,
    force: bool = False,
) -> ExportResult:
    """Write every table as ``TABLE.parquet``, and ``manifest.json``, from one state of the database.

    Text arrays become lists, jsonb becomes JSON text; units and comments are in the fields' metadata. Memory does not
    grow with the number of rows.

    Args:
        url: libpq URL of the server.
        directory: folder to make; it appears complete or not at all.
        tables: only these; None for all.
        progress: called with table, rows so far, rows in all.
        force: replace an earlier export at that place.

    Raises:
        InputError: the folder exists (without ``force``, or it is not an export), or a table is unknown.
        DatabaseUnreachableError: no server answers.
        SchemaRevisionError: the schema is of another revision.
    """
    chosen = servers.choose(tables)
    check_directory(directory, force=force)
    with servers.connect(url) as server, replacing_folder(directory) as draft:
        result = ExportResult(directory, server.require_revision())
        for table in chosen:
            result.counts[table] = _write(server, table, draft / f"{table}.parquet", progress)
        manifest = json.dumps(result.manifest(), indent=2)
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
        manifest = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    own = {MANIFEST, *(f"{table}.parquet" for table in manifest.get("counts", ()))}
    return manifest.get("format") == "ildb-export" and {path.name for path in directory.iterdir()} <= own


def _write(server: servers.Server, table: str, path: Path, progress: Progress | None) -> int:
    columns = server.columns(table)
    counter = Counter(table, server.count(table), progress)
    with server.batches(table, columns) as reader:
        schema = _schema(reader.schema, columns)
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            for batch in counter.passing(reader):
                writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=schema), ROWS_PER_GROUP)
    return counter.verify(pq.read_metadata(path).num_rows)


def _schema(sent: pa.Schema, columns: Sequence[servers.Column]) -> pa.Schema:
    fields = []
    for field, column in zip(sent, columns, strict=True):
        notes = {"unit": column.unit, "comment": column.comment, "content": "json" if column.is_json else None}
        fields.append(field.with_metadata({key: value for key, value in notes.items() if value}))
    return pa.schema(fields)
