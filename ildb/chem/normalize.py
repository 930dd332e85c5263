"""One normal form for the spellings of an ion: functional groups, then the best resonance form.

The standard InChIKey already merges most resonance forms (the two nitrogens of an imidazolium), but not all (a
sulfonimide drawn ``S(=O)([O-])=N``, a thiouronium drawn ``[S+]=C``), so the form is chosen before the key is computed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

from rdkit import Chem, rdBase
from rdkit.Chem import rdchem, rdqueries
from rdkit.Chem.MolStandardize import rdMolStandardize

from ildb.chem.spelling import best_spelling, charged_atoms

# Charge-separated groups to the drawing InChI and most sources use. RDKit itself turns hypervalent N and halogen oxides
# (nitro, azide, N-oxide, perchlorate) into one form when it parses.
_GROUP_RULES: Final = """\
//	Name	SMIRKS
Doubly charge-separated sulfonyl	[S,Se;+2:1]([O-:2])[O-:3]>>[*+0:1](=[O+0:2])=[O+0:3]
Charge-separated sulfonyl	[S,Se;+1;X4;$(*=O):1][O-:2]>>[*+0:1]=[O+0:2]
Charge-separated sulfoxide	[S,Se;+1;X3:1][O-:2]>>[*+0:1]=[O+0:2]
Charge-separated phosphoryl	[P,As;+1;X4:1][O,S;-1:2]>>[*+0:1]=[*+0:2]
Charge-separated carbonyl	[C;+1:1][O,S;-1:2]>>[*+0:1]=[*+0:2]
Guanidinium drawn as carbocation	[C;+1;X3:1][N;+0;X3:2]>>[*+0:1]=[*+1:2]
Thiouronium drawn as sulfonium	[S,Se,O;+1;X2;!a:1]=[C;X3:2][N;+0;X3:3]>>[*+0:1][*:2]=[*+1:3]
Sulfonimide drawn as imidate	[N;+0;X2:1]=[S;X4:2][O;-1;X1:3]>>[*-1:1][*:2]=[*+0:3]
Nitrile carbanion drawn as ketenimide	[N;-1;X1:1]=[C;X2:2]=[C;X3:3]>>[*+0:1]#[*:2][*-1:3]
"""

_MAX_FORMS: Final = 64
# The enumerator has no time limit of its own: cata-condensed polycycles and fullerenes take minutes to for ever.
_MAX_STEPS: Final = 200
_MAX_CONJUGATED_BONDS: Final = 64
_CHALCOGENS: Final = frozenset({"O", "S", "Se"})
_RING_CARBANION: Final = Chem.MolFromSmarts("[#6;R;-]")
_ALLYLIC_RING_CARBANION: Final = Chem.MolFromSmarts("[#6;R;-]-[#6;R]=[#6;R;+0]")
# Round such a ring double bonds may move without any charge.
RING_MULTIPLE_BOND: Final = Chem.MolFromSmarts("[R]=,#;@[R]")
_NO_CARBON: Final = rdqueries.AtomNumEqualsQueryAtom(6, True)


@cache
def _normalizer() -> rdMolStandardize.Normalizer:
    with rdBase.BlockLogs():
        return rdMolStandardize.NormalizerFromData(_GROUP_RULES, rdMolStandardize.CleanupParameters())


class _StepLimit(rdchem.ResonanceMolSupplierCallback):
    """Stops an enumeration of resonance forms after a number of steps."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0

    def __call__(self) -> bool:  # type: ignore[override]  # the stub's two overloads contradict each other
        self.steps += 1
        return self.steps < _MAX_STEPS


def _may_need_rules(mol: Chem.Mol) -> bool:
    """A cheap test that spares most ions the substructure searches: a charge where the rules have one."""
    for atom in charged_atoms(mol):
        charge, symbol = atom.GetFormalCharge(), atom.GetSymbol()
        if charge < 0:
            if symbol == "N" and atom.GetDegree() == 1:
                return True
            if symbol == "O" and any(n.GetSymbol() == "S" for n in atom.GetNeighbors()):
                return True
            continue
        onium = symbol in _CHALCOGENS and atom.GetDegree() == 3
        if not atom.GetIsAromatic() and (symbol == "C" or symbol in _CHALCOGENS) and not onium:
            return True
        if symbol != "N" and any(n.GetFormalCharge() < 0 for n in atom.GetNeighbors()):
            return True
    return False


