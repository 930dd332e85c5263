"""Per-ion features, computed once per ion and combined per pairing.

A pairing's features are the cation's, the anion's and the stoichiometry side by side, so scoring a million pairings
costs as many descriptor calculations as there are ions. The fingerprint ignores where a resonance form puts its charge
and its double bonds, so the two ways of drawing 1-butyl-3-methylimidazolium give the same counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from rdkit import Chem
from rdkit.Chem import Descriptors, rdFingerprintGenerator

from ildb.chem.parse import parse_smiles, shorten
from ildb.errors import StructureError

FEATURE_VERSION: Final = 2
"""Raise whenever a column is added, removed or computed differently: stored models name it."""

COUNT_BINS: Final = 1024
TORSION_BINS: Final = 1024
_RADIUS: Final = 2
_CLIP: Final = 1e4

# Left out of RDKit's list: partial charges and what is built on them (they depend on the resonance form drawn, and are
# not defined for every element), Ipc (overflows), and slow or drug-specific scores.
_DESCRIPTORS: Final = (
    *("MaxEStateIndex", "MinEStateIndex", "MinAbsEStateIndex", "MolWt", "NumValenceElectrons"),
    *("FpDensityMorgan1", "FpDensityMorgan2", "FpDensityMorgan3", "AvgIpc", "BalabanJ", "BertzCT"),
    *("Chi0", "Chi0n", "Chi0v", "Chi1", "Chi1n", "Chi1v", "Chi2n", "Chi2v", "Chi3n", "Chi3v", "Chi4n", "Chi4v"),
    *("HallKierAlpha", "Kappa1", "Kappa2", "Kappa3", "LabuteASA", "TPSA", "MolLogP", "MolMR", "Phi"),
    *(f"SMR_VSA{i}" for i in range(1, 11)),
    *(f"SlogP_VSA{i}" for i in range(1, 13)),
    *(f"EState_VSA{i}" for i in range(1, 12)),
    *(f"VSA_EState{i}" for i in range(1, 11)),
    *("FractionCSP3", "HeavyAtomCount", "NHOHCount", "NOCount", "NumHeteroatoms", "NumRotatableBonds"),
    *("NumHAcceptors", "NumHDonors", "NumAtomStereoCenters", "NumBridgeheadAtoms", "NumSpiroAtoms", "RingCount"),
    *("NumAliphaticCarbocycles", "NumAliphaticHeterocycles", "NumAromaticCarbocycles", "NumAromaticHeterocycles"),
    *("fr_Al_OH", "fr_Ar_OH", "fr_COO", "fr_C_O", "fr_NH0", "fr_NH1", "fr_NH2", "fr_aldehyde", "fr_alkyl_halide"),
    *("fr_amide", "fr_aniline", "fr_azide", "fr_benzene", "fr_ester", "fr_ether", "fr_halogen", "fr_imidazole"),
    *("fr_imide", "fr_ketone", "fr_methoxy", "fr_morpholine", "fr_nitrile", "fr_nitro", "fr_oxime", "fr_phenol"),
    *("fr_piperdine", "fr_pyridine", "fr_quatN", "fr_sulfide", "fr_sulfonamd", "fr_sulfone", "fr_tetrazole"),
    *("fr_thiazole", "fr_unbrch_alkane", "fr_urea"),
)
_HAND: Final = (
    *("formal_charge", "longest_alkyl_chain", "second_alkyl_chain", "n_alkyl_chains", "n_alkyl_branches"),
    *("n_atom_classes", "asymmetry", "n_fluorine", "heaviest_element"),
)
DESCRIPTOR_NAMES: Final[tuple[str, ...]] = (*_DESCRIPTORS, *_HAND)
SHAPE_NAMES: Final[tuple[str, ...]] = (
    *_HAND,
    *("LabuteASA", "TPSA", "NHOHCount", "RingCount", "NumRotatableBonds", "FractionCSP3", "HeavyAtomCount"),
    *("MolLogP", "MolMR"),
)
"""Descriptors of size, shape, branching and polarity: few enough for a kernel that extrapolates."""
ION_FEATURE_NAMES: Final[tuple[str, ...]] = (*DESCRIPTOR_NAMES, *(f"ecfp4_{i}" for i in range(COUNT_BINS)))
_PAIR_EXTRAS: Final = ("n_cation", "n_anion", "mass_ratio", "heavy_atoms_total", "charge_product")
PAIR_FEATURE_NAMES: Final[tuple[str, ...]] = (
    *(f"cation.{name}" for name in ION_FEATURE_NAMES),
    *(f"anion.{name}" for name in ION_FEATURE_NAMES),
    *_PAIR_EXTRAS,
)
_MASS = DESCRIPTOR_NAMES.index("MolWt")
_HEAVY = DESCRIPTOR_NAMES.index("HeavyAtomCount")
_CHARGE = DESCRIPTOR_NAMES.index("formal_charge")

_generator = rdFingerprintGenerator.GetMorganGenerator(radius=_RADIUS, fpSize=COUNT_BINS, useBondTypes=False)
_torsions = rdFingerprintGenerator.GetTopologicalTorsionGenerator(fpSize=TORSION_BINS)
_TORSION_CODE: Final = 1 << 16  # RDKit packs the four atoms of a torsion into one word


def _invariant(atom: Chem.Atom) -> int:
    """An atom's surroundings without charge and bond order, and so the same in every resonance form."""
    fields = (
        atom.GetAtomicNum(),
        atom.GetDegree(),
        atom.GetTotalNumHs(),
        int(atom.IsInRing()),
        int(atom.GetIsAromatic()),
        int(atom.GetHybridization()),
    )
    value = 0
    for field in fields:
        value = value * 131 + field
    return value & 0x7FFFFFFF


