"""Checks of one ion: small classes that each return what they find.

A new check is a class with ``code``, ``severity`` and ``find``, and a line in ``CHECKS``.
"""

from __future__ import annotations

import re
from typing import ClassVar, Final, Protocol

from rdkit import Chem
from rdkit.Chem import rdqueries

from ildb.chem.findings import Finding, Severity

MAX_HEAVY_ATOMS: Final = 150
MAX_CHARGE: Final = 4

# B, Si, Ge, As, Se and Te count as non-metals here.
_NON_METALS: Final = frozenset({1, 2, 5, 6, 7, 8, 9, 10, 14, 15, 16, 17, 18, 32, 33, 34, 35, 36, 52, 53, 54, 85, 86})
_CARBON: Final = Chem.MolFromSmarts("[#6]")
# A charged atom without its hydrogens: how such atoms are meant is evident.
_EVIDENT_HYDROGENS: Final = frozenset({("N", 1), ("P", 1), ("S", 1), ("O", 1), ("C", -1)})


def is_metal(atom: Chem.Atom) -> bool:
    """Whether an atom is a metal (hydrogen, noble gases, halogens, chalcogens, B, C, N, Si, P, Ge and As are not)."""
    return atom.GetAtomicNum() > 0 and atom.GetAtomicNum() not in _NON_METALS


class Check(Protocol):
    """A check of one ion."""

    code: ClassVar[str]
    severity: ClassVar[Severity]

    def find(self, mol: Chem.Mol) -> Finding | None:
        """A finding, or None when the ion passes."""
        ...


class DummyAtom:
    """Dummy atoms, R groups and query bonds: a drawing of many ions, not one."""

    code: ClassVar[str] = "dummy_atom"
    severity: ClassVar[Severity] = "refuse"

    def find(self, mol: Chem.Mol) -> Finding | None:
        """Refuse atoms of number 0 and bonds that are not a real bond."""
        dummies = [a.GetIdx() for a in mol.GetAtoms() if a.GetAtomicNum() == 0 or a.HasQuery()]
        queries = any(b.HasQuery() or b.GetBondType() == Chem.BondType.UNSPECIFIED for b in mol.GetBonds())
        if not dummies and not queries:
            return None
        what = f"atom {dummies[0]} is a placeholder" if dummies else "a bond is a placeholder"
        return Finding(self.code, f"Not one structure: {what}.", hint="Write out the R group or attachment point.")


class UnknownIsotope:
    """Mass numbers no nuclide has."""

    code: ClassVar[str] = "unknown_isotope"
    severity: ClassVar[Severity] = "refuse"

    def find(self, mol: Chem.Mol) -> Finding | None:
        """Refuse an isotope label without a tabulated mass."""
        table = Chem.GetPeriodicTable()
        for atom in mol.GetAtoms():
            isotope = atom.GetIsotope()
            if isotope and atom.GetAtomicNum() and table.GetMassForIsotope(atom.GetAtomicNum(), isotope) == 0:
                symbol = atom.GetSymbol()
                return Finding(self.code, f"There is no isotope {isotope}{symbol}.", hint="Correct the mass number.")
        return None


class BareHydrogen:
    """A hydrogen atom, ion or molecule on its own: a proton written beside the base it belongs to."""

    code: ClassVar[str] = "bare_hydrogen"
    severity: ClassVar[Severity] = "refuse"

    def find(self, mol: Chem.Mol) -> Finding | None:
        """Refuse molecules made of hydrogen only."""
        if mol.GetNumHeavyAtoms() or any(a.GetAtomicNum() != 1 for a in mol.GetAtoms()):
            return None
        return Finding(
            self.code, "The ion is hydrogen alone.", hint="Write the proton on its base, for example [NH4+] for N.[H+]."
        )


class ChargedHydrogen:
    """A charged hydrogen bound to another atom, which RDKit versions read as different molecules."""

    code: ClassVar[str] = "charged_hydrogen"
    severity: ClassVar[Severity] = "refuse"

    def find(self, mol: Chem.Mol) -> Finding | None:
        """Refuse hydrogen atoms that have a bond and a charge."""
        charged = [a for a in mol.GetAtoms() if a.GetAtomicNum() == 1 and a.GetFormalCharge() and a.GetDegree()]
        if not charged:
            return None
        message = f"Atom {charged[0].GetIdx()} is a hydrogen with a bond and a charge."
        return Finding(self.code, message, hint="Put the charge on the atom it is bound to.")


