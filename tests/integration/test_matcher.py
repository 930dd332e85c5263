"""Patterns in a process of their own: the cartridge's answers, whatever the pattern, and an end in time."""

# ruff: noqa: F811 (fixtures are imported by name)
from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from rdkit import Chem, rdBase
from sqlalchemy import Connection, Engine, text

from ildb.errors import IldbError, StructureError
from ildb.search.cartridge import CartridgeMatcher
from ildb.search.ion_library import read_part
from ildb.search.matcher import ProcessMatcher
from ildb.search.patterns import SearchPattern, is_cheap, read_pattern
from tests.integration.command import command  # noqa: F401
from tests.integration.populate import Populated, populated  # noqa: F401

N_FUZZED = 3_000
KILLERS = [
    ".".join("*" * 12),
    ".".join("C" * 12),
    ".".join(["*~*"] * 30),
    "C" * 2_000,
    "C" * 10_000,
    "[$(" * 300 + "C" + ")]" * 300,
    "[$(" * 3_000 + "C" + ")]" * 3_000,
    "[C;$(" + ".".join("*" * 12) + ")]",
    "*~" * 60 + "[U]",
    "(" * 4_000 + "C" + ")" * 4_000,
    "".join(f"C%{n}" for n in range(10, 99)) * 8,
    "[" + "!" * 5_000 + "C]",
    "[" + "C,N;" * 2_000 + "O]",
]


@pytest.fixture
def connection(engine: Engine, populated: Populated) -> Iterator[Connection]:
    """A transaction that is rolled back."""
    with engine.connect() as connection:
        yield connection
        connection.rollback()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ions")


@pytest.fixture(scope="module", params=[False, True], ids=["packed", "resident"])
def process(request: pytest.FixtureRequest, folder: Path) -> Iterator[ProcessMatcher]:
    with ProcessMatcher(folder, resident=request.param) as matcher:
        yield matcher


def pattern(smarts: str) -> SearchPattern:
    return SearchPattern(smarts, cheap=False)


def fuzzed(connection: Connection) -> list[str]:
    """Patterns people write and near misses: pieces of ions, generalised at random, and strings put together."""
    chooser = random.Random(2)
    mols = [Chem.MolFromSmiles(row[0]) for row in connection.execute(text("SELECT smiles FROM ildb.ion"))]
    pieces = [
        "C",
        "N",
        "n",
        "c",
        "[#6]",
        "[N+]",
        "[O-]",
        "*",
        "[R]",
        "[!#6]",
        "[CX4]",
        "[OX2H]",
        "F",
        "[r5]",
        "[D3]",
        "[+]",
        "[$(C=O)]",
        "[$([#7+]),$([#15+])]",
        "[H]",
        "[C,N]",
        "[!H0]",
        "[v4]",
        "[2H]",
        "[a]",
        "[A]",
        "S",
        "P",
        "B",
    ]
    bonds = ["", "~", "-", "=", ":", "@", "!@", "-,=", "#", "."]
    found: list[str] = []
    while len(found) < N_FUZZED:
        if chooser.random() < 0.4:
            mol = chooser.choice(mols)
            start = chooser.randrange(mol.GetNumAtoms())
            radius = chooser.randint(1, 4)
            around = Chem.FindAtomEnvironmentOfRadiusN(mol, radius, start)
            piece = Chem.PathToSubmol(mol, around) if around else mol
            smarts = Chem.MolToSmarts(piece)
        else:
            smarts = chooser.choice(pieces)
            for _ in range(chooser.randint(0, 6)):
                part = chooser.choice(bonds) + chooser.choice(pieces)
                smarts += f"({part})" if chooser.random() < 0.3 and not part.startswith(".") else part
            if chooser.random() < 0.15:
                smarts = f"[{chooser.choice('CNO#')}{chooser.randint(1, 8)};$({smarts})]"
        if chooser.random() < 0.2:
            cut = chooser.randrange(len(smarts))
            smarts = smarts[:cut] + smarts[cut + 1 :]
        found.append(smarts)
    with rdBase.BlockLogs():
        return [smarts for smarts in dict.fromkeys(found) if smarts and Chem.MolFromSmarts(smarts) is not None]


def test_the_process_answers_as_the_cartridge_does(
    connection: Connection, process: ProcessMatcher, folder: Path
) -> None:
    asked = fuzzed(connection)
    connection.execute(text("SET LOCAL client_min_messages = error"))
    rows = connection.execute(
        text(
            "SELECT q.smarts, array_agg(s.ion_id ORDER BY s.ion_id) FILTER (WHERE s.mol @> q.pattern)"
            " FROM (SELECT u.smarts, qmol_from_smarts(CAST(u.smarts AS cstring)) AS pattern"
            "  FROM unnest(CAST(:asked AS text[])) AS u (smarts)) AS q"
            " CROSS JOIN ildb.ion_structure AS s WHERE q.pattern IS NOT NULL GROUP BY q.smarts"
        ),
        {"asked": asked},
    )
    expected = {smarts: ids or [] for smarts, ids in rows}
    assert len(expected) > N_FUZZED / 2
    assert sum(map(bool, expected.values())) > N_FUZZED / 10
    everything = list(connection.execute(text("SELECT id FROM ildb.ion ORDER BY id")).scalars())
    differ = {}
    for n, (smarts, ids) in enumerate(expected.items()):
        found = process.matching(connection, pattern(smarts)).tolist()
        if found != ids:
            differ[smarts] = (ids, found)
        if n % 10 == 0:
            assert process.matching_among(connection, pattern(smarts), everything[::2]) == set(ids) & set(
                everything[::2]
            )
    assert differ == {}


