"""Bring an archive back into an empty server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from alembic.script import ScriptDirectory
from psycopg import sql
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from ildb.archive import content
from ildb.archive.container import Archive, opened
from ildb.archive.create import Progress
from ildb.archive.manifest import Manifest, Table
from ildb.db import query, schema
from ildb.db.engine import raw
from ildb.db.models import SCHEMA
from ildb.db.structures import add_structures
from ildb.errors import DatabaseUnreachableError, InputError, SchemaRevisionError
from ildb.pipeline.artifacts import ArtifactStore


@dataclass(frozen=True)
class Restored:
    """An archive that was restored; ``revision`` is the schema's now, ``n_structures`` those made anew."""

    manifest: Manifest
    revision: str
    n_structures: int


def restore_archive(engine: Engine, path: Path, store: ArtifactStore, progress: Progress = lambda *_: None) -> Restored:
    """Restore a database into an empty server, verified before, on the way and after.

    The rows are loaded, compared with their checksums and committed in one transaction, at the revision of the archive;
    an archive of an older revision is then upgraded. When anything fails, the server is left as it was found.

    Args:
        engine: a server; with ildb's schema at any known revision and no rows, or without it.
        path: the archive.
        store: where the files of runs go.
        progress: told what is being done.

    Raises:
        InputError: the archive is damaged, incomplete or foreign, or the database has rows.
        SchemaRevisionError: the archive or the database is of a newer revision than this code knows.
        ArtifactError: a file cannot be stored.
    """
    with opened(path) as archive:
        manifest = archive.manifest
        known = _known_revisions()
        _require_known(manifest.revision, known, f"The archive {path}")
        n_files = len(manifest.members)
        done = iter(range(n_files + 1))
        archive.verify(lambda _: progress("checking", next(done), n_files))
        progress("checking", n_files, n_files)
        with engine.connect() as connection:
            found = schema.current(connection)
            if found is not None:
                _require_known(found, known, "The database's schema")
            _require_empty(connection)
            connection.rollback()
            with _files_removed_on_failure(store) as added, _undone_on_failure(connection, found, known) as progressed:
                _move(connection, found, manifest.revision, known)
                is_current = manifest.revision == schema.head()
                with connection.begin(), store.scratch() as scratch:
                    store.mark_database(connection)
                    _load(connection, archive, progress)
                    n_structures = add_structures(connection) if is_current else 0
                    _store_files(archive, store, scratch, added, progress)
                    _set_sequences(connection, manifest)
                progressed.is_loaded = True
                if not is_current:
                    schema.upgrade(connection)
                    connection.rollback()
                    with connection.begin():
                        n_structures = add_structures(connection)
            with connection.begin():
                connection.execute(text("ANALYZE"))
    return Restored(manifest, schema.head(), n_structures)


def _known_revisions() -> list[str]:
    """Revisions from the newest to the oldest."""
    scripts = ScriptDirectory.from_config(schema.alembic_config())
    return [script.revision for script in scripts.walk_revisions()]


def _require_known(revision: str, known: list[str], whose: str) -> None:
    if revision not in known:
        raise SchemaRevisionError(
            f"{whose} is at schema revision {revision}, which this ildb does not know (it knows up to {known[0]}).",
            "A newer ildb made it: upgrade ildb with pip.",
        )


def _require_empty(connection: Connection) -> None:
    for table in content.find_tables(connection).all:
        if content.has_rows(connection, table):
            raise InputError(
                f"The database holds rows already (table {table}); an archive is restored into an empty one.",
                "Make a new database and set ILDB_DATABASE_URL, or empty this one: ildb db reset --yes",
            )


def _move(connection: Connection, found: str | None, wanted: str, known: list[str]) -> None:
    """Bring an empty schema to a revision, up or down."""
    if found is None or known.index(found) > known.index(wanted):
        schema.upgrade(connection, wanted)
    elif found != wanted:
        schema.downgrade(connection, wanted)
    connection.rollback()


@dataclass
class _Progressed:
    """How far a restore has come: whether its rows are committed."""

    is_loaded: bool = False


@contextmanager
def _undone_on_failure(connection: Connection, found: str | None, known: list[str]) -> Iterator[_Progressed]:
    """Leave a schema as it was when the block fails; alembic's steps cannot share one transaction with the rows."""
    progressed = _Progressed()
    try:
        yield progressed
    except BaseException as error:
        # A server that is gone has rolled back by itself.
        with suppress(psycopg.OperationalError, OperationalError):
            connection.rollback()
            _undo(connection, found, known, progressed)
        _explain(error)
        raise


