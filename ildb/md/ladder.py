"""A ladder's two kinds of work: build the boxes of a pairing, and simulate one temperature.

The points of a ladder are a chain: each begins with the state in which the one before ended, as a sample that is cooled
does. Independent tasks, each quenched from the melt, would run side by side, but a quenched glass remembers its quench,
and cooling and heating could not be told apart. Seeds and pairings are what runs side by side.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ildb.hashing import canonical_json, sha256_text
from ildb.md.box import Box
from ildb.md.driver import PointPlan, Start
from ildb.md.packing import estimate_density_g_cm3, pack_all, pairs_for_cutoff
from ildb.md.parameters import IonParameters
from ildb.md.point_analysis import PointFigures, analyse
from ildb.md.presets import Pass, Preset
from ildb.md.simulate import PointOutcome, simulate

_PACKED = 0.7
"""Density of the packed box, as a share of the liquid's: packmol needs room."""
_DENSEST = 1.1
"""The highest density a box may reach, over the estimate: it sets the number of ions."""

FormulaUnit = Sequence[tuple[IonParameters, int]]


@dataclass(frozen=True)
class Built:
    """Boxes of a pairing, one for each seed.

    Attributes:
        n_units: formula units in a box.
        system_xml: OpenMM's System.
        starts: packed positions (atoms, 3), nm, of each seed.
        box_nm: length of the packed boxes.
    """

    n_units: int
    system_xml: str
    starts: Sequence[npt.NDArray[np.float64]]
    box_nm: float


def build(unit: FormulaUnit, preset: Preset) -> Built:
    """Pack the boxes of all seeds, and the one System they share.

    Args:
        unit: ions of a formula unit with their numbers.
        preset: the ladder.

    Raises:
        ToolMissingError: packmol is not installed.
        ToolFailedError: packmol found no packing.
    """
    from openmm import XmlSerializer

    from ildb.md.system import build_system

    density = estimate_density_g_cm3(unit)
    n_units = pairs_for_cutoff(
        unit, density_g_cm3=_DENSEST * density, cutoff_nm=preset.cutoff_nm, at_least=preset.pairs
    )
    kinds = [(ion, n * n_units) for ion, n in unit]
    starts, box_nm = pack_all(kinds, density_g_cm3=_PACKED * density, seeds=range(1, preset.n_seeds + 1))
    system, _ = build_system(kinds, charge_scale=preset.charge_scale, cutoff_nm=preset.cutoff_nm, box_nm=box_nm)
    return Built(n_units, str(XmlSerializer.serialize(system)), starts, box_nm)


@dataclass(frozen=True)
class Rung:
    """A place in the chain of a ladder."""

    direction: Pass
    temperature_k: float


def rungs(preset: Preset) -> list[Rung]:
    """The points of one seed in order: down with the cooling pass, up again with the heating pass."""
    chain: list[Rung] = []
    for name in preset.passes:
        temperatures = sorted(preset.temperatures_k, reverse=name is Pass.COOLING)
        chain += [Rung(name, temperature) for temperature in temperatures]
    return chain


def plan_of(preset: Preset, place: int, seed: int, *, packed: bool, threads: int) -> PointPlan:
    """What to simulate at one place of the chain; a packed box is melted first."""
    rung = rungs(preset)[place]

    def frames(ps: float) -> int:
        return round(ps / preset.frame_ps)

    return PointPlan(
        temperature_k=rung.temperature_k,
        pressure_bar=preset.pressure_bar,
        seed=1000 * seed + place,
        timestep_fs=preset.timestep_fs,
        melt_frames=frames(preset.melt_ps) if packed else 0,
        equilibrate_frames=frames(preset.equilibrate_ps),
        produce_frames=frames(preset.produce_ps),
        frame_ps=preset.frame_ps,
        checkpoint_frames=preset.checkpoint_frames,
        threads=threads,
    )


@dataclass(frozen=True)
class PointResult:
    """A point, simulated and analysed; no figures where it was unstable."""

    outcome: PointOutcome
    figures: PointFigures | None


def simulate_point(
    box: Box, system_xml: str, start: Start, preset: Preset, place: int, seed: int, folder: Path, *, threads: int
) -> PointResult:
    """Simulate a point, or go on with it, and analyse it.

    Raises:
        CheckpointError, SimulationError, BusyError: see ``simulate``.
    """
    plan = plan_of(preset, place, seed, packed=start.state_xml is None, threads=threads)
    outcome = simulate(system_xml, start, plan, folder)
    if not outcome.stable:
        return PointResult(outcome, None)
    unit = min(n for _, n in box.kinds)
    figures = analyse(
        box,
        outcome.trajectory,
        outcome.thermo,
        frame_ps=preset.frame_ps,
        pressure_bar=preset.pressure_bar,
        n_units=unit,
    )
    return PointResult(outcome, figures)


def folder_name(stage_run_id: int, content: object) -> str:
    """Name of a point's folder: by what goes into it, so that no other point's files are ever taken for its own."""
    return f"{stage_run_id}-{sha256_text(canonical_json(content))[:24]}"


def point_content(payload: Mapping[str, Any]) -> dict[str, Any]:
    """What of a point's payload decides its simulation: all but where the last one's folder is."""
    return {name: value for name, value in payload.items() if name != "previous"}


def zip_text(text: str) -> bytes:
    """Text as gzip; equal texts give equal bytes."""
    return gzip.compress(text.encode(), mtime=0)


def unzip_text(path: Path) -> str:
    """What ``zip_text`` made."""
    return gzip.decompress(path.read_bytes()).decode()


def save_start(positions_nm: npt.NDArray[np.float64], box_nm: float) -> bytes:
    """A packed box as bytes."""
    out = io.BytesIO()
    np.save(out, np.vstack([positions_nm, np.full(3, box_nm)]))
    return out.getvalue()


def load_start(path: Path) -> Start:
    """What ``save_start`` made."""
    rows = np.load(path, allow_pickle=False)
    return Start(positions_nm=rows[:-1], box_nm=float(rows[-1, 0]))
