from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from ildb.ingest.curate import ingest
from ildb.ingest.mapping import load_mapping
from ildb.ingest.table import read_table, table_source
from tests.integration.command import Outcome, command

__all__ = ["command"]

BMIM = "CCCCn1cc[n+](C)c1"
BMIM_TWIN = "CCCC[n+]1ccn(C)c1"
NTF2 = "O=S(=O)([N-]S(=O)(=O)C(F)(F)F)C(F)(F)F"
DICATION = "C[n+]1ccn(CCCCn2cc[n+](C)c2)c1"
OPTIONS: dict[str, Any] = {
    "smiles": "smiles",
    "name": "name",
    "reference": "ref",
    "measure": ("melting_point=IL-Tm (K):K",),
    "source": "table",
    "derive_stoichiometry": True,
}
HEADER = ("smiles", "name", "ref", "IL-Tm (K)")
ROWS = (
    (f"{BMIM}.{NTF2}", "BMIM NTf2", "A 2001", "270.2"),
    (f"{NTF2}.{BMIM_TWIN}", "BMIM NTf2", "B 2002", "272(1)"),
    (f"{BMIM_TWIN}.[Cl-]", "BMIM Cl", "A 2001", "65 °C"),
    (f"{BMIM}.[Cl-]", "BMIM Cl", "A 2001", "338-342"),
    (f"{BMIM}.[Cl-]", "BMIM Cl", "A 2001", "338-342"),
    (f"{BMIM}.[Br-]", "", "", "decomposes"),
    (f"{BMIM}.[O-][Cl+3]([O-])([O-])[O-]", "", "A 2001", "> 500 (dec)"),
    (f"{BMIM}.[O-]Cl(=O)(=O)=O", "", "B 2002", "liquid at room temperature"),
    (f"{DICATION}.[Br-]", "dication", "B 2002", "n/a"),
    ("CCO", "ethanol", "B 2002", "159"),
    ("C[N+](C)C.[Cl-]", "radical", "", "300"),
    ("", "no structure", "", "300"),
    (f"{BMIM}.[I-]", "frozen", "", "1 K ± 2 °C"),
)


def write(path: Path, rows: Sequence[Sequence[str]], header: Sequence[str] = HEADER) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, *rows])
    return path


def contents(engine: Engine) -> dict[str, Counter[tuple[Any, ...]]]:
    """The facts of a database by key and value, without ids and line numbers."""
    queries = {
        "ion": "SELECT inchikey, smiles, charge, formula, flags FROM ildb.ion",
        "alias": "SELECT DISTINCT i.inchikey, a.kind, a.value FROM ildb.ion_alias a JOIN ildb.ion i ON a.ion_id = i.id",
        "pairing": "SELECT c.inchikey, a.inchikey, p.n_cation, p.n_anion FROM ildb.pairing p"
        " JOIN ildb.ion c ON p.cation_id = c.id JOIN ildb.ion a ON p.anion_id = a.id",
        "evidence": "SELECT c.inchikey, a.inchikey, e.kind, e.name, e.reference FROM ildb.pairing_evidence e"
        " JOIN ildb.pairing p ON e.pairing_id = p.id JOIN ildb.ion c ON p.cation_id = c.id"
        " JOIN ildb.ion a ON p.anion_id = a.id",
        "measurement": "SELECT c.inchikey, a.inchikey, m.property, m.qualifier, m.value, m.unit, m.uncertainty,"
        " m.method, m.reference FROM ildb.measurement m JOIN ildb.pairing p ON m.pairing_id = p.id"
        " JOIN ildb.ion c ON p.cation_id = c.id JOIN ildb.ion a ON p.anion_id = a.id",
        "consensus": "SELECT c.inchikey, a.inchikey, m.property, m.median, m.spread, m.n_values, m.disputed"
        " FROM ildb.consensus_measurement m JOIN ildb.pairing p ON m.pairing_id = p.id"
        " JOIN ildb.ion c ON p.cation_id = c.id JOIN ildb.ion a ON p.anion_id = a.id",
        "quarantine": "SELECT reasons, record -> 'raw' ->> 'smiles', record -> 'raw' ->> 'name' FROM ildb.quarantine",
    }
    with engine.connect() as connection:
        return {
            name: Counter(
                tuple(tuple(v) if isinstance(v, list) else v for v in row) for row in connection.execute(text(sql))
            )
            for name, sql in queries.items()
        }


