"""Who may do what: role by role, table by table, statement by statement; and who did what."""

# ruff: noqa: F811 (fixtures are imported by name)
from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg import errors, sql
from sqlalchemy import Connection, Engine, make_url, text

from ildb.db import engine as engines
from ildb.db import schema
from ildb.db.models import Base
from ildb.errors import DatabaseUnreachableError
from ildb.resources import sql_text
from tests.integration.command import Outcome, command  # noqa: F401
from tests.integration.populate import Populated, populated  # noqa: F401

ROLES = ("ildb_owner", "ildb_curator", "ildb_runner", "ildb_reader")
TABLES = sorted(table.name for table in Base.metadata.sorted_tables)
VIEWS = ("candidate", "consensus_measurement", "known_il", "lineage", "md_parity")
FACTS = {"ion", "ion_alias", "ion_structure", "measurement", "pairing", "pairing_evidence"}
SOURCES = {"ingest", "ingest_batch", "quarantine", "source"}
BOOKS = {
    "artifact", "dataset_snapshot", "generated_molecule", "ion_property", "link_score", "md_melting_point",
    "md_parameters", "md_point", "md_simulation", "melting_score", "model", "property_score", "run",
    "screening_decision", "snapshot_row", "stage_run", "task", "task_attempt", "worker",
}  # fmt: skip
# What a role may do beyond SELECT. The owner may do everything, except to the audit trail.
MAY = {
    "ildb_reader": {"INSERT": set(), "UPDATE": set(), "DELETE": set(), "TRUNCATE": set()},
    "ildb_curator": {
        "INSERT": FACTS | SOURCES,
        "UPDATE": {"ion", "quarantine", "source"},
        "DELETE": {"ion_structure"},
        "TRUNCATE": set(),
    },
    "ildb_runner": {
        "INSERT": FACTS | BOOKS,
        "UPDATE": {"artifact", "ion", "run", "stage_run", "task"},
        "DELETE": set(),
        "TRUNCATE": set(),
    },
    "ildb_owner": dict.fromkeys(("INSERT", "UPDATE", "DELETE", "TRUNCATE"), FACTS | SOURCES | BOOKS),
}
# A column that a role with UPDATE may change; ``id`` or another key where it may change all.
CHANGES = {"ion": "flags", "quarantine": "status", "source": "licence", "run": "status", "artifact": "path"}
ANY_COLUMN = {
    "generated_molecule": "outcome", "ion_property": "version", "ion_structure": "ion_id", "link_score": "reasons",
    "melting_score": "in_domain", "property_score": "in_domain", "screening_decision": "score", "task_attempt": "error",
}  # fmt: skip


@pytest.fixture
def connection(engine: Engine, populated: Populated) -> Iterator[Connection]:
    """A transaction that is rolled back."""
    with engine.connect() as connection:
        yield connection
        connection.rollback()


def statement(action: str, table: str) -> str:
    if action == "SELECT":
        return f"SELECT * FROM ildb.{table} LIMIT 1"
    if action == "INSERT":
        return f"INSERT INTO ildb.{table} SELECT * FROM ildb.{table} WHERE false"
    if action == "UPDATE":
        column = CHANGES.get(table) or ANY_COLUMN.get(table, "id")
        if column == "id":
            # Identity columns take DEFAULT only.
            return f"UPDATE ildb.{table} SET id = DEFAULT WHERE false"
        return f"UPDATE ildb.{table} SET {column} = {column} WHERE false"
    if action == "DELETE":
        return f"DELETE FROM ildb.{table} WHERE false"
    return f"TRUNCATE ildb.{table} CASCADE"


def allowed(connection: Connection, role: str, sql: str) -> bool:
    """Whether a role may run a statement; any error but that of the rights is the test's own."""
    savepoint = connection.begin_nested()
    try:
        connection.execute(text(f"SET LOCAL ROLE {role}"))
        connection.execute(text(sql))
    except Exception as error:
        if isinstance(getattr(error, "orig", None), errors.InsufficientPrivilege):
            return False
        raise
    finally:
        savepoint.rollback()
    return True


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("action", ["SELECT", "INSERT", "UPDATE", "DELETE"])
def test_permission_matrix(connection: Connection, role: str, action: str) -> None:
    expected = set(TABLES) if action == "SELECT" else MAY[role][action]
    assert {table for table in TABLES if allowed(connection, role, statement(action, table))} == expected


