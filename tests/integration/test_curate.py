"""The one way in, on a real database: nothing is lost, nothing is doubled, whatever the order and whatever fails."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rdkit import Chem
from sqlalchemy import Engine, make_url, text

from ildb.chem.normalize import resonance_forms
from ildb.chem.standardize import resolve_ion
from ildb.db import engine as engines
from ildb.ingest import curate, recall, resolve
from ildb.ingest.curate import IngestCount, ingest
from ildb.ingest.record import MeasurementRecord, PairRecord
from ildb.ingest.source import SourceInfo
from ildb.ingest.workers import WorkerDiedError
from tests.integration.populate import ANIONS, CATIONS

PAPER = SourceInfo("paper", "a" * 64)
HANDBOOK = SourceInfo("handbook", "b" * 64)
EMIM, BMIM, CL, BF4 = "CCn1cc[n+](C)c1", "CCCCn1cc[n+](C)c1", "[Cl-]", "F[B-](F)(F)F"
ROOT = Path(__file__).resolve().parents[2]

# What a database says, without the ids and times that depend on the order of arrival.
CONTENTS = {
    "ion": "SELECT i.inchikey, i.smiles, i.charge, i.formula, i.mass_g_mol, i.heavy_atoms, i.flags, i.rdkit_version,"
    " s.mol::text, s.mfp2::text FROM ildb.ion AS i LEFT JOIN ildb.ion_structure AS s ON s.ion_id = i.id",
    "alias": "SELECT i.inchikey, s.name, a.kind, a.value FROM ildb.ion_alias AS a"
    " JOIN ildb.ion AS i ON i.id = a.ion_id JOIN ildb.source AS s ON s.id = a.source_id",
    "pairing": "SELECT c.inchikey, a.inchikey, p.n_cation, p.n_anion, p.cation_charge, p.anion_charge"
    " FROM ildb.pairing AS p JOIN ildb.ion AS c ON c.id = p.cation_id JOIN ildb.ion AS a ON a.id = p.anion_id",
    "evidence": "SELECT c.inchikey, a.inchikey, e.kind, s.name, e.source_key, e.name, e.reference"
    " FROM ildb.pairing_evidence AS e JOIN ildb.source AS s ON s.id = e.source_id"
    " JOIN ildb.pairing AS p ON p.id = e.pairing_id"
    " JOIN ildb.ion AS c ON c.id = p.cation_id JOIN ildb.ion AS a ON a.id = p.anion_id",
    "measurement": "SELECT c.inchikey, a.inchikey, m.property, m.qualifier, m.value, m.unit, m.uncertainty,"
    " m.temperature_k, m.pressure_kpa, m.method, s.name, m.source_key, m.reference, m.raw::text"
    " FROM ildb.measurement AS m JOIN ildb.source AS s ON s.id = m.source_id"
    " JOIN ildb.pairing AS p ON p.id = m.pairing_id"
    " JOIN ildb.ion AS c ON c.id = p.cation_id JOIN ildb.ion AS a ON a.id = p.anion_id",
    "quarantine": "SELECT s.name, q.record::text, q.record_sha256, q.reasons, q.findings::text, q.status"
    " FROM ildb.quarantine AS q JOIN ildb.source AS s ON s.id = q.source_id",
}
TABLES = ("source", "ingest", "ion", "ion_alias", "ion_structure", "pairing", "pairing_evidence", "measurement")


def connect(url: str) -> Engine:
    return engines.create(make_url(url).set(drivername="postgresql+psycopg"))


@pytest.fixture
def make_engine(new_database: Callable[..., str]) -> Iterator[Callable[[], Engine]]:
    """Make engines on empty databases."""
    made: list[Engine] = []

    def make() -> Engine:
        made.append(connect(new_database()))
        return made[-1]

    yield make
    for engine in made:
        engine.dispose()


@pytest.fixture
def database(make_engine: Callable[[], Engine]) -> Engine:
    """A database of the test's own."""
    return make_engine()


def contents(engine: Engine) -> dict[str, list[str]]:
    with engine.connect() as connection:
        return {name: sorted(map(repr, connection.execute(text(sql)).all())) for name, sql in CONTENTS.items()}


