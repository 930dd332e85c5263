"""Which atoms of a box belong to which ion, in the order that packing and the System keep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ildb.md.parameters import IonParameters

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Box:
    """Ions of a box: all copies of the first kind, then all of the second.

    Attributes:
        kinds: parameters and number of copies.
    """

    kinds: Sequence[tuple[IonParameters, int]]

    @cached_property
    def masses_amu(self) -> Floats:
        """Mass of every atom (a); hydrogens as they are in nature."""
        return np.concatenate([np.tile([atom.mass_amu for atom in ion.atoms], n) for ion, n in self.kinds])

    @cached_property
    def starts(self) -> npt.NDArray[np.intp]:
        """First atom of every ion (i)."""
        lengths = np.concatenate([np.full(n, ion.n_atoms) for ion, n in self.kinds])
        return np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.intp)

    @cached_property
    def ion_masses_amu(self) -> Floats:
        """Mass of every ion (i)."""
        return np.add.reduceat(self.masses_amu, self.starts)

    @cached_property
    def charges(self) -> npt.NDArray[np.int64]:
        """Charge number of every ion (i)."""
        return np.concatenate([np.full(n, ion.charge) for ion, n in self.kinds])

    @property
    def mass_g(self) -> float:
        """Mass of everything in the box, g."""
        return float(self.masses_amu.sum()) * 1.66053906660e-24

    def centres(self, positions_nm: Floats) -> Floats:
        """Centres of mass of the ions (i, 3) from the positions of the atoms (a, 3), molecules whole."""
        weighted = positions_nm * self.masses_amu[:, None]
        centres: Floats = np.add.reduceat(weighted, self.starts, axis=0) / self.ion_masses_amu[:, None]
        return centres

    def atoms_of(self, kind: int) -> npt.NDArray[np.intp]:
        """Atoms of all ions of a kind (copies, atoms of one)."""
        first = sum(ion.n_atoms * n for ion, n in self.kinds[:kind])
        ion, n = self.kinds[kind]
        return first + np.arange(n * ion.n_atoms, dtype=np.intp).reshape(n, ion.n_atoms)


@dataclass(frozen=True)
class Frame:
    """Positions of all atoms (a, 3), nm, molecules whole but not wrapped, and the lengths of the box (3), nm."""

    positions_nm: Floats
    box_nm: Floats


def read_frames(path: Path) -> Iterator[Frame]:
    """The frames of an XTC file, one at a time.

    Raises:
        ToolMissingError: MDAnalysis is not installed.
    """
    from ildb.md.trouble import ToolMissingError

    try:
        from MDAnalysis.lib.formats.libmdaxdr import XTCFile
    except ImportError as error:
        raise ToolMissingError("MDAnalysis", "trajectories cannot be read without it") from error
    with XTCFile(str(path)) as file:
        for frame in file:
            yield Frame(np.asarray(frame.x, dtype=np.float64), np.diag(np.asarray(frame.box, dtype=np.float64)).copy())


def unwrapped(centres_nm: Floats, box_nm: Floats) -> Floats:
    """Paths without jumps between periodic images (f, i, 3), from centres (f, i, 3) and boxes (f, 3).

    Steps are taken to the nearest image, each in the box of its own frame: the scheme that keeps diffusion right at
    constant pressure (von Bülow, Bullerjahn, Hummer, J. Chem. Phys. 2020, 153, 021101). Frames must be so close in time
    that no ion moves by half a box between them.
    """
    steps = np.diff(centres_nm, axis=0)
    steps -= np.round(steps / box_nm[1:, None, :]) * box_nm[1:, None, :]
    return np.concatenate([centres_nm[:1], centres_nm[:1] + np.cumsum(steps, axis=0)])
