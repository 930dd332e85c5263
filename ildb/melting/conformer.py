"""One relaxed geometry per ion, and its solvent-accessible surface."""

from __future__ import annotations

from typing import Final

from rdkit import Chem, rdBase
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers, rdFreeSASA

from ildb.errors import StructureError

MAX_ATOMS: Final = 250
"""With hydrogens. The Hessian of `ildb.melting.gas_entropy` costs minutes beyond."""

PROBE_RADIUS_A: Final = 1.4
_SEED: Final = 7
_ATTEMPTS: Final = 20
_STEPS: Final = 20_000


def embed(mol: Chem.Mol) -> Chem.Mol:
    """The ion with hydrogens and a geometry at a minimum of UFF; the same for the same SMILES.

    ETKDG version 3 (Wang, Witek, Landrum and Riniker, J. Chem. Inf. Model. 2020, 60, 2044), then UFF (Rappé et al.,
    J. Am. Chem. Soc. 1992, 114, 10024), which has parameters for every element, where MMFF has none for PF6.

    Raises:
        StructureError: too many atoms, atoms without UFF parameters, no geometry found, or no minimum reached.
    """
    full = Chem.AddHs(_octahedral(mol))
    n_atoms = full.GetNumAtoms()
    if n_atoms > MAX_ATOMS:
        raise StructureError(f"{n_atoms} atoms are too many for a geometry; at most {MAX_ATOMS}.")
    parameters = rdDistGeom.ETKDGv3()
    # RDKit's stubs give the wrong types for options that are set.
    parameters.randomSeed = _SEED  # type: ignore[assignment]
    parameters.maxIterations = _ATTEMPTS  # type: ignore[assignment]
    with rdBase.BlockLogs():
        if not rdForceFieldHelpers.UFFHasAllMoleculeParams(full):
            raise StructureError("UFF has no parameters for an atom of it.")
        if rdDistGeom.EmbedMolecule(full, parameters) < 0:
            parameters.useRandomCoords = True  # type: ignore[assignment]
            if rdDistGeom.EmbedMolecule(full, parameters) < 0:
                raise StructureError("No geometry could be embedded.")
        if n_atoms > 1:
            field = rdForceFieldHelpers.UFFGetMoleculeForceField(full)
            field.Initialize()
            if field.Minimize(maxIts=_STEPS, forceTol=1e-5, energyTol=1e-9) != 0:
                raise StructureError(f"UFF reached no minimum in {_STEPS} steps.")
    return full


def _octahedral(mol: Chem.Mol) -> Chem.Mol:
    """The same with every six-coordinate atom marked as octahedral; seven embeddings of PF6 in eight are wrong else."""
    marked = Chem.Mol(mol)
    for atom in marked.GetAtoms():
        if atom.GetTotalDegree() == 6 and atom.GetChiralTag() == Chem.ChiralType.CHI_UNSPECIFIED:
            atom.SetChiralTag(Chem.ChiralType.CHI_OCTAHEDRAL)
            atom.SetIntProp("_chiralPermutation", 1)
    return marked


def sasa_a2(mol: Chem.Mol) -> float:
    """Solvent-accessible surface of an embedded ion, Å², for a probe of 1.4 Å and Bondi radii.

    Lee and Richards, J. Mol. Biol. 1971, 55, 379, through FreeSASA (Mitternacht, F1000Research 2016, 5, 189).
    """
    table = Chem.GetPeriodicTable()
    radii = [float(table.GetRvdw(atom.GetAtomicNum())) for atom in mol.GetAtoms()]
    return _surface(mol, radii)


def skeleton_surface_a2(mol: Chem.Mol) -> float:
    """Surface 1.4 Å away from the nearest heavy atom's centre, Å²: what the published classifier has for SASA.

    Its code (Ren et al., d5dd00282f) drops the hydrogens and asks FreeSASA for radii, which knows residues of proteins
    only and gives every atom 0. The number tells melting points apart better than the true surface does.
    """
    skeleton = Chem.RemoveHs(mol)
    return _surface(skeleton, [0.0] * skeleton.GetNumAtoms())


def _surface(mol: Chem.Mol, radii: list[float]) -> float:
    options = rdFreeSASA.SASAOpts(rdFreeSASA.SASAAlgorithm.LeeRichards, rdFreeSASA.SASAClassifier.Protor)
    options.probeRadius = PROBE_RADIUS_A  # type: ignore[assignment]
    return float(rdFreeSASA.CalcSASA(mol, radii, opts=options))
