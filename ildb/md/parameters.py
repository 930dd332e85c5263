"""Force-field parameters of one ion: plain numbers from whatever back end, with where they came from."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from ildb.hashing import canonical_json, sha256_text
from ildb.md.settings import Backend

Grade = Literal["A", "B", "C"]

GRADES: Final = {
    "A": "published parameters, or GAFF2 with fitted (RESP) charges and no parameter by remote analogy",
    "B": "GAFF2 with cheaper charges or a parameter by remote analogy",
    "C": "UFF constants on the ion's own GFN2 geometry",
}


@dataclass(frozen=True, slots=True)
class Atom:
    """One site.

    Attributes:
        element: symbol.
        mass_amu: mass, before any is moved to hydrogens.
        charge_e: partial charge, not scaled.
        sigma_nm: Lennard-Jones sigma.
        epsilon_kj_mol: Lennard-Jones well depth.
        type: the back end's name of the atom type.
    """

    element: str
    mass_amu: float
    charge_e: float
    sigma_nm: float
    epsilon_kj_mol: float
    type: str


@dataclass(frozen=True, slots=True)
class Bond:
    """Harmonic: E = k/2 (r - r0)²."""

    i: int
    j: int
    length_nm: float
    k_kj_mol_nm2: float


@dataclass(frozen=True, slots=True)
class Angle:
    """Harmonic, j in the middle: E = k/2 (theta - theta0)²."""

    i: int
    j: int
    k: int
    theta_rad: float
    k_kj_mol_rad2: float


@dataclass(frozen=True, slots=True)
class Torsion:
    """Periodic: E = k (1 + cos(n phi - phase)); proper, or improper as the back end orders its atoms."""

    i: int
    j: int
    k: int
    l: int  # noqa: E741
    periodicity: int
    phase_rad: float
    k_kj_mol: float
    improper: bool = False


@dataclass(frozen=True, slots=True)
class GateFigures:
    """What the gas-phase gate measured against a reference shape.

    Attributes:
        reference: where the shape is from: 'GFN2', or 'published' for the parameters' own lengths and angles.
        angle_deg: largest change of a bond angle in the minimum.
        distance_nm: largest change of a 1-2 or 1-3 distance in the minimum.
        hot_distance_nm: the same after 3 ps at 500 K.
        strain: largest change of the minimum as a share of what is allowed there; above 1 an ion does not pass.
        finite: whether energies and positions stayed finite.
    """

    reference: str
    angle_deg: float
    distance_nm: float
    hot_distance_nm: float
    strain: float
    finite: bool


@dataclass(frozen=True)
class IonParameters:
    """All that a simulation needs of one ion.

    Pairs one and two bonds apart do not interact by charge and Lennard-Jones terms, pairs three bonds apart do so
    scaled by ``lj14`` and ``coulomb14``; unlike atoms mix by Lorentz-Berthelot rules.

    Attributes:
        name: a short label for residues and tables.
        inchikey: standard InChIKey, the ion's identity.
        smiles: SMILES whose atoms are the first sites, in order; hydrogens follow, by the atom they are on.
        charge: charge number.
        atoms: sites, hydrogens explicit.
        bonds: every bond, also those that a simulation constrains.
        angles: bond angles that have a term.
        torsions: proper and improper torsions.
        lj14: factor of Lennard-Jones terms three bonds apart.
        coulomb14: factor of charge terms three bonds apart.
        geometry_nm: one conformer, (n, 3), nm.
        backend: which back end of the chain made it.
        grade: how far to trust it (see ``GRADES``).
        charge_method: 'published', 'resp', 'am1bcc' or 'gfn2'.
        provenance: versions, citations, penalties and rules applied, by name.
        gate: what the gas-phase gate measured; None for a single atom.
    """

    name: str
    inchikey: str
    smiles: str
    charge: int
    atoms: tuple[Atom, ...]
    bonds: tuple[Bond, ...]
    angles: tuple[Angle, ...]
    torsions: tuple[Torsion, ...]
    lj14: float
    coulomb14: float
    geometry_nm: tuple[tuple[float, float, float], ...]
    backend: Backend
    grade: Grade
    charge_method: str
    provenance: Mapping[str, Any] = field(default_factory=dict)
    gate: GateFigures | None = None

    @property
    def n_atoms(self) -> int:
        """Sites, hydrogens included."""
        return len(self.atoms)

    @property
    def mass_amu(self) -> float:
        """Mass of the ion."""
        return sum(atom.mass_amu for atom in self.atoms)

    @property
    def positions_nm(self) -> npt.NDArray[np.float64]:
        """The conformer as an array (n, 3), nm."""
        return np.array(self.geometry_nm, dtype=np.float64).reshape(-1, 3)

    @cached_property
    def separations(self) -> dict[tuple[int, int], int]:
        """Bonds between two sites, for pairs (i < j) one to three bonds apart."""
        neighbours: list[list[int]] = [[] for _ in self.atoms]
        for bond in self.bonds:
            neighbours[bond.i].append(bond.j)
            neighbours[bond.j].append(bond.i)
        return {
            (start, other): distance
            for start in range(self.n_atoms)
            for other, distance in _within_three(start, neighbours)
            if start < other
        }

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of what a simulation depends on: sites, terms, factors and geometry, not their provenance."""
        keep = ("charge", "atoms", "bonds", "angles", "torsions", "lj14", "coulomb14", "geometry_nm")
        plain = asdict(self)
        return sha256_text(canonical_json({key: plain[key] for key in keep}))

    def to_json(self) -> str:
        """Canonical JSON: equal parameters give equal text; ``from_json`` reads it back to an equal object."""
        return canonical_json(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> IonParameters:
        """Read what ``to_json`` wrote."""
        plain = json.loads(text)
        plain["atoms"] = tuple(Atom(**row) for row in plain["atoms"])
        plain["bonds"] = tuple(Bond(**row) for row in plain["bonds"])
        plain["angles"] = tuple(Angle(**row) for row in plain["angles"])
        plain["torsions"] = tuple(Torsion(**row) for row in plain["torsions"])
        plain["geometry_nm"] = tuple(tuple(row) for row in plain["geometry_nm"])
        plain["gate"] = GateFigures(**plain["gate"]) if plain["gate"] else None
        return cls(**plain)


def _within_three(start: int, neighbours: list[list[int]]) -> Iterator[tuple[int, int]]:
    """Atoms up to three bonds from one, with the number of bonds."""
    seen = {start: 0}
    queue = deque([start])
    while queue:
        here = queue.popleft()
        if seen[here] == 3:
            continue
        for there in neighbours[here]:
            if there not in seen:
                seen[there] = seen[here] + 1
                queue.append(there)
                yield there, seen[there]