def _normalize_groups(mol: Chem.Mol) -> Chem.Mol:
    if not _may_need_rules(mol):
        return mol
    with rdBase.BlockLogs():
        normalized = _normalizer().normalize(mol)
        failed = Chem.SanitizeMol(normalized, catchErrors=True) != Chem.SanitizeFlags.SANITIZE_NONE
    return mol if failed else normalized


def _has_one_form(mol: Chem.Mol) -> bool:
    """Whether no charge can move: none is conjugated, or only N+ is, and only with carbon (an alkylpyridinium)."""
    charged = charged_atoms(mol)
    conjugated = [atom for atom in charged if any(b.GetIsConjugated() for b in atom.GetBonds())]
    if not conjugated:
        return True
    if not all(atom.GetSymbol() == "N" and atom.GetFormalCharge() == 1 for atom in charged):
        return False
    others = (atom for atom in mol.GetAtomsMatchingQuery(_NO_CARBON) if atom.GetFormalCharge() == 0)
    if not any(b.GetIsConjugated() for atom in others for b in atom.GetBonds()):
        return True
    # An ester elsewhere has no part in it, unless double bonds move round a ring without any charge.
    return _is_conjugated_with_carbon_only(conjugated) and not mol.HasSubstructMatch(RING_MULTIPLE_BOND)


def _is_conjugated_with_carbon_only(cations: list[Chem.Atom]) -> bool:
    """Whether no neutral atom but carbon is in the conjugated systems of some atoms."""
    seen = {atom.GetIdx() for atom in cations}
    queue = list(cations)
    while queue:
        atom = queue.pop()
        for bond in atom.GetBonds():
            if bond.GetIsConjugated() and (index := bond.GetOtherAtomIdx(atom.GetIdx())) not in seen:
                other = bond.GetOtherAtom(atom)
                if other.GetAtomicNum() != 6:
                    return False
                seen.add(index)
                queue.append(other)
    return True


def resonance_forms(mol: Chem.Mol) -> list[Chem.Mol]:
    """Resonance forms of an ion, itself included.

    Args:
        mol: a sanitised molecule.

    Returns:
        Sanitised forms; only the molecule itself when no charge can move, or when there are too many forms to list
        (more than 64 conjugated bonds, or beyond the step limit).
    """
    if _has_one_form(mol):
        return [mol]
    # A conjugated system has about as many bonds as atoms; counting the bonds needs no set.
    n_bonds = mol.GetNumBonds()
    if n_bonds > _MAX_CONJUGATED_BONDS:
        n_conjugated = sum(mol.GetBondWithIdx(i).GetIsConjugated() for i in range(n_bonds))
        if n_conjugated > _MAX_CONJUGATED_BONDS:
            return [mol]
    with rdBase.BlockLogs():
        supplier = rdchem.ResonanceMolSupplier(mol, 0, _MAX_FORMS)
        limit = _StepLimit()
        supplier.SetProgressCallback(limit)
        try:
            supplier.Enumerate()
        except RuntimeError:
            # Dative and quadruple bonds have no resonance forms that RDKit could draw.
            return [mol]
        if supplier.WasCanceled() or len(supplier) >= _MAX_FORMS:
            return [mol]
        forms = [mol]
        forms += [form for form in _unlike(mol, supplier) if _is_sane(form)]
    return forms


def _unlike(mol: Chem.Mol, forms: Iterable[Chem.Mol | None]) -> Iterator[Chem.Mol]:
    """The forms that RDKit can draw without the molecule's own.

    With each charge where the molecule has it, double bonds can only have moved round a ring. Where all those of rings
    are aromatic, that is no other form. Of ring carbanions nothing is left out: their forms lead to unlisted ones.
    """
    fixed = not mol.HasSubstructMatch(RING_MULTIPLE_BOND) and not mol.HasSubstructMatch(_RING_CARBANION)
    charges = _charges(mol)
    for form in forms:
        if form is not None and not (fixed and _charges(form) == charges):
            yield form


def _charges(mol: Chem.Mol) -> dict[int, int]:
    return {atom.GetIdx(): atom.GetFormalCharge() for atom in charged_atoms(mol)}


def _is_sane(form: Chem.Mol) -> bool:
    """Sanitise a resonance form; whether that succeeds."""
    return bool(Chem.SanitizeMol(form, catchErrors=True) == Chem.SanitizeFlags.SANITIZE_NONE)


