"""Write the whole database into one file."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
from psycopg import sql
from sqlalchemy import Connection, Engine

from ildb import __version__
from ildb.archive import content
from ildb.archive.manifest import MEMBER, File, Manifest, Sequence, Table
from ildb.db import query, schema
from ildb.db.engine import raw
from ildb.errors import ArtifactError, IldbError, InputError, SchemaRevisionError
from ildb.export.atomic import replacing_file, require_file_path
from ildb.hashing import sha256_file
from ildb.pipeline.artifacts import ArtifactStore

# (what, how much so far, how much in all): rows of a table, then files.
Progress = Callable[[str, int, int], None]


def check_target(path: Path, *, force: bool) -> None:
    """Refuse a place where the archive cannot be written, or would destroy something.

    Raises:
        InputError: naming it.
    """
    require_file_path(path)
    if path.exists() and not force:
        raise InputError(f"{path} exists.", "Give another path, or --force to replace it.")


def create_archive(
    engine: Engine,
    path: Path,
    store: ArtifactStore,
    progress: Progress = lambda *_: None,
    *,
    force: bool = False,
    skip_missing: bool = False,
) -> Manifest:
    """Write one state of the database, and the files its runs made, into a file that appears whole or not at all.

    Memory does not grow with the number of rows. Searchable structures are left out: they are made anew on restore.

    Args:
        engine: a database at any schema revision.
        path: file to make.
        store: the files that runs made.
        progress: told what is being written.
        force: replace a file at that place.
        skip_missing: leave out files that are missing or damaged, and say so in the manifest.

    Raises:
        InputError: the path cannot be used.
        ArtifactError: a file that a run made is missing or damaged.
        SchemaRevisionError: the database has no schema.
    """
    check_target(path, force=force)
    with (
        engine.connect().execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True) as connection,
        replacing_file(path) as draft,
    ):
        revision = schema.current(connection)
        if revision is None:
            raise SchemaRevisionError("The database has no ildb schema yet.", "Run: ildb db upgrade")
        content.fix_settings(connection)
        found = content.find_tables(connection)
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as file:
            tables = [_add_table(connection, name, file, draft.parent, progress) for name in found.archived]
            files, missing = _add_artifacts(connection, store, file, progress, skip_missing=skip_missing)
            manifest = Manifest(
                created_at=datetime.now(UTC),
                code_version=__version__,
                revision=revision,
                tables=tuple(tables),
                sequences=tuple(_sequences(connection, found)),
                artifacts=tuple(files),
                missing_artifacts=tuple(missing),
            )
            file.writestr(MEMBER, manifest.model_dump_json(indent=1))
        _make_durable(draft)
    return manifest


def _add_table(connection: Connection, name: str, file: zipfile.ZipFile, scratch: Path, progress: Progress) -> Table:
    columns = content.columns(connection, name)
    expected = content.count(connection, name)
    progress(name, 0, expected)
    draft = scratch / f"{name}.parquet"
    done = 0
    with pq.ParquetWriter(draft, content.arrow_schema(columns), compression="zstd") as writer:
        for batch in content.read_batches(connection, name, columns):
            writer.write_batch(batch)
            done += batch.num_rows
            progress(name, done, expected)
    if done != expected:
        raise IldbError(f"Table {name}: {expected} rows on the server, {done} came.", "Nothing was kept.")
    table = Table(
        name=name,
        columns=columns,
        n_rows=done,
        content_sha256=content.checksum(connection, name, columns),
        file_sha256=sha256_file(draft),
    )
    file.write(draft, table.member)
    draft.unlink()
    return table


def _add_artifacts(
    connection: Connection, store: ArtifactStore, file: zipfile.ZipFile, progress: Progress, *, skip_missing: bool
) -> tuple[list[File], list[str]]:
    rows = query.rows(connection, "archive/artifacts")
    found: list[File] = []
    missing: list[str] = []
    for n, row in enumerate(rows):
        progress("files", n, len(rows))
        try:
            path = store.get(row["sha256"])
        except ArtifactError as error:
            if skip_missing:
                missing.append(row["sha256"])
                continue
            raise ArtifactError(error.what, "Bring it back, or archive without it: --skip-missing") from error
        entry = File(sha256=row["sha256"], n_bytes=path.stat().st_size)
        file.write(path, entry.member)
        found.append(entry)
    progress("files", len(rows), len(rows))
    return found, missing


def _sequences(connection: Connection, found: content.Found) -> list[Sequence]:
    states = []
    for row in query.rows(connection, "archive/sequences"):
        if row["table_name"] in found.derived:
            continue
        schema_name, _, name = row["sequence"].partition(".")
        state = (
            raw(connection)
            .execute(sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(schema_name, name)))
            .fetchone()
        )
        assert state is not None  # a sequence is one row  # noqa: S101
        states.append(
            Sequence(table=row["table_name"], column=row["column_name"], last_value=state[0], is_called=state[1])
        )
    return states


def _make_durable(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
