"""Known ions as a table of cores and substituents: one entry for each bond at which an ion can be cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rdkit import Chem

from ildb.chem.parse import parse_smiles
from ildb.generate.fragments import MAX_SUBSTITUENT, core_text, substituent_text
from ildb.generate.sites import cut_sites

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class CutTable:
    """Cuts of a set of ions; an ion has as many entries as distinct cuts.

    Attributes:
        cores: SMILES of the charged parts with ``[*:1]`` where they were cut.
        core_charge: net charge of each core, e, shape (n_cores,).
        core_class: place in ``classes`` of the core's end of the bond, shape (n_cores,).
        substituents: SMILES of the neutral parts, the atom that binds first.
        substituent_class: place in ``classes`` of the substituent's end, shape (n_substituents,).
        classes: surroundings of atoms (`ildb.generate.sites.atom_class`).
        ion: which ion was cut, shape (n_cuts,).
        core: into which core, shape (n_cuts,).
        substituent: and which substituent, shape (n_cuts,).
        n_ions: ions that were to be cut; some cannot be.
    """

    cores: list[str]
    core_charge: Ints
    core_class: Ints
    substituents: list[str]
    substituent_class: Ints
    classes: list[str]
    ion: Ints
    core: Ints
    substituent: Ints
    n_ions: int


def cut_table(smiles: Sequence[str]) -> CutTable:
    """Cut every ion at each of its sites.

    Args:
        smiles: of known ions; stereochemistry is left out.

    Raises:
        RefusedError: one of them is not a structure.
    """
    cuts: set[tuple[int, tuple[str, int, str], tuple[str, str]]] = set()
    for number, text in enumerate(smiles):
        mol = parse_smiles(text)
        Chem.RemoveStereochemistry(mol)
        charge = Chem.GetFormalCharge(mol)
        for site in cut_sites(mol, MAX_SUBSTITUENT):
            core = core_text(mol, (site,)), charge, site.core_class
            cuts.add((number, core, (substituent_text(mol, site), site.atom_class)))
    listed = sorted(cuts)
    cores = {key: i for i, key in enumerate(sorted({core for _, core, _ in listed}))}
    groups = {key: i for i, key in enumerate(sorted({group for _, _, group in listed}))}
    classes = {key: i for i, key in enumerate(sorted({c[2] for c in cores} | {g[1] for g in groups}))}
    columns = np.array([(i, cores[core], groups[group]) for i, core, group in listed], dtype=np.int64).reshape(-1, 3)
    return CutTable(
        cores=[core[0] for core in cores],
        core_charge=np.array([core[1] for core in cores], dtype=np.int64),
        core_class=np.array([classes[core[2]] for core in cores], dtype=np.int64),
        substituents=[group[0] for group in groups],
        substituent_class=np.array([classes[group[1]] for group in groups], dtype=np.int64),
        classes=list(classes),
        ion=columns[:, 0],
        core=columns[:, 1],
        substituent=columns[:, 2],
        n_ions=len(smiles),
    )
