from __future__ import annotations

import json
import math
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from ildb.md.geometry import explicit_ion, ion_geometry
from ildb.md.parameters import IonParameters
from ildb.md.published import _table, published_ions, published_terms
from ildb.md.symmetry import exact_charges, skeleton_key, symmetry_classes
from tests.unit.md.ions import EMIM, cheap

PUBLISHED = sorted(published_ions().values(), key=lambda ion: ion.name)


@pytest.mark.parametrize("smiles", [EMIM, "[Cl-]", "N#C[S-]"])
def test_json_gives_the_same_parameters_back(smiles: str) -> None:
    ion = cheap(smiles)
    again = IonParameters.from_json(ion.to_json())
    assert again == ion
    assert again.to_json() == ion.to_json()
    assert again.content_hash == ion.content_hash


def test_the_hash_follows_what_is_simulated_and_nothing_else() -> None:
    ion = cheap("N#C[S-]")
    assert replace(ion, provenance={}, name="X").content_hash == ion.content_hash
    heavier = replace(ion, atoms=(replace(ion.atoms[0], mass_amu=15.0), *ion.atoms[1:]))
    assert heavier.content_hash != ion.content_hash


def test_separations_are_shortest_paths_over_bonds() -> None:
    ion = cheap(EMIM)
    mol = explicit_ion(EMIM)
    distance = Chem.GetDistanceMatrix(mol)
    expected = {(i, j): int(distance[i, j]) for i in range(19) for j in range(i + 1, 19) if distance[i, j] <= 3}
    assert ion.separations == expected


@pytest.mark.parametrize(
    ("smiles", "alike"),
    [
        ("O=[N+]([O-])[O-]", [(0, 2), (0, 3)]),
        ("CC(=O)[O-]", [(2, 3)]),
        ("N#C[C-](C#N)C#N", [(0, 4), (0, 6)]),
        ("O=S(=O)([N-]S(=O)(=O)C(F)(F)F)C(F)(F)F", [(0, 5), (1, 4), (8, 12)]),
        ("[O-]Cl(=O)(=O)=O", [(0, 2)]),
    ],
)
def test_atoms_alike_whatever_form_is_drawn(smiles: str, alike: list[tuple[int, int]]) -> None:
    classes = symmetry_classes(explicit_ion(smiles))
    assert all(classes[i] == classes[j] for i, j in alike)


def test_unlike_atoms_stay_apart() -> None:
    classes = symmetry_classes(explicit_ion(EMIM))
    assert classes[3] != classes[4]  # C4 and C5 of the ring: the alkyl groups differ
    assert len(set(classes.tolist())) == 14


def test_both_forms_of_thiocyanate_are_one() -> None:
    assert skeleton_key(explicit_ion("N#C[S-]")) == skeleton_key(explicit_ion("[N-]=C=S"))
    assert skeleton_key(explicit_ion("CC(=O)[O-]")) != skeleton_key(explicit_ion("CC([O-])=[OH+]"))


def test_charges_sum_to_the_charge_exactly() -> None:
    rng = np.random.default_rng(5)
    for charge in (-2, -1, 1, 2):
        classes = np.array([0, 0, 0, 1, 1, 2, 3, 3, 3, 3, 3])
        settled = exact_charges(rng.normal(0, 0.4, 11) + charge / 11 + 0.001, classes, charge)
        assert abs(settled.sum() - charge) < 1e-12
        assert len(set(settled.tolist())) == 4


@pytest.mark.parametrize("ion", PUBLISHED, ids=lambda ion: ion.name)
def test_published_ions_pass_the_gate_and_cite(ion: object) -> None:
    made = cheap(ion.smiles)  # type: ignore[attr-defined]
    assert (made.backend, made.grade, made.charge_method) == ("published", "A", "published")
    assert made.provenance["citations"]
    assert abs(sum(atom.charge_e for atom in made.atoms) - made.charge) < 1e-9
    assert (made.gate is None) == (made.n_atoms == 1)


def test_every_row_of_the_table_names_a_source_and_is_used() -> None:
    table = _table()
    sources = set(table["source"])
    rows = [row for kind in ("type", "bond", "angle", "torsion", "improper") for row in table[kind].values()]
    cited = {str(row[-1]) for row in rows} | {ion["cite"] for ion in table["ion"]}
    assert cited == sources
    kinds = {kind for ion in table["ion"] for _, kind, _ in ion["types"]}
    assert kinds == set(table["type"])


def test_octahedra_have_no_term_for_opposite_neighbours() -> None:
    ion = cheap("F[P-](F)(F)(F)(F)F")
    assert len(ion.angles) == 12
    assert {round(math.degrees(angle.theta_rad)) for angle in ion.angles} == {90}


def test_opls_series_becomes_periodic_torsions() -> None:
    geometry = ion_geometry("O=S(=O)([N-]S(=O)(=O)C(F)(F)F)C(F)(F)F")
    key = skeleton_key(geometry.mol)
    terms, _ = published_terms(geometry, published_ions()[key])
    v = (32.773, -10.42, -3.195)
    backbone = [t for t in terms.torsions if abs(t.k_kj_mol) > 3]
    assert len(backbone) == 2 * 2  # two paths S-N-S-C, whose third term is below 3
    for phi in (0.3, 1.1, 2.9):
        expected = (
            v[0] / 2 * (1 + math.cos(phi)) + v[1] / 2 * (1 - math.cos(2 * phi)) + v[2] / 2 * (1 + math.cos(3 * phi))
        )
        path = (backbone[0].i, backbone[0].j, backbone[0].k, backbone[0].l)
        own = [t for t in terms.torsions if (t.i, t.j, t.k, t.l) == path]
        assert sum(t.k_kj_mol * (1 + math.cos(t.periodicity * phi - t.phase_rad)) for t in own) == pytest.approx(
            expected
        )


@pytest.mark.skipif("ILDB_CLANDP_FF" not in os.environ, reason="ILDB_CLANDP_FF names no il.ff")
def test_the_table_agrees_with_the_authors_collection() -> None:
    theirs = _collection(Path(os.environ["ILDB_CLANDP_FF"]).read_text(encoding="utf-8"))
    table = _table()
    foreign = {"jc2008"}
    for name, (_, sigma, epsilon, source) in table["type"].items():
        alias = {"FB4": "FB", "CT": "CT"}.get(name, name)
        if source not in foreign:
            assert theirs["ATOMS"][alias][-2:] == [sigma, epsilon], name
    for kind, section in (("bond", "BONDS"), ("angle", "ANGLES"), ("torsion", "DIHEDRALS")):
        for name, (*numbers, _) in table[kind].items():
            found = theirs[section].get(name) or theirs[section].get("-".join(reversed(name.split("-"))))
            assert found == numbers or (found is None and not any(numbers)), name


def _collection(text: str) -> dict[str, dict[str, list[float]]]:
    sections: dict[str, dict[str, list[float]]] = {}
    width = {"ATOMS": 1, "BONDS": 2, "ANGLES": 3, "DIHEDRALS": 4, "IMPROPER": 4}
    now = ""
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if len(words) == 1:
            now = words[0]
            sections[now] = {}
        elif words:
            name = "-".join(words[: width[now]])
            sections[now].setdefault(name, [float(word) for word in words if _is_number(word)])
    return sections


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def test_json_of_parameters_is_plain() -> None:
    plain = json.loads(cheap(EMIM).to_json())
    assert {"atoms", "bonds", "backend", "grade", "gate", "provenance"} <= set(plain)
