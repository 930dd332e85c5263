"""Substructure and similarity search, against Python's RDKit as the judge."""

# ruff: noqa: F811 (fixtures are imported by name)
from __future__ import annotations

import csv
import io
import json
import resource
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator
from sqlalchemy import Connection, Engine, text

from ildb.errors import StructureError
from ildb.export.atomic import replacing_file
from ildb.search import pairings, similar, substructure
from ildb.search.patterns import SearchPattern
from ildb.search.substructure import Condition, Filters
from tests.integration.command import command  # noqa: F401
from tests.integration.populate import Populated, populated  # noqa: F401

HOSTILE = [
    "'; DROP TABLE ildb.ion; --",
    'C"; DELETE FROM ildb.pairing; --',
    "C' OR '1'='1",
    "$1",
    ":smarts",
    "%s%d%",
    "C\\",
    "Ω≈ç√",
    "C C",
    "C\n--",
    "\x00",
    "C\x00C",
    "{}",
    "[C",
    "((((",
    "C" * 50_000,
    "",
    "   ",
]


def search(connection: Connection, *wanted: tuple[str, str], limit: int | None = None, **filters: object) -> list[dict]:
    found = [substructure.match_ions(connection, substructure.condition(q, side)) for q, side in wanted]
    return list(substructure.search(connection, found, Filters(**filters), limit))


@pytest.fixture
def connection(engine: Engine, populated: Populated):
    """A transaction that is rolled back."""
    with engine.connect() as connection:
        yield connection
        connection.rollback()


def expected(connection: Connection, *wanted: tuple[str, str]) -> set[int]:
    """Ids of the pairings that match by Python's RDKit alone."""
    ids = set()
    for row in connection.execute(
        text(
            "SELECT p.id, c.smiles AS cation, a.smiles AS anion FROM ildb.pairing p"
            " JOIN ildb.ion c ON c.id = p.cation_id JOIN ildb.ion a ON a.id = p.anion_id"
        )
    ):
        in_cation = [Chem.MolFromSmiles(row.cation).HasSubstructMatch(Chem.MolFromSmarts(q)) for q, _ in wanted]
        in_anion = [Chem.MolFromSmiles(row.anion).HasSubstructMatch(Chem.MolFromSmarts(q)) for q, _ in wanted]
        if all(
            (side != "anion" and c) or (side != "cation" and a)
            for (_, side), c, a in zip(wanted, in_cation, in_anion, strict=True)
        ):
            ids.add(row.id)
    return ids


@pytest.mark.parametrize(
    "wanted",
    [
        [("c1c[n+]cn1", "cation")],
        [("F", "anion")],
        [("O", "either")],
        [("[OX2H]", "either")],
        [("[#6].[F]", "anion")],
        [("[$([NX4+]),$([n+]1ccccc1)]", "cation")],
        [("c1c[n+]cn1", "cation"), ("F", "anion")],
        [("c1c[n+]cn1", "anion")],
        [("O", "either"), ("N", "either"), ("C", "either")],
        [("CO", "either"), ("C(F)(F)F", "anion")],
        [("C", "cation"), ("n", "cation"), ("[#7]", "anion"), ("O", "either")],
    ],
)
def test_hits_are_those_of_rdkit(connection: Connection, wanted: list[tuple[str, str]]) -> None:
    hits = search(connection, *wanted)
    assert {hit["pairing_id"] for hit in hits} == expected(connection, *wanted)
    assert len({hit["pairing_id"] for hit in hits}) == len(hits)


def test_best_come_first_and_a_limit_is_a_prefix(connection: Connection, populated: Populated) -> None:
    hits = search(connection, ("C", "cation"))
    ids = [hit["pairing_id"] for hit in hits]
    n_passed = len(populated.passed)
    assert ids[:n_passed] == populated.passed
    assert [hit["rank"] for hit in hits[:n_passed]] == list(range(1, n_passed + 1))
    n_best = n_passed + len(populated.known)
    assert ids[n_passed:n_best] == sorted(populated.known)
    assert ids[n_best:] == sorted(set(populated.predicted) - set(populated.passed))
    for limit in (1, n_passed, n_passed + 1, n_best + 1, 1000):
        assert [hit["pairing_id"] for hit in search(connection, ("C", "cation"), limit=limit)] == ids[:limit]


