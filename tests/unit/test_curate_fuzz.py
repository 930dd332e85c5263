"""Mutated SMILES through the one way in: no crash, no hang, no bad row."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from rdkit import Chem
from sqlalchemy import Engine, make_url, text

from ildb.chem.curation import resolve_salt
from ildb.chem.findings import RefusedError
from ildb.db import engine as engines
from ildb.db.checks import run_checks
from ildb.ingest.curate import ingest
from ildb.ingest.record import PairRecord
from ildb.ingest.source import SourceInfo
from tests.integration.populate import ANIONS, CATIONS

LIMIT_S = 2.0
ALPHABET = "CNOPSFBIclnos[]()=#-+.123456789%@/\\:~*$HDaeir \t\n\x00é"
PIECES = [
    *CATIONS.values(), *ANIONS.values(), "[N+]", "[O-]", "[nH]", "[2H]", "[13C]", "c1ccccc1", "C1CC1",
    "[Al-](Cl)(Cl)(Cl)Cl",    "[Fe+3]", "%12", "(=O)", "[C@@H]", "/C=C\\", "[*]", "[H+]", "[Xe]", "C(", ")C", "[NH4+]",
    "[Cu-2](Cl)(Cl)(Cl)Cl",
    "C" * 60, "[CH3+]", "[n+]", "[O-][Cl+3]([O-])([O-])[O-]", "[Na+].[Cl-]", "~", "->", ">>", "|c|", "[238U]", "[999C]",
]  # fmt: skip
ATOMS = [
    "C",
    "N",
    "O",
    "S",
    "F",
    "Cl",
    "C(C)",
    "C(=O)",
    "[13C]",
    "[NH2+]",
    "[O-]",
    "[C@H](C)",
    "C=C",
    "[Si]",
    "B",
    "P",
    "c",
    "n",
]


def mutants(n: int, seed: int) -> Iterator[str]:
    """Salts and ions with a few random edits: characters and pieces put in, taken out, doubled, swapped."""
    rng = random.Random(seed)
    cations, anions = list(CATIONS.values()), list(ANIONS.values())
    for _ in range(n):
        smiles = f"{rng.choice(cations)}.{rng.choice(anions)}"
        for _ in range(rng.choice([1, 1, 1, 1, 2, 4])):
            smiles = mutate(smiles, rng)
        yield smiles


def mutate(smiles: str, rng: random.Random) -> str:
    i, j = sorted(rng.randrange(len(smiles) + 1) for _ in range(2))
    match rng.randrange(11):
        case 0:
            return smiles[:i] + smiles[i + 1 :]
        case 1:
            return smiles[:i] + rng.choice(ALPHABET) + smiles[i:]
        case 2:
            return smiles[:i] + rng.choice(ALPHABET) + smiles[i + 1 :]
        case 3:
            return smiles[:i] + rng.choice(PIECES) + smiles[i:]
        case 4:
            return smiles[:i] + smiles[i:j] * rng.randrange(2, 5) + smiles[j:]
        case 5:
            return smiles[:i] + smiles[j:]
        case 6:
            return smiles[j:] + smiles[i:j] + smiles[:i]
        case 7:
            return smiles[:i] + smiles[i:j][::-1] + smiles[j:]
        case 8 | 9:
            # At an atom, where much of it is still a SMILES.
            atoms = [k for k, char in enumerate(smiles) if char in "CNOcn"] or [0]
            k = rng.choice(atoms)
            return smiles[:k] + rng.choice(ATOMS) + smiles[k + rng.randrange(2) :]
        case _:
            return smiles.replace(*rng.choice([("+", ""), ("-", ""), ("n", "N"), ("C", "c"), ("1", "2"), ("]", "+]")]))


@pytest.fixture
def database(new_database: Callable[..., str]) -> Iterator[Engine]:
    """A database of the test's own."""
    engine = engines.create(make_url(new_database()).set(drivername="postgresql+psycopg"))
    yield engine
    engine.dispose()


@pytest.mark.parametrize(
    ("n", "seed"), [(1_000, 1), pytest.param(50_000, 2, marks=pytest.mark.slow)], ids=["quick", "full"]
)
def test_mutants_never_crash_hang_or_leave_a_bad_row(database: Engine, n: int, seed: int) -> None:
    strings = list(mutants(n, seed))
    slowest = max((seconds_to_resolve(smiles), smiles) for smiles in strings)
    assert slowest[0] < LIMIT_S, slowest

    records = [PairRecord(str(i), salt_smiles=smiles, raw={"row": i}) for i, smiles in enumerate(strings)]
    pace: list[float] = [time.perf_counter()]
    count = ingest(
        database, SourceInfo("mutants", f"{seed:064}"), records, progress=lambda _: pace.append(time.perf_counter())
    )
    # Batches of 5,000, whose strings are remembered: what is left is the server's work.
    assert max(after - before for before, after in pairwise(pace)) < 60
    assert count.n_read == n == count.n_inserted + count.n_existing + count.n_quarantined
    # The test is worth something only if many get in and many do not.
    assert count.n_quarantined > n / 4
    assert count.n_inserted > n / 50
    assert set(count.reasons) >= {"syntax", "white_space", "valence", "not_neutral", "radical", "kekulize"}

    assert_ions_are_what_they_say(database)
    assert_rows_add_up(database, count.n_inserted, count.n_quarantined)


def seconds_to_resolve(smiles: str) -> float:
    start = time.process_time()
    try:
        pair = resolve_salt(smiles)
    except RefusedError as error:
        refused = error.findings
    else:
        refused = []
        assert pair.n_cation * pair.cation.charge + pair.n_anion * pair.anion.charge == 0
    taken = time.process_time() - start
    assert all(finding.code and finding.message and finding.severity == "refuse" for finding in refused)
    return taken


def assert_ions_are_what_they_say(database: Engine) -> None:
    sql = (
        "SELECT i.*, s.ion_id IS NOT NULL AS has_mol FROM ildb.ion i LEFT JOIN ildb.ion_structure s ON s.ion_id = i.id"
    )
    with database.connect() as connection:
        ions = connection.execute(text(sql)).all()
    assert len(ions) > 20
    for ion in ions:
        mol = Chem.MolFromSmiles(ion.smiles)
        assert mol is not None, ion.smiles
        assert Chem.MolToInchiKey(mol) == ion.inchikey, ion.smiles
        assert Chem.GetFormalCharge(mol) == ion.charge != 0
        assert len(Chem.GetMolFrags(mol)) == 1
        assert Chem.MolToSmiles(mol) == ion.smiles
        assert ion.has_mol != ("no_structure" in ion.flags), ion.smiles


def assert_rows_add_up(database: Engine, n_inserted: int, n_quarantined: int) -> None:
    with database.connect() as connection:

        def n(sql: str) -> int:
            return int(connection.execute(text(sql)).scalar_one())

        assert n("SELECT count(*) FROM ildb.pairing_evidence") == n_inserted
        assert n("SELECT count(*) FROM ildb.quarantine") == n_quarantined
        # Keys of two ions may not meet in one SMILES, nor one key have two.
        assert n("SELECT count(DISTINCT smiles) - count(*) FROM ildb.ion") == 0
        assert n("SELECT count(*) FROM ildb.pairing WHERE n_cation * cation_charge + n_anion * anion_charge <> 0") == 0
        assert [check.name for check in run_checks(connection) if check.n_rows] == []