def _atom_classes(mol: Chem.Mol, invariants: Sequence[int]) -> int:
    """Number of topologically distinct heavy atoms, by colour refinement of the charge-free invariants."""
    neighbours = [[n.GetIdx() for n in atom.GetNeighbors()] for atom in mol.GetAtoms()]
    colours = list(invariants)
    count = len(set(colours))
    while True:
        signatures = [(colours[i], *sorted(colours[j] for j in neighbours[i])) for i in range(len(colours))]
        palette = {signature: colour for colour, signature in enumerate(sorted(set(signatures)))}
        if len(palette) == count:
            return count
        colours, count = [palette[s] for s in signatures], len(palette)


def _alkyl_chains(mol: Chem.Mol) -> tuple[list[int], int]:
    """Lengths of the saturated acyclic carbon chains (carbons on the longest path), longest first; branch points."""
    carbons = {
        a.GetIdx(): [
            n.GetIdx()
            for n in a.GetNeighbors()
            if n.GetAtomicNum() == 6 and not n.IsInRing() and n.GetHybridization() == Chem.HybridizationType.SP3
        ]
        for a in mol.GetAtoms()
        if a.GetAtomicNum() == 6 and not a.IsInRing() and a.GetHybridization() == Chem.HybridizationType.SP3
    }

    def farthest(start: int) -> tuple[int, int, set[int]]:
        """Breadth first in a tree: the last atom reached, atoms on the way there, all atoms seen."""
        seen, layer, depth, last = {start}, [start], 0, start
        while layer:
            depth, last = depth + 1, layer[0]
            layer = [n for atom in layer for n in carbons[atom] if n not in seen]
            seen.update(layer)
        return last, depth, seen

    lengths: list[int] = []
    done: set[int] = set()
    for start in carbons:
        if start not in done:
            end, _, component = farthest(start)
            lengths.append(farthest(end)[1])
            done |= component
    return sorted(lengths, reverse=True), sum(len(n) > 2 for n in carbons.values())


def _hand_descriptors(mol: Chem.Mol, invariants: Sequence[int]) -> list[float]:
    chains, branches = _alkyl_chains(mol)
    classes = _atom_classes(mol, invariants)
    numbers = [a.GetAtomicNum() for a in mol.GetAtoms()]
    return [
        Chem.GetFormalCharge(mol),
        chains[0] if chains else 0,
        chains[1] if len(chains) > 1 else 0,
        len(chains),
        branches,
        classes,
        classes / len(numbers),
        numbers.count(9),
        max(numbers),
    ]


def parse_ion(smiles: str) -> Chem.Mol:
    """One ion's molecule.

    Raises:
        StructureError: not a SMILES, several components, or no heavy atom.
    """
    mol = parse_smiles(smiles)
    if len(Chem.GetMolFrags(mol)) > 1:
        raise StructureError(f"An ion must be one component: {shorten(smiles)}.", "Give cation and anion apart.")
    if mol.GetNumHeavyAtoms() == 0:
        raise StructureError(f"{shorten(smiles)} has no heavy atom.", "A bare proton is not an ion of a salt.")
    return mol