def test_filters(connection: Connection, populated: Populated) -> None:
    def ids(**filters: object) -> set[int]:
        return {hit["pairing_id"] for hit in search(connection, ("C", "cation"), **filters)}

    assert ids(evidence="known") == set(populated.known)
    assert ids(evidence="predicted") == set(populated.predicted)
    assert ids(evidence="generated") == set()
    assert ids(passed=True) == set(populated.passed)
    assert ids(passed=True, evidence="known") == set()
    cold = search(connection, ("C", "cation"), tm_below_k=300.0)
    assert cold
    for hit in cold:
        assert (hit["tm_k"] if hit["tm_k"] is not None else hit["tm_predicted_k"]) < 300
    every = search(connection, ("C", "cation"))
    best = [hit["tm_k"] if hit["tm_k"] is not None else hit["tm_predicted_k"] for hit in every]
    assert len(cold) == sum(tm is not None and tm < 300 for tm in best)


def test_measured_melting_point_beats_the_prediction(connection: Connection, populated: Populated) -> None:
    known = populated.known[1]
    connection.execute(
        text("INSERT INTO ildb.melting_score SELECT :model, :pairing, :run, 0.1, 500, 450, 550, true, '{}', '[]'"),
        {"model": populated.melting_model_id, "pairing": known, "run": populated.run_id},
    )
    (hit,) = [h for h in search(connection, ("C", "cation"), tm_below_k=300.0) if h["pairing_id"] == known]
    assert (hit["tm_k"], hit["tm_predicted_k"]) == (253.0, 500.0)


def test_only_the_latest_decision_counts(connection: Connection, populated: Populated) -> None:
    first = populated.passed[0]
    run = connection.execute(
        text(
            "INSERT INTO ildb.run (recipe_name, recipe, recipe_sha256, run_key, code_version)"
            " VALUES ('later', '{}', 'x', 'x', '0') RETURNING id"
        )
    ).scalar_one()
    connection.execute(
        text("INSERT INTO ildb.screening_decision SELECT :run, :pairing, NULL, :model, false, NULL, 0.1, '[]'"),
        {"run": run, "pairing": first, "model": populated.melting_model_id},
    )
    assert [hit["pairing_id"] for hit in search(connection, ("C", "cation"), passed=True)] == populated.passed[1:]
    (hit,) = [hit for hit in search(connection, ("C", "cation")) if hit["pairing_id"] == first]
    assert hit["passed"] is False


@pytest.mark.parametrize("filters", [{}, {"passed": True}, {"evidence": "known"}, {"tm_below_k": 310.0}])
def test_count_is_the_number_of_hits(connection: Connection, filters: dict[str, object]) -> None:
    found = [substructure.match_ions(connection, substructure.condition("n", "cation"))]
    hits = list(substructure.search(connection, found, Filters(**filters)))
    assert substructure.count_pairings(connection, found, Filters(**filters)) == len(hits)


def test_more_hits_than_a_chunk(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = search(connection, ("C", "either"))
    monkeypatch.setattr(pairings, "CHUNK", 7)
    assert search(connection, ("C", "either")) == whole


def test_known_hit_has_all_columns(connection: Connection, populated: Populated) -> None:
    pairing = populated.pairings["1-ethyl-3-methylimidazolium", "bis(trifluoromethylsulfonyl)amide"]
    (hit,) = substructure.describe(connection, [pairing])
    assert tuple(hit) == substructure.COLUMNS
    assert hit["names"] == ["1-ethyl-3-methylimidazolium bis(trifluoromethylsulfonyl)amide"]
    assert hit["evidence"] == ["known"]
    assert hit["tm_k"] == 260.0  # the median of 250 and 270
    assert hit["passed"] is None


def test_indexes_answer(connection: Connection) -> None:
    connection.execute(text("SET LOCAL enable_seqscan = off"))
    plans = {
        "mol": "SELECT * FROM ildb.ion_structure WHERE mol @> qmol_from_smarts(CAST('n' AS cstring))",
        "mfp2": "SELECT * FROM ildb.ion_structure WHERE mfp2 % morganbv_fp(mol_from_smiles(CAST('CC' AS cstring)), 2)",
    }
    for column, statement in plans.items():
        plan = "\n".join(connection.execute(text(f"EXPLAIN {statement}")).scalars())
        assert f"ix_ion_structure_{column}" in plan


def test_a_pattern_only_python_reads_is_refused(connection: Connection) -> None:
    with pytest.raises(StructureError, match="cartridge cannot read"):
        substructure.match_ions(connection, Condition(SearchPattern("[not smarts", cheap=True), "either"))


# similarity


@pytest.mark.parametrize("threshold", [0.2, 0.5, 1.0])
@pytest.mark.parametrize(("side", "sign"), [("cation", 1), ("anion", -1), ("either", 0)])
def test_similar_agrees_with_rdkit(connection: Connection, threshold: float, side: str, sign: int) -> None:
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=512)
    query = "CCCCCn1cc[n+](C)c1" if side != "anion" else "COS(=O)(=O)[O-]"
    from ildb.chem.identity import identify

    wanted = generator.GetFingerprint(Chem.MolFromSmiles(identify(query).smiles))
    scores = {
        row.id: DataStructs.TanimotoSimilarity(wanted, generator.GetFingerprint(Chem.MolFromSmiles(row.smiles)))
        for row in connection.execute(text("SELECT id, smiles, charge FROM ildb.ion"))
        if sign in {0, 1 if row.charge > 0 else -1}
    }
    found = similar.similar_ions(connection, query, side, threshold=threshold, top=100)
    assert {row["ion_id"] for row in found} == {ion for ion, score in scores.items() if score >= threshold}
    assert [row["similarity"] for row in found] == pytest.approx([scores[row["ion_id"]] for row in found])
    for before, after in pairwise(found):
        assert (-before["similarity"], before["ion_id"]) < (-after["similarity"], after["ion_id"])


