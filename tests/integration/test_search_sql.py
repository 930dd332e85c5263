"""``ildb search sql``: what it answers, and each way out of its cage, tried on the real server."""

# ruff: noqa: F811 (fixtures are imported by name)
from __future__ import annotations

import csv
import io
import json
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql as pgsql
from sqlalchemy import make_url

from ildb.config import get_settings
from ildb.errors import DatabaseUnreachableError, InputError, SchemaRevisionError
from ildb.search import sql
from ildb.search.sql_text import check_sql, literals
from tests.integration.command import Outcome, command  # noqa: F401
from tests.integration.populate import Populated, populated  # noqa: F401

Run = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, database_url: str, populated: Populated) -> Iterator[pytest.MonkeyPatch]:
    """This process uses the module's database; ``settings.setenv`` and ``get_settings.cache_clear`` change more."""
    monkeypatch.setenv("ILDB_DATABASE_URL", database_url)
    get_settings.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    get_settings.cache_clear()


def ask(statement: str, limit: int | None = None) -> list[tuple[object, ...]]:
    with sql.session() as session:
        assert session.caution == ""
        return list(sql.Answer(session, statement).rows(limit))


def test_it_logs_in_as_the_reader_and_only_reads() -> None:
    assert ask(
        "SELECT session_user, current_user, current_setting('is_superuser'), current_setting('transaction_read_only')"
    ) == [("ildb_reader", "ildb_reader", "off", "on")]


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        # Not one query.
        ("SELECT 1; SELECT 2", "more than one statement"),
        ("SELECT 1; COMMIT; DROP TABLE ildb.task", "more than one statement"),
        ("COMMIT; DROP TABLE ildb.task", "more than one statement|not one query"),
        ("SELECT 1 /* ; */ ; -- x\n DELETE FROM ildb.ion", "more than one statement"),
        ("COMMIT", "not one query"),
        ("ROLLBACK", "not one query"),
        ("RESET ROLE", "not one query"),
        ("SET ROLE ildb", "not one query"),
        ("SET SESSION AUTHORIZATION ildb", "not one query"),
        ("SET LOCAL statement_timeout = 0", "not one query"),
        ("SET TRANSACTION READ WRITE", "not one query"),
        ("DO $$ BEGIN DELETE FROM ildb.task; END $$", "not one query"),
        ("COPY (SELECT 1) TO PROGRAM 'touch /tmp/ildb-escaped'", "not one query"),
        ("COPY ildb.ion TO '/tmp/ildb-escaped'", "not one query"),
        ("CALL x()", "not one query"),
        ("LOAD 'dblink'", "not one query"),
        ("CREATE EXTENSION dblink", "not one query"),
        ("CREATE TEMP TABLE x AS SELECT 1", "not one query"),
        ("PREPARE x AS SELECT 1", "not one query"),
        ("DELETE FROM ildb.task", "not one query"),
        ("EXPLAIN ANALYZE DELETE FROM ildb.task", "not one query"),
        ("LOCK TABLE ildb.ion", "not one query"),
        ("SELECT 1 INTO ildb.mine", "failed|not one query"),
        ("WITH gone AS (DELETE FROM ildb.task RETURNING *) SELECT * FROM gone", "must not contain data-modifying"),
        ("SELECT * FROM ildb.task FOR UPDATE", "FOR UPDATE|read-only|permission"),
        # Not with these rights.
        ("SELECT set_config('role', 'ildb', false)", "permission denied to set role"),
        ("SELECT set_config('role', 'ildb_owner', true)", "permission denied to set role"),
        ("SELECT set_config('session_authorization', 'ildb', true)", "permission denied to set session auth"),
        ("SELECT set_config('is_superuser', 'on', true)", "cannot be changed"),
        ("SELECT set_config('transaction_read_only', 'off', true)", "before any query"),
        ("SELECT set_config('temp_file_limit', '-1', true)", "permission denied"),
        ("SELECT set_config('session_preload_libraries', 'x', true)", "permission denied|cannot be"),
        ("SELECT pg_read_file('/etc/passwd')", "permission denied"),
        ("SELECT pg_read_binary_file('/etc/passwd')", "permission denied"),
        ("SELECT pg_ls_dir('/')", "permission denied"),
        ("SELECT pg_stat_file('/etc/passwd')", "permission denied"),
        ("SELECT lo_export(lo_from_bytea(0, 'x'), '/tmp/ildb-escaped')", "permission denied|read-only"),
        ("SELECT lo_import('/etc/passwd')", "permission denied|read-only"),
        ("SELECT pg_reload_conf()", "permission denied"),
        ("SELECT pg_rotate_logfile()", "permission denied"),
        ("SELECT pg_promote()", "permission denied"),
        ("SELECT * FROM pg_authid", "permission denied"),
        ("SELECT * FROM pg_hba_file_rules", "permission denied"),
        ("SELECT * FROM dblink('dbname=ildb user=ildb', 'SELECT 1') AS x (y int)", "dblink"),
        ("SELECT query_to_xml('DELETE FROM ildb.task', true, true, '')", "permission denied|read-only|not allowed"),
        ("SELECT query_to_xml('COPY ildb.ion TO PROGRAM ''cat''', true, true, '')", "permission|not allowed|COPY"),
        ("SELECT setval('ildb.task_id_seq', 1)", "permission denied|read-only"),
        ("SELECT nextval('ildb.task_id_seq')", "permission denied|read-only"),
        ("SELECT ildb.audit_change()", "permission denied|trigger"),
        ("SELECT $1", "has a parameter"),
        ("SELECT", "no columns"),
        ("-- nothing", "not one query"),
        ("", "empty"),
        ("SELECT 1\x00", "zero byte"),
        ("SELECT nonsense FROM ildb.ion", "does not exist"),
    ],
)
def test_no_way_out(statement: str, says: str) -> None:
    with pytest.raises(InputError, match=f"(?s){says}"):
        ask(statement)
    assert not Path("/tmp/ildb-escaped").exists()


