"""Volume-based thermodynamics against published values, and the properties of ions it rests on."""

from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem

from ildb.errors import InputError, StructureError
from ildb.melting import thermodynamics as thermo
from ildb.melting.conformer import embed, sasa_a2, skeleton_surface_a2
from ildb.melting.flexibility import effective_torsions, n_rotors
from ildb.melting.gas_entropy import gas_entropy, symmetry_number
from ildb.melting.ion_properties import IonProperties, describe_ion, describe_ions
from ildb.melting.logistic import PAPER_FEATURE_NAMES, PaperLogistic, fit_paper_logistic, paper_features
from ildb.melting.volume import crystal_volume_nm3

EMIM, BMIM = "CCn1cc[n+](C)c1", "CCCCn1cc[n+](C)c1"
BF4, PF6, NTF2 = "F[B-](F)(F)F", "F[P-](F)(F)(F)(F)F", "O=S(=O)([N-]S(=O)(=O)C(F)(F)F)C(F)(F)F"
PER_CM3 = 1 / 602.214


def ints(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def energy(volume_nm3: float, n_cation: int, z_cation: int, n_anion: int, z_anion: int) -> float:
    found = thermo.lattice_energy_kj_mol(
        np.array([volume_nm3]), ints(n_cation), ints(z_cation), ints(n_anion), ints(z_anion)
    )
    return float(found[0])


@pytest.mark.parametrize(
    ("salt", "cm3_mol", "published_kj_mol"),
    [
        ((1, 1, 1, -1), 27.0, 787),  # NaCl; lattice energies of the CRC Handbook
        ((1, 1, 1, -1), 43.3, 682),  # KBr
        ((1, 2, 2, -1), 24.5, 2651),  # CaF2
        ((1, 2, 2, -1), 53.9, 2056),  # BaCl2
        ((1, 2, 1, -2), 11.2, 3795),  # MgO
        ((1, 2, 1, -2), 16.8, 3414),  # CaO
        ((2, 1, 1, -2), 63.3, 1979),  # K2S
    ],
)
def test_lattice_energies_of_simple_salts(
    salt: tuple[int, int, int, int], cm3_mol: float, published_kj_mol: float
) -> None:
    assert energy(cm3_mol * PER_CM3, *salt) == pytest.approx(published_kj_mol, rel=0.06)


def test_other_charges_use_the_general_equation() -> None:
    # Al2O3, 25.6 cm3/mol: 15,916 kJ/mol. I = (2 * 9 + 3 * 4) / 2 = 15.
    assert energy(25.6 * PER_CM3, 2, 3, 3, -2) == pytest.approx(15_916, rel=0.06)
    assert energy(1.0, 1, 3, 3, -1) == pytest.approx(121.39 * 6 * 12 ** (1 / 3))


@pytest.mark.parametrize(
    ("volume", "gas", "enthalpy", "entropy", "gibbs"),
    [
        (0.229, 650.7, 492, 324, 395),  # EMIM BF4; Krossing et al. 2006
        (0.428, 974.1, 420, 377, 308),  # BMIM NTf2
        (0.305, 755.2, 457, 325, 360),  # BMIM PF6
    ],
)
def test_the_lattice_cycle_of_krossing(
    volume: float, gas: float, enthalpy: float, entropy: float, gibbs: float
) -> None:
    found = thermo.lattice(np.array([volume]), np.array([gas]), ints(1), ints(1), ints(1), ints(-1), ints(6), ints(6))
    assert found.enthalpy_kj_mol[0] == pytest.approx(enthalpy, abs=1)
    assert found.entropy_j_mol_k[0] == pytest.approx(entropy, abs=1)
    assert found.gibbs_kj_mol[0] == pytest.approx(gibbs, abs=1)


def test_the_enthalpy_term_depends_on_the_shape_of_the_ions() -> None:
    none = np.zeros(1)
    for freedom, per_rt in ((3, -1.0), (5, 1.0), (6, 2.0)):
        found = thermo.lattice_enthalpy_kj_mol(none, ints(1), ints(1), ints(freedom), ints(freedom))
        assert found[0] == pytest.approx(per_rt * 8.314462618 * 298.15 / 1000)


def test_solvation_and_fusion() -> None:
    volumes = np.array([0.156, 0.073])  # EMIM and BF4
    solvation = thermo.born_solvation_kj_mol(volumes, ints(1, -1), 12.9)
    assert solvation.sum() == pytest.approx(-418, abs=25)  # by COSMO, Krossing et al.
    assert thermo.fusion_gibbs_kj_mol(np.array([395.0]), np.array([-418.0]))[0] == pytest.approx(-23)
    doubled = thermo.born_solvation_kj_mol(volumes, ints(2, -2), 12.9)
    assert doubled == pytest.approx(4 * solvation)


@pytest.mark.parametrize(
    ("smiles", "published", "sigma", "freedom"),
    [
        ("[Cl-]", 153.4, 1, 3),  # NIST-JANAF and CRC standard entropies of the gas, J/(mol K)
        ("C", 186.3, 12, 6),
        ("c1ccccc1", 269.2, 12, 6),
        ("N#C[S-]", 232.5, 1, 5),
        ("CS(C)=O", 306.3, 1, 6),
        (BF4, 270.0, 12, 6),  # these by DFT, Krossing et al. 2006
        (PF6, 313.0, 24, 6),
        (EMIM, 380.7, 1, 6),
        (BMIM, 442.2, 1, 6),
    ],
)
def test_gas_entropies(smiles: str, published: float, sigma: int, freedom: int) -> None:
    found = gas_entropy(embed(Chem.MolFromSmiles(smiles)))
    assert found.total == pytest.approx(published, abs=13)
    assert (found.symmetry_number, found.freedom) == (sigma, freedom)


def test_gas_entropy_of_an_atom_is_sackur_tetrode() -> None:
    assert gas_entropy(embed(Chem.MolFromSmiles("[Br-]"))).total == pytest.approx(163.49, abs=0.05)


@pytest.mark.parametrize(("smiles", "sigma"), [("[NH4+]", 12), ("O=[N+]([O-])[O-]", 6), ("C[N+](C)(C)C", 12)])
def test_symmetry_numbers_do_not_depend_on_the_resonance_form(smiles: str, sigma: int) -> None:
    assert symmetry_number(embed(Chem.MolFromSmiles(smiles))) == sigma


@pytest.mark.parametrize(
    ("smiles", "torsions", "rotors"),
    [
        ("[Cl-]", 0, 0),
        (EMIM, 0.5, 1),  # CH2 and a ring
        (BMIM, 2.5, 3),
        ("CCCC[N+](CCCC)(CCCC)CCCC", 11, 12),  # Yalkowsky's groups have no N+
        ("CC(=O)[O-]", 0, 0),
        ("c1ccc2[nH+]cccc2c1", 0, 0),  # two fused rings are one system
        ("N#CCCC#N", 1, 1),  # nothing turns beside a triple bond
    ],
)
def test_flexibility(smiles: str, torsions: float, rotors: int) -> None:
    mol = Chem.MolFromSmiles(smiles)
    assert effective_torsions(mol) == torsions
    assert n_rotors(mol) == rotors


def test_volumes_and_surfaces() -> None:
    # Krossing et al. 2006: 0.229 and 0.305 nm3 for the salts.
    volume = {s: crystal_volume_nm3(Chem.MolFromSmiles(s)) for s in (EMIM, BMIM, BF4, PF6)}
    assert volume[EMIM] + volume[BF4] == pytest.approx(0.229, rel=0.05)
    assert volume[BMIM] + volume[PF6] == pytest.approx(0.305, rel=0.05)
    assert crystal_volume_nm3(Chem.MolFromSmiles("[H]C([H])([H])[H]")) == crystal_volume_nm3(Chem.MolFromSmiles("C"))
    # One sphere: 4 pi (1.75 + 1.4)².
    radius = Chem.GetPeriodicTable().GetRvdw("Cl") + 1.4
    chloride = embed(Chem.MolFromSmiles("[Cl-]"))
    assert sasa_a2(chloride) == pytest.approx(4 * np.pi * radius**2, rel=0.01)
    assert skeleton_surface_a2(chloride) == pytest.approx(4 * np.pi * 1.4**2, rel=0.01)
    butyl = embed(Chem.MolFromSmiles(BMIM))
    assert skeleton_surface_a2(butyl) < sasa_a2(butyl) / 2
    with pytest.raises(StructureError, match="U"):
        crystal_volume_nm3(Chem.MolFromSmiles("[U+4]"))


def test_the_same_ion_gives_the_same_numbers() -> None:
    assert describe_ion(BMIM) == describe_ion(BMIM)
    assert describe_ions([BMIM, "[Cl-]", BMIM])[2] == describe_ion(BMIM)


@pytest.mark.parametrize(
    ("smiles", "problem", "missing"),
    [
        ("nonsense", "structure: ", IonProperties._fields[:-1]),
        ("[U+4]", "volume_nm3: ", ("volume_nm3",)),
        ("C" * 90 + "[N+](C)(C)C", "geometry: 284 atoms", ("sasa_a2", "gas_entropy_j_mol_k", "freedom")),
        ("F[As-](F)(F)(F)(F)F", "geometry: UFF", ("sasa_a2", "gas_entropy_j_mol_k", "freedom")),
    ],
)
def test_what_cannot_be_computed_has_a_reason(smiles: str, problem: str, missing: tuple[str, ...]) -> None:
    found = describe_ion(smiles)
    assert any(text.startswith(problem) for text in found.problems)
    assert {name for name in IonProperties._fields if getattr(found, name) is None} >= set(missing)


def test_paper_features_and_the_classifier() -> None:
    ions = describe_ions([EMIM, BMIM, BF4, NTF2, "[Br-]", "nonsense", "O=S(=O)([O-])[O-]"])
    cation, anion = ints(0, 1, 0, 1, 5, 0), ints(2, 3, 4, 4, 3, 6)
    features = paper_features(ions, cation, anion, ints(1, 1, 1, 1, 1, 2), ints(1, 1, 1, 1, 1, 1))
    assert features.shape == (6, len(PAPER_FEATURE_NAMES))
    assert np.isfinite(features).all(axis=1).tolist() == [True] * 4 + [False, True]
    gibbs = features[:, -1]
    assert gibbs[0] == pytest.approx(395, abs=10)
    assert gibbs[5] > 2.5 * gibbs[0]  # a sulfate binds two cations
    rng = np.random.default_rng(0)
    many = np.tile(features, (40, 1)) * rng.normal(1, 0.05, (240, 1))
    below = many[:, -1] < np.nanmedian(many[:, -1])
    model = fit_paper_logistic(many, below)
    p = model.predict_proba(many)
    described = PaperLogistic.predicts(many)
    assert ((p > 0.5) == below)[described].mean() > 0.9
    assert set(p[~described]) == {model.prior}
    assert model.prior == pytest.approx(below[described].mean())
    again = PaperLogistic.from_json(model.to_json())
    assert again.predict_proba(many).tolist() == p.tolist()
    with pytest.raises(InputError, match="both sides"):
        fit_paper_logistic(features, np.ones(6, dtype=np.bool_))
