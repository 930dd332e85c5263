"""A real PostgreSQL with the cartridge: one server per test session, one database per module that asks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Engine, make_url

HOME_VARIABLE = "ILDB_TEST_HOME"
TEMPLATE = "ildb_template"


def pytest_configure(config: pytest.Config) -> None:
    """The controller names one home; workers inherit it."""
    if not hasattr(config, "workerinput"):
        os.environ[HOME_VARIABLE] = tempfile.mkdtemp(prefix="ildb-test-")
        # The packages of the server are fetched once (`make setup`), not for every test session.
        os.environ.setdefault("ILDB_SERVER_DIR", str(_ready_home() / "server"))
    # A server or home of the person who runs the tests is never touched.
    os.environ.pop("ILDB_DATABASE_URL", None)
    os.environ["ILDB_HOME"] = os.environ[HOME_VARIABLE]


def _ready_home() -> Path:
    from ildb.config import Settings

    return Settings().home_dir


def pytest_unconfigure(config: pytest.Config) -> None:
    """Only the controller stops the server."""
    if hasattr(config, "workerinput"):
        return
    from ildb.db import server

    home = Path(os.environ[HOME_VARIABLE])
    server.down(home)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def server_url() -> str:
    """libpq URL of the session's server, database ``postgres``; ``up`` is safe to call from many workers at once."""
    from ildb.db import server

    url = make_url(server.up(Path(os.environ[HOME_VARIABLE])).url).set(database="postgres")
    return url.render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def template(server_url: str) -> str:
    """A migrated, empty database that others are cloned from."""
    from ildb.db import engine, schema

    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(1)")
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", [TEMPLATE]).fetchone() is None:
            draft = f"draft_{uuid.uuid4().hex}"
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(draft)))
            made = engine.create(_database(server_url, draft))
            with made.connect() as migrating:
                schema.upgrade(migrating)
            made.dispose()
            connection.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(draft), sql.Identifier(TEMPLATE))
            )
    return TEMPLATE


def _database(server_url: str, name: str) -> object:
    return make_url(server_url).set(drivername="postgresql+psycopg", database=name)


@pytest.fixture(scope="session")
def new_database(server_url: str, template: str) -> Callable[..., str]:
    """Make databases: call it for the libpq URL of a new one (``empty=True`` for one without ildb's schema)."""

    def create(*, empty: bool = False) -> str:
        name = f"t_{uuid.uuid4().hex}"
        source = sql.SQL("template0") if empty else sql.Identifier(template)
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute("SELECT pg_advisory_lock(1)")  # one clone of a template at a time
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), source))
        return make_url(server_url).set(database=name).render_as_string(hide_password=False)

    # Nothing is dropped: each drop waits for a checkpoint, and the whole server goes at the end.
    return create


@pytest.fixture(scope="module")
def database_url(new_database: Callable[..., str]) -> str:
    """libpq URL of a migrated database of the module's own."""
    return new_database()


@pytest.fixture(scope="module")
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on ``database_url``."""
    from ildb.db import engine as engines

    made = engines.create(make_url(database_url).set(drivername="postgresql+psycopg"))
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def ildb() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command line as a user does: ``ildb("stats", "--json", url=...)``."""

    def run(
        *arguments: str, url: str | None = None, timeout_s: float = 120, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "COLUMNS": "200", **environment}
        if url is not None:
            env["ILDB_DATABASE_URL"] = url
        return subprocess.run(
            [sys.executable, "-m", "ildb.cli.app", *arguments],
            env=env, capture_output=True, text=True, timeout=timeout_s, check=False,
        )  # fmt: skip

    return run