@pytest.mark.parametrize("smarts", KILLERS, ids=lambda smarts: smarts[:20])
def test_killers_are_answered_or_refused_in_time(connection: Connection, process: ProcessMatcher, smarts: str) -> None:
    process.matching(connection, pattern("C"))
    began = time.monotonic()
    try:
        process.matching(connection, pattern(smarts))
    except StructureError as error:
        assert "pattern" in str(error) or "not a SMARTS" in str(error)  # noqa: PT017
    assert time.monotonic() - began < 60  # the limit is 1.2 s of work; some would take hours
    # The next pattern is answered, by a new process if need be.
    assert len(process.matching(connection, pattern("[Cl-]"))) == 1


def test_other_clients_do_not_notice(
    connection: Connection, process: ProcessMatcher, database_url: str, populated: Populated
) -> None:
    n_ions = len(populated.cations) + len(populated.anions)
    with psycopg.connect(database_url, autocommit=True) as other:
        for smarts in KILLERS[:3]:
            with suppress(StructureError):
                process.matching(connection, pattern(smarts))
            assert other.execute("SELECT count(*) FROM ildb.ion").fetchone() == (n_ions,)
        # Nothing of them reached the server.
        busy = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()"
        assert other.execute(busy + " AND datname = current_database()").fetchone() == (0,)


def test_memory_is_limited(connection: Connection, folder: Path) -> None:
    with ProcessMatcher(folder, memory_bytes=64 << 20) as matcher, pytest.raises((StructureError, IldbError)):
        matcher.matching(connection, pattern("C"))


def test_cheap_patterns_stay_with_the_server(connection: Connection) -> None:
    def never() -> ProcessMatcher:
        raise AssertionError("a process was asked for")

    matcher = CartridgeMatcher(never)
    cheap = read_pattern("c1c[n+]cn1")
    ids = matcher.matching(connection, cheap).tolist()
    assert len(ids) > 3
    assert matcher.matching_among(connection, cheap, ids[:2]) == set(ids[:2])
    with pytest.raises(AssertionError):
        matcher.matching(connection, read_pattern("C.C.C"))


def test_new_ions_are_found_and_parts_are_shared(engine: Engine, populated: Populated, tmp_path: Path) -> None:
    with engine.connect() as connection, ProcessMatcher(tmp_path) as matcher, ProcessMatcher(tmp_path) as other:
        before = len(matcher.matching(connection, pattern("[#6]")))
        files = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
        assert len(other.matching(connection, pattern("[#6]"))) == before
        assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == files
        connection.execute(
            text(
                "INSERT INTO ildb.ion (inchikey, smiles, charge, formula, mass_g_mol, heavy_atoms, rdkit_version)"
                " VALUES ('AAAAAAAAAAAAAA-AAAAAAAAAA-N', 'CCCCCCCCCCCCCC[NH3+]', 1, 'x', 1, 1, 'x')"
            )
        )
        assert len(matcher.matching(connection, pattern("[#6]"))) == before + 1
        connection.rollback()
        # A process holds what its transaction sees.
        assert len(matcher.matching(connection, pattern("[#6]"))) == before


def test_what_was_found_is_remembered_until_there_are_other_ions(
    connection: Connection, populated: Populated, tmp_path: Path
) -> None:
    with ProcessMatcher(tmp_path) as matcher:
        found = matcher.matching(connection, pattern("[#7]"))
        some = [*found[:3].tolist(), 10**9]
        assert matcher.matching_among(connection, pattern("[#7]"), some) == set(found[:3].tolist())
        matcher.close()
        assert matcher.matching(connection, pattern("[#7]")).tolist() == found.tolist()
        assert matcher.matching_among(connection, pattern("[#7]"), some) == set(found[:3].tolist())
        assert not matcher.team.is_alive()  # nobody was asked
        with pytest.raises(ValueError, match="read-only"):
            found[0] = 1
        assert len(matcher.matching(connection, pattern("[#6]"))) > 0
        assert matcher.team.is_alive()


def test_a_damaged_part_is_noticed(connection: Connection, tmp_path: Path) -> None:
    with ProcessMatcher(tmp_path) as matcher:
        matcher.matching(connection, pattern("C"))
    (path,) = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    content[-10] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="damaged"):
        read_part(path)
    with ProcessMatcher(tmp_path) as matcher, pytest.raises(IldbError, match="damaged"):
        matcher.matching(connection, pattern("C"))


def test_the_command_line_answers_or_refuses(command, populated: Populated) -> None:
    done = command("search", "substructure", "C.C.C", "--ion", "cation", "--json")
    assert len(json.loads(done.out)) > 10
    done = command("search", "substructure", "C" * 2_000)
    assert (done.code, done.out) == (0, "")
    done = command("search", "substructure", "[$(" + ".".join("*" * 14) + ".[U])]")
    assert done.code in {0, 3}
    assert "--pattern-limit" not in done.out


def test_the_rule_is_that_of_sql(connection: Connection) -> None:
    """What Python calls cheap the SQL function accepts, and the other way round."""
    asked = fuzzed(connection)[:1_500]
    asked += ["C" * n for n in (15, 16, 17)] + ["CCC.CCC", "CCCC.CCC", "C.C.C", "[$(C" + "C" * 16 + ")]"]
    asked += ["[$([$(C)])]", "[$([$([$(C)])])]", "[$(C)]" * 6, "[$(C)]" * 7, "[C$(C.C)$(N)]", "[$(C[N,O]C(C)C)]CC"]
    for smarts in asked:
        savepoint = connection.begin_nested()
        try:
            connection.execute(text("SELECT ildb.checked_smarts(:smarts) IS NULL"), {"smarts": smarts})
            accepted = True
        except Exception as error:
            if "cannot read" in str(error):
                continue
            accepted = False
        finally:
            savepoint.rollback()
        assert accepted is is_cheap(smarts), smarts
