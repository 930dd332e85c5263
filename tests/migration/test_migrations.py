"""The schema the migrations build is the schema the models declare, and no migration loses rows on the way."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, make_url, text

from ildb.db import engine as engines
from ildb.db import schema
from ildb.db.models import SCHEMA, Base
from ildb.errors import InputError, SchemaRevisionError
from tests.integration.populate import fill

Ildb = Callable[..., subprocess.CompletedProcess[str]]
REVISIONS = [s.revision for s in ScriptDirectory.from_config(schema.alembic_config()).walk_revisions()][::-1]


@pytest.fixture
def connection(new_database: Callable[..., str]) -> Iterator[Connection]:
    """A connection to an empty database."""
    engine = engines.create(make_url(new_database(empty=True)).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def differences(connection: Connection) -> list[object]:
    connection.execute(text("SET search_path = public"))
    connection.dialect.default_schema_name = "public"
    context = MigrationContext.configure(
        connection,
        opts={
            "include_schemas": True,
            "include_name": lambda name, kind, _: name == SCHEMA if kind == "schema" else True,
            "version_table_schema": SCHEMA,
            "compare_type": True,
            "compare_server_default": True,
        },
    )
    return list(compare_metadata(context, Base.metadata))


def constraints(connection: Connection) -> set[tuple[str, str, str]]:
    # Alembic does not compare CHECK constraints, which carry most of this schema's promises.
    sql = (
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'ildb'::regnamespace AND conrelid <> 'ildb.alembic_version'::regclass"
    )
    return {(row[0], row[1], row[2]) for row in connection.execute(text(sql))}


def test_models_equal_migrations(connection: Connection) -> None:
    schema.upgrade(connection)
    assert differences(connection) == []


def test_check_constraints_of_models_equal_those_of_migrations(
    connection: Connection, new_database: Callable[..., str]
) -> None:
    schema.upgrade(connection)
    bare = engines.create(make_url(new_database(empty=True)).set(drivername="postgresql+psycopg"))
    with bare.begin() as other:
        other.execute(text("CREATE EXTENSION rdkit"))
        other.execute(text("CREATE SCHEMA ildb"))
        other.execute(text("CREATE TABLE ildb.alembic_version ()"))
        Base.metadata.create_all(other)
        assert constraints(other) == constraints(connection)
    bare.dispose()


def test_a_model_that_is_not_migrated_would_be_seen(connection: Connection) -> None:
    schema.upgrade(connection)
    connection.execute(text("DROP INDEX ildb.ix_ion_structure_mfp2"))
    connection.execute(text("ALTER TABLE ildb.ion_structure ALTER COLUMN mfp2 TYPE text USING 'x'"))
    connection.execute(text("ALTER TABLE ildb.ion DROP COLUMN formula CASCADE"))
    assert len(differences(connection)) >= 2


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_revision_goes_up_and_down(connection: Connection, revision: str) -> None:
    schema.upgrade(connection, revision)
    assert schema.current(connection) == revision
    schema.downgrade(connection, "-1")
    schema.upgrade(connection, revision)
    schema.downgrade(connection, "base")
    assert schema.current(connection) is None
    left = "SELECT count(*) FROM pg_class WHERE relnamespace = 'ildb'::regnamespace AND relname !~ '^alembic_version'"
    assert connection.execute(text(left)).scalar_one() == 0
    schema.upgrade(connection)
    assert schema.current(connection) == schema.head()


def test_rows_survive_each_step_down_to_the_tables_and_back(connection: Connection) -> None:
    schema.upgrade(connection)
    fill(connection)
    connection.commit()
    count = {t.name: n(connection, t.name) for t in Base.metadata.sorted_tables}
    assert all(count[name] for name in ("ion", "pairing", "measurement", "link_score", "screening_decision"))
    for revision in REVISIONS[-2::-1]:
        schema.downgrade(connection, revision)
    # A table goes, rows and all, with the revision that made it.
    oldest = set(inspect(connection).get_table_names(schema="ildb"))
    for revision in REVISIONS[1:]:
        schema.upgrade(connection, revision)
    kept = {t.name: n(connection, t.name) for t in Base.metadata.sorted_tables if t.name in oldest}
    assert kept == {name: rows for name, rows in count.items() if name in oldest}


def n(connection: Connection, table: str) -> int:
    return int(connection.execute(text(f"SELECT count(*) FROM ildb.{table}")).scalar_one())


def test_a_wrong_revision_is_an_error_that_names_the_command(connection: Connection) -> None:
    with pytest.raises(SchemaRevisionError, match="ildb db upgrade"):
        schema.require_current(connection)
    schema.upgrade(connection, REVISIONS[0])
    with pytest.raises(SchemaRevisionError, match=rf"revision {REVISIONS[0]}.*ildb db upgrade"):
        schema.require_current(connection)
    schema.upgrade(connection)
    schema.require_current(connection)
    connection.execute(text("UPDATE ildb.alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaRevisionError, match="newer ildb"):
        schema.require_current(connection)


def test_an_unknown_revision_is_refused(connection: Connection) -> None:
    with pytest.raises(InputError, match="no_such"):
        schema.upgrade(connection, "no_such")


def test_upgrade_says_what_it_did_and_that_it_never_goes_down(new_database: Callable[..., str], ildb: Ildb) -> None:
    url = new_database(empty=True)
    assert ildb("db", "upgrade", REVISIONS[1], url=url).stdout == f"Schema: none -> {REVISIONS[1]}\n"
    assert ildb("db", "upgrade", REVISIONS[1], url=url).stdout == f"Schema: {REVISIONS[1]} already.\n"
    refused = ildb("db", "upgrade", REVISIONS[0], url=url)
    assert (refused.returncode, refused.stdout) == (3, "")
    assert f"at revision {REVISIONS[1]}, past {REVISIONS[0]}" in refused.stderr