def test_resonance_twin_is_the_same_ion(connection: Connection, populated: Populated) -> None:
    (best,) = similar.similar_ions(connection, "CCn1cc[n+](C)c1", top=1)
    assert best == similar.similar_ions(connection, "CC[n+]1ccn(C)c1", top=1)[0]
    assert (best["ion_id"], best["similarity"]) == (populated.cations["1-ethyl-3-methylimidazolium"], 1.0)
    assert best["names"] == ["1-ethyl-3-methylimidazolium"]
    assert best["n_pairings"] > 5


def test_similar_wants_one_ion(connection: Connection) -> None:
    with pytest.raises(StructureError, match="several fragments"):
        similar.similar_ions(connection, "CC[n+]1ccn(C)c1.[Cl-]")


# command line


def test_json_is_format_json(command, populated: Populated) -> None:
    arguments = ("search", "substructure", "c1c[n+]cn1", "--ion", "cation", "--and", "F", "--ion", "anion")
    hits = command(*arguments, "--json").json()
    assert hits
    assert hits == command(*arguments, "--format", "json").json()
    rows = list(csv.DictReader(io.StringIO(command(*arguments, "--format", "csv").out)))
    assert [int(row["pairing_id"]) for row in rows] == [hit["pairing_id"] for hit in hits]
    assert [row["cation_smiles"] for row in rows] == [hit["cation_smiles"] for hit in hits]
    table = command(*arguments)
    assert table.code == 0
    folded = "".join(table.out.split())
    assert str(hits[0]["pairing_id"]) in folded
    assert len(table.out.splitlines()) > len(hits)


def test_out_files(command, populated: Populated, tmp_path: Path) -> None:
    arguments = ("search", "substructure", "C", "--limit", "0")
    hits = command(*arguments, "--json").json()
    assert len(hits) == len(populated.pairings)
    for suffix in ("csv", "json", "parquet"):
        assert command(*arguments, "--out", str(tmp_path / f"hits.{suffix}")).code == 0
    assert json.loads((tmp_path / "hits.json").read_text()) == hits
    table = pq.read_table(tmp_path / "hits.parquet").to_pylist()
    assert [row["pairing_id"] for row in table] == [hit["pairing_id"] for hit in hits]
    assert [row["names"] for row in table] == [hit["names"] for hit in hits]
    assert len((tmp_path / "hits.csv").read_text().splitlines()) == len(hits) + 1
    assert {path.name for path in tmp_path.iterdir()} == {"hits.csv", "hits.json", "hits.parquet"}


def test_a_failed_search_leaves_the_old_file(command, populated: Populated, tmp_path: Path) -> None:
    out = tmp_path / "hits.csv"
    out.write_text("old")
    assert command("search", "substructure", "not a pattern", "--out", str(out)).code == 3

    def stops_half_way() -> None:
        with replacing_file(out) as draft:
            draft.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        stops_half_way()
    assert out.read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]


