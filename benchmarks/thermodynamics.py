"""Compare the volume-based thermodynamics with published values, and measure the published classifier.

Krossing et al. (J. Am. Chem. Soc. 2006, 128, 13427) give volume, lattice enthalpy, entropy and Gibbs energy, solvation
and fusion for nine ionic liquids. They are read from ``thermo_test_cases.csv`` in ``ILDB_ILGEN_DIR``, as the melting
points are; without that folder only simple salts with handbook lattice energies are compared. The last line is one JSON
object: mean absolute (``_mae``) and largest (``_max``) deviation of each quantity, and the classifier's figures.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import time
from pathlib import Path

import numpy as np
from melting import read_data
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold

from ildb.melting import thermodynamics as thermo
from ildb.melting.ion_properties import describe_ions
from ildb.melting.logistic import PAPER_FEATURE_NAMES, PaperLogistic, fit_paper_logistic, paper_features

# Charges of cation and anion, their numbers, molar volume (cm³/mol, from the density), lattice energy (kJ/mol, CRC
# Handbook of Chemistry and Physics).
SIMPLE = {
    "NaCl": (1, -1, 1, 1, 27.0, 787), "KBr": (1, -1, 1, 1, 43.3, 682), "CsI": (1, -1, 1, 1, 57.6, 604),
    "CaF2": (2, -1, 1, 2, 24.5, 2651), "BaCl2": (2, -1, 1, 2, 53.9, 2056), "MgO": (2, -2, 1, 1, 11.2, 3795),
    "CaO": (2, -2, 1, 1, 16.8, 3414), "K2S": (1, -2, 2, 1, 63.3, 1979),
}  # fmt: skip
NM3 = 1 / 602.214
SEEDS = (10, 11, 12, 13, 14)


def report(title: str, ours: np.ndarray, published: np.ndarray, key: str, unit: str) -> dict[str, float]:
    """Print one line; mean absolute and largest deviation."""
    error = ours - published
    print(f"{title:<58}{np.abs(error).mean():>8.2f}{np.abs(error).max():>8.2f}{error.mean():>8.2f}  {unit}")
    return {f"{key}_mae": round(float(np.abs(error).mean()), 4), f"{key}_max": round(float(np.abs(error).max()), 4)}


def simple_salts() -> dict[str, float]:
    """Lattice energies of salts of every charge type."""
    table = np.array(list(SIMPLE.values()), dtype=np.float64)
    qc, qa, nc, na = table[:, :4].astype(np.int64).T
    ours = thermo.lattice_energy_kj_mol(table[:, 4] * NM3, nc, qc, na, qa)
    return report("lattice energy of simple salts, given their volume", ours, table[:, 5], "simple_u_kj_mol", "kJ/mol")


def krossing(folder: Path) -> dict[str, float]:
    """Each published quantity against ours, first from the published volume, then from structure alone."""
    with (folder / "thermo_test_cases.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    n = len(rows)
    one, minus, six = np.ones(n, dtype=np.int64), -np.ones(n, dtype=np.int64), np.full(n, 6)
    published = {
        key: np.array([float(row[key]) for row in rows]) for key in rows[0] if not key.endswith(("name", "smiles"))
    }
    volume, entropy = published["molecular_volume"], 1000 * published["delta_latt_S"]
    cations = describe_ions([row["cation_smiles"] for row in rows])
    anions = describe_ions([row["anion_smiles"] for row in rows])

    def both(name: str) -> tuple[np.ndarray, np.ndarray]:
        return tuple(np.array([getattr(ion, name) for ion in ions]) for ions in (cations, anions))  # type: ignore[return-value]

    given = thermo.lattice(volume, entropy + thermo.solid_entropy_j_mol_k(volume), one, one, one, minus, six, six)
    figures = report("dH lattice, given V", given.enthalpy_kj_mol, published["delta_latt_H"], "h_given_v", "kJ/mol")
    contradictory = [
        f"{row['cation_name']}{row['anion_name']}"
        for row, error in zip(rows, given.enthalpy_kj_mol - published["delta_latt_H"], strict=True)
        if abs(error) > 2
    ]
    print(f"  the file's own V and dH of {', '.join(contradictory)} do not belong together")
    gibbs = published["delta_latt_H"] - 0.29815 * entropy
    figures |= report("dG lattice, given dH and dS", gibbs, published["delta_latt_G"], "g_given_h", "kJ/mol")
    fusion = thermo.fusion_gibbs_kj_mol(published["delta_latt_G"], published["delta_solv_G"])
    figures |= report(
        "dG fusion, given dG lattice and solvation", fusion, published["delta_fus_G"], "f_given_g", "kJ/mol"
    )

    volumes = both("volume_nm3")
    ours_v = volumes[0] + volumes[1]
    figures |= report("V from structure", 1000 * ours_v, 1000 * volume, "v_a3", "Å³")
    gas = sum(both("gas_entropy_j_mol_k"))
    ours = thermo.lattice(ours_v, gas, one, one, one, minus, six, six)
    figures |= report("dH lattice from structure", ours.enthalpy_kj_mol, published["delta_latt_H"], "h", "kJ/mol")
    figures |= report(
        "S gas of both ions from structure", gas, entropy + thermo.solid_entropy_j_mol_k(volume), "s_gas", "J/(mol K)"
    )
    figures |= report("dS lattice from structure", ours.entropy_j_mol_k, entropy, "s", "J/(mol K)")
    figures |= report("dG lattice from structure", ours.gibbs_kj_mol, published["delta_latt_G"], "g", "kJ/mol")
    for label, permittivity in (("measured permittivity", published["dielectric_constant"]), ("permittivity 12", 12.0)):
        solvation = sum(thermo.born_solvation_kj_mol(v, one, permittivity) for v in volumes)
        key = "" if label.startswith("m") else "_eps12"
        figures |= report(f"dG solvation (Born), {label}", solvation, published["delta_solv_G"], f"solv{key}", "kJ/mol")
        fusion = thermo.fusion_gibbs_kj_mol(ours.gibbs_kj_mol, solvation)
        figures |= report(f"dG fusion from structure, {label}", fusion, published["delta_fus_G"], f"fus{key}", "kJ/mol")
    return figures


def classifier(quick: bool) -> dict[str, float]:
    """The published classifier on the melting points at hand, five-fold cross-validated."""
    name, data = read_data()
    if quick:
        data = data.take(np.sort(np.random.default_rng(0).permutation(len(data))[:60]))
    smiles = list(dict.fromkeys([*data.cation_smiles, *data.anion_smiles]))
    start = time.process_time()
    ions = describe_ions(smiles)
    per_ion = (time.process_time() - start) / len(ions)
    position = {text: i for i, text in enumerate(smiles)}
    cation, anion = (np.array([position[s] for s in column]) for column in (data.cation_smiles, data.anion_smiles))
    features = paper_features(ions, cation, anion, data.n_cation, data.n_anion)
    described = PaperLogistic.predicts(features)
    below = data.tm_k < 373.15
    print(f"{name}: {len(data)} salts, {described.sum()} described; {len(ions)} ions, {1000 * per_ion:.0f} CPU ms each")
    for problem in sorted({problem for ion in ions for problem in ion.problems}):
        print(f"  {sum(problem in ion.problems for ion in ions)} ions: {problem}")
    runs = []
    for seed in SEEDS[: 1 if quick else None]:
        p = np.empty(len(data))
        for train, test in KFold(5, shuffle=True, random_state=seed).split(features):
            p[test] = fit_paper_logistic(features[train], below[train]).predict_proba(features[test])
        runs.append([
            roc_auc_score(below[described], p[described]), ((p > 0.5) == below)[described].mean(),
            roc_auc_score(below, p), ((p > 0.5) == below).mean(),
        ])  # fmt: skip
    auroc, accuracy, auroc_all, accuracy_all = np.median(runs, axis=0)
    model = fit_paper_logistic(features, below)
    print("weights of the standardised features:", dict(zip(PAPER_FEATURE_NAMES, model.weights.round(2), strict=True)))
    return {
        "n_salts": len(data), "n_described": int(described.sum()), "paper_logistic_auroc": round(float(auroc), 4),
        "paper_logistic_accuracy": round(float(accuracy), 4),
        "paper_logistic_all_rows_auroc": round(float(auroc_all), 4),
        "paper_logistic_all_rows_accuracy": round(float(accuracy_all), 4), "ion_cpu_ms": round(1000 * per_ion, 2),
    }  # fmt: skip


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="60 salts for the classifier: does it run?")
    arguments = parser.parse_args()
    print(f"{'':<58}{'mean|d|':>8}{'max|d|':>8}{'bias':>8}")
    figures = simple_salts()
    folder = os.environ.get("ILDB_ILGEN_DIR")
    if folder:
        figures |= krossing(Path(folder))
    figures |= classifier(arguments.quick)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
