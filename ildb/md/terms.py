"""What a back end returns: the sites and terms of an ion, without charges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ildb.errors import InputError
from ildb.md.parameters import Angle, Bond, Torsion


class BackendRefusesError(InputError):
    """A back end cannot describe an ion; the next in the chain may."""


@dataclass(frozen=True)
class Site:
    """A site without its charge: see ``parameters.Atom``."""

    mass_amu: float
    sigma_nm: float
    epsilon_kj_mol: float
    type: str


@dataclass(frozen=True)
class Terms:
    """Sites and terms in the atom order of the ion's geometry.

    Attributes:
        sites: one for each atom.
        bonds: every bond.
        angles: bond angles that have a term.
        torsions: proper and improper.
        lj14: factor of Lennard-Jones terms three bonds apart.
        coulomb14: factor of charge terms three bonds apart.
        remote: whether a parameter was taken from a remote analogy.
        provenance: versions, penalties and rules applied.
    """

    sites: tuple[Site, ...]
    bonds: tuple[Bond, ...]
    angles: tuple[Angle, ...]
    torsions: tuple[Torsion, ...]
    lj14: float
    coulomb14: float
    remote: bool = False
    provenance: Mapping[str, Any] = field(default_factory=dict)