def mol_features(mol: Chem.Mol) -> npt.NDArray[np.float32]:
    """Features of one parsed ion, in the order of `ION_FEATURE_NAMES`.

    Raises:
        StructureError: a descriptor is not finite.
    """
    invariants = [_invariant(atom) for atom in mol.GetAtoms()]
    values = np.array(
        [*(_FUNCTIONS[name](mol) for name in _DESCRIPTORS), *_hand_descriptors(mol, invariants)], dtype=np.float64
    )
    if not np.isfinite(values).all():
        bad = [name for name, value in zip(DESCRIPTOR_NAMES, values, strict=True) if not np.isfinite(value)]
        raise StructureError(f"Descriptors {', '.join(bad)} are not finite for {shorten(Chem.MolToSmiles(mol))}.")
    counts = _generator.GetCountFingerprintAsNumPy(mol, customAtomInvariants=invariants)
    return np.concatenate([np.clip(values, -_CLIP, _CLIP), counts]).astype(np.float32)


def mol_torsions(mol: Chem.Mol) -> npt.NDArray[np.float32]:
    """Counts of the ion's topological torsions with charge-free atoms, folded, shape (`TORSION_BINS`,).

    Nilakantan et al., J. Chem. Inf. Comput. Sci. 1987, 27, 82.
    """
    invariants = [_invariant(atom) % _TORSION_CODE for atom in mol.GetAtoms()]
    counts = _torsions.GetCountFingerprintAsNumPy(mol, customAtomInvariants=invariants)
    return np.asarray(counts, dtype=np.float32)


_FUNCTIONS = {name: function for name, function in Descriptors.descList if name in set(_DESCRIPTORS)}


def ion_features(smiles: Sequence[str]) -> npt.NDArray[np.float32]:
    """Features of ions: descriptors, hand-made descriptors and folded charge-free ECFP4 counts.

    Args:
        smiles: one SMILES per ion.

    Returns:
        Array of shape (n_ions, len(`ION_FEATURE_NAMES`)), finite.

    Raises:
        StructureError: an ion cannot be featurised; names its position. `ildb.melting.ions.IonTable.build` flags
            such ions instead of raising.
    """
    rows = np.empty((len(smiles), len(ION_FEATURE_NAMES)), dtype=np.float32)
    for i, text in enumerate(smiles):
        try:
            rows[i] = mol_features(parse_ion(text))
        except StructureError as error:
            raise StructureError(f"Ion {i}: {error.what}", error.hint) from error
    return rows


def pair_features(
    cation_features: npt.NDArray[np.float32],
    anion_features: npt.NDArray[np.float32],
    n_cation: npt.NDArray[np.int64],
    n_anion: npt.NDArray[np.int64],
    columns: npt.NDArray[np.int64] | None = None,
) -> npt.NDArray[np.float32]:
    """Features of pairings from those of their ions.

    Args:
        cation_features: shape (n_pairs, d), rows of `ion_features`.
        anion_features: shape (n_pairs, d).
        n_cation: cations per formula unit, shape (n_pairs,).
        n_anion: anions per formula unit, shape (n_pairs,).
        columns: positions in `PAIR_FEATURE_NAMES` to return; all when left out.

    Returns:
        Array of shape (n_pairs, len(columns)), or (n_pairs, 2 d + 5).
    """
    nc, na = n_cation.astype(np.float32), n_anion.astype(np.float32)
    cation, anion = cation_features, anion_features
    extras = np.stack(
        [
            nc,
            na,
            nc * cation[:, _MASS] / (na * anion[:, _MASS]),
            nc * cation[:, _HEAVY] + na * anion[:, _HEAVY],
            cation[:, _CHARGE] * anion[:, _CHARGE],
        ],
        axis=1,
    )
    if columns is None:
        return np.concatenate([cation, anion, extras], axis=1)
    width = cation.shape[1]
    of_cation = columns[columns < width]
    of_anion = columns[(columns >= width) & (columns < 2 * width)] - width
    of_pair = columns[columns >= 2 * width] - 2 * width
    return np.concatenate([cation[:, of_cation], anion[:, of_anion], extras[:, of_pair]], axis=1)