@pytest.mark.parametrize("role", ROLES)
def test_truncate(connection: Connection, role: str) -> None:
    # A TRUNCATE takes what refers to the table along, so each is asked for by privilege, one is tried.
    found = {
        table
        for table in TABLES
        if connection.execute(
            text("SELECT has_table_privilege(:role, CAST(:name AS regclass), 'TRUNCATE')"),
            {"role": role, "name": f"ildb.{table}"},
        ).scalar_one()
    }
    assert found == MAY[role]["TRUNCATE"]
    assert allowed(connection, role, "TRUNCATE ildb.task_attempt") is (role == "ildb_owner")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("what", "who"),
    [
        ("UPDATE ildb.ion SET smiles = smiles WHERE false", {"ildb_owner"}),
        ("UPDATE ildb.quarantine SET record = record WHERE false", {"ildb_owner"}),
        ("UPDATE ildb.source SET name = name WHERE false", {"ildb_owner"}),
        ("UPDATE ildb.run SET recipe = recipe WHERE false", {"ildb_owner"}),
        ("UPDATE ildb.measurement SET value = value WHERE false", {"ildb_owner"}),
        ("SELECT FROM ildb.quarantine FOR UPDATE", {"ildb_owner", "ildb_curator"}),
        ("SELECT FROM ildb.task FOR UPDATE", {"ildb_owner", "ildb_runner"}),
        ("CREATE TABLE ildb.mine (x int)", {"ildb_owner"}),
        ("ALTER TABLE ildb.ion ADD COLUMN x int", {"ildb_owner"}),
        ("CREATE INDEX ON ildb.ion (formula)", {"ildb_owner"}),
        ("DROP VIEW ildb.lineage", {"ildb_owner"}),
        ("DROP TABLE ildb.task_attempt", {"ildb_owner"}),
        ("DROP TABLE ildb.audit_event", set()),
        ("ALTER TABLE ildb.audit_event DISABLE TRIGGER ALL", set()),
        ("DROP FUNCTION ildb.audit_change() CASCADE", set()),
        (
            "CREATE TRIGGER t AFTER DELETE ON ildb.run FOR EACH ROW EXECUTE FUNCTION ildb.audit_change()",
            {"ildb_owner"},
        ),
        ("UPDATE ildb.alembic_version SET version_num = version_num", {"ildb_owner"}),
        ("SELECT pg_read_file('/etc/hostname')", set()),
        ("COPY ildb.ion TO PROGRAM 'cat'", set()),
        ("CREATE ROLE someone", set()),
        (
            "SET LOCAL ROLE ildb",
            set(ROLES),
        ),  # the session is a superuser's: SET ROLE is not a wall (see test_search_sql)
        *((f"SELECT * FROM ildb.{view} LIMIT 1", set(ROLES)) for view in VIEWS),
        ("SELECT * FROM ildb.alembic_version", set(ROLES)),
        ("SELECT * FROM ildb.find_pairings('C', 'F')", set(ROLES)),
        ("SELECT ildb.count_pairings('C', 'F')", set(ROLES)),
        ("SELECT * FROM ildb.similar_ions('CCO')", set(ROLES)),
    ],
)
def test_statements(connection: Connection, role: str, what: str, who: set[str]) -> None:
    assert allowed(connection, role, what) is (role in who)


@pytest.mark.parametrize("maker", ["ildb", "ildb_owner"])
def test_tables_made_later_may_be_read_at_once_and_written_by_nobody_else(connection: Connection, maker: str) -> None:
    connection.execute(text(f"SET LOCAL ROLE {maker}"))
    connection.execute(text("CREATE TABLE ildb.later (id int)"))
    connection.execute(text("CREATE VIEW ildb.later_view AS SELECT * FROM ildb.later"))
    connection.execute(text("SET LOCAL ROLE NONE"))
    for role in ROLES[1:]:
        assert allowed(connection, role, "SELECT * FROM ildb.later")
        assert allowed(connection, role, "SELECT * FROM ildb.later_view")
        assert not allowed(connection, role, "INSERT INTO ildb.later VALUES (1)")


def test_group_roles_cannot_log_in_and_the_reader_can_on_the_embedded_server(connection: Connection) -> None:
    found = connection.execute(
        text("SELECT rolname, rolcanlogin, rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles")
    )
    rows = {row[0]: (row[1], row[2]) for row in found if row[0] in ROLES}
    assert rows == {role: (role == "ildb_reader", False) for role in ROLES}


# --- audit_event ---


def events(connection: Connection) -> list[tuple[object, ...]]:
    rows = connection.execute(
        text("SELECT login, role, table_name, action, row_id, was FROM ildb.audit_event ORDER BY id")
    )
    return [tuple(row) for row in rows]


