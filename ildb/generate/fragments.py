"""Cores and substituents of known ions, and which bonds between them known ions have: the rules of enumeration."""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict
from rdkit import Chem

from ildb.chem.parse import parse_smiles
from ildb.errors import InputError
from ildb.generate.sites import Site, cut_sites

MAX_SUBSTITUENT: Final = 20
MAX_PAIRS: Final = 8
"""Pairs of sites of an ion that become a core with two open sites; an ion has dozens, most of them alike."""
_FIRST_LABEL: Final = 1
_RING: Final = re.compile(r"\[[^\]]*\]|%(\d\d)|(\d)")
_SECOND_DIGITS: Final = {1: 30, 2: 60}


class Core(NamedTuple):
    """A charged part with one or two open sites.

    Attributes:
        smiles: with ``[*:1]`` (and ``[*:2]``) where substituents go, never as its first atom.
        charge: net charge, e.
        classes: surroundings of the atom at each site (`ildb.generate.sites.atom_class`).
        times: in how many ions, and places of them, it occurs.
    """

    smiles: str
    charge: int
    classes: tuple[str, ...]
    times: int


class Substituent(NamedTuple):
    """A neutral group; the first atom of ``smiles`` is the one that binds."""

    smiles: str
    atom_class: str
    times: int


class FragmentRules(BaseModel):
    """What was learnt from a set of ions; JSON when stored.

    Attributes:
        cores: parts that carry the charge.
        substituents: neutral groups.
        bonds: how often a bond between two classes of atoms occurs among the ions: (core's, substituent's, count).
        n_ions: ions learnt from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    cores: tuple[Core, ...]
    substituents: tuple[Substituent, ...]
    bonds: tuple[tuple[str, str, int], ...]
    n_ions: int


def learn_fragments(smiles: Iterable[str]) -> FragmentRules:
    """Cut every ion at each of its sites, and at some pairs of them.

    Stereochemistry is left out: which of two ends gets a substituent would change what a mark means.

    Args:
        smiles: canonical SMILES of known ions.

    Raises:
        InputError: no ion can be cut.
        RefusedError: one of them is not a structure.
    """
    cores: Counter[tuple[str, int, tuple[str, ...]]] = Counter()
    groups: Counter[tuple[str, str]] = Counter()
    bonds: Counter[tuple[str, str]] = Counter()
    n_ions = 0
    for text in smiles:
        mol = parse_smiles(text)
        n_ions += 1
        Chem.RemoveStereochemistry(mol)
        sites = cut_sites(mol, MAX_SUBSTITUENT)
        for site in sites:
            groups[substituent_text(mol, site), site.atom_class] += 1
        bonds.update({(site.core_class, site.atom_class) for site in sites})
        charge = Chem.GetFormalCharge(mol)
        for chosen in [*((site,) for site in sites), *_pairs(sites)]:
            cores[core_text(mol, chosen), charge, tuple(site.core_class for site in chosen)] += 1
    if not cores:
        raise InputError("No ion has a substituent to exchange.", "Ingest ions first: ildb ingest ilthermo")
    return FragmentRules(
        cores=tuple(Core(*key, count) for key, count in sorted(cores.items())),
        substituents=tuple(Substituent(*key, count) for key, count in sorted(groups.items())),
        bonds=tuple((*key, count) for key, count in sorted(bonds.items())),
        n_ions=n_ions,
    )


def _pairs(sites: Sequence[Site]) -> list[tuple[Site, ...]]:
    """Some pairs of sites apart from each other, spread evenly over all pairs."""
    apart = [
        pair
        for pair in itertools.combinations(sites, 2)
        if not pair[0].substituent & pair[1].substituent
        and pair[0].core_atom not in pair[1].substituent
        and pair[1].core_atom not in pair[0].substituent
    ]
    step = -(-len(apart) // MAX_PAIRS) or 1
    return [*apart[::step]]


def core_text(mol: Chem.Mol, sites: tuple[Site, ...]) -> str:
    """The ion without some substituents; written from a charged atom, so that it starts with none of the open sites."""
    pieces = Chem.RWMol(mol)
    for label, site in enumerate(sites, start=_FIRST_LABEL):
        dummy = Chem.Atom(0)
        dummy.SetAtomMapNum(label)
        pieces.RemoveBond(site.core_atom, site.atom)
        pieces.AddBond(site.core_atom, pieces.AddAtom(dummy), Chem.BondType.SINGLE)
    _remove(pieces, frozenset().union(*(site.substituent for site in sites)))
    root = next(atom.GetIdx() for atom in pieces.GetAtoms() if atom.GetFormalCharge())
    return str(Chem.MolToSmiles(pieces, rootedAtAtom=root))


def substituent_text(mol: Chem.Mol, site: Site) -> str:
    """The substituent, written from the atom that binds; that atom is left open."""
    piece = Chem.RWMol(mol)
    piece.RemoveBond(site.core_atom, site.atom)
    star = piece.AddAtom(Chem.Atom(0))
    piece.AddBond(star, site.atom, Chem.BondType.SINGLE)
    gone = set(range(mol.GetNumAtoms())) - site.substituent
    _remove(piece, gone)
    return str(Chem.MolToSmiles(piece, rootedAtAtom=piece.GetNumAtoms() - 1)).removeprefix("*")


def _remove(mol: Chem.RWMol, atoms: Iterable[int]) -> None:
    mol.BeginBatchEdit()
    for index in atoms:
        mol.RemoveAtom(index)
    mol.CommitBatchEdit()
    mol.UpdatePropertyCache(strict=False)


def with_ring_digits(smiles: str, label: int) -> str:
    """A substituent's SMILES with ring closures that no core uses, other ones for each site.

    Args:
        smiles: of the substituent.
        label: 1 or 2, the site it goes to.
    """
    base = _SECOND_DIGITS[label]

    def renumbered(match: re.Match[str]) -> str:
        digit = match[1] or match[2]
        return match[0] if digit is None else f"%{base + int(digit)}"

    return _RING.sub(renumbered, smiles)


def classes_together(rules: FragmentRules, min_count: int) -> dict[str, list[str]]:
    """For each class of a core's atom, the classes of substituents it binds in at least so many ions."""
    together: dict[str, list[str]] = defaultdict(list)
    for core, group, count in rules.bonds:
        if count >= min_count:
            together[core].append(group)
    return together
