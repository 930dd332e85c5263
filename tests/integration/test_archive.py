"""A database in one file and back: identical, or not at all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.script import ScriptDirectory
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import Engine, make_url, text

from ildb.archive import restore as restoring
from ildb.archive.container import opened
from ildb.archive.create import create_archive
from ildb.archive.manifest import Manifest
from ildb.archive.restore import restore_archive
from ildb.db import engine as engines
from ildb.db import schema
from ildb.errors import ArtifactError, DatabaseUnreachableError, IldbError, InputError, SchemaRevisionError
from ildb.pipeline.artifacts import ArtifactStore
from tests.integration.command import Outcome, command
from tests.integration.populate import Populated, fill, populated

__all__ = ["command", "populated"]  # fixtures

REVISIONS = [s.revision for s in ScriptDirectory.from_config(schema.alembic_config()).walk_revisions()][::-1]
AWKWARD = "tab\tline\nback\\slash \\N \\. 'quote' \"double\" {brace,comma} \U0001f9ea é"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ArtifactStore:
    """The files that ``populated`` speaks of."""
    made = ArtifactStore(tmp_path_factory.mktemp("artifacts"))
    for kind in ("links", "melting"):
        with made.scratch() as scratch:
            (scratch / kind).write_bytes(f"weights of {kind}".encode())
            made.put(scratch / kind)
    return made


@pytest.fixture(scope="module")
def archived(
    engine: Engine, populated: Populated, store: ArtifactStore, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """An archive of ``populated`` with a few rows that are hard to carry."""
    with engine.begin() as connection:
        # numerics that are no floats, empty against absent, self-references that point ahead, numbers at the edges
        connection.execute(
            text(
                "INSERT INTO ildb.quarantine"
                " (source_id, record, record_sha256, reasons, findings, status, resolution, resolved_at) VALUES"
                " (:s, CAST(:json AS jsonb), 'a', ARRAY[:awkward, 'NULL', '', NULL], '[]', 'open', NULL, NULL),"
                " (:s, '{}', 'b', ARRAY['x'], '[]', 'rejected', 'null', '1999-12-31 23:59:59.999999+05:30')"
            ),
            {
                "s": populated.sources["catalogue"],
                "awkward": AWKWARD,
                "json": f'{{"n": 1.10, "big": 123456789012345678901234567890, "text": {json.dumps(AWKWARD)}}}',
            },
        )
        connection.execute(
            text(
                "INSERT INTO ildb.measurement"
                " (pairing_id, property, value, unit, temperature_k, method, source_id, source_key, reference)"
                " VALUES (:p, 'x', 5e-324, '', 'NaN', '', :s, NULL, NULL),"
                " (:p, 'x', 0.1, '1', 'Infinity', :a, :s, '', '')"
            ),
            {"p": populated.known[0], "s": populated.sources["catalogue"], "a": AWKWARD},
        )
        first = connection.execute(text("SELECT min(id) FROM ildb.stage_run")).scalar_one()
        connection.execute(
            text(
                "UPDATE ildb.stage_run SET status = 'reused',"
                " reused_from_id = (SELECT max(id) FROM ildb.stage_run) WHERE id = :id"
            ),
            {"id": first},
        )
        connection.execute(text("SELECT setval(pg_get_serial_sequence('ildb.source', 'id'), 5000)"))
    path = tmp_path_factory.mktemp("archive") / "all.ildb"
    create_archive(engine, path, store)
    return path


@pytest.fixture
def empty(new_database: Callable[..., str]) -> Iterator[Engine]:
    """A database without ildb's schema."""
    made = engine_on(new_database(empty=True))
    yield made
    made.dispose()


def engine_on(url: str) -> Engine:
    return engines.create(make_url(url).set(drivername="postgresql+psycopg"))


def same_content(a: Manifest, b: Manifest) -> bool:
    left, right = (m.model_dump(exclude={"created_at"}) for m in (a, b))
    return left == right


