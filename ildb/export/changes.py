"""Exports that continue one another: a full one, then only what is new.

A row carries the transaction that wrote it, so rows inserted or changed since an export are told without a look at the
rest. A row that is gone leaves nothing; it is missed when the numbers do not add up (rows there were, plus rows with
new keys, minus rows on the server), and only then all keys of the table are read to name it.

To bring a copy up to date, in the order of the exports: delete the keys of ``TABLE.deleted.parquet``, then insert the
rows of ``TABLE.parquet``, replacing rows of the same key. ``latest`` does so for reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from ildb.db.models import SCHEMA, Base
from ildb.errors import IldbError, InputError
from ildb.export.manifest import read_manifest, verify_export
from ildb.export.server import Moment, Server

MEMORY_LIMIT = "512MB"


@dataclass(frozen=True)
class Chain:
    """Exports of one database, from a full one on.

    Attributes:
        folders: oldest first.
        moment: the state of the database that the last one shows.
        revision: the schema's, the same for all.
    """

    folders: list[Path]
    moment: Moment
    revision: str

    def write_deleted(self, server: Server, table: str, fresh: Path | None, total: int, path: Path) -> int:
        """Write the keys of rows that the chain has and the server no more; how many.

        Args:
            server: the state now.
            table: its name.
            fresh: the rows that are new or changed; None for none.
            total: rows on the server.
            path: where to write; no file when nothing is gone.

        Raises:
            IldbError: the numbers do not add up after all.
        """
        names = key_of(table)
        keys = ", ".join(names)
        with duckdb.connect(config={"memory_limit": MEMORY_LIMIT}) as scratch:
            scratch.execute(f"CREATE TABLE known AS SELECT {keys} FROM ({latest(self.folders, table)})")  # noqa: S608
            new = f"SELECT {keys} FROM {_read(fresh)}" if fresh else f"SELECT {keys} FROM known WHERE false"  # noqa: S608
            scratch.execute(f"INSERT INTO known SELECT {keys} FROM ({new}) AS f ANTI JOIN known USING ({keys})")  # noqa: S608
            n_known = _number(scratch, "SELECT count(*) FROM known")
            if n_known == total:
                return 0
            with server.stream(f"SELECT {keys} FROM {SCHEMA}.{table}") as reader:  # noqa: S608
                _keep(scratch, "present", reader)
            gone = f"SELECT {keys} FROM known ANTI JOIN present USING ({keys})"  # noqa: S608
            n_gone = _number(scratch, f"SELECT count(*) FROM ({gone})")  # noqa: S608
            if n_known - n_gone != total:
                raise IldbError(
                    f"Table {table}: {n_known} rows are known, {n_gone} are gone, but the server has {total}.",
                    "Nothing was kept. Make a full export.",
                )
            scratch.execute(f"COPY ({gone} ORDER BY ALL) TO '{_quoted(path)}' (FORMAT PARQUET)")
            return n_gone


def read_chain(last: Path, tables: Sequence[str]) -> Chain:
    """The exports that one continues, with itself, all verified.

    Args:
        last: folder of the newest.
        tables: what every one must have.

    Raises:
        InputError: one is missing, damaged, partitioned or lacks a table.
    """
    folders: list[Path] = []
    here: Path | None = last
    while here is not None:
        manifest = read_manifest(here)
        if problems := verify_export(here):
            raise InputError(f"The export {here} is damaged: {problems[0]}.", "Make a full export.")
        missing = sorted(set(tables) - set(manifest["counts"]))
        partitioned = any("/" in name for name in manifest["files"])
        if missing or partitioned or "moment" not in manifest:
            why = f"it lacks {', '.join(missing)}" if missing else "it is partitioned or of an older ildb"
            raise InputError(f"The export {here} cannot be continued: {why}.", "Make a full export.")
        if not folders:
            moment, revision = Moment(**manifest["moment"]), str(manifest["revision"])
        folders.insert(0, here)
        here = (here / manifest["continues"]).resolve() if "continues" in manifest else None
    return Chain(folders, moment, revision)


def latest(folders: Sequence[Path], table: str) -> str:
    """A DuckDB query for the rows of a table after all exports of a chain.

    Args:
        folders: oldest first.
        table: its name.
    """
    keys = ", ".join(key_of(table))
    sql = ""
    for folder in folders:
        gone, fresh = folder / f"{table}.deleted.parquet", folder / f"{table}.parquet"
        if sql and gone.exists():
            sql = f"SELECT * FROM ({sql}) ANTI JOIN {_read(gone)} USING ({keys})"  # noqa: S608
        if not fresh.exists():
            continue
        rows = f"SELECT * FROM {_read(fresh)}"  # noqa: S608
        sql = f"{rows} UNION ALL SELECT * FROM ({sql}) ANTI JOIN {_read(fresh)} USING ({keys})" if sql else rows  # noqa: S608
    return sql


def key_of(table: str) -> list[str]:
    """The columns of a table's primary key."""
    return [column.name for column in Base.metadata.tables[f"{SCHEMA}.{table}"].primary_key]


def _read(path: Path) -> str:
    return f"read_parquet('{_quoted(path)}')"


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _number(scratch: duckdb.DuckDBPyConnection, statement: str) -> int:
    return int(scratch.execute(statement).fetchall()[0][0])


def _keep(scratch: duckdb.DuckDBPyConnection, name: str, reader: pa.RecordBatchReader) -> None:
    scratch.register("incoming", reader)
    try:
        scratch.execute(f"CREATE TABLE {name} AS SELECT * FROM incoming")  # noqa: S608
    finally:
        scratch.unregister("incoming")
