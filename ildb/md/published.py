"""Back end 0: parameters of common ions as their authors published them, each value with its citation."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import combinations
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from rdkit import Chem, rdBase

from ildb.errors import IldbError
from ildb.md.geometry import IonGeometry
from ildb.md.parameters import Angle, Bond, Torsion
from ildb.md.symmetry import skeleton_key
from ildb.md.terms import Site, Terms
from ildb.md.uff import bend_rad

_LJ14 = _COULOMB14 = 0.5
_TRANS_DEG: Final = 60.0


@dataclass(frozen=True)
class PublishedIon:
    """An ion of the table: its name, and SMARTS, type and charge of its atoms in order of precedence."""

    name: str
    smiles: str
    cite: str
    types: tuple[tuple[str, str, float], ...]


class TableError(IldbError):
    """The table of published parameters contradicts itself or lacks a term."""


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads((files("ildb") / "data" / "md_published" / "ions.toml").read_text(encoding="utf-8"))


@cache
def published_ions() -> Mapping[str, PublishedIon]:
    """The ions of the table by ``symmetry.skeleton_key``, which every way to draw an ion shares."""
    found = {}
    for row in _table()["ion"]:
        names: Sequence[str] = row.get("names", [row["name"]])
        for name, smiles in zip(names, row["smiles"], strict=True):
            types = tuple((smarts, kind, float(charge)) for smarts, kind, charge in row["types"])
            with rdBase.BlockLogs():
                key = skeleton_key(Chem.AddHs(Chem.MolFromSmiles(smiles)))
            found[key] = PublishedIon(name, smiles, row["cite"], types)
    return found


def published_terms(geometry: IonGeometry, ion: PublishedIon) -> tuple[Terms, npt.NDArray[np.float64]]:
    """Sites, terms and charges of an ion of the table, in the atom order of its geometry.

    Args:
        geometry: of the ion; it tells which of the neighbours of an octahedral atom are opposite and get no angle term.
        ion: its entry.

    Returns:
        The terms, with every citation used in their provenance, and charges (n,), e.

    Raises:
        TableError: the table lacks a type or a term.
    """
    mol = geometry.mol
    kinds, charges = _assign(mol, ion)
    rows = [_table()["type"][kind] for kind in kinds]
    classes = [str(row[0]) for row in rows]
    cited = {ion.cite, *(str(row[3]) for row in rows)}
    sites = tuple(
        Site(atom.GetMass(), row[1] / 10, row[2], kind)
        for atom, row, kind in zip(mol.GetAtoms(), rows, kinds, strict=True)
    )
    bonds = []
    for bond in mol.GetBonds():
        i, j = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        length, k, source = _term("bond", [classes[i], classes[j]], ion.name)
        bonds.append(Bond(i, j, length / 10, k * 100))
        cited.add(source)
    angles = []
    for i, j, k in _paths_of_three(mol):
        theta, stiffness, source = _term("angle", [classes[i], classes[j], classes[k]], ion.name)
        cited.add(source)
        opposite = math.degrees(bend_rad(geometry.positions_nm, i, j, k)) - theta > _TRANS_DEG
        if not opposite:
            angles.append(Angle(i, j, k, math.radians(theta), stiffness))
    torsions = []
    for path in _paths_of_four(mol):
        *heights, source = _term("torsion", [classes[index] for index in path], ion.name)
        cited.add(source)
        torsions += opls_torsions(path, heights)
    for four, v2, source in _impropers(mol, classes):
        cited.add(source)
        torsions.append(Torsion(*four, 2, math.pi, v2 / 2, improper=True))
    citations = sorted(_table()["source"][key] for key in cited)
    terms = Terms(
        sites, tuple(bonds), tuple(angles), tuple(torsions), _LJ14, _COULOMB14, provenance={"citations": citations}
    )
    return terms, charges


def opls_torsions(path: tuple[int, int, int, int], heights: Sequence[float]) -> list[Torsion]:
    """The cosine series v1..v4 of OPLS as periodic torsions, without those that are zero."""
    return [
        Torsion(*path, n, 0.0 if n % 2 else math.pi, height / 2)
        for n, height in enumerate(heights, start=1)
        if height != 0
    ]


def _assign(mol: Chem.Mol, ion: PublishedIon) -> tuple[list[str], npt.NDArray[np.float64]]:
    kinds: list[str] = [""] * mol.GetNumAtoms()
    charges = np.zeros(mol.GetNumAtoms())
    for smarts, kind, charge in ion.types:
        pattern = Chem.MolFromSmarts(smarts)
        for match in mol.GetSubstructMatches(pattern, uniquify=False, maxMatches=10_000):
            if not kinds[match[0]]:
                kinds[match[0]], charges[match[0]] = kind, charge
    if "" in kinds:
        raise TableError(f"The table of published ions has no type for atom {kinds.index('')} of {ion.name}.")
    if abs(charges.sum() - Chem.GetFormalCharge(mol)) > 1e-9:
        raise TableError(f"The published charges of {ion.name} sum to {charges.sum():+.3f}.")
    return kinds, charges


def _term(kind: str, classes: list[str], ion: str) -> list[Any]:
    table = _table()[kind]
    for order in (classes, classes[::-1]):
        row: list[Any] | None = table.get("-".join(order))
        if row is not None:
            return row
    raise TableError(f"The table of published ions lacks the {kind} {'-'.join(classes)} of {ion}.")


def _paths_of_three(mol: Chem.Mol) -> list[tuple[int, int, int]]:
    return [
        (i, atom.GetIdx(), k)
        for atom in mol.GetAtoms()
        for i, k in combinations([other.GetIdx() for other in atom.GetNeighbors()], 2)
    ]


def _paths_of_four(mol: Chem.Mol) -> list[tuple[int, int, int, int]]:
    return [
        (i.GetIdx(), j.GetIdx(), k.GetIdx(), last.GetIdx())
        for bond in mol.GetBonds()
        for j, k in [(bond.GetBeginAtom(), bond.GetEndAtom())]
        for i in j.GetNeighbors()
        for last in k.GetNeighbors()
        if len({i.GetIdx(), j.GetIdx(), k.GetIdx(), last.GetIdx()}) == 4
    ]


def _impropers(mol: Chem.Mol, classes: list[str]) -> list[tuple[tuple[int, int, int, int], float, str]]:
    found = []
    for centre, (around, v2, source) in _table()["improper"].items():
        for atom in mol.GetAtoms():
            others = sorted((other.GetIdx() for other in atom.GetNeighbors()), key=lambda index: classes[index])
            same_class = classes[atom.GetIdx()] == centre.partition("-")[0]
            if same_class and [classes[index] for index in others] == sorted(around):
                i, j, last = others
                found.append(((i, j, atom.GetIdx(), last), float(v2), str(source)))
    return found
