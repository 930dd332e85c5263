"""Many realistic ions: the ILThermo catalogue's, with their alkyl groups exchanged for other R groups.

Every one goes through ildb's own identity code, so keys, spellings and charges are those an ingest would store. The
outcome depends on nothing but the catalogue and the number asked for; a finished file is used again.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator
from dataclasses import astuple, fields
from pathlib import Path

from rdkit import Chem, rdBase

from ildb.chem.identity import Ion, identify
from ildb.errors import StructureError
from ildb.ingest.ilthermo import read_catalogue

R_GROUPS = (
    "C", "CC", "CCC", "CCCC", "CCCCC", "CCCCCC", "CCCCCCC", "CCCCCCCC", "CCCCCCCCCC", "CCCCCCCCCCCC", "C(C)C",
    "CC(C)C", "CC(C)(C)C", "CC=C", "CC#C", "CCC=C", "CCO", "CCCO", "CCOC", "CCOCC", "CCOCCO", "CCOCCOC", "CC#N",
    "CCC#N", "CCCC#N", "CC(=O)OC", "CC(=O)OCC", "CCC(=O)O", "CC(N)=O", "CCCl", "CCCBr", "CCF", "CC(F)(F)F",
    "CCC(F)(F)C(F)(F)F", "CCN(C)C", "CCSC", "CCCS", "Cc1ccccc1", "CCc1ccccc1", "Cc1ccc(C)cc1", "Cc1ccc(F)cc1",
    "Cc1ccc(OC)cc1", "Cc1ccc(C#N)cc1", "C1CCCC1", "C1CCCCC1", "CC1CCCCC1", "CC1CO1", "CC1CCCO1", "C[Si](C)(C)C",
    "CC(C)=O", "CCS(C)(=O)=O", "CCOC(C)=O", "CCn1ccnc1", "CCN1CCOCC1", "CCP(=O)(OC)OC", "CC1CCCN1C", "COC", "COCC",
    "CSC", "CCCCCCO",
)  # fmt: skip
# An alkyl group at a ring atom, a hetero atom or a carbonyl: the bond to cut.
_SITE = Chem.MolFromSmarts("[R,#7,#15,#16,#8,$([CX3]=O):1]-!@[CX4;!R;!$(C~[!#6;!#1]~*~*~*~*~*)]")
_FIELDS = tuple(field.name for field in fields(Ion))


def ions(n: int, file: Path | None = None) -> list[Ion]:
    """``n`` distinct ions, the catalogue's own first.

    Args:
        n: how many.
        file: kept there between runs; None to make them each time.
    """
    if file is not None and file.is_file():
        with file.open(encoding="utf-8", newline="") as stream:
            kept = [_read(row) for row in csv.DictReader(stream, delimiter="\t")]
        if len(kept) >= n:
            return kept[:n]
    made = list(itertools.islice(_distinct(), n))
    if len(made) < n:
        raise SystemExit(f"only {len(made)} distinct ions can be enumerated")
    if file is not None:
        with file.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, delimiter="\t")
            writer.writerow(_FIELDS)
            writer.writerows(astuple(ion) for ion in made)
    return made


def _read(row: dict[str, str]) -> Ion:
    return Ion(
        row["inchikey"], row["smiles"], int(row["charge"]), row["formula"], float(row["mass_g_mol"]),
        int(row["heavy_atoms"]),
    )  # fmt: skip


def _distinct() -> Iterator[Ion]:
    keys: set[str] = set()
    spellings: set[str] = set()
    for smiles in itertools.chain(catalogue(), _enumerated()):
        if smiles in spellings:
            continue
        spellings.add(smiles)
        try:
            ion = identify(smiles)
        except StructureError:
            continue
        if ion.charge != 0 and ion.inchikey not in keys:
            keys.add(ion.inchikey)
            yield ion


def catalogue() -> list[str]:
    """Canonical SMILES of the charged fragments of ILThermo's compounds, sorted."""
    found = set()
    with rdBase.BlockLogs():
        for record in read_catalogue():
            mol = Chem.MolFromSmiles(record.salt_smiles or "")
            for part in Chem.GetMolFrags(mol, asMols=True) if mol is not None else ():
                if Chem.GetFormalCharge(part) != 0:
                    found.add(Chem.MolToSmiles(part))
    return sorted(found, key=lambda text: (len(text), text))


def _enumerated() -> Iterator[str]:
    """One new ion of each core in turn, so that the first thousand are as varied as the last."""
    groups = [Chem.MolFromSmiles(group) for group in R_GROUPS]
    cores = list(dict.fromkeys(core for smiles in catalogue() for core in _cores(smiles)))
    yield from _products(cores, groups)
    # Then with two groups exchanged.
    once = [_joined(core, group) for core in cores for group in groups[:12]]
    yield from _products(list(dict.fromkeys(core for smiles in once for core in _cores(smiles))), groups)


def _products(cores: list[str], groups: list[Chem.Mol]) -> Iterator[str]:
    for shift in range(len(groups)):
        for i, core in enumerate(cores):
            yield _joined(core, groups[(i + shift) % len(groups)])


def _cores(smiles: str) -> Iterator[str]:
    """The ion without one of its alkyl groups: the atom it was bound to carries map number 1."""
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles)
    for anchor, carbon in mol.GetSubstructMatches(_SITE) if mol is not None else ():
        cut = Chem.RWMol(mol)
        cut.RemoveBond(anchor, carbon)
        # No hydrogen takes the place of the bond that is cut.
        cut.GetAtomWithIdx(anchor).SetAtomMapNum(1)
        cut.GetAtomWithIdx(anchor).SetNoImplicit(True)
        group = next(part for part in Chem.GetMolFrags(cut) if carbon in part)
        if anchor in group or any(mol.GetAtomWithIdx(i).GetFormalCharge() for i in group):
            continue
        for i in sorted(group, reverse=True):
            cut.RemoveAtom(i)
        yield Chem.MolToSmiles(cut)


def _joined(core: str, group: Chem.Mol) -> str:
    with rdBase.BlockLogs():
        base = Chem.MolFromSmiles(core, sanitize=False)
        both = Chem.RWMol(Chem.CombineMols(base, group))
        anchor = next(atom for atom in both.GetAtoms() if atom.GetAtomMapNum() == 1)
        both.AddBond(anchor.GetIdx(), base.GetNumAtoms(), Chem.BondType.SINGLE)
        anchor.SetAtomMapNum(0)
        both.ClearComputedProps()
        return str(Chem.MolToSmiles(both))