def _without_mobile_bond_stereo(mol: Chem.Mol, forms: list[Chem.Mol]) -> Chem.Mol | None:
    """The molecule without the E/Z marks of bonds that are single in another form; None when it has no such marks."""
    marked = [
        i
        for i in range(mol.GetNumBonds())
        if mol.GetBondWithIdx(i).GetStereo() != Chem.BondStereo.STEREONONE
        and any(form.GetBondWithIdx(i).GetBondType() == Chem.BondType.SINGLE for form in forms)
    ]
    if not marked:
        return None
    clean = Chem.Mol(mol)
    for i in marked:
        bond = clean.GetBondWithIdx(i)
        bond.SetStereo(Chem.BondStereo.STEREONONE)
        # RDKit would read the mark back from the directions of the bonds beside it.
        for beside in (*bond.GetBeginAtom().GetBonds(), *bond.GetEndAtom().GetBonds()):
            beside.SetBondDir(Chem.BondDir.NONE)
    return clean


def best_resonance_form(mol: Chem.Mol) -> Chem.Mol:
    """The resonance form that ranks first (``rank_spelling``).

    A double bond that is single in another form has no E/Z isomers, and loses its mark.
    """
    forms = resonance_forms(mol)
    if len(forms) == 1:
        return mol
    unmarked = _without_mobile_bond_stereo(mol, forms)
    if unmarked is not None:
        forms = resonance_forms(unmarked)
    if any(form.HasSubstructMatch(_RING_CARBANION) for form in forms):
        forms = _with_unlisted(forms)
    return best_spelling(forms)


def _with_unlisted(forms: list[Chem.Mol]) -> list[Chem.Mol]:
    """The forms with those that RDKit leaves out where a negative charge moves round a ring of carbons.

    Of a substituted cyclopentadienide it lists some, and which depends on the order of the atoms.
    """
    found = {str(Chem.MolToSmiles(form)): form for form in forms}
    queue = deque(found.values())
    while queue and len(found) < _MAX_FORMS:
        for form in _shifted(queue.popleft()):
            smiles = str(Chem.MolToSmiles(form))
            if smiles not in found:
                found[smiles] = form
                queue.append(form)
    return list(found.values())


def _shifted(mol: Chem.Mol) -> list[Chem.Mol]:
    """The forms one allylic shift of a ring carbanion away: [C-]-C=C to C=C-[C-]."""
    kekulized = Chem.Mol(mol)
    Chem.Kekulize(kekulized, clearAromaticFlags=True)
    forms = []
    for first, middle, last in kekulized.GetSubstructMatches(_ALLYLIC_RING_CARBANION):
        form = Chem.RWMol(kekulized)
        form.GetBondBetweenAtoms(first, middle).SetBondType(Chem.BondType.DOUBLE)
        form.GetBondBetweenAtoms(middle, last).SetBondType(Chem.BondType.SINGLE)
        for index, charge in ((first, 0), (last, -1)):
            atom = form.GetAtomWithIdx(index)
            atom.SetNumExplicitHs(atom.GetTotalNumHs())
            atom.SetNoImplicit(True)
            atom.SetFormalCharge(charge)
        if _is_sane(form):
            forms.append(form.GetMol())
    return forms


def _labelled_atom() -> Chem.QueryAtom:
    query = rdqueries.HasPropQueryAtom("molAtomMapNumber")
    query.ExpandQuery(rdqueries.HasChiralTagQueryAtom(), Chem.CompositeQueryType.COMPOSITE_OR)
    return query


_LABELLED_ATOM: Final = _labelled_atom()


def _without_labels(mol: Chem.Mol) -> Chem.Mol:
    """Without atom maps, and marks of P and S centres whose oxygens differ only by where charge or proton is drawn."""
    if len(mol.GetAtomsMatchingQuery(_LABELLED_ATOM)) == 0:
        return mol
    clean = Chem.Mol(mol)
    for i in range(clean.GetNumAtoms()):
        atom = clean.GetAtomWithIdx(i)
        if atom.GetAtomMapNum():
            atom.SetAtomMapNum(0)
        if (
            atom.GetAtomicNum() in {15, 16}
            and atom.GetChiralTag() != Chem.ChiralType.CHI_UNSPECIFIED
            and sum(n.GetSymbol() == "O" and n.GetDegree() == 1 for n in atom.GetNeighbors()) >= 2
        ):
            atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
    return clean


def normal_form(mol: Chem.Mol) -> Chem.Mol:
    """The normal form of an ion: no atom maps, one form of each functional group, the best resonance form.

    Isotopes and stereochemistry are kept. The charge never changes.

    Args:
        mol: a sanitised molecule, as ``parse_smiles`` gives it; not modified.

    Returns:
        The normal form; ``mol`` itself when it is in that form and has no other.
    """
    return best_resonance_form(_normalize_groups(_without_labels(mol)))
