"""md.parameters on a real database: rows with grades and gate figures, made once and used again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from ildb.config import Settings
from ildb.ingest.curate import ingest
from ildb.ingest.mapping import load_mapping
from ildb.ingest.table import read_table, table_source
from ildb.md.parameters import IonParameters
from ildb.pipeline import recipe as recipes
from ildb.pipeline.artifacts import ArtifactStore
from ildb.pipeline.runner import Runner
from tests.integration.command import Outcome, command  # noqa: F401

SALTS = ("CC(=O)[O-].C[N+](C)(C)CCO", "[Br-].C[N+](C)(C)CCO", "F[B-](F)(F)C(F)(F)F.CCn1cc[n+](C)c1", "[Br-].[Ag+]")


@pytest.fixture(scope="module")
def filled(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Four pairings."""
    path = tmp_path_factory.mktemp("salts") / "salts.csv"
    path.write_text("\n".join(["salt", *SALTS, ""]))
    mapping = load_mapping(None, {"smiles": "salt", "source": "salts"})
    count = ingest(engine, table_source(path, mapping), read_table(path, mapping), workers=1)
    assert count.n_quarantined == 0
    return engine


def run(engine: Engine, home: Path, salts: tuple[str, ...], **params: Any) -> int:
    stage = {
        "name": "fields", "uses": "md.parameters",
        "params": {"select": "named", "smiles": list(salts), "charges": "gfn2", **params},
    }  # fmt: skip
    spec = recipes.from_dict({"name": "fields", "stage": [stage]}, where="test")
    return Runner(engine, settings=Settings(home=home), workers=1).run(spec).run_id


def rows(engine: Engine, run_id: int) -> dict[str, Any]:
    statement = (
        "SELECT i.smiles, p.*, a.sha256 FROM ildb.md_parameters AS p JOIN ildb.ion AS i ON i.id = p.ion_id"
        " LEFT JOIN ildb.artifact AS a ON a.id = p.artifact_id WHERE p.run_id = :run_id ORDER BY i.smiles"
    )
    with engine.connect() as connection:
        return {row.smiles: row for row in connection.execute(text(statement), {"run_id": run_id})}


def test_ions_get_rows_once_and_say_why_not(
    filled: Engine,
    tmp_path: Path,
    command: Callable[..., Outcome],  # noqa: F811
) -> None:
    first = rows(filled, run(filled, tmp_path, SALTS[:2]))
    assert {(smiles, row.backend, row.grade, row.charge_method) for smiles, row in first.items()} == {
        ("C[N+](C)(C)CCO", "gaff2", "B", "gfn2"),
        ("CC(=O)[O-]", "published", "A", "published"),
        ("[Br-]", "published", "A", "published"),
    }
    choline = first["C[N+](C)(C)CCO"]
    assert 0 < choline.gate_strain <= 1
    assert choline.gate_reference == "GFN2"
    assert choline.provenance["versions"]["openmm"] != "none"
    assert first["[Br-]"].gate_strain is None
    ion = IonParameters.from_json(ArtifactStore(Settings(home=tmp_path).artifacts_dir).get(choline.sha256).read_text())
    assert (ion.content_hash, ion.n_atoms) == (choline.content_sha256, choline.n_atoms)

    # Another selection: only what is new is made, and what no back end knows is a row with its reason.
    second = rows(filled, run(filled, tmp_path, SALTS))
    assert set(second) == {"CC[n+]1ccn(C)c1", "F[B-](F)(F)C(F)(F)F", "[Ag+]"}
    assert (second["F[B-](F)(F)C(F)(F)F"].backend, second["F[B-](F)(F)C(F)(F)F"].grade) == ("uff", "C")
    assert second["[Ag+]"].refusal == (
        "published: not in the table; gaff2: GAFF2 has no single atoms; uff: UFF has no type for Ag with 0 neighbours"
    )
    assert second["[Ag+]"].artifact_id is None

    # Another method is another row.
    third = rows(filled, run(filled, tmp_path, SALTS[1:2], charges="am1bcc"))
    assert {row.charge_method for row in third.values()} == {"am1bcc", "published"}

    shown = command("md", "parameters", "OCC[N+](C)(C)C", "--charges", "am1bcc", ILDB_HOME=str(tmp_path))
    assert f"row {third['C[N+](C)(C)CCO'].id} of md_parameters" in shown.out
    plain = command("md", "parameters", "C[N+](C)(C)CCO", "--charges", "gfn2", "--json", ILDB_HOME=str(tmp_path)).json()
    assert plain["stored_as"] == choline.id
    refused = command("md", "parameters", "[Ag+]", "--charges", "gfn2", ILDB_HOME=str(tmp_path))
    assert (refused.code, "UFF has no type for Ag" in refused.err) == (3, True)


def test_a_changed_method_makes_them_anew(filled: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    salt = (SALTS[0],)
    before = run(filled, tmp_path, salt)
    assert run(filled, tmp_path, salt) == before  # the same run answers
    monkeypatch.setattr("ildb.md.settings.METHOD_VERSION", 10**6)
    after = run(filled, tmp_path, salt)
    assert after != before
    assert len(rows(filled, after)) == 2


def test_without_a_row_they_are_derived_on_the_spot(command: Callable[..., Outcome], tmp_path: Path) -> None:  # noqa: F811
    nowhere = "postgresql+psycopg://nobody@127.0.0.1:1/none"
    shown = command("md", "parameters", "[N-]=C=S.[Na+]", "--json", url=nowhere, ILDB_HOME=str(tmp_path)).json()
    assert [(ion["name"], ion["stored_as"]) for ion in shown] == [("SCN", None), ("NA", None)]
    assert json.loads(json.dumps(shown[0]["atoms"][0]))["charge_e"] == -0.72