def manifest(path: Path) -> Manifest:
    with opened(path) as archive:
        return archive.manifest


def rows(engine: Engine, statement: str) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


def is_untouched(engine: Engine, store: ArtifactStore) -> bool:
    return not rows(engine, "SELECT 1 FROM pg_namespace WHERE nspname = 'ildb'") and not files(store)


def files(store: ArtifactStore) -> list[Path]:
    """All but the note of which databases use the store."""
    return [path for path in store.root.rglob("*") if path.is_file() and path.parent.name != ".databases"]


def test_a_restore_is_identical(
    archived: Path, engine: Engine, empty: Engine, populated: Populated, tmp_path: Path
) -> None:
    store = ArtifactStore(tmp_path / "artifacts")
    restored = restore_archive(empty, archived, store)
    assert restored.revision == schema.head()
    assert restored.n_structures == len(populated.cations) + len(populated.anions)
    again = create_archive(empty, tmp_path / "again.ildb", store)
    assert same_content(again, manifest(archived)), "counts, checksums, sequences, files and their hashes"
    for view in ("lineage", "candidate", "known_il", "consensus_measurement"):
        statement = f"SELECT v::text FROM ildb.{view} AS v ORDER BY 1"
        assert rows(empty, statement) == rows(engine, statement)
    awkward = "SELECT record::text, reasons, resolution::text, resolved_at FROM ildb.quarantine ORDER BY id"
    assert rows(empty, awkward) == rows(engine, awkward)
    assert AWKWARD in rows(empty, awkward)[1][1]
    searched = "SELECT count(*) FROM ildb.ion_structure WHERE mol @> 'c1cncn1'::mol"
    assert rows(empty, searched) == rows(engine, searched) != [(0,)]
    for path in files(store):
        assert store.get(path.name) == path


def test_new_rows_get_the_ids_they_would_have_had(archived: Path, empty: Engine, tmp_path: Path) -> None:
    restore_archive(empty, archived, ArtifactStore(tmp_path))
    with empty.begin() as connection:
        add = text("INSERT INTO ildb.source (name, sha256) VALUES ('next', 'x') RETURNING id")
        assert connection.execute(add).scalar_one() == 5001


