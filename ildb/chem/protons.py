"""Ions that differ only in which atom carries a proton: one deterministic position.

The standard InChIKey treats mobile hydrogens as one, so ``O=C([O-])CC(O)(CC(=O)O)C(=O)O`` and the citrate that lost
another of its protons share a key. Each must then lead to the same SMILES.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from rdkit import Chem, rdBase

from ildb.chem.normalize import best_resonance_form, resonance_forms
from ildb.chem.spelling import plausible_spellings, rank_spelling

_MAX_MOVES: Final = 120
_HETERO: Final = Chem.MolFromSmarts("[#7,#8,#16]")


def _acidic(atom: Chem.Atom) -> bool:
    """O-H and S-H, and N-H next to an unsaturated atom."""
    if atom.GetAtomicNum() != 7:
        return True
    return atom.GetIsAromatic() or any(
        n.GetIsAromatic() or n.GetSymbol() == "S" or any(b.GetBondTypeAsDouble() > 1 for b in n.GetBonds())
        for n in atom.GetNeighbors()
    )


def _takes_proton(atom: Chem.Atom, donor: Chem.Atom) -> bool:
    """Whether a neutral atom can take the proton of a positive donor: a nitrogen with a free pair, an amide oxygen."""
    if atom.GetAtomicNum() == 7:
        triple = any(b.GetBondType() == Chem.BondType.TRIPLE for b in atom.GetBonds())
        pyrrole_like = atom.GetIsAromatic() and (atom.GetTotalNumHs() > 0 or atom.GetDegree() == 3)
        return not triple and not pyrrole_like
    if atom.GetAtomicNum() == 8 and atom.GetTotalNumHs() == 0 and atom.GetDegree() == 1:
        carbon = atom.GetNeighbors()[0]
        return donor.GetAtomicNum() == 7 and any(n.GetIdx() == donor.GetIdx() for n in carbon.GetNeighbors())
    return False


def _moves(mol: Chem.Mol) -> list[tuple[int, int]]:
    """(donor, acceptor) atoms of proton moves that add no charge separation."""
    hetero = [mol.GetAtomWithIdx(i) for (i,) in mol.GetSubstructMatches(_HETERO)]
    donors = [a for a in hetero if a.GetTotalNumHs() > 0 and (a.GetFormalCharge() > 0 or _acidic(a))]
    return [
        (donor.GetIdx(), acceptor.GetIdx())
        for donor in donors
        for acceptor in hetero
        if acceptor.GetIdx() != donor.GetIdx()
        and acceptor.GetFormalCharge() <= 0
        and (acceptor.GetFormalCharge() < 0 or (donor.GetFormalCharge() > 0 and _takes_proton(acceptor, donor)))
    ]


def _move_proton(kekulized: Chem.Mol, donor: int, acceptor: int) -> Chem.Mol | None:
    moved = Chem.RWMol(kekulized)
    for index, change in ((donor, -1), (acceptor, 1)):
        atom = moved.GetAtomWithIdx(index)
        atom.SetNumExplicitHs(atom.GetTotalNumHs() + change)
        atom.SetNoImplicit(True)
        atom.SetFormalCharge(atom.GetFormalCharge() + change)
        if atom.GetChiralTag() != Chem.ChiralType.CHI_UNSPECIFIED:
            atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
    if Chem.SanitizeMol(moved, catchErrors=True) != Chem.SanitizeFlags.SANITIZE_NONE:
        return None
    return moved.GetMol()


class _Search:
    """The moves tried so far for one ion, and the end of patience."""

    def __init__(self) -> None:
        self.attempts = 0
        self.tried: set[str] = set()

    def neighbours(self, mol: Chem.Mol) -> Iterator[Chem.Mol]:
        """Spellings one proton move away, each in its best resonance form; none is given twice."""
        # In another resonance form another hydrogen is the acidic one. Forms of one SMILES differ by symmetry only.
        forms = {Chem.MolToSmiles(form): form for form in plausible_spellings(resonance_forms(mol))}
        for form in forms.values():
            moves = _moves(form)
            kekulized = Chem.Mol(form)
            if moves:
                Chem.Kekulize(kekulized, clearAromaticFlags=True)
            for donor, acceptor in moves:
                self.attempts += 1
                if self.attempts > _MAX_MOVES:
                    return
                with rdBase.BlockLogs():
                    moved = _move_proton(kekulized, donor, acceptor)
                smiles = "" if moved is None else str(Chem.MolToSmiles(moved))
                if moved is not None and smiles not in self.tried:
                    self.tried.add(smiles)
                    yield best_resonance_form(moved)


def best_proton_positions(mol: Chem.Mol, smiles: str, same_ion: Callable[[str], bool]) -> str:
    """The spelling that ranks first among those one or more proton moves away that are still the same ion.

    Args:
        mol: an ion in normal form.
        smiles: its canonical SMILES.
        same_ion: whether a canonical SMILES has the InChIKey of the ion.

    Returns:
        The canonical SMILES of the best spelling found. Equally good ones are searched breadth first until all are seen
        or 120 moves are tried;
        only for large polyprotic ions can the result then depend on the spelling given.
    """
    best = rank_spelling(mol)
    queue = deque([(best, mol)])
    seen = {smiles, best.smiles}
    search = _Search()
    while queue:
        rank, current = queue.popleft()
        if rank[:-1] > best[:-1]:
            continue
        for new in search.neighbours(current):
            new_rank = rank_spelling(new)
            if new_rank.smiles in seen or new_rank[:-1] > best[:-1]:
                continue
            seen.add(new_rank.smiles)
            if same_ion(new_rank.smiles):
                queue.append((new_rank, new))
                best = min(best, new_rank)
    return best.smiles
