"""The identity of an ion: its standard InChIKey, and one canonical SMILES for each key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rdkit import Chem, rdBase
from rdkit.Chem import rdinchi, rdMolDescriptors

from ildb.chem.findings import refuse
from ildb.chem.imidazolium import other_form
from ildb.chem.normalize import normal_form
from ildb.chem.parse import parse_smiles, shorten
from ildb.chem.protons import best_proton_positions

_MAX_SEARCHES: Final = 3


@dataclass(frozen=True, slots=True)
class Ion:
    """One distinct ion.

    Attributes:
        inchikey: standard InChIKey of ``smiles``, 27 characters.
        smiles: the canonical SMILES of the one representative of all spellings with this key.
        charge: net formal charge, elementary charges.
        formula: Hill formula with the charge, for example ``C8H15N2+``.
        mass_g_mol: average molar mass, g/mol, isotope labels respected.
        heavy_atoms: atoms other than hydrogen.
    """

    inchikey: str
    smiles: str
    charge: int
    formula: str
    mass_g_mol: float
    heavy_atoms: int


def _inchi(mol: Chem.Mol) -> str:
    with rdBase.BlockLogs():
        inchi, _, message, *_ = rdinchi.MolToInchi(mol)
    # RDKit counts a triple bond between aromatic atoms short, and lets five-valent carbon pass.
    if "C(5)" in message:
        raise refuse(
            "valence",
            f"{shorten(str(Chem.MolToSmiles(mol)))} has a carbon with five bonds.",
            hint="Check the triple bonds of its aromatic rings.",
        )
    return str(inchi)


def _reparse(smiles: str) -> Chem.Mol:
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles)
    if mol is None:
        raise refuse("not_writable", f"RDKit cannot read back {shorten(smiles)}.", hint="Check the structure.")
    return mol


def _without_meaningless_stereo(mol: Chem.Mol, smiles: str, inchi: str) -> str:
    """The SMILES without marks that InChI sees no stereochemistry in (N-H centres, mobile double bonds)."""
    centres = "/t" not in inchi and "@" in smiles
    bonds = "/b" not in inchi and ("/" in smiles or "\\" in smiles)
    if not centres and not bonds:
        return smiles
    clean = Chem.Mol(mol)
    if centres:
        for atom in clean.GetAtoms():
            atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
    if bonds:
        for bond in clean.GetBonds():
            bond.SetStereo(Chem.BondStereo.STEREONONE)
            bond.SetBondDir(Chem.BondDir.NONE)
    return str(Chem.MolToSmiles(clean))


def _settle(mol: Chem.Mol) -> tuple[Chem.Mol, str]:
    """The normal form read back from its own SMILES until nothing changes.

    One pass is not always enough: marks that go away with a resonance form change what the next pass sees.
    """
    smiles = str(Chem.MolToSmiles(mol))
    other = other_form(mol, smiles)
    if other is not None:
        best = min(smiles, str(Chem.MolToSmiles(other)))
        return (mol if best == smiles else _reparse(best)), best
    seen: list[str] = []
    while smiles not in seen:
        seen.append(smiles)
        form = normal_form(mol)
        if form is mol:
            break
        smiles = str(Chem.MolToSmiles(form))
        if smiles != seen[-1]:
            mol = _reparse(smiles)
    # In a cycle, which no known ion has, the smallest member is the one that does not depend on the start.
    cycle = seen[seen.index(smiles) :]
    if len(cycle) > 1:
        smiles = min(cycle)
        mol = _reparse(smiles)
    return mol, smiles


def _representative(mol: Chem.Mol) -> tuple[Chem.Mol, str, str]:
    """The representative of an ion, its SMILES and its InChI; the InChI is computed from what the SMILES says."""
    best, smiles = _settle(mol)
    inchi = _inchi(best)
    unmarked = _without_meaningless_stereo(best, smiles, inchi)
    if unmarked != smiles:
        best, smiles = _settle(_reparse(unmarked))
        if smiles != unmarked:
            inchi = _inchi(best)
    # Without a mobile-hydrogen or protonation layer there is no other place for a proton.
    if "/p" in inchi or "(H" in inchi:

        def same_ion(other: str) -> bool:
            return _inchi(_reparse(other)) == inchi

        # A search that ran out of moves goes on from the best it found; where that has no end, the proton stays where
        # it was drawn. Either way the result leads to itself.
        drawn = best, smiles, inchi
        for _ in range(_MAX_SEARCHES):
            moved = best_proton_positions(best, smiles, same_ion)
            if moved == smiles:
                break
            best, smiles = _settle(_reparse(moved))
            # Another resonance form of the moved one may have another key (sulfamate drawn as a sulfonimidate).
            if smiles != moved:
                inchi = _inchi(best)
        else:
            return drawn
    return best, smiles, inchi


def identify(ion: Chem.Mol | str) -> Ion:
    """The identity of an ion, the same for every spelling of it.

    The spelling kept depends only on the ion: any atom order, resonance form, hypervalent or charge-separated group
    and, where InChI counts hydrogens as mobile, any place of the proton lead to it. Isotopes and stereochemistry are
    kept.

    Args:
        ion: a sanitised molecule of one fragment, or its SMILES.

    Raises:
        RefusedError: the SMILES cannot be read, or InChI cannot describe the structure (code ``no_inchikey``).
    """
    mol = parse_smiles(ion) if isinstance(ion, str) else ion
    best, smiles, inchi = _representative(mol)
    if not inchi:
        raise refuse("no_inchikey", f"InChI cannot describe {shorten(smiles)}.", hint="Check the structure.")
    return Ion(
        inchikey=str(rdinchi.InchiToInchiKey(inchi)),
        smiles=smiles,
        charge=Chem.GetFormalCharge(best),
        formula=str(rdMolDescriptors.CalcMolFormula(best)),
        mass_g_mol=round(float(rdMolDescriptors._CalcMolWt(best)), 4),
        heavy_atoms=best.GetNumHeavyAtoms(),
    )