def test_the_checksum_does_not_depend_on_where_rows_lie(archived: Path, empty: Engine, tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    restore_archive(empty, archived, store)
    with empty.begin() as connection:
        connection.execute(text("UPDATE ildb.pairing SET n_cation = n_cation WHERE id % 2 = 0"))
        connection.execute(text("UPDATE ildb.measurement SET unit = unit WHERE id % 3 = 0"))
    assert same_content(create_archive(empty, tmp_path / "moved.ildb", store), manifest(archived))
    with empty.begin() as connection:
        connection.execute(text("UPDATE ildb.measurement SET unit = 'km' WHERE property = 'x' AND unit = '1'"))
    changed = create_archive(empty, tmp_path / "changed.ildb", store)
    before = {t.name: t.content_sha256 for t in manifest(archived).tables}
    assert {t.name for t in changed.tables if t.content_sha256 != before[t.name]} == {"audit_event", "measurement"}


def test_an_archive_is_one_moment(engine: Engine, archived: Path, store: ArtifactStore, tmp_path: Path) -> None:
    other = engine_on(engine.url.render_as_string(hide_password=False))
    added = []

    def write_meanwhile(table: str, _done: int, _total: int) -> None:
        if not added:
            with other.begin() as connection:
                add = "INSERT INTO ildb.source (name, sha256) VALUES ('meanwhile', :x) RETURNING id"
                added.append(connection.execute(text(add), {"x": table}).scalar_one())

    try:
        made = create_archive(engine, tmp_path / "a.ildb", store, write_meanwhile)
        assert added
        assert {t.name: t.content_sha256 for t in made.tables} == {
            t.name: t.content_sha256 for t in manifest(archived).tables
        }
    finally:
        with other.begin() as connection:
            connection.execute(text("DELETE FROM ildb.source WHERE name = 'meanwhile'"))
            connection.execute(text("SELECT setval(pg_get_serial_sequence('ildb.source', 'id'), 5000)"))
        other.dispose()


def test_a_database_with_rows_is_refused_and_left_alone(archived: Path, engine: Engine, tmp_path: Path) -> None:
    before = rows(engine, "SELECT count(*) FROM ildb.pairing")
    with pytest.raises(InputError, match="holds rows already"):
        restore_archive(engine, archived, ArtifactStore(tmp_path / "s"))
    assert rows(engine, "SELECT count(*) FROM ildb.pairing") == before
    assert files(ArtifactStore(tmp_path / "s")) == []


@pytest.mark.parametrize("at", [("checking", 1), ("ion", 0), ("measurement", 1), ("verifying", 1), ("files", 1)])
def test_a_restore_that_breaks_off_leaves_nothing(
    archived: Path, empty: Engine, tmp_path: Path, at: tuple[str, int]
) -> None:
    def stop(what: str, done: int, _total: int) -> None:
        if what == at[0] and done >= at[1]:
            raise KeyboardInterrupt

    store = ArtifactStore(tmp_path / "artifacts")
    with pytest.raises(KeyboardInterrupt):
        restore_archive(empty, archived, store, stop)
    assert is_untouched(empty, store)
    assert restore_archive(empty, archived, store).n_structures == 30


def test_a_restore_that_is_killed_leaves_no_row(
    archived: Path, new_database: Callable[..., str], tmp_path: Path
) -> None:
    url = new_database(empty=True)
    kill = (
        "import os, signal, sys; from pathlib import Path; from ildb.archive.restore import restore_archive;"
        " from ildb.db import engine; from ildb.pipeline.artifacts import ArtifactStore;"
        " stop = lambda what, done, total: what == 'verifying' and os.kill(os.getpid(), signal.SIGKILL);"
        " restore_archive(engine.create(), Path(sys.argv[1]), ArtifactStore(Path(sys.argv[2])), stop)"
    )
    done = subprocess.run(
        [sys.executable, "-c", kill, str(archived), str(tmp_path / "s")],
        env={**os.environ, "ILDB_DATABASE_URL": url}, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr
    engine = engine_on(url)
    assert rows(engine, "SELECT count(*) FROM ildb.ion") == [(0,)]
    store = ArtifactStore(tmp_path / "s")
    restore_archive(engine, archived, store)
    assert same_content(create_archive(engine, tmp_path / "again.ildb", store), manifest(archived))
    engine.dispose()


def old_archive(new_database: Callable[..., str], store: ArtifactStore, path: Path, revision: str) -> Manifest:
    """An archive as an ildb of that revision made it."""
    engine = engine_on(new_database())
    with engine.begin() as connection:
        fill(connection)
    with engine.connect() as connection:
        schema.downgrade(connection, revision)
    made = create_archive(engine, path, store)
    engine.dispose()
    return made


@pytest.mark.parametrize("start", ["nothing", "head"])
@pytest.mark.parametrize("revision", REVISIONS[:-1])
def test_an_archive_of_an_older_revision_is_upgraded(
    new_database: Callable[..., str], store: ArtifactStore, tmp_path: Path, revision: str, start: str
) -> None:
    made = old_archive(new_database, store, tmp_path / "old.ildb", revision)
    assert made.revision == revision
    engine = engine_on(new_database(empty=start == "nothing"))
    restored = restore_archive(engine, tmp_path / "old.ildb", ArtifactStore(tmp_path / "s"))
    assert (restored.revision, restored.n_structures) == (schema.head(), 30)
    with engine.connect() as connection:
        schema.require_current(connection)
        for table in made.tables:
            assert connection.execute(text(f"SELECT count(*) FROM ildb.{table.name}")).scalar_one() == table.n_rows
    engine.dispose()


@pytest.mark.parametrize("start", ["nothing", "head"])
def test_an_upgrade_that_fails_leaves_nothing(
    new_database: Callable[..., str],
    store: ArtifactStore,
    tmp_path: Path,
    start: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old_archive(new_database, store, tmp_path / "old.ildb", REVISIONS[0])
    engine = engine_on(new_database(empty=start == "nothing"))
    target = ArtifactStore(tmp_path / "s")

    def broken(*_: object) -> int:
        raise psycopg.errors.DiskFull("no space left on device")

    monkeypatch.setattr(restoring, "add_structures", broken)
    with pytest.raises(IldbError, match="no space left"):
        restore_archive(engine, tmp_path / "old.ildb", target)
    monkeypatch.undo()
    if start == "nothing":
        assert is_untouched(engine, target)
    else:
        with engine.connect() as connection:
            schema.require_current(connection)
        assert rows(engine, "SELECT count(*) FROM ildb.ion") == [(0,)]
        assert files(target) == []
    assert restore_archive(engine, tmp_path / "old.ildb", target).n_structures == 30
    engine.dispose()


def rewritten(source: Path, target: Path, edit: Callable[[dict[str, Any]], None], **members: bytes | None) -> Path:
    """A copy of an archive with another manifest; ``members`` replaces files, or leaves them out (None)."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            content: bytes | None = members.pop(info.filename, old.read(info.filename))
            if info.filename == "manifest.json":
                found = json.loads(content or b"")
                edit(found)
                content = json.dumps(found).encode()
            if content is not None:
                new.writestr(info.filename, content)
        for name, content in members.items():
            new.writestr(name, content or b"")
    return target


def keep(_manifest: dict[str, Any]) -> None:
    """Change nothing."""


def of_newer_revision(manifest: dict[str, Any]) -> None:
    manifest["revision"] = "9999"


def of_newer_format(manifest: dict[str, Any]) -> None:
    manifest["version"] = 99


def one_row_fewer(manifest: dict[str, Any]) -> None:
    manifest["tables"][0]["n_rows"] -= 1


def other_content(manifest: dict[str, Any]) -> None:
    manifest["tables"][0]["content_sha256"] = "0" * 64


def no_last_table(manifest: dict[str, Any]) -> None:
    manifest["tables"].pop()


def sql_for_a_name(manifest: dict[str, Any]) -> None:
    manifest["tables"][0]["name"] = 'ion"; DROP SCHEMA ildb; --'


def no_tables(manifest: dict[str, Any]) -> None:
    del manifest["tables"]


@pytest.mark.parametrize(
    ("edit", "members", "error", "message"),
    [
        (of_newer_revision, {}, SchemaRevisionError, "9999, which this ildb does not know"),
        (of_newer_format, {}, InputError, "archive format 99"),
        (one_row_fewer, {}, InputError, "the manifest says"),
        (other_content, {}, InputError, "came back different"),
        (no_last_table, {}, InputError, "does not belong there"),
        (sql_for_a_name, {}, InputError, "manifest is wrong at tables.0.name"),
        (no_tables, {}, InputError, "manifest is wrong at tables"),
        (keep, {"../../outside": b"x"}, InputError, "does not belong there"),
        (keep, {"/etc/outside": b"x"}, InputError, "does not belong there"),
        (keep, {"tables/ion.parquet": b"PAR1"}, InputError, "is not what was archived"),
        (keep, {"tables/ion.parquet": None}, InputError, "lacks the file tables/ion.parquet"),
    ],
)
def test_a_wrong_archive_is_refused(
    archived: Path,
    empty: Engine,
    tmp_path: Path,
    edit: Callable[[dict[str, Any]], None],
    members: dict[str, bytes | None],
    error: type[IldbError],
    message: str,
) -> None:
    path = rewritten(archived, tmp_path / "wrong.ildb", edit, **members)
    store = ArtifactStore(tmp_path / "s")
    with pytest.raises(error, match=message):
        restore_archive(empty, path, store)
    assert is_untouched(empty, store)
    assert not (tmp_path.parent / "outside").exists()


def test_files_that_are_no_archives(archived: Path, empty: Engine, tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path / "s")
    whole = archived.read_bytes()
    for share in (0.0, 0.1, 0.5, 0.9, 0.999):
        (tmp_path / "cut.ildb").write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(InputError, match="not a whole archive"):
            restore_archive(empty, tmp_path / "cut.ildb", store)
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as other:
        other.writestr("readme.txt", "hello")
    with pytest.raises(InputError, match="not an archive of ildb"):
        restore_archive(empty, tmp_path / "other.zip", store)
    with pytest.raises(InputError, match="no file"):
        restore_archive(empty, tmp_path / "none.ildb", store)
    assert is_untouched(empty, store)


@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_found_or_harmless(archived: Path, tmp_path: Path, place: float, bit: int) -> None:
    content = bytearray(archived.read_bytes())
    content[int(place * len(content))] ^= 1 << bit
    damaged = tmp_path / "damaged.ildb"
    damaged.write_bytes(content)
    with suppress(InputError), opened(damaged) as archive:
        archive.verify()
        assert archive.manifest == manifest(archived)  # it was a date of the container, say


def test_a_missing_file_of_a_run(engine: Engine, archived: Path, store: ArtifactStore, tmp_path: Path) -> None:
    partial = ArtifactStore(tmp_path / "partial")
    (kept, lost) = sorted(path.name for path in files(store))
    partial.put(store.get(kept))
    with pytest.raises(ArtifactError, match=rf"{lost[:12]}.*--skip-missing"):
        create_archive(engine, tmp_path / "a.ildb", partial)
    assert not (tmp_path / "a.ildb").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["partial"], "no draft is left behind"
    made = create_archive(engine, tmp_path / "a.ildb", partial, skip_missing=True)
    assert (made.missing_artifacts, [f.sha256 for f in made.artifacts]) == ((lost,), [kept])


def test_the_command_line(
    command: Callable[..., Outcome],
    archived: Path,
    store: ArtifactStore,
    new_database: Callable[..., str],
    database_url: str,
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "artifacts").symlink_to(store.root)
    path = tmp_path / "cli.ildb"
    made = command("archive", "create", str(path), "--json", ILDB_HOME=str(home)).json()
    assert made["n_bytes"] == path.stat().st_size
    again = command("archive", "create", str(path), ILDB_HOME=str(home))
    assert (again.code, "--force" in again.err) == (3, True)
    assert command("archive", "create", str(path), "--force", ILDB_HOME=str(home)).code == 0
    url = new_database(empty=True)
    restored = command("archive", "restore", str(path), "--json", url=url, ILDB_HOME=str(tmp_path / "new")).json()
    assert restored["checksums"] == {table["name"]: table["content_sha256"] for table in made["tables"]}
    stats = command("stats", "--json", url=url).json()
    assert stats == command("stats", "--json", url=database_url).json()
    assert stats["pairings"] > 0
    full = command("archive", "restore", str(path), url=url, ILDB_HOME=str(tmp_path / "new"))
    assert (full.code, "holds rows already" in full.err) == (3, True)
    newer = rewritten(path, tmp_path / "newer.ildb", of_newer_revision)
    assert command("archive", "restore", str(newer), url=new_database(empty=True)).code == 5


def test_a_server_that_goes_away_is_said_so(archived: Path, new_database: Callable[..., str], tmp_path: Path) -> None:
    url = new_database(empty=True)
    engine = engine_on(url)

    def kill(what: str, _done: int, _total: int) -> None:
        if what == "pairing":
            with psycopg.connect(url, autocommit=True) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )

    store = ArtifactStore(tmp_path / "s")
    with pytest.raises(DatabaseUnreachableError, match="broke off"):
        restore_archive(engine, archived, store, kill)
    assert is_untouched(engine, store)
    assert restore_archive(engine, archived, store).n_structures == 30
    engine.dispose()
