"""``ildb show`` and ``ildb model``: everything known about an ion, a pairing, a model."""

# ruff: noqa: F811 (fixtures are imported by name)
from __future__ import annotations

import pytest

from ildb.chem.identity import identify
from tests.integration.command import command  # noqa: F401
from tests.integration.populate import ANIONS, CATIONS, Populated, populated  # noqa: F401

EMIM = "1-ethyl-3-methylimidazolium"
NTF2 = "bis(trifluoromethylsulfonyl)amide"


def test_an_ion_by_any_name(command, populated: Populated) -> None:
    emim = populated.cations[EMIM]
    shown = command("show", "ion", str(emim), "--json").json()
    for key in ("CC[n+]1ccn(C)c1", "CCn1cc[n+](C)c1", "C[n+]1ccn(CC)c1", identify(CATIONS[EMIM]).inchikey):
        assert command("show", "ion", key, "--json").json() == shown
    assert (shown["charge"], shown["formula"]) == (1, "C6H11N2+")
    assert shown["aliases"] == [{"kind": "name", "value": EMIM, "origins": ["catalogue"]}]


def test_an_ions_partners(command, populated: Populated) -> None:
    shown = command("show", "ion", ANIONS[NTF2], "--json").json()
    own = {pairing for (_, anion), pairing in populated.pairings.items() if anion == NTF2}
    assert {pairing["pairing_id"] for pairing in shown["pairings"]} == own
    n_known = len(own & set(populated.known))
    assert shown["counts"] == {
        "n_pairings": len(own), "n_known": n_known, "n_predicted": len(own) - n_known, "n_generated": 0,
    }  # fmt: skip
    assert [pairing["evidence"] for pairing in shown["pairings"]][:n_known] == [["known"]] * n_known
    assert NTF2 in command("show", "ion", ANIONS[NTF2]).out


def test_what_was_computed_of_an_ion(command, populated: Populated) -> None:
    (computed,) = command("show", "ion", "[Cl-]", "--json").json()["properties"]
    out = command("show", "ion", "[Cl-]").out
    assert "volume nm3" in out
    assert f"{computed['volume_nm3']:.4g}"[:5] in out
    assert command("show", "ion", CATIONS[EMIM], "--json").json()["properties"] == []


def test_a_known_pairing(command, populated: Populated) -> None:
    pairing = populated.pairings[EMIM, NTF2]
    shown = command("show", "pairing", str(pairing), "--json").json()
    for smiles in (f"{CATIONS[EMIM]}.{ANIONS[NTF2]}", f"{ANIONS[NTF2]}.{CATIONS[EMIM]}"):
        assert command("show", "pairing", smiles, "--json").json() == shown
    assert shown["names"] == [f"{EMIM} {NTF2}"]
    assert [row["source"] for row in shown["evidence"]] == ["catalogue", "melting table"]
    assert shown["evidence"][1]["doi"] == "10.1000/table"
    assert [row["value"] for row in shown["measurements"]] == [250.0, 270.0]
    (consensus,) = shown["consensus"]
    assert (consensus["median"], consensus["spread"], consensus["disputed"]) == (260.0, 20.0, True)
    assert shown["link_scores"] == shown["melting_scores"] == shown["decisions"] == []
    assert shown["mass_g_mol"] == pytest.approx(391.3, abs=0.1)
    out = command("show", "pairing", str(pairing)).out
    for words in ("250 ± 1", "melting table", "Chem. Melt 1", f"{EMIM} {NTF2}"):
        assert words in out
    assert "Decision" not in out


def test_a_candidate(command, populated: Populated) -> None:
    passed = populated.passed[0]
    shown = command("show", "pairing", str(passed), "--json").json()
    (link,), (melting,), (decision,) = shown["link_scores"], shown["melting_scores"], shown["decisions"]
    assert link["reasons"] == ["cation resembles known partners"]
    assert (melting["tm_k"], melting["tm_low_k"], melting["tm_high_k"]) == (300.0, 250.0, 350.0)
    assert melting["nearest"][0]["tm_k"] == 360.0
    assert (decision["passed"], decision["rank"]) == (True, 1)
    out = command("show", "pairing", str(passed)).out
    for words in ("passed, rank 1", "for      likely", "for      Tm 300 K", "Nearest known ionic liquids"):
        assert words in out
    refused = sorted(set(populated.predicted) - set(populated.passed))[0]
    assert "against  Tm" in command("show", "pairing", str(refused)).out


def test_scores_of_other_properties(command, populated: Populated) -> None:
    pairing = str(populated.predicted[0])
    (score,) = command("show", "pairing", pairing, "--json").json()["property_scores"]
    out = command("show", "pairing", pairing).out
    assert "Scores of other properties" in out
    assert score["property"] in out


def test_stoichiometry_is_shown_and_not_needed(command, populated: Populated) -> None:
    cation, anion = next(pair for pair in populated.pairings if pair[1] == "sulfate")
    pairing = populated.pairings[cation, "sulfate"]
    for smiles in (f"{CATIONS[cation]}.{ANIONS[anion]}", f"{CATIONS[cation]}.{CATIONS[cation]}.{ANIONS[anion]}"):
        assert command("show", "pairing", smiles, "--json").json()["id"] == pairing
    assert "2:1" in command("show", "pairing", str(pairing)).out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("show", "ion", "999999"), "no ion '999999'"),
        (("show", "ion", "9" * 40), "no ion"),
        (("show", "ion", "CCCCCCCCCCCC[N+](C)(C)C"), "no ion"),
        (("show", "pairing", "999999"), "no pairing '999999'"),
        (("show", "pairing", "CCCCCCCCCCCC[N+](C)(C)C.[Cl-]"), "no pairing"),
        (("show", "ion", "CC[n+]1ccn(C)c1.[Cl-]"), "several fragments"),
        (("show", "pairing", "CC[n+]1ccn(C)c1"), "without its partner"),
        (("lineage", "pairing", "999999"), "no pairing"),
        (("model", "show", "999999"), "no model 999999"),
        (("model", "show", "9" * 40), "no model"),
    ],
)
def test_what_is_not_there(command, populated: Populated, arguments: tuple[str, ...], words: str) -> None:
    outcome = command(*arguments)
    assert (outcome.code, outcome.out) == (3, "")
    assert words in outcome.err
    assert outcome.err.count("\n") == 1


def test_models(command, populated: Populated) -> None:
    listed = command("model", "list", "--json").json()
    assert [model["kind"] for model in listed] == ["melting", "links"]
    assert [model["id"] for model in command("model", "list", "--kind", "links", "--json").json()] == [
        populated.links_model_id
    ]
    model = command("model", "show", str(populated.links_model_id), "--json").json()
    assert {"kind", "metrics", "snapshot", "seed", "versions"} <= model.keys()
    assert (model["kind"], model["seed"], model["stage"]) == ("links", 7, "links")
    assert model["metrics"] == {"auroc": 0.9, "core.auroc": 0.85}
    snapshot = model["snapshot"]
    assert snapshot["n_rows"] == sum(snapshot["splits"].values()) == sum(o["n_rows"] for o in snapshot["origins"])
    assert {origin["source"] for origin in snapshot["origins"]} == {"catalogue", "melting table"}
    out = command("model", "show", str(populated.links_model_id)).out
    for words in ("links.train", "core.auroc", "0.85", "torch 2.13.0"):
        assert words in out
    assert "links" in command("model", "list").out