def _undo(connection: Connection, found: str | None, known: list[str], progressed: _Progressed) -> None:
    tables = content.find_tables(connection).all
    if not progressed.is_loaded and any(content.has_rows(connection, table) for table in tables):
        connection.rollback()
        return  # somebody else was quicker, and these rows are theirs
    if found is not None and not progressed.is_loaded:
        now = schema.current(connection)
        connection.rollback()
        _move(connection, now, found, known)
        return
    # Not TRUNCATE, which the audit trail rightly refuses.
    connection.execute(text(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"))
    connection.commit()
    if found is not None:
        schema.upgrade(connection, found)


def _explain(error: BaseException) -> None:
    """Turn what the server says about an archive's rows into an error that a user can act on."""
    origin = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(origin, psycopg.Error):
        return
    reason = str(origin).strip().splitlines()[0] if str(origin).strip() else "no reason given"
    if isinstance(origin, psycopg.OperationalError):
        raise DatabaseUnreachableError(
            f"The restore broke off: {reason}.", "Its rows come all at once or not at all; restore again."
        ) from error
    raise InputError(f"The archive's rows cannot be loaded: {reason}.", "Nothing was kept.") from error


def _load(connection: Connection, archive: Archive, progress: Progress) -> None:
    query.execute(connection, "ingest/lock")
    content.fix_settings(connection)
    present = content.find_tables(connection)
    names = sql.SQL(", ").join(sql.Identifier(SCHEMA, table) for table in present.all)
    raw(connection).execute(sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(names))
    _require_empty(connection)
    tables = archive.manifest.tables
    absent = set(present.archived) ^ {table.name for table in tables}
    if absent:
        raise InputError(
            f"{archive.path} and the schema of revision {archive.manifest.revision} differ in table {min(absent)}.",
            "The file is damaged; use another copy.",
        )
    for table in tables:
        _load_table(connection, archive, table, progress)
    for table in tables:
        progress("verifying", tables.index(table), len(tables))
        if content.checksum(connection, table.name, table.columns) != table.content_sha256:
            raise InputError(
                f"{archive.path}: the rows of {table.name} came back different from what was archived.",
                "Nothing was kept. Please report it with the versions of both servers.",
            )
    progress("verifying", len(tables), len(tables))


def _load_table(connection: Connection, archive: Archive, table: Table, progress: Progress) -> None:
    if content.columns(connection, table.name) != table.columns:
        raise InputError(
            f"{archive.path}: the columns of {table.name} are not those of revision {archive.manifest.revision}.",
            "The file is damaged; use another copy.",
        )
    progress(table.name, 0, table.n_rows)
    done = 0
    with archive.batches(table) as batches:
        for done in content.write_batches(connection, table.name, table.columns, batches):
            progress(table.name, done, table.n_rows)
    if done != table.n_rows:
        raise InputError(
            f"{archive.path}: {table.member} has {done} rows, the manifest says {table.n_rows}.",
            "The file is damaged; use another copy.",
        )


def _set_sequences(connection: Connection, manifest: Manifest) -> None:
    # Last, because it is the one thing here that a rollback does not undo.
    for state in manifest.sequences:
        raw(connection).execute(
            "SELECT setval(pg_get_serial_sequence(%s, %s), %s, %s)",
            [f"{SCHEMA}.{state.table}", state.column, state.last_value, state.is_called],
        )


@contextmanager
def _files_removed_on_failure(store: ArtifactStore) -> Iterator[list[str]]:
    added: list[str] = []
    try:
        yield added
    except BaseException:
        for sha256 in added:
            (store.root / sha256[:2] / sha256).unlink(missing_ok=True)
        raise


def _store_files(archive: Archive, store: ArtifactStore, scratch: Path, added: list[str], progress: Progress) -> None:
    files = archive.manifest.artifacts
    for n, file in enumerate(files):
        progress("files", n, len(files))
        draft = scratch / file.sha256
        archive.extract(file, draft)
        target = store.root / file.sha256[:2] / file.sha256
        if not target.exists():
            added.append(file.sha256)
        store.put(draft)
        draft.unlink()
    progress("files", len(files), len(files))