def test_a_curators_change_is_written_down(connection: Connection, populated: Populated) -> None:
    assert events(connection) == []
    connection.execute(text("SET LOCAL ROLE ildb_curator"))
    (row_id,) = connection.execute(
        text("UPDATE ildb.quarantine SET status = 'rejected', resolved_at = now() RETURNING id")
    ).scalars()
    source_id = populated.sources["catalogue"]
    connection.execute(text("UPDATE ildb.source SET licence = 'MIT' WHERE id = :id"), {"id": source_id})
    assert events(connection) == [
        ("ildb", "ildb_curator", "quarantine", "UPDATE", row_id, {"status": "open", "resolved_at": None}),
        ("ildb", "ildb_curator", "source", "UPDATE", source_id, {"licence": "CC0"}),
    ]
    row = connection.execute(
        text(
            "SELECT transaction_id = CAST(CAST(pg_current_xact_id() AS text) AS bigint), at >= now(),"
            " at <= clock_timestamp() FROM ildb.audit_event"
        )
    ).first()
    assert row is not None
    assert tuple(row) == (True, True, True)


def test_deletes_keep_the_row_and_changes_of_nothing_are_no_events(connection: Connection) -> None:
    connection.execute(text("UPDATE ildb.source SET licence = licence"))
    assert events(connection) == []
    connection.execute(text("ALTER TABLE ildb.snapshot_row DISABLE TRIGGER ALL"))
    connection.execute(text("DELETE FROM ildb.snapshot_row"))
    gone = connection.execute(
        text("DELETE FROM ildb.pairing_evidence WHERE id = (SELECT min(id) FROM ildb.pairing_evidence) RETURNING *")
    ).one()
    ((login, role, table, action, row_id, was),) = events(connection)
    assert (login, role, table, action, row_id) == ("ildb", "ildb", "pairing_evidence", "DELETE", gone.id)
    assert was["pairing_id"] == gone.pairing_id
    assert was["reference"] == gone.reference
    connection.execute(text("TRUNCATE ildb.quarantine"))
    assert events(connection)[1][2:] == ("quarantine", "TRUNCATE", None, None)