class Radical:
    """Unpaired electrons on non-metals: nearly always hydrogens lost from a bracket atom."""

    code: ClassVar[str] = "radical"
    severity: ClassVar[Severity] = "refuse"

    def find(self, mol: Chem.Mol) -> Finding | None:
        """Refuse radicals; suggest the hydrogens where the atom's charge makes them evident ([N+] meant [NH3+])."""
        radicals = [a for a in mol.GetAtoms() if a.GetNumRadicalElectrons() and not is_metal(a) and a.GetAtomicNum()]
        if not radicals:
            return None
        atom = radicals[0]
        sign = f"{atom.GetFormalCharge():+d}" if atom.GetFormalCharge() else ""
        message = (
            f"Atom {atom.GetIdx()} ({atom.GetSymbol()}{sign}) has {atom.GetNumRadicalElectrons()} unpaired electron(s)."
        )
        return Finding(
            self.code, message, self._with_hydrogens(mol, radicals), hint="Write the hydrogens of bracket atoms."
        )

    @staticmethod
    def _with_hydrogens(mol: Chem.Mol, radicals: list[Chem.Atom]) -> str | None:
        evident = all((a.GetSymbol(), a.GetFormalCharge()) in _EVIDENT_HYDROGENS for a in radicals)
        if not evident or Chem.GetFormalCharge(mol) == 0:
            return None
        repaired = Chem.RWMol(mol)
        # On the Kekulé form, so that an aromatic ring which lost its [nH] is perceived anew.
        Chem.Kekulize(repaired, clearAromaticFlags=True)
        for radical in radicals:
            atom = repaired.GetAtomWithIdx(radical.GetIdx())
            atom.SetNumExplicitHs(atom.GetTotalNumHs() + atom.GetNumRadicalElectrons())
            atom.SetNumRadicalElectrons(0)
            atom.SetNoImplicit(True)
        if Chem.SanitizeMol(repaired, catchErrors=True) != Chem.SanitizeFlags.SANITIZE_NONE:
            return None
        return str(Chem.MolToSmiles(repaired))


class TooLarge:
    """Polymers, clusters and proteins."""

    code: ClassVar[str] = "too_large"
    severity: ClassVar[Severity] = "refuse"

    def find(self, mol: Chem.Mol) -> Finding | None:
        """Refuse more than 150 heavy atoms."""
        heavy = mol.GetNumHeavyAtoms()
        if heavy <= MAX_HEAVY_ATOMS:
            return None
        message = f"The ion has {heavy} heavy atoms; the limit is {MAX_HEAVY_ATOMS}."
        return Finding(self.code, message, hint="Polymers and clusters are out of scope.")


class NotOneFragment:
    """An ion is one connected molecule."""

    code: ClassVar[str] = "not_one_fragment"
    severity: ClassVar[Severity] = "refuse"

    def find(self, mol: Chem.Mol) -> Finding | None:
        """Refuse disconnected molecules."""
        fragments = len(Chem.GetMolFrags(mol))
        if fragments == 1:
            return None
        return Finding(
            self.code, f"One ion is expected; there are {fragments} fragments.", hint="Give ions one by one."
        )


class ChargeZero:
    """Neutral molecules and zwitterions are not ions of a pairing."""

    code: ClassVar[str] = "charge_zero"
    severity: ClassVar[Severity] = "refuse"

    def find(self, mol: Chem.Mol) -> Finding | None:
        """Refuse a net charge of zero."""
        if Chem.GetFormalCharge(mol):
            return None
        inner = any(a.GetFormalCharge() for a in mol.GetAtoms())
        what = "The molecule is neutral overall (its charges cancel)." if inner else "The molecule is neutral."
        return Finding(self.code, what, hint="Give the ion with its charge.")


class ChargeTooLarge:
    """Charges no ion of an ionic liquid carries."""

    code: ClassVar[str] = "charge_too_large"
    severity: ClassVar[Severity] = "refuse"

    def find(self, mol: Chem.Mol) -> Finding | None:
        """Refuse a net charge beyond +-4."""
        charge = Chem.GetFormalCharge(mol)
        if abs(charge) <= MAX_CHARGE:
            return None
        message = f"The ion's charge is {charge:+d}; the limit is {MAX_CHARGE}."
        return Finding(self.code, message, hint="Check the charges of the atoms.")


