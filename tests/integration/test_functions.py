"""The functions for psql: the same answers as the command line's, through the index, and clear refusals."""

# ruff: noqa: F811 (fixtures are imported by name)
from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from ildb.search import similar, substructure
from ildb.search.substructure import Filters
from tests.integration.populate import Populated, populated  # noqa: F401


@pytest.fixture
def connection(engine: Engine, populated: Populated) -> Iterator[Connection]:
    """A transaction of a reader, rolled back."""
    with engine.connect() as connection:
        connection.execute(text("SET LOCAL ROLE ildb_reader"))
        yield connection
        connection.rollback()


def call(connection: Connection, function: str, **arguments: object) -> list[dict[str, object]]:
    named = ", ".join(f"{name} => :{name}" for name in arguments)
    return [
        dict(row) for row in connection.execute(text(f"SELECT * FROM ildb.{function}({named})"), arguments).mappings()
    ]


@pytest.mark.parametrize(
    ("cation", "anion", "filters"),
    [
        ("c1c[n+]cn1", "F", {}),
        ("c1c[n+]cn1", None, {}),
        (None, "[#6].[F]", {}),
        (None, None, {}),
        ("[OX2H]", None, {"evidence": "known"}),
        (None, "S", {"evidence": "predicted"}),
        (None, None, {"evidence": "generated"}),
        (None, None, {"passed": True}),
        ("C", None, {"tm_below_k": 300.0}),
        ("C", "F", {"tm_below_k": 320.0, "evidence": "known"}),
        ("C", None, {"tm_below_k": 350.0, "passed": True}),
        ("[Au]", None, {}),
    ],
)
@pytest.mark.parametrize("limit", [1, 13, None])
def test_find_pairings_is_what_search_substructure_says(
    connection: Connection, cation: str | None, anion: str | None, filters: dict[str, object], limit: int | None
) -> None:
    wanted = [(cation, "cation")] if cation else []
    wanted += [(anion, "anion")] if anion else []
    connection.execute(text("RESET ROLE"))
    found = [substructure.match_ions(connection, substructure.condition(q, side)) for q, side in wanted]  # type: ignore[arg-type]
    expected = list(substructure.search(connection, found, Filters(**filters), limit))  # type: ignore[arg-type]
    connection.execute(text("SET LOCAL ROLE ildb_reader"))
    arguments = {"passed_only" if name == "passed" else name: value for name, value in filters.items()}
    hits = call(connection, "find_pairings", cation_smarts=cation, anion_smarts=anion, max_rows=limit, **arguments)
    plain = [{("evidence" if key == "kinds" else key): v for key, v in hit.items() if key != "place"} for hit in hits]
    assert plain == expected


@pytest.mark.parametrize("side", ["cation", "anion", "either"])
@pytest.mark.parametrize("smarts", ["C(F)(F)F", "[#7]", "[OX2H]", "c1c[n+]cn1"])
def test_find_ions_is_what_search_substructure_says(
    connection: Connection, smarts: str, side: substructure.Side
) -> None:
    connection.execute(text("RESET ROLE"))
    matches = substructure.match_ions(connection, substructure.condition(smarts, side))
    connection.execute(text("SET LOCAL ROLE ildb_reader"))
    found = call(connection, "find_ions", smarts=smarts, side=side)
    assert {row["ion_id"] for row in found} == {*matches.cation_ids, *matches.anion_ids}
    assert all((row["charge"] > 0) == (row["ion_id"] in matches.cation_ids) for row in found)  # type: ignore[operator]


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.5, 1.0])
def test_similar_ions_is_what_search_similar_says(connection: Connection, threshold: float) -> None:
    smiles = "CCCC[n+]1ccn(C)c1"
    connection.execute(text("RESET ROLE"))
    expected = similar.similar_ions(connection, smiles, "cation", threshold=threshold, top=50)
    connection.execute(text("SET LOCAL ROLE ildb_reader"))
    connection.execute(text("SELECT set_config('rdkit.tanimoto_threshold', '0.77', true)"))
    found = call(connection, "similar_ions", smiles=smiles, side="cation", threshold=threshold, top=50)
    assert [(row["ion_id"], row["similarity"]) for row in found] == [(r["ion_id"], r["similarity"]) for r in expected]
    assert len(found) >= 1
    assert connection.execute(text("SELECT current_setting('rdkit.tanimoto_threshold')")).scalar_one() == "0.77"


def test_similar_ions_in_a_session_that_has_not_loaded_the_cartridge(engine: Engine, populated: Populated) -> None:
    engine.dispose()
    with engine.connect() as connection:
        assert len(call(connection, "similar_ions", smiles="CCCC[n+]1ccn(C)c1", threshold=0.99)) == 1