def test_zero_hits_say_so(command, populated: Populated) -> None:
    outcome = command("search", "substructure", "[U]", "--ion", "cation")
    assert (outcome.code, outcome.out) == (0, "")
    assert outcome.err.strip() == "No hits: no cation contains [U]."
    both = command("search", "substructure", "c1c[n+]cn1", "--and", "[OX2H]", "--passed", "--evidence", "known")
    assert both.code == 0
    assert "No hits: no pairing satisfies all of it." in both.err
    assert command("search", "substructure", "[U]", "--json").json() == []
    assert "No hits" in command("search", "similar", "[U+4]").out


def test_limit_is_said(command, populated: Populated) -> None:
    outcome = command("search", "substructure", "C", "--limit", "3", "--format", "csv")
    assert len(outcome.out.splitlines()) == 4
    first = f"The first 3 of {len(populated.pairings)} pairings; --limit 0 for all, or --after "
    assert outcome.err.startswith(first)
    seen = outcome.out.splitlines()[1:]
    while "--after" in outcome.err:
        token = outcome.err.split()[-1]
        outcome = command("search", "substructure", "C", "--limit", "3", "--format", "csv", "--after", token)
        seen += outcome.out.splitlines()[1:]
    assert outcome.err.endswith(", the last.\n")
    assert seen == command("search", "substructure", "C", "--limit", "0", "--format", "csv").out.splitlines()[1:]


@pytest.mark.parametrize(
    "arguments",
    [
        ("C", "--and", "F", "--ion", "anion"),
        ("C", "--ion", "cation", "--ion", "anion"),
        ("C", "--ion", "neither"),
        ("C", "--format", "parquet"),
        ("C", "--out", "hits.txt"),
        ("C", "--json", "--format", "csv"),
        ("C", "--limit", "-1"),
    ],
)
def test_usage_errors(command, arguments: tuple[str, ...]) -> None:
    assert command("search", "substructure", *arguments).code == 2


def test_missing_folder(command, populated: Populated, tmp_path: Path) -> None:
    outcome = command("search", "substructure", "C", "--out", str(tmp_path / "none" / "hits.csv"))
    assert outcome.code == 3
    assert "none does not exist" in outcome.err
    assert command("search", "substructure", "C", "--format", "csv", "--out", str(tmp_path)).code == 3


def state(engine: Engine) -> dict[str, str]:
    """A hash of the rows of every table and view of the schema."""
    in_schema = (
        "SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'v') AND relnamespace = :s::regnamespace"
    )
    with engine.connect() as connection:
        names = connection.execute(text(in_schema.replace(":s", "'ildb'"))).scalars().all()
        rows = "SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {} AS t"
        return {
            name: connection.execute(text(rows.format(name))).scalar() for name in names if "ion_structure" not in name
        }


def test_hostile_strings_are_refused_and_change_nothing(command, populated: Populated, engine: Engine) -> None:
    before = state(engine)
    assert len(before) > 15
    for hostile in HOSTILE:
        for question in (
            ("search", "substructure", "--", hostile),
            ("search", "substructure", "C", "--and", hostile),
            ("search", "similar", "--", hostile),
            ("show", "ion", "--", hostile),
            ("show", "pairing", "--", hostile),
            ("lineage", "pairing", "--", hostile),
        ):
            outcome = command(*question)
            assert outcome.code == 3, (question, outcome)
            assert outcome.err.startswith("error: ")
            assert outcome.err.count("\n") == 1
    assert state(engine) == before
    assert command("search", "substructure", "C").code == 0  # the server is alive


def test_bad_structures_are_named_without_a_database(command) -> None:
    for question in (("search", "substructure", "[C"), ("search", "similar", "C1"), ("show", "ion", "xx")):
        assert command(*question, url="postgresql://x@/x?host=/nowhere").code == 3
    assert command("search", "substructure", "C", url="postgresql://x@/x?host=/nowhere").code == 4


def test_an_error_takes_under_two_seconds(ildb, database_url: str) -> None:
    def spent() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime  # not wall time: other tests may keep the machine busy

    for arguments in (("search", "substructure", "C" * 50_000), ("show", "pairing", "C" * 5000)):
        began = spent()
        done = ildb(*arguments, url=database_url)
        assert (done.returncode, done.stderr.count("\n")) == (3, 1)
        assert spent() - began < 2