def fill(engine: Engine, folder: Path, files: Sequence[Sequence[Sequence[str]]]) -> dict[str, Counter[tuple[Any, ...]]]:
    """Empty the database, ingest files of rows one after the other, and say what is in it."""
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE ildb.source, ildb.ion CASCADE"))
    mapping = load_mapping(None, OPTIONS)
    for i, rows in enumerate(files):
        path = write(folder / f"{i}.csv", rows)
        count = ingest(engine, table_source(path, mapping), read_table(path, mapping), workers=1)
        assert count.n_inserted + count.n_existing + count.n_quarantined == count.n_read
    return contents(engine)


def test_every_row_and_every_value_is_accounted_for(engine: Engine, tmp_path: Path) -> None:
    found = fill(engine, tmp_path, [ROWS])
    assert {tuple(reasons) for reasons, *_ in found["quarantine"]} == {
        ("bad_value",), ("neutral_molecule",), ("no_structure",), ("radical",)
    }  # fmt: skip
    assert sum(found["quarantine"].values()) == 5
    # 13 rows; 3 have no usable structure, and each of the 10 others is a claim.
    assert sum(found["evidence"].values()) == 10
    assert len(found["pairing"]) == 6
    assert (1, 2) in {row[2:] for row in found["pairing"]}
    values = {row[2:7] for row in found["measurement"]}
    assert values == {
        ("melting_point", "=", 270.2, "K", None),
        ("melting_point", "=", 272.0, "K", 1.0),
        ("melting_point", "=", 338.15, "K", None),
        ("melting_point", "=", 340.0, "K", 2.0),
        ("decomposition_temperature", ">", 500.0, "K", None),
        ("melting_point", "<", 298.15, "K", None),
    }
    assert sum(found["measurement"].values()) == 7


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(ROWS), cuts=st.sets(st.integers(1, len(ROWS) - 1), max_size=4))
def test_any_order_and_any_split_over_different_files_gives_the_same_database(
    engine: Engine,
    tmp_path_factory: pytest.TempPathFactory,
    order: list[tuple[str, ...]],
    cuts: set[int],
) -> None:
    folder = tmp_path_factory.mktemp("split")
    edges = [0, *sorted(cuts), len(order)]
    files = [order[a:b] for a, b in pairwise(edges)]
    # Two files with the same content are the same file read twice, see below.
    assume(len({tuple(rows) for rows in files}) == len(files))
    assert fill(engine, folder, files) == fill(engine, folder, [ROWS])


def test_a_file_with_the_content_of_another_is_that_file_read_again(engine: Engine, tmp_path: Path) -> None:
    """The one split that loses a claim: a repeated row, alone in two files that cannot be told apart."""
    repeated = ROWS[3]
    assert ROWS.count(repeated) == 2
    together = fill(engine, tmp_path, [[repeated, repeated]])
    apart = fill(engine, tmp_path, [[repeated], [repeated]])
    assert sum(together["evidence"].values()) == 2
    assert sum(apart["evidence"].values()) == 1
    assert together["pairing"] == apart["pairing"]


Command = Callable[..., Outcome]


