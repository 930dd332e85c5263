"""A molten toy salt small enough for tests: a bent three-site cation and a single-site anion."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ildb.md.box import Box
from ildb.md.driver import PointPlan, Start
from ildb.md.packing import box_length_nm
from ildb.md.parameters import Angle, Atom, Bond, IonParameters
from ildb.md.system import build_system

N_PAIRS = 32
CUTOFF_NM = 0.65
DENSITY_G_CM3 = 1.0

_LIKE = {"lj14": 0.5, "coulomb14": 0.8333, "backend": "published", "grade": "A", "charge_method": "published"}

CATION = IonParameters(
    name="TOY", inchikey="QGZKDVFQNNGYKY-UHFFFAOYSA-O", smiles="[NH4+]", charge=1,
    atoms=(
        Atom("N", 40.0, 0.7, 0.45, 0.8, "n"), Atom("H", 1.008, 0.15, 0.1, 0.05, "h"),
        Atom("H", 1.008, 0.15, 0.1, 0.05, "h"),
    ),
    bonds=(Bond(0, 1, 0.1, 3e5), Bond(0, 2, 0.1, 3e5)), angles=(Angle(1, 0, 2, 1.9, 300.0),), torsions=(),
    geometry_nm=((0, 0, 0), (0.1, 0, 0), (-0.0323, 0.0946, 0)), **_LIKE,
)  # fmt: skip
ANION = IonParameters(
    name="CL", inchikey="VEXZGXHMUGYJMC-UHFFFAOYSA-M", smiles="[Cl-]", charge=-1,
    atoms=(Atom("Cl", 35.45, -1.0, 0.44, 0.6, "cl"),), bonds=(), angles=(), torsions=(), geometry_nm=((0, 0, 0),),
    **_LIKE,
)  # fmt: skip
KINDS = [(CATION, N_PAIRS), (ANION, N_PAIRS)]
BOX = Box(KINDS)


def toy_system() -> tuple[str, Start]:
    """The System as XML and a start on a lattice."""
    from openmm import XmlSerializer

    length = box_length_nm(KINDS, DENSITY_G_CM3)
    system, _ = build_system(KINDS, cutoff_nm=CUTOFF_NM, box_nm=length)
    return XmlSerializer.serialize(system), Start(positions_nm=_lattice(length), box_nm=length)


def plan(**changes: object) -> PointPlan:
    """A few picoseconds at 1,200 K."""
    values: dict[str, object] = {
        "temperature_k": 1200.0, "pressure_bar": 1.0, "seed": 7, "timestep_fs": 4.0, "melt_frames": 4,
        "equilibrate_frames": 4, "produce_frames": 24, "frame_ps": 0.1, "checkpoint_frames": 4, "platform": "CPU",
    }  # fmt: skip
    return PointPlan(**{**values, **changes})  # type: ignore[arg-type]


def _lattice(length_nm: float) -> npt.NDArray[np.float64]:
    n = 2 * N_PAIRS
    side = int(np.ceil(n ** (1 / 3)))
    sites = (np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), -1).reshape(-1, 3) + 0.5) * length_nm / side
    # Cations and anions alternate as in rock salt.
    parity = np.indices((side,) * 3).sum(axis=0).ravel() % 2
    cations, anions = sites[parity == 0][:N_PAIRS], sites[parity == 1][:N_PAIRS]
    return np.concatenate([*(site + CATION.positions_nm for site in cations), *(site[None] for site in anions)])