def test_a_measured_value_that_was_taken_back_is_kept(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE ildb.snapshot_row DISABLE TRIGGER ALL"))
    connection.execute(text("DELETE FROM ildb.snapshot_row"))
    gone = connection.execute(
        text("DELETE FROM ildb.measurement WHERE id = (SELECT min(id) FROM ildb.measurement) RETURNING *")
    ).one()
    ((_, _, table, action, row_id, was),) = events(connection)
    assert (table, action, row_id, was["value"]) == ("measurement", "DELETE", gone.id, gone.value)


def test_a_missing_grant_is_said_in_one_line(
    database_url: str, command: Callable[..., Outcome], tmp_path: Path
) -> None:
    (tmp_path / "mine.csv").write_text("smiles\nCCCCn1cc[n+](C)c1.[I-]\n")
    refused = command(
        "ingest", "table", str(tmp_path / "mine.csv"), "--smiles", "smiles", "--source", "mine",
        url=f"{database_url}&options=-crole%3Dildb_reader",
    )  # fmt: skip
    assert refused.code == 4
    assert refused.err.startswith("error: This login may not do that: permission denied for table ")
    assert "docs/dba.md" in refused.err


@pytest.mark.parametrize(
    "tamper",
    ["UPDATE ildb.audit_event SET login = 'x'", "DELETE FROM ildb.audit_event", "TRUNCATE ildb.audit_event"],
)
def test_the_trail_is_append_only_even_for_a_superuser(connection: Connection, tamper: str) -> None:
    connection.execute(text("UPDATE ildb.source SET licence = 'x'"))
    before = events(connection)
    savepoint = connection.begin_nested()
    with pytest.raises(Exception, match="audit_event is append-only"):
        connection.execute(text(tamper))
    savepoint.rollback()
    assert events(connection) == before


@pytest.mark.parametrize("role", ROLES)
def test_no_role_can_forge_an_event(connection: Connection, role: str) -> None:
    forged = (
        "INSERT INTO ildb.audit_event (transaction_id, login, role, table_name, action, row_id)"
        " VALUES (1, 'x', 'x', 'source', 'UPDATE', 1)"
    )
    assert not allowed(connection, role, forged)


# --- migrating ---


def address(server_url: str, database: str, user: str | None = None) -> str:
    url = make_url(server_url).set(database=database)
    return (url if user is None else url.set(username=user)).render_as_string(hide_password=False)


def migrate(url: str, revision: str = "head") -> None:
    made = engines.create(make_url(url).set(drivername="postgresql+psycopg"))
    try:
        with made.connect() as connection:
            schema.upgrade(connection, revision)
    finally:
        made.dispose()


def test_many_databases_migrate_at_once(
    new_database: Callable[..., str], ildb: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    urls = [new_database(empty=True) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for done in pool.map(lambda url: ildb("db", "upgrade", url=url), urls):
            assert done.returncode == 0, done.stderr
    for url in urls:
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT version_num FROM ildb.alembic_version").fetchone() == (schema.head(),)


def test_roles_made_at_once_in_many_databases(new_database: Callable[..., str]) -> None:
    """The race itself, over names that nobody has made yet."""
    prefix = f"race{uuid.uuid4().hex[:8]}"
    urls = [new_database(empty=True) for _ in range(4)]

    def make(url: str) -> None:
        with psycopg.connect(url) as connection:
            connection.execute(sql_text("roles/create_v1").replace("ildb_", f"{prefix}_"))
            connection.execute("SELECT pg_sleep(0.2)")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(make, urls))
    with psycopg.connect(urls[0], autocommit=True) as connection:
        found = connection.execute("SELECT rolname FROM pg_roles WHERE starts_with(rolname, %s)", [prefix]).fetchall()
        assert len(found) == len(ROLES)
        for (name,) in found:
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


@pytest.fixture
def plain_owner(new_database: Callable[..., str]) -> str:
    """URL of a database as seen by its owner, who is no superuser and may make no roles; the cartridge is there."""
    url = new_database(empty=True)
    name = f"u{uuid.uuid4().hex[:10]}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))
        connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(
            sql.Identifier(connection.info.dbname), sql.Identifier(name)
        ))  # fmt: skip
        connection.execute("CREATE EXTENSION rdkit")
    return make_url(url).update_query_dict({"options": f"-crole={name}"}).render_as_string(hide_password=False)


def test_an_owner_without_createrole_migrates_and_keeps_the_tables(plain_owner: str, template: str) -> None:
    migrate(plain_owner)
    with psycopg.connect(plain_owner) as connection:
        owners = connection.execute(
            "SELECT DISTINCT relowner::regrole::text = current_user FROM pg_class"
            " WHERE relnamespace = 'ildb'::regnamespace"
        ).fetchall()
        assert owners == [(True,)]
        connection.execute("SET ROLE ildb_reader")
        assert connection.execute("SELECT count(*) FROM ildb.candidate").fetchone() == (0,)
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("DELETE FROM ildb.ion")


def test_without_the_roles_the_error_says_what_a_superuser_should_run(
    plain_owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = f"none{uuid.uuid4().hex[:8]}"
    create = sql_text("roles/create_v1").replace("ildb_", f"{prefix}_")

    # The roles of ildb are there for every database of this server, so the migration asks for others.
    def other(name: str) -> str:
        return create if name == "roles/create_v1" else sql_text(name)

    monkeypatch.setattr("ildb.resources.sql_text", other)
    with pytest.raises(
        DatabaseUnreachableError, match=rf"superuser must run once: CREATE ROLE {prefix}_owner; .*{prefix}_reader;"
    ):
        migrate(plain_owner)


def test_a_member_of_ildb_owner_moves_the_schema_up_and_down(new_database: Callable[..., str]) -> None:
    url = new_database(empty=True)
    migrate(url)
    as_owner = make_url(url).set(drivername="postgresql+psycopg").update_query_dict({"options": "-crole=ildb_owner"})
    made = engines.create(as_owner)
    with made.connect() as connection:
        schema.downgrade(connection, "0003")
        schema.upgrade(connection)
        assert schema.current(connection) == schema.head()
    made.dispose()
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT proowner::regrole::text FROM pg_proc WHERE proname = 'find_pairings'"
        ).fetchone()
        assert row == ("ildb_owner",)


def test_going_down_takes_every_right_back_and_leaves_the_roles(new_database: Callable[..., str]) -> None:
    url = new_database(empty=True)
    migrate(url)
    made = engines.create(make_url(url).set(drivername="postgresql+psycopg"))
    with made.connect() as connection:
        schema.downgrade(connection, "0002")
        left = connection.execute(
            text(
                "SELECT c.relname::text FROM pg_class AS c WHERE c.relnamespace = CAST('ildb' AS regnamespace)"
                " AND (CAST(c.relacl AS text) LIKE '%ildb\\_%' OR c.relowner <> CAST('ildb' AS regrole))"
            )
        ).scalars()
        assert list(left) == []
        assert connection.execute(text("SELECT count(*) FROM pg_default_acl")).scalar_one() == 0
        assert not connection.execute(text("SELECT has_schema_privilege('ildb_reader', 'ildb', 'USAGE')")).scalar_one()
    made.dispose()