def test_a_table_goes_in_once_by_command_line(
    command: Command, new_database: Callable[..., str], tmp_path: Path
) -> None:
    url = new_database()
    path = write(
        tmp_path / "lab.csv",
        [(BMIM, NTF2, "−3 °C", "1.43"), (BMIM, "[Cl-]", "glass", "1.08"), (BMIM, "CC", "300", "1.0")],
        ("Cation", "Anion", "IL-Tm (K)", "rho=m/V (25 °C): exp"),
    )
    arguments = (
        "ingest", "table", str(path), "--cation", "Cation", "--anion", "Anion", "--source", "lab",
        "--measure", "melting_point=IL-Tm (K):K", "--measure", "density=rho=m/V (25 °C): exp:g/cm3",
        "--doi", "10.1/x", "--json",
    )  # fmt: skip
    dry = command(*arguments, "--dry-run", url=url).json()
    assert command("stats", "--json", url=url).json()["ions"] == 0
    first = command(*arguments, url=url).json()
    assert {**first, "dry_run": True} == dry
    assert (first["n_read"], first["n_inserted"], first["n_quarantined"]) == (4, 2, 2)
    assert (first["n_pairings"], first["n_measurements"]) == (2, 3)
    assert first["reasons"] == {"bad_value": 1, "charge_zero": 1}
    again = command(*arguments, url=url).json()
    assert (again["n_inserted"], again["n_existing"], again["n_quarantined"]) == (0, 2, 2)
    stats = command("stats", "--json", url=url).json()
    assert (stats["pairings"], stats["measurements"], stats["quarantined"]) == (2, 3, 2)
    said = command(*arguments[:-1], url=url)
    assert "Nothing new" in said.out
    with psycopg.connect(url) as connection:
        ((key, message),) = connection.execute(
            "SELECT record ->> 'source_key', findings -> 0 ->> 'message' FROM ildb.quarantine"
            " WHERE 'bad_value' = ANY (reasons)"
        ).fetchall()
    assert key == "3:IL-Tm (K)"
    assert message.startswith("lab.csv, line 3, column 3 (IL-Tm (K)): 'glass'")


def test_another_value_column_of_the_same_file_adds_its_values_only(
    command: Command, new_database: Callable[..., str], tmp_path: Path
) -> None:
    url = new_database()
    path = write(tmp_path / "t.csv", [(f"{BMIM}.[Cl-]", "338", "1080")], ("s", "Tm", "rho"))
    command("ingest", "table", str(path), "--smiles", "s", "--source", "x", "--measure", "melting_point=Tm:K", url=url)
    more = command(
        "ingest", "table", str(path), "--smiles", "s", "--source", "x", "--measure", "melting_point=Tm:K",
        "--measure", "density=rho:kg/m3", "--json", url=url,
    ).json()  # fmt: skip
    assert (more["n_inserted"], more["n_pairings"], more["n_measurements"]) == (1, 0, 1)
    again = command(
        "ingest", "table", str(path), "--smiles", "s", "--source", "x", "--measure", "density=rho:kg/m3",
        "--measure", "melting_point=Tm:degC", url=url,
    )  # fmt: skip
    assert "warning: nothing says at which temperature density was measured" in again.err
    assert "1 rows of x now have two values of one property" in again.err


@pytest.mark.parametrize(
    ("content", "options", "says"),
    [
        (b"smiles,Tm\n\xe9,1\n", [], "line 2, column 1"),
        (b"smiles,Tm,Tm\na,1,2\n", ["--measure", "melting_point=Tm:K"], "columns 2 and 3"),
        (b"smiles,Tm\na,1\n", ["--measure", "melting_point=Tm:kg"], "does not fit melting_point"),
        (b"smiles,Tm\na,1\n", ["--measure", "charm=Tm:K"], "Known: melting_point"),
        (b"smiles,Tm\na,1\n", ["--measure", "melting_point:K"], "Write it as"),
        (b"SMILES,Tm\na,1\n", [], "'SMILES', 'Tm'"),
        (b"Melting points 2026,\nsmiles,Tm\na,1\n", [], "must be in the first row: delete what is above it"),
        (b'smiles,Tm\n"a,1\n', [], "line 2"),
    ],
)
def test_what_cannot_be_read_ends_with_status_3_and_leaves_nothing(
    command: Command, tmp_path: Path, content: bytes, options: list[str], says: str
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    before = command("stats", "--json").json()
    outcome = command("ingest", "table", str(path), "--smiles", "smiles", "--source", "x", *options)
    assert outcome.code == 3
    assert says in outcome.err
    assert command("stats", "--json").json() == before


def test_a_table_without_a_source_name_is_refused(command: Command, tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", [("a",)], ("smiles",))
    outcome = command("ingest", "table", str(path), "--smiles", "smiles")
    assert outcome.code == 3
    assert "--source NAME" in outcome.err