def test_a_session_of_another_role_cannot_be_ended(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as other:
        for function in ("pg_terminate_backend", "pg_cancel_backend"):
            with pytest.raises(InputError, match=r"must be a (superuser|member)"):
                ask(f"SELECT {function}({other.info.backend_pid})")
        assert other.execute("SELECT 1").fetchone() == (1,)


def test_what_a_query_leaves_behind_is_rolled_back(database_url: str) -> None:
    """PostgreSQL 15 lets a read-only transaction make large objects."""
    try:
        ask("SELECT lo_from_bytea(0, 'x')")
    except InputError as error:
        assert "read-only" in str(error)  # noqa: PT017
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_largeobject_metadata").fetchone() == (0,)


def test_the_timeout_holds_also_for_a_query_that_lifts_it(settings: pytest.MonkeyPatch) -> None:
    settings.setenv("ILDB_STATEMENT_TIMEOUT_S", "1")
    get_settings.cache_clear()
    lifting = "SELECT set_config('statement_timeout', '0', {}), pg_sleep(0.01) FROM generate_series(1, 1000000)"
    for statement in ("SELECT pg_sleep(30)", lifting.format("true"), lifting.format("false")):
        began = time.monotonic()
        with pytest.raises(InputError, match="took longer than 1 s"):
            ask(statement)
        assert time.monotonic() - began < 20  # asleep for longer, or for ever, were it not stopped


ROW = "('(1,' || repeat('C', 5000) || ',00)')"


@pytest.mark.parametrize(
    "expression",
    [
        "repeat('C', 5000)::mol",
        "repeat('C', 5000)::public.mol",
        "repeat('C', 5000)::varchar::public.qmol",
        "public.mol_from_smiles(repeat('C', 5000)::cstring)",
        "ARRAY[repeat('C', 5000)]::public.mol[]",
        f"{ROW}::ildb.ion_structure",
        f"{ROW}::varchar::ildb.ion_structure",
        f"{ROW}::bpchar::ildb.ion_structure",
        f"('{{\"' || {ROW} || '\"}}')::ildb.ion_structure[]",
        f"(ARRAY[{ROW}])::ildb.ion_structure[]",
        *(f"ROW(1, repeat('C', 5000)::{kind}, '00')::ildb.ion_structure" for kind in ("text", "varchar", "bpchar")),
        "json_populate_record(NULL::ildb.ion_structure, json_build_object('mol', repeat('C', 5000)))",
        "jsonb_populate_record(NULL::ildb.ion_structure, jsonb_build_object('mol', repeat('C', 5000)))",
        "(SELECT r FROM json_to_record('{}') AS r(m ildb.ion_structure))",
        f"record_in({ROW}::cstring, 'ildb.ion_structure'::regtype::oid, -1)",
        "array_in(('{' || repeat('C', 5000) || '}')::cstring, (SELECT oid FROM pg_type WHERE typname = 'mol'), -1)",
        "query_to_xml(format('SELECT %L::mol', repeat('C', 5000)), true, true, '')",
        "ts_rewrite('a'::tsquery, 'SELECT to_tsquery(''a''), to_tsquery(''a'')')",
        "(SELECT x.m FROM XMLTABLE('/a' PASSING '<a/>'::xml COLUMNS m ildb.ion_structure PATH '.') AS x)",
        "ildb.checked_smiles(repeat('C', 5000))",
        "ildb.checked_smarts(repeat('C', 5000))",
    ],
)
def test_a_reader_cannot_compute_a_structure(expression: str) -> None:
    with pytest.raises(InputError, match=r"failed|not for queries"):
        ask(f"SELECT {expression}")


def test_what_a_reader_may_do_with_structures() -> None:
    (row,) = ask("SELECT mol::text FROM ildb.ion_structure ORDER BY ion_id LIMIT 1")
    assert isinstance(row[0], str)
    assert len(ask("SELECT * FROM ildb.find_ions('c1c[n+]cn1', 'cation')")) > 3
    assert len(ask("SELECT * FROM ildb.similar_ions('CCCC[n+]1ccn(C)c1')")) > 1
    assert ask("SELECT jsonb_array_elements('[1]'::jsonb), ('{\"a\": 1}'::jsonb) ->> 'a'") == [(1, "1")]


def test_a_backend_that_hangs_is_left_behind(settings: pytest.MonkeyPatch, database_url: str) -> None:
    """As on a server where nobody has kept readers from the cartridge."""
    settings.setenv("ILDB_STATEMENT_TIMEOUT_S", "1")
    settings.setattr(sql, "GRACE_S", 0.5)
    get_settings.cache_clear()
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("GRANT USAGE ON SCHEMA public TO ildb_reader")
        try:
            began = time.monotonic()
            # It takes longer to parse than timeout and grace, and its call begins well before the timeout.
            with pytest.raises(DatabaseUnreachableError, match="inside one call of the RDKit cartridge"):
                ask(
                    "SELECT mol_from_smiles(CAST(repeat('C', n) AS cstring))"
                    " FROM (SELECT 2500 + 0 * random()::int) AS x (n)"
                )
            assert time.monotonic() - began < 20
        finally:
            owner.execute("REVOKE USAGE ON SCHEMA public FROM ildb_reader")


@pytest.mark.parametrize(
    "statement",
    [
        f"SELECT '{'C' * 2000}'::mol",
        f"SELECT * FROM ildb.ion_structure WHERE mol @> $x${'C' * 2000}$x$",
        f"SELECT E'{'C' * 2000}'::qmol",
        f"SELECT qmol_from_smarts('{'.'.join('C' * 12)}')",
        f"SELECT * FROM ildb.ion_structure WHERE mol @> '{'.'.join('C' * 12)}'",
        f"SELECT * FROM ildb.find_ions('{'.'.join('C' * 12)}')",
        f"SELECT /* it's */ '{'.'.join('C' * 12)}' :: qmol",
        f"SELECT '{'C' * 900}'\n  '{'C' * 900}'::mol",
        f"SELECT '(1,{'C' * 2000},)'::ildb.ion_structure",
        f"""SELECT '(1,{"C" * 2000},)'::ildb.U&"ion\\005fstructure" """,
    ],
)
def test_large_structures_are_refused_before_they_are_sent(statement: str) -> None:
    with pytest.raises(InputError, match="limit"):
        check_sql(statement)


@pytest.mark.parametrize(
    "statement",
    [
        f"SELECT '{'x' * 2000}'",  # nothing of the cartridge's
        "SELECT * FROM ildb.ion_structure WHERE mol @> 'C.[F-]'",
        "SELECT * FROM ildb.known_il WHERE cation_smiles = 'C' AND names && '{A. B. C. D. and others}'",
        "SELECT smiles FROM ildb.ion WHERE 'https://a.b.c.d/e' <> smiles",
        "SELECT smiles FROM ildb.ion AS i -- 'C.C.C.C.C.C'",
    ],
)
def test_ordinary_text_is_let_through(statement: str) -> None:
    check_sql(statement)


@given(st.lists(st.text("ab'\"$-.\\ \n", max_size=12), max_size=4))
def test_every_quoted_text_is_found(texts: list[str]) -> None:
    statement = " , ".join("'" + text.replace("'", "''") + "'" for text in texts)
    assert [found.replace("''", "'") for found in literals(statement)] == [text for text in texts if text]


# --- answers ---


def test_formats_say_the_same(command: Run, tmp_path: Path) -> None:
    query = (
        "SELECT p.id, c.smiles, t.tm_k, e.names, p.id, 1.5::numeric AS half, '{\"a\": [1, null]}'::jsonb AS doc,"
        " '2026-01-02 03:04:05+00'::timestamptz AS at, 'NaN'::float8 AS bad, ARRAY[1, 2] AS numbers, NULL AS nothing"
        " FROM ildb.pairing AS p JOIN ildb.ion AS c ON p.cation_id = c.id"
        " JOIN ildb.known_il AS t ON t.pairing_id = p.id"
        " JOIN ildb.known_il AS e ON e.pairing_id = p.id ORDER BY p.id LIMIT 5"
    )
    rows = command("search", "sql", "-q", query, "--format", "json").json()
    assert len(rows) == 5
    first = rows[0]
    assert list(first) == [
        "id", "smiles", "tm_k", "names", "id_2", "half", "doc", "at", "bad", "numbers", "nothing",
    ]  # fmt: skip
    assert (first["half"], first["doc"], first["bad"], first["numbers"]) == (1.5, {"a": [1, None]}, "nan", [1, 2])
    assert first["at"].startswith("2026-01-02T03:04:05")
    text = command("search", "sql", "-q", query, "--format", "csv").out
    table = list(csv.DictReader(io.StringIO(text)))
    assert [row["smiles"] for row in table] == [row["smiles"] for row in rows]
    assert (table[0]["doc"], table[0]["numbers"], table[0]["nothing"]) == ('{"a": [1, null]}', "1; 2", "")
    file = tmp_path / "rows.parquet"
    assert command("search", "sql", "-q", query, "--out", str(file)).code == 0
    columns = pq.read_table(file)
    assert {field.name: str(field.type) for field in columns.schema} == {
        "id": "int64", "smiles": "string", "tm_k": "double", "names": "list<element: string>", "id_2": "int64",
        "half": "double", "doc": "string", "at": "timestamp[us, tz=UTC]", "bad": "double",
        "numbers": "list<element: int32>", "nothing": "string",
    }  # fmt: skip
    stored = columns.to_pylist()
    assert [row["names"] for row in stored] == [row["names"] for row in rows]
    assert [row["tm_k"] for row in stored] == [row["tm_k"] for row in rows]
    assert json.loads(stored[0]["doc"]) == first["doc"]
    shown = command("search", "sql", "-q", "SELECT id, smiles FROM ildb.ion ORDER BY id LIMIT 5")
    assert "CC[n+]1ccn(C)c1" in shown.out
    assert "5 rows." in shown.err


def test_every_table_and_view_can_be_read_in_every_format(command: Run, tmp_path: Path, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        found = "SELECT relname FROM pg_class WHERE relnamespace = 'ildb'::regnamespace AND relkind IN ('r', 'v')"
        names = [row[0] for row in connection.execute(found)]
        assert {"ion", "ion_structure", "candidate", "audit_event"} <= set(names)
        for name in names:
            count = connection.execute(pgsql.SQL("SELECT count(*) FROM ildb.{}").format(pgsql.Identifier(name)))
            (expected,) = count.fetchone() or (None,)
            file = tmp_path / f"{name}.parquet"
            done = command("search", "sql", "-q", f"TABLE ildb.{name};", "--limit", "0", "--out", str(file))
            assert done.code == 0, done.err
            assert pq.read_table(file).num_rows == expected
            rows = command("search", "sql", "-q", f"TABLE ildb.{name}", "--limit", "0", "--format", "json").json()
            assert len(rows) == expected


def test_limit_and_files(command: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "query.sql"
    file.write_text("SELECT n FROM generate_series(1, 5000) AS n; -- all of them", encoding="utf-8")
    done = command("search", "sql", "-f", str(file), "--format", "csv")
    assert len(done.out.splitlines()) == 101
    assert "The first 100 rows" in done.err
    done = command("search", "sql", "-f", str(file), "--format", "csv", "--limit", "0")
    assert done.out.splitlines()[1:] == [str(n) for n in range(1, 5001)]
    assert "5000 rows." in done.err
    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT 1 AS one"))
    assert command("search", "sql", "-f", "-", "--format", "json").json() == [{"one": 1}]
    assert command("search", "sql", "-f", str(tmp_path / "none.sql")).code == 3
    assert command("search", "sql").code == 2
    assert command("search", "sql", "-q", "SELECT 1", "-f", str(file)).code == 2
    assert "0 rows." in command("search", "sql", "-q", "SELECT 1 WHERE false").err


def test_a_failing_query_leaves_no_file(command: Run, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    query = "SELECT 1 / (3000 - n) FROM generate_series(1, 4000) AS n"
    done = command("search", "sql", "-q", query, "--limit", "0", "--out", str(file))
    assert done.code == 3
    assert "division by zero" in done.err
    assert list(tmp_path.iterdir()) == []


def test_memory_does_not_grow_with_the_rows() -> None:
    with sql.session() as session:
        rows = sql.Answer(session, "SELECT repeat('x', 1000), generate_series(1, 100000000)").rows()
        began = time.monotonic()
        assert len(next(rows)[0]) == 1000  # type: ignore[arg-type]
        assert time.monotonic() - began < 20  # all rows take minutes


# --- other logins ---


@pytest.fixture
def login(database_url: str) -> Iterator[Callable[..., str]]:
    """Make roles; each is served by a URL that the embedded server's own login opens."""
    made: list[str] = []
    with psycopg.connect(database_url, autocommit=True) as connection:

        def create(*statements: str) -> str:
            name = f"l{uuid.uuid4().hex[:10]}"
            made.append(name)
            connection.execute(pgsql.SQL("CREATE ROLE {}").format(pgsql.Identifier(name)))
            for statement in statements:
                connection.execute(pgsql.SQL(statement).format(pgsql.Identifier(name)))  # type: ignore[arg-type]
            return name

        yield create
        for name in made:
            connection.execute(pgsql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(pgsql.Identifier(name)))


def judged(login: str, connection: psycopg.Connection[object]) -> tuple[bool, bool]:
    from ildb.resources import sql_text

    connection.execute(pgsql.SQL("SET SESSION AUTHORIZATION {}").format(pgsql.Identifier(login)))
    row = connection.execute(sql_text("queries/search/sql_session")).fetchone()
    connection.execute("RESET SESSION AUTHORIZATION")
    assert row is not None
    return row[2], row[3]  # type: ignore[index]


def test_logins_are_judged_by_their_worst(login: Callable[..., str], database_url: str) -> None:
    reader = login("GRANT ildb_reader TO {}")
    writer = login("GRANT ildb_curator TO {}")
    column = login("GRANT USAGE ON SCHEMA ildb TO {}", "GRANT UPDATE (flags) ON ildb.ion TO {}")
    files = login("GRANT ildb_reader, pg_read_server_files TO {}", "ALTER ROLE {} NOINHERIT")
    root = login("GRANT ildb TO {}", "ALTER ROLE {} NOINHERIT")
    with psycopg.connect(database_url, autocommit=True) as connection:
        assert judged(reader, connection) == (False, False)
        assert judged("ildb_reader", connection) == (False, False)
        assert judged(writer, connection) == (False, True)
        assert judged(column, connection) == (False, True)
        assert judged(files, connection) == (True, False)
        assert judged(root, connection)[0]


def test_a_superuser_is_refused_where_the_reader_cannot_log_in(
    settings: pytest.MonkeyPatch, command: Run, database_url: str
) -> None:
    done = command("search", "sql", "-q", "SELECT 1", ILDB_READER_URL=database_url)
    assert done.code == 3
    assert "may do more than read" in done.err
    assert "ALTER ROLE ildb_reader LOGIN" in done.err
    settings.setattr(sql, "READER", "nobody_at_all")
    done = command("search", "sql", "-q", "SELECT 1")
    assert "may do more than read" in done.err or done.code == 3


def test_a_reader_url_is_used_and_never_shown(command: Run, database_url: str) -> None:
    given = make_url(database_url).set(username="ildb_reader").render_as_string(hide_password=False)
    done = command("search", "sql", "-q", "SELECT session_user AS who", "--format", "json", ILDB_READER_URL=given)
    assert done.json() == [{"who": "ildb_reader"}]
    done = command("search", "sql", "-q", "SELECT 1", ILDB_READER_URL="postgresql://u:geheim@localhost:1/x")
    assert done.code == 4
    assert "geheim" not in done.err
    assert command("search", "sql", "-q", "SELECT 1", ILDB_READER_URL="mysql://u:geheim@h/x").code == 3


def test_a_schema_without_the_rights_says_what_to_do(command: Run, new_database: Callable[..., str]) -> None:
    url = new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("REVOKE USAGE ON SCHEMA ildb FROM ildb_reader")
    done = command("search", "sql", "-q", "SELECT 1", url=url)
    assert done.code == SchemaRevisionError.exit_code
    assert "ildb db upgrade" in done.err