@pytest.mark.parametrize(
    ("function", "arguments", "says"),
    [
        ("find_ions", {"smarts": "c1c[n+"}, "cannot read the SMARTS 'c1c\\[n\\+'"),
        ("find_ions", {"smarts": None}, "SMARTS is empty"),
        ("find_ions", {"smarts": ""}, "SMARTS is empty"),
        ("find_ions", {"smarts": "C C"}, "white space"),
        ("find_ions", {"smarts": "C" * 17}, "more than 16 atoms"),
        ("find_ions", {"smarts": "[$(" + "C" * 17 + ")]"}, "more than 16 atoms"),
        ("find_ions", {"smarts": "CCCC.CCC"}, "2 with more than 6 atoms"),
        ("find_ions", {"smarts": "[$(CCCC.CCC)]"}, "2 with more than 6 atoms"),
        ("find_ions", {"smarts": "[$([$([$(C)])])]"}, "nests them deeper than 2"),
        ("find_ions", {"smarts": "[#6]" * 101}, "401|404 characters; the limit is 400"),
        ("find_ions", {"smarts": "C.C.C"}, "more than 2 fragments"),
        ("find_ions", {"smarts": "[$(C)]" * 7}, "recursive"),
        ("find_ions", {"smarts": "C", "side": "both"}, "side is 'both'"),
        ("find_ions", {"smarts": "C", "side": None}, "side is NULL"),
        ("find_pairings", {"cation_smarts": "((("}, "cannot read the SMARTS"),
        ("find_pairings", {"anion_smarts": ""}, "SMARTS is empty"),
        ("find_pairings", {"anion_smarts": "C" * 5000}, "5000 characters"),
        ("find_pairings", {"anion_smarts": "'; DROP TABLE ildb.ion; --"}, "white space"),
        ("find_pairings", {"anion_smarts": "');DROP/**/TABLE/**/ildb.ion;--"}, "more than 16|cannot read"),
        ("find_pairings", {"after": "1:2"}, "after is '1:2'"),
        ("find_pairings", {"after": "1:2:3; DROP TABLE ildb.ion"}, "must be the place"),
        ("find_pairings", {"evidence": "hearsay"}, "evidence is 'hearsay'"),
        ("find_pairings", {"max_rows": -1}, "must not be negative"),
        ("find_pairings", {"property_to": 1.0}, "need property"),
        ("count_pairings", {"property_from": 1.0}, "need property"),
        ("count_pairings", {"evidence": "hearsay"}, "evidence is 'hearsay'"),
        ("similar_ions", {"smiles": "C.C"}, "several fragments"),
        ("similar_ions", {"smiles": "C(C)(C)(C)(C)C"}, "cannot read the SMILES"),
        ("similar_ions", {"smiles": "C" * 2000}, "2000 characters"),
        ("similar_ions", {"smiles": "C", "threshold": -0.1}, "threshold is -0.1"),
        ("similar_ions", {"smiles": "C", "top": 0}, "top is 0"),
    ],
)
def test_refusals(connection: Connection, function: str, arguments: dict[str, object], says: str) -> None:
    with pytest.raises(DBAPIError, match=says) as caught:
        call(connection, function, **arguments)
    assert getattr(caught.value.orig, "sqlstate", "") == "22023"


def test_patterns_at_the_limits_are_accepted(connection: Connection) -> None:
    recursive = ("[C,N;$(CCCCCCCCCCCCCCCC)]" * 6, "[$([NX4+]),$([n+]1ccccc1)]", "[$([$(C)])]")
    for smarts in ("C" * 16, "[#6]" * 16, "C.F", "CCC.CCC", "ClCBr", "[Cl-]", *recursive):
        call(connection, "find_ions", smarts=smarts)


def plan(connection: Connection, statement: str) -> str:
    return "\n".join(row[0] for row in connection.execute(text(f"EXPLAIN {statement}")))


def n_scans(connection: Connection, index: str) -> int:
    statement = text("SELECT pg_stat_get_xact_numscans(CAST(:index AS regclass))")
    return int(connection.execute(statement, {"index": f"ildb.{index}"}).scalar_one())


def test_find_ions_is_seen_through_and_uses_the_gist_index(connection: Connection) -> None:
    connection.execute(text("SET LOCAL enable_seqscan = off"))
    shown = plan(connection, "SELECT * FROM ildb.find_ions('c1c[n+]cn1', 'cation')")
    assert "Index Scan using ix_ion_structure_mol" in shown or "Bitmap Index Scan on ix_ion_structure_mol" in shown
    assert "Index Cond: (mol OPERATOR(public.@>)" in shown
    assert "Function Scan" not in shown


@pytest.mark.parametrize(
    ("call_", "index"),
    [
        ("find_pairings('c1c[n+]cn1', 'F')", "ix_ion_structure_mol"),
        ("find_pairings(anion_smarts => 'F')", "ix_ion_structure_mol"),
        ("similar_ions('CCCC[n+]1ccn(C)c1')", "ix_ion_structure_mfp2"),
    ],
)
def test_functions_scan_the_gist_index(connection: Connection, call_: str, index: str) -> None:
    connection.execute(text("SET LOCAL enable_seqscan = off"))
    before = n_scans(connection, index)
    connection.execute(text(f"SELECT * FROM ildb.{call_}")).all()
    assert n_scans(connection, index) > before


def test_the_cartridge_is_known_to_be_costly(connection: Connection) -> None:
    rows = connection.execute(
        text(
            "SELECT DISTINCT proname, procost FROM pg_proc"
            " WHERE proname IN ('substruct', 'mol_from_smiles', 'morganbv_fp')"
        )
    )
    assert {tuple(row) for row in rows} == {("substruct", 200.0), ("mol_from_smiles", 1000.0), ("morganbv_fp", 1000.0)}
    # A cheap condition is looked at first.
    connection.execute(text("RESET ROLE"))
    shown = plan(
        connection,
        "SELECT * FROM ildb.ion_structure WHERE substruct(mol, CAST('C' AS qmol)) AND ion_id % 2 = 0",
    )
    assert shown.index("(ion_id %") < shown.index("substruct")
