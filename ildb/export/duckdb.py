"""The database as one DuckDB file, with analytics as views."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

import duckdb
import pyarrow as pa

from ildb.errors import InputError
from ildb.export import server as servers
from ildb.export.atomic import replacing_file, require_file_path
from ildb.export.result import Counter, ExportResult, Progress
from ildb.resources import resource_dir, sql_text

# The server's views whose rows go along, each with the tables it is made of.
VIEWS = ("known_il", "candidate", "consensus_measurement", "md_parity")
MEMORY_LIMIT = "512MB"


def export_duckdb(
    url: str,
    file: Path,
    tables: Sequence[str] | None = None,
    progress: Progress | None = None,
    *,
    force: bool = False,
) -> ExportResult:
    """Write every table, and the views ``VIEWS`` as tables, into a DuckDB file from one state of the database.

    Text arrays become lists, jsonb becomes JSON; units and comments are comments of the columns. Table ``_ildb_export``
    says what the file is. Every query of ``sql/duckdb`` whose tables are there becomes a view.

    Args:
        url: libpq URL of the server.
        file: file to make; it appears complete or not at all.
        tables: only these tables or views; None for all.
        progress: called with table, rows so far, rows in all.
        force: replace an existing file.

    Raises:
        InputError: the file exists (without ``force``), or a table is unknown.
        DatabaseUnreachableError: no server answers.
        SchemaRevisionError: the schema is of another revision.
    """
    chosen = servers.choose(tables, VIEWS)
    check_file(file, force=force)
    with servers.connect(url) as server, replacing_file(file) as draft:
        result = ExportResult(file, server.require_revision())
        config: dict[str, str | bool | int | float | list[str]] = {"memory_limit": MEMORY_LIMIT}
        try:
            with duckdb.connect(str(draft), config=config) as target:
                for table in chosen:
                    result.counts[table] = _write(server, target, table, progress)
                result.views = _add_analytics(target)
                _describe(target, result)
        except duckdb.IOException as error:
            raise OSError(" ".join(str(error).split())) from error  # as any file that cannot be written
    return result


def check_file(file: Path, *, force: bool) -> None:
    """Refuse a place where no file can be written, or where one is.

    Raises:
        InputError: with the reason.
    """
    require_file_path(file)
    if file.exists() and not force:
        raise InputError(f"{file} exists.", "Give another path, or --force to replace it.")


def _write(server: servers.Server, target: duckdb.DuckDBPyConnection, table: str, progress: Progress | None) -> int:
    columns = server.columns(table)
    counter = Counter(table, server.count(table), progress)
    as_json = [f'"{c.name}"::JSON AS "{c.name}"' for c in columns if c.is_json]
    replaced = f" REPLACE ({', '.join(as_json)})" if as_json else ""
    with server.batches(table, columns) as reader:
        counted = pa.RecordBatchReader.from_batches(reader.schema, counter.passing(reader))
        target.register("incoming", counted)
        try:
            target.execute(f'CREATE TABLE "{table}" AS SELECT *{replaced} FROM incoming')  # noqa: S608
        except duckdb.Error:
            if counter.error is not None:
                raise counter.error from None
            raise
        finally:
            target.unregister("incoming")
    for column in columns:
        notes = [text for text in (column.comment, column.unit and f"unit: {column.unit}") if text]
        if notes:
            text = "; ".join(notes).replace("'", "''")
            target.execute(f"""COMMENT ON COLUMN "{table}"."{column.name}" IS '{text}'""")
    written = target.execute(f'SELECT count(*) FROM "{table}"').fetchall()[0][0]  # noqa: S608
    return counter.verify(int(written))


def analytics() -> list[str]:
    """Names of the queries of ``sql/duckdb``."""
    return sorted(path.stem for path in (resource_dir("sql") / "duckdb").glob("*.sql"))


def _add_analytics(target: duckdb.DuckDBPyConnection) -> list[str]:
    made = []
    for name in analytics():
        query = sql_text(f"duckdb/{name}")
        try:
            target.execute(f'CREATE VIEW "{name}" AS\n{query}')
        except duckdb.CatalogException:
            continue  # some of its tables were not asked for
        about = " ".join(line[2:].strip() for line in takewhile(lambda line: line.startswith("--"), query.splitlines()))
        target.execute(f"""COMMENT ON VIEW "{name}" IS '{about.replace("'", "''")}'""")
        made.append(name)
    return made


def _describe(target: duckdb.DuckDBPyConnection, result: ExportResult) -> None:
    target.execute(
        "CREATE TABLE _ildb_export AS SELECT ?::VARCHAR AS revision, ?::TIMESTAMPTZ AS created_at,"
        " ?::VARCHAR AS code_version, ?::JSON AS counts, ?::VARCHAR[] AS views",
        [result.revision, result.created_at, result.code_version, json.dumps(result.counts), result.views],
    )
