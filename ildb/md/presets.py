"""How long, how large and how cold a ladder is: four presets, each of whose numbers a recipe may change."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

MIN_FRAMES: Final = 20
"""Fewer have no lags between 10 and 50 % of the run."""


class Pass(StrEnum):
    """Which way the temperature goes."""

    COOLING = "cooling"
    HEATING = "heating"


class Preset(BaseModel):
    """A ladder's protocol.

    Attributes:
        temperatures_k: of the points, K, from hot to cold; the heating pass takes them backwards.
        passes: cooling, from the packed box; heating, from the coldest point of the cooling.
        n_seeds: independent ladders, each with its own packing and noise.
        pairs: least number of formula units; more where the cutoff asks for it.
        cutoff_nm: of direct-space terms, nm.
        charge_scale: factor of all charges.
        pressure_bar: of the barostat.
        timestep_fs: with hydrogens of 3 amu.
        melt_ps: of the first point of a ladder before its equilibration: the packed box shrinks to a liquid.
        equilibrate_ps: at each point before anything counts.
        produce_ps: at each point.
        frame_ps: between frames of the trajectory.
        checkpoint_frames: frames between checkpoints: what a kill may cost.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    temperatures_k: tuple[float, ...] = Field(min_length=2)
    passes: tuple[Pass, ...] = Field(default=(Pass.COOLING, Pass.HEATING), min_length=1)
    n_seeds: int = Field(ge=1)
    pairs: int = Field(ge=2)
    cutoff_nm: float = Field(gt=0.5)
    charge_scale: float = Field(default=0.8, gt=0, le=1)
    pressure_bar: float = Field(default=1.0, gt=0)
    timestep_fs: float = Field(default=4.0, gt=0, le=5)
    melt_ps: float = Field(ge=0)
    equilibrate_ps: float = Field(gt=0)
    produce_ps: float = Field(gt=0)
    frame_ps: float = Field(gt=0)
    checkpoint_frames: int = Field(ge=1)

    @model_validator(mode="after")
    def _makes_sense(self) -> Preset:
        if self.passes[0] is not Pass.COOLING or len(set(self.passes)) != len(self.passes):
            raise ValueError("passes are cooling, or cooling and then heating: a packed box cannot be heated")
        if len(set(self.temperatures_k)) != len(self.temperatures_k) or min(self.temperatures_k) <= 0:
            raise ValueError("temperatures_k must differ and be positive")
        if self.produce_ps / self.frame_ps < MIN_FRAMES:
            raise ValueError(f"produce_ps must be {MIN_FRAMES} frames or more")
        return self

    @property
    def n_points(self) -> int:
        """Points of one ladder with all its seeds."""
        return len(self.temperatures_k) * len(self.passes) * self.n_seeds

    @property
    def ns(self) -> float:
        """Simulated time of one ladder with all its seeds, ns."""
        return (self.n_points * (self.equilibrate_ps + self.produce_ps) + self.n_seeds * self.melt_ps) / 1000


PRESETS: Final = {
    # Shows that everything works, in a minute; its D are of ions still in their cages and are said to be.
    "smoke": Preset(
        temperatures_k=(650, 560, 480, 410, 350, 300), passes=(Pass.COOLING,), n_seeds=1, pairs=10, cutoff_nm=0.75,
        melt_ps=6, equilibrate_ps=2, produce_ps=8, frame_ps=0.2, checkpoint_frames=10,
    ),
    # A density near room temperature in half a nanosecond: in steps, because a liquid quenched from 500 K keeps the
    # volume of a hotter one; the last two points are at temperatures at which most liquids have been measured.
    "density": Preset(
        temperatures_k=(500, 430, 370, 330, 303.15, 298.15), passes=(Pass.COOLING,), n_seeds=1, pairs=10, cutoff_nm=0.9,
        melt_ps=40, equilibrate_ps=20, produce_ps=60, frame_ps=1, checkpoint_frames=20,
    ),
    # About 10 core hours a ladder of [EMIM][NTf2].
    "cpu": Preset(
        temperatures_k=(550, 520, 490, 460, 430, 400, 370, 340, 310, 280, 250, 220), n_seeds=1, pairs=32,
        cutoff_nm=0.9, melt_ps=200, equilibrate_ps=200, produce_ps=1000, frame_ps=1, checkpoint_frames=25,
    ),
    "gpu": Preset(
        temperatures_k=(560, 530, 500, 480, 460, 440, 420, 400, 380, 360, 340, 320, 300, 280, 250, 220), n_seeds=3,
        pairs=256, cutoff_nm=1.2, melt_ps=500, equilibrate_ps=500, produce_ps=5000, frame_ps=2, checkpoint_frames=50,
    ),
}  # fmt: skip