class Metal:
    """Metals are kept, but models and force fields need to know."""

    code: ClassVar[str] = "metal"
    severity: ClassVar[Severity] = "flag"

    def find(self, mol: Chem.Mol) -> Finding | None:
        """Flag ions with a metal atom."""
        metals = sorted({a.GetSymbol() for a in mol.GetAtoms() if is_metal(a)})
        return Finding(self.code, f"Contains {', '.join(metals)}.", severity="flag") if metals else None


class InorganicCation:
    """Lithium, ammonium and hydrazinium salts are kept, but are seldom what an IL search wants."""

    code: ClassVar[str] = "inorganic_cation"
    severity: ClassVar[Severity] = "flag"

    def find(self, mol: Chem.Mol) -> Finding | None:
        """Flag cations without carbon."""
        if Chem.GetFormalCharge(mol) <= 0 or mol.HasSubstructMatch(_CARBON):
            return None
        return Finding(self.code, "The cation has no carbon.", severity="flag")


class Isotope:
    """Labelled ions are ions of their own."""

    code: ClassVar[str] = "isotope"
    severity: ClassVar[Severity] = "flag"

    def find(self, mol: Chem.Mol) -> Finding | None:
        """Flag isotope labels."""
        if not any(a.GetIsotope() for a in mol.GetAtoms()):
            return None
        return Finding(self.code, "The ion is isotopically labelled.", severity="flag")


CHECKS: Final[tuple[Check, ...]] = (
    DummyAtom(),
    NotOneFragment(),
    UnknownIsotope(),
    BareHydrogen(),
    ChargedHydrogen(),
    Radical(),
    TooLarge(),
    ChargeZero(),
    ChargeTooLarge(),
    Metal(),
    InorganicCation(),
    Isotope(),
)


# Checks of the atoms and bonds that nearly no ion has; the others look at the ion as a whole.
_OF_UNUSUAL_ATOMS: Final = (DummyAtom, UnknownIsotope, BareHydrogen, ChargedHydrogen, Radical, Metal, Isotope)
_CHECKS_OF_THE_WHOLE: Final = tuple(check for check in CHECKS if not isinstance(check, _OF_UNUSUAL_ATOMS))
_UNUSUAL_BOND: Final = Chem.MolFromSmarts("*!-;!=;!#;!:*")
_RADICAL: Final = rdqueries.NumRadicalElectronsGreaterQueryAtom(0)
# One fragment of common atoms without isotopes, and bonds of the four common kinds.
_COMMON_TEXT: Final = re.compile(
    r"(?:[BCNOPSFIbcnops]|Cl|Br|[-=#/\\()]|\d|%\d\d"
    r"|\[(?:[BCNOPSFIbcnops]|Cl|Br|Si)@{0,2}(?:H\d?)?(?:\+{1,4}|-{1,4}|[+-]\d)?\])+"
)


def _unusual_atom() -> Chem.QueryAtom:
    query = Chem.AtomFromSmarts("[!#5;!#6;!#7;!#8;!#9;!#14;!#15;!#16;!#17;!#35;!#53]")
    for other in (rdqueries.IsotopeGreaterQueryAtom(0), _RADICAL):
        query.ExpandQuery(other, Chem.CompositeQueryType.COMPOSITE_OR)
    return query


_UNUSUAL_ATOM: Final = _unusual_atom()


def _is_unusual(mol: Chem.Mol, smiles: str) -> bool:
    """Whether any atom or bond needs a closer look; a look at the text spares most ions two searches."""
    if _COMMON_TEXT.fullmatch(smiles):
        return len(mol.GetAtomsMatchingQuery(_RADICAL)) > 0
    return len(mol.GetAtomsMatchingQuery(_UNUSUAL_ATOM)) > 0 or mol.HasSubstructMatch(_UNUSUAL_BOND)


def check_ion(mol: Chem.Mol, smiles: str = "") -> list[Finding]:
    """Everything wrong with, or notable about, one ion.

    Args:
        mol: a sanitised molecule, as ``parse_smiles`` gives it.
        smiles: what it was read from, where that is known; it saves time.

    Returns:
        Findings in the order of ``CHECKS``; any of severity ``refuse`` keeps the ion out.
    """
    checks = CHECKS if _is_unusual(mol, smiles) else _CHECKS_OF_THE_WHOLE
    return [finding for check in checks if (finding := check.find(mol)) is not None]