def sizes(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {t: connection.execute(text(f"SELECT count(*) FROM ildb.{t}")).scalar_one() for t in TABLES}


def value(engine: Engine, sql: str, **parameters: Any) -> Any:
    with engine.connect() as connection:
        return connection.execute(text(sql), parameters).scalar_one()


def melting_point(tm_k: float, **more: Any) -> MeasurementRecord:
    return MeasurementRecord("melting_point", tm_k, "K", **more)


def salt(key: str, cation: str = EMIM, anion: str = CL, **more: Any) -> PairRecord:
    return PairRecord(key, cation_smiles=cation, anion_smiles=anion, **more)


def add_up(count: IngestCount) -> bool:
    return count.n_inserted + count.n_existing + count.n_quarantined == count.n_read


def sample(n: int, seed: int = 1) -> list[PairRecord]:
    """Salts of well-known ions in random spellings, with values, doubles and records that must be refused."""
    rng = random.Random(seed)
    cations, anions = list(CATIONS.values()), list(ANIONS.values())
    bad = ["", "C[N](C)(C)(C)C", "CCO", "[Na+].CC", "C[N+](C)(C)C", "c1ccc", "[N+].[Cl-]"]
    records = []
    for i in range(n):
        cation, anion = respell(rng.choice(cations), rng), respell(rng.choice(anions), rng)
        reference = rng.choice([None, "J. Ion. 1 (2001) 1", "Chem. Melt 2 (2002) 2"])
        values = tuple(melting_point(rng.randrange(250, 260), reference=reference) for _ in range(rng.randrange(3)))
        match i % 10:
            case 0:
                records.append(PairRecord(f"k{i}", salt_smiles=rng.choice(bad), raw={"row": i}, measurements=values))
            case 1:
                records.append(PairRecord(f"k{i}", name="no structure", raw={"row": i}, problem="name_unmatched"))
            case 2 | 3:
                ions = [cation, anion]
                rng.shuffle(ions)
                records.append(
                    PairRecord(f"k{i}", salt_smiles=".".join(ions), measurements=values, derive_stoichiometry=True)
                )
            case _:
                # Some keys come twice with the same words, as in tables that repeat a salt for each value.
                records.append(salt(f"k{i // 3}", cation, anion, reference=reference, measurements=values))
    return records


def respell(smiles: str, rng: random.Random) -> str:
    mol = Chem.MolFromSmiles(smiles)
    order = list(range(mol.GetNumAtoms()))
    rng.shuffle(order)
    return str(Chem.MolToSmiles(Chem.RenumberAtoms(mol, order), canonical=False))


def test_every_record_is_inserted_existing_or_quarantined(database: Engine) -> None:
    records = [
        salt("1"),
        salt("2", anion=BF4, measurements=(melting_point(288.0),)),
        salt("1"),
        salt("3", cation="C[N+]"),
        PairRecord("4", name="a name", problem="name_unmatched"),
        PairRecord("5"),
    ]
    count = ingest(database, PAPER, iter(records))
    assert (count.n_read, count.n_inserted, count.n_existing, count.n_quarantined) == (6, 2, 1, 3)
    assert (count.n_pairings, count.n_measurements) == (2, 1)
    assert count.reasons == {"radical": 1, "name_unmatched": 1, "no_structure": 1}
    assert sizes(database) | {"ion_alias": 0} == {
        "source": 1, "ingest": 1, "ion": 3, "ion_alias": 0, "ion_structure": 3, "pairing": 2, "pairing_evidence": 2,
        "measurement": 1,
    }  # fmt: skip
    assert value(database, "SELECT n_read FROM ildb.ingest") == 6


@pytest.mark.parametrize("batch", [1, 2, 1000])
def test_doubles_within_a_batch_and_across_batches_are_one(
    database: Engine, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(curate, "BATCH", batch)
    twins = ["CCN1C=C[N+](C)=C1", "C[n+]1ccn(CC)c1", "C1=CN(C)C=[N+]1CC"]
    records = [salt("1", c, measurements=(melting_point(350.0),)) for c in (EMIM, *twins)] * 2
    count = ingest(database, PAPER, records)
    assert (count.n_inserted, count.n_existing, count.n_pairings, count.n_measurements) == (1, 7, 1, 1)
    assert sizes(database)["ion"] == 2
    aliases = "SELECT array_agg(value ORDER BY value) FROM ildb.ion_alias"
    own = value(database, "SELECT smiles FROM ildb.ion WHERE charge > 0")
    assert value(database, aliases) == sorted({EMIM, *twins} - {own})


def test_two_sources_are_two_claims_of_one_pairing(database: Engine) -> None:
    ingest(database, PAPER, [salt("1", reference="J. Ion. 1")])
    count = ingest(database, HANDBOOK, [salt("x", "C[n+]1ccn(CC)c1")])
    assert (count.n_inserted, count.n_pairings) == (1, 0)
    assert sizes(database)["pairing"] == 1
    assert [row.split(", ")[3] for row in contents(database)["evidence"]] == ["'handbook'", "'paper'"]


def test_conflicting_values_are_kept_and_disputed(database: Engine) -> None:
    points = [melting_point(t, reference=f"r{t}") for t in (350.0, 352.0, 390.0)]
    ingest(database, PAPER, [salt("1", measurements=tuple(points[:2]))])
    sql = text(
        "SELECT median, spread, n_values, disputed FROM ildb.consensus_measurement WHERE property = 'melting_point'"
    )
    with database.connect() as connection:
        assert tuple(connection.execute(sql).one()) == (351.0, 2.0, 2, False)
    bound = replace(points[0], value=500.0, qualifier="<")
    ingest(database, HANDBOOK, [salt("1", measurements=(points[2], bound))])
    assert sizes(database)["measurement"] == 4
    with database.connect() as connection:
        assert tuple(connection.execute(sql).one()) == (352.0, 40.0, 3, True)


def test_a_file_that_comes_again_inserts_nothing(database: Engine) -> None:
    records = sample(300)
    first = ingest(database, PAPER, records)
    before = contents(database)
    again = ingest(database, PAPER, records)
    assert (again.n_inserted, again.n_pairings, again.n_measurements) == (0, 0, 0)
    assert add_up(again)
    assert (again.n_read, again.n_quarantined, again.reasons) == (first.n_read, first.n_quarantined, first.reasons)
    assert contents(database) == before


def test_a_file_that_comes_again_is_recognised_by_its_words(database: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    if value(database, "SELECT to_regclass('ildb.ingest_batch')") is None:
        pytest.skip("this schema has no ingest_batch")
    monkeypatch.setattr(curate, "BATCH", 100)
    records = sample(300)
    assert ingest(database, PAPER, records).n_recognised == 0
    assert ingest(database, PAPER, records).n_recognised == 300
    # Another source makes claims of its own.
    assert ingest(database, HANDBOOK, records).n_recognised == 0
    # One changed record: its batch is looked at again.
    changed = [*records[:-1], salt("new")]
    count = ingest(database, PAPER, changed)
    assert (count.n_recognised, count.n_inserted) == (200, 1)
    # Other rules may give other results.
    monkeypatch.setattr(recall, "CURATION_VERSION", recall.CURATION_VERSION + 1)
    count = ingest(database, PAPER, records)
    assert (count.n_recognised, count.n_inserted) == (0, 0)


@pytest.mark.parametrize("seed", range(4))
def test_any_order_and_any_split_give_the_same_database(
    make_engine: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    records = sample(250)
    whole = make_engine()
    ingest(whole, PAPER, records)
    rng = random.Random(seed)
    monkeypatch.setattr(curate, "BATCH", rng.choice([1, 7, 64, 5000]))
    rng.shuffle(records)
    cuts = sorted(rng.sample(range(1, len(records)), rng.randrange(4)))
    parts = make_engine()
    counts = [
        ingest(parts, PAPER, records[start:end]) for start, end in zip([0, *cuts], [*cuts, len(records)], strict=True)
    ]
    assert all(map(add_up, counts))
    assert sum(count.n_read for count in counts) == len(records)
    assert contents(parts) == contents(whole)


def test_any_atom_order_and_resonance_form_is_the_same_ion(database: Engine) -> None:
    rng = random.Random(5)
    records = []
    for name, smiles in CATIONS.items():
        forms = {Chem.MolToSmiles(form) for form in resonance_forms(Chem.MolFromSmiles(smiles))}
        spellings = {respell(form, rng) for form in forms for _ in range(5)}
        kekule = Chem.MolFromSmiles(smiles)
        Chem.Kekulize(kekule, clearAromaticFlags=True)
        records += [salt(name, spelling) for spelling in {*spellings, Chem.MolToSmiles(kekule)}]
    for name, smiles in ANIONS.items():
        forms = {Chem.MolToSmiles(form) for form in resonance_forms(Chem.MolFromSmiles(smiles))}
        records += [salt(name, EMIM, respell(form, rng)) for form in forms for _ in range(5)]
    assert len(records) > 150
    count = ingest(database, PAPER, records)
    assert count.n_quarantined == 0
    assert sizes(database)["ion"] == len(CATIONS) + len(ANIONS)


def test_workers_change_nothing(make_engine: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch) -> None:
    from ildb.chem import standardize

    records = sample(200, seed=3)
    alone, helped = make_engine(), make_engine()
    count = ingest(alone, PAPER, records, workers=1)
    monkeypatch.setattr(resolve, "WORTH_A_POOL", 1)
    monkeypatch.setattr(resolve, "CHUNK", 10)
    monkeypatch.setattr(curate, "BATCH", 30)
    standardize._memory.clear()
    assert ingest(helped, PAPER, records, workers=2) == count
    assert contents(helped) == contents(alone)
    assert children() == []


def test_a_worker_that_is_killed_is_an_error_and_nothing_is_stored(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ildb.chem import standardize

    monkeypatch.setattr(resolve, "WORTH_A_POOL", 1)
    monkeypatch.setattr(curate, "BATCH", 10)
    standardize._memory.clear()
    before = sizes(database)

    def records() -> Iterator[PairRecord]:
        for i, record in enumerate(sample(200, seed=4)):
            if i == 100:
                assert children()
                for pid in children():
                    os.kill(pid, signal.SIGKILL)
            yield record

    with pytest.raises(WorkerDiedError, match="Nothing was stored"):
        ingest(database, PAPER, records(), workers=2)
    assert sizes(database) == before
    assert children() == []


def children() -> list[int]:
    """Processes this one started."""
    tasks = Path(f"/proc/{os.getpid()}/task").iterdir()
    return [int(pid) for task in tasks for pid in (task / "children").read_text().split() if is_worker(int(pid))]


def is_worker(pid: int) -> bool:
    return b"ildb.ingest.workers" in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_dry_run_counts_everything_and_stores_nothing(make_engine: Callable[[], Engine]) -> None:
    records = sample(120)
    database, other = make_engine(), make_engine()
    before = sizes(database)
    dry = ingest(database, PAPER, records, dry_run=True)
    assert sizes(database) == before
    assert dry == ingest(other, PAPER, records)
    with database.begin() as connection:
        ingest(connection, HANDBOOK, [salt("1")])
        assert ingest(connection, PAPER, records, dry_run=True).n_read == 120
    assert sizes(database)["source"] == 1
    assert sizes(database)["pairing"] == 1


def test_within_a_transaction_of_the_caller(database: Engine) -> None:
    with database.connect() as connection:
        assert ingest(connection, PAPER, [salt("1")]).n_inserted == 1
        assert ingest(connection, PAPER, [salt("1")]).n_existing == 1
        connection.rollback()
    assert sizes(database)["ion"] == 0
    with database.begin() as connection:
        ingest(connection, PAPER, [salt("1")])
    assert sizes(database)["ion"] == 2


def test_a_reader_that_fails_leaves_the_database_as_it_was(database: Engine) -> None:
    ingest(database, HANDBOOK, [salt("1")])
    before, tables = contents(database), sizes(database)

    def records() -> Iterator[PairRecord]:
        known = sample(200, seed=2)
        for i in range(7_000):
            yield replace(known[i % 200], source_key=f"k{i}")
        raise OSError("the disk is gone")

    seen: list[int] = []
    with pytest.raises(OSError, match="the disk is gone"):
        ingest(database, PAPER, records(), progress=lambda count: seen.append(count.n_read))
    assert contents(database) == before
    assert sizes(database) == tables


def test_killed_in_the_middle_leaves_the_database_and_no_process(database: Engine, tmp_path: Path) -> None:
    ingest(database, HANDBOOK, [salt("1")])
    before = contents(database)
    script = tmp_path / "endless.py"
    script.write_text(
        "import itertools, sys\n"
        "from tests.integration import test_curate as t\n"
        "from ildb.ingest import curate, resolve\n"
        "def tell(count):\n"
        "    print(*t.children(), flush=True)\n"
        # No `if __name__ == '__main__'`: the workers are not to run this again.
        "resolve.WORTH_A_POOL, curate.BATCH = 1, 100\n"
        "known = t.sample(100)\n"
        "records = (t.replace(r, source_key=f'{n}{r.source_key}') for n in itertools.count() for r in known)\n"
        "t.ingest(t.connect(sys.argv[1]), t.PAPER, records, workers=2, progress=tell)\n"
    )
    url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    process = subprocess.Popen(
        [sys.executable, str(script), url], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    with process.stdout:
        workers = [int(word) for word in process.stdout.readline().split()]
        process.stdout.readline()
        process.kill()
        process.wait()
    assert workers
    assert contents(database) == before
    wait_for(lambda: not any(is_alive(pid) for pid in workers))
    # The lock went with the connection.
    assert ingest(database, PAPER, [salt("2", BMIM)]).n_inserted == 1


def is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def wait_for(happened: Callable[[], bool], timeout_s: float = 20.0) -> None:
    end = time.monotonic() + timeout_s
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)


def ingest_sample(url: str, name: str, seed: int) -> IngestCount:
    engine = connect(url)
    curate.BATCH = 20  # type: ignore[misc]
    count = ingest(engine, SourceInfo(name, name * 8), sample(200, seed))
    engine.dispose()
    return count


def test_two_at_once_end_like_one_after_the_other(
    make_engine: Callable[[], Engine], new_database: Callable[..., str]
) -> None:
    url = new_database()
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        futures = [pool.submit(ingest_sample, url, name, seed) for name, seed in (("left", 1), ("right", 2))]
        counts = [future.result(timeout=120) for future in futures]
    assert all(map(add_up, counts))
    ordered = make_engine()
    for name, seed in (("left", 1), ("right", 2)):
        ingest(ordered, SourceInfo(name, name * 8), sample(200, seed))
    together = connect(url)
    assert contents(together) == contents(ordered)
    together.dispose()


HOSTILE = [
    "nul\x00inside", "\x00", "lone \udc80 surrogate", "\ud800", "quote ' \" $$ \\ ;--", "tab\tline\nfeed\r",
    "x" * 10_000, "é" * 5_000, "中" * 160, "\u202e", "", " ", "\\N", "\\.", "{}", "%s :name",
]  # fmt: skip


@pytest.mark.parametrize("words", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_survives_in_every_field(database: Engine, words: str) -> None:
    value_of = melting_point(300.0, method=words, reference=words)
    records = [
        salt("name", name=words),
        salt("raw", name="x", raw={words: words, "n": float("nan")}, measurements=(melting_point(310.0),)),
        salt("reference", reference=words, measurements=(value_of,)),
        salt(words, reference="key"),
        salt("cation", cation=words),
        PairRecord("salt", salt_smiles=words, name=words, raw={words: float("inf")}),
        salt("fine", BMIM),
    ]
    count = ingest(database, PAPER, records)
    assert add_up(count)
    assert count.n_read == 7
    assert count.n_inserted >= 3
    long = len(words.encode("utf-8", "replace")) > 1500
    assert ("text_too_long" in count.reasons) == long
    again = ingest(database, PAPER, records)
    assert (again.n_inserted, again.n_quarantined) == (0, count.n_quarantined)
    if "\x00" not in words and words.isprintable() and not long:
        stored = "SELECT count(*) FROM ildb.pairing_evidence WHERE name = :words OR reference = :words"
        assert value(database, stored, words=words) == 2


def test_long_random_references_do_not_end_an_ingest(database: Engine) -> None:
    # What does not compress does not fit into the index entry of a claim.
    rng = random.Random(7)
    noise = "".join(chr(rng.randrange(33, 0x2000)) for _ in range(10_000))
    for n in (100, 240, 700, 10_000):
        records = [
            salt("fine", reference=noise[:n], measurements=(melting_point(300.0, reference=noise[:n], method=noise),)),
            salt(noise[:n], name=noise),
        ]
        assert add_up(ingest(database, PAPER, records))
    # Each text at its limit: still within one index entry.
    key, reference = noise.encode()[:498].decode(errors="ignore"), noise.encode()[:1498].decode(errors="ignore")
    count = ingest(
        database, PAPER, [salt(key, reference=reference, measurements=(melting_point(301.0, reference=reference),))]
    )
    assert count.n_inserted == 1


def test_a_smiles_with_a_backslash_n_is_not_a_line_feed(database: Engine) -> None:
    cation = r"C/C=C\n1cc[n+](C)c1"
    ingest(database, PAPER, [salt("1", cation)])
    aliases = value(database, "SELECT array_agg(value) FROM ildb.ion_alias")
    own = value(database, "SELECT smiles FROM ildb.ion WHERE charge > 0")
    assert cation in {own, *(aliases or [])}
    assert "\n" not in own
    sql = "SELECT mol_to_smiles(mol)::text FROM ildb.ion_structure JOIN ildb.ion ON id = ion_id WHERE charge > 0"
    assert resolve_ion(value(database, sql)) == resolve_ion(cation)


BAD_VALUES = [
    (melting_point(float("nan")), "value_not_finite"),
    (melting_point(float("inf")), "value_not_finite"),
    (melting_point(300.0, temperature_k=float("nan")), "value_not_finite"),
    (melting_point(0.5), "value_out_of_range"),
    (melting_point(3000.5), "value_out_of_range"),
    (MeasurementRecord("melting_point", 80.0, "degC"), "value_out_of_range"),
    (melting_point(300.0, uncertainty=-1.0), "bad_uncertainty"),
    (melting_point(300.0, qualifier="≈"), "bad_qualifier"),
]


def test_values_the_tables_would_refuse_are_quarantined(database: Engine) -> None:
    records = [salt(f"bad{i}", measurements=(m,)) for i, (m, _) in enumerate(BAD_VALUES)]
    count = ingest(database, PAPER, [salt("1"), *records, salt("2", BMIM)])
    assert (count.n_inserted, count.n_quarantined) == (2, len(BAD_VALUES))
    with database.connect() as connection:
        found = connection.execute(text("SELECT record ->> 'source_key', reasons FROM ildb.quarantine")).all()
    assert dict(map(tuple, found)) == {f"bad{i}": [reason] for i, (_, reason) in enumerate(BAD_VALUES)}


def test_derived_stoichiometry_is_noted_with_the_value(database: Engine) -> None:
    sulfate = f"{EMIM}.[O-]S(=O)(=O)[O-]"
    record = PairRecord("1", salt_smiles=sulfate, raw={"a": 1}, measurements=(melting_point(300.0),))
    assert ingest(database, PAPER, [record]).reasons == {"not_neutral": 1}
    assert ingest(database, PAPER, [replace(record, derive_stoichiometry=True)]).n_inserted == 1
    assert value(database, "SELECT n_cation * 10 + n_anion FROM ildb.pairing") == 21
    assert value(database, "SELECT raw FROM ildb.measurement") == {"a": 1, "curation_notes": ["stoichiometry_derived"]}


def test_a_long_ingest_holds_no_more_locks_than_a_short_one(database: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curate, "BATCH", 10)
    locks: list[int] = []
    # Other tests use the same server, and vacuum takes locks of its own.
    here = (
        "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE locktype = 'relation' AND datname = current_database() AND backend_type = 'client backend'"
    )

    def look(count: IngestCount) -> None:
        locks.append(value(database, here))

    # Every batch touches every table.
    records = sample(400)
    ingest(database, PAPER, records, progress=look)
    assert len(locks) == 40
    assert locks[-1] <= locks[4]


def test_no_constraint_check_fails_after_all_of_it(database: Engine) -> None:
    from ildb.db.checks import run_checks

    ingest(database, PAPER, sample(300))
    with database.connect() as connection:
        assert not [check for check in run_checks(connection) if check.n_rows]


def test_no_plan_for_any_values_is_kept(database: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    # Of an array that may be NULL the server's plan for any values reads the whole table, in each of many batches.
    monkeypatch.setattr(curate, "BATCH", 1)
    records = [salt(str(i), "C" * i + "[N+](C)(C)C") for i in range(1, 25)]
    with database.begin() as connection:
        usual = engines.raw(connection).prepare_threshold
        assert ingest(connection, PAPER, records, workers=1).n_inserted == 24
        assert engines.raw(connection).prepare_threshold == usual
        kept = connection.execute(text("SELECT statement FROM pg_prepared_statements")).scalars().all()
    assert [statement for statement in kept if "ildb.ion" in statement] == []
