"""Parameters of the property models, light to import so that a recipe is validated without scikit-learn."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class MeltingParams(BaseModel):
    """How the model of melting points, or of another property, is trained, calibrated and judged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    property: str = Field(default="melting_point", description="what is predicted: a name of ildb.units.PROPERTIES")
    scale: Literal["linear", "log10"] = Field(
        default="linear", description="errors are judged in the property's unit, or in decades (viscosity)"
    )
    threshold_k: float | None = Field(
        default=373.15,
        gt=0,
        description="the probability given is that of lying below this, K for melting points; none for no probability",
    )
    seed: int = Field(default=0, ge=0, lt=2**32, description="of the folds and of everything random in training")
    n_trees: int = Field(default=400, ge=10, le=5000, description="boosted trees")
    n_nets: int = Field(default=4, ge=2, le=32, description="neural networks that are averaged")
    n_epochs: int = Field(default=60, ge=2, le=1000, description="passes of the networks over the rows")
    n_kernel_rows: int = Field(
        default=700, ge=20, le=3000, description="rows on which the weights of the kernel's terms are chosen"
    )
    extra_splits: tuple[Literal["anion_family", "source"], ...] = Field(
        default=(), description="further splits that judge the model; each costs as much training as the others"
    )
    n_folds: int = Field(default=5, ge=2, le=20, description="folds of each split that judges the model")
    cluster_distance: float = Field(
        default=0.6,
        gt=0,
        lt=1,
        description="Butina cutoff of the cation clusters, on 1 - Tanimoto of ECFP4",
    )
    calibration: Literal["sigmoid", "isotonic"] = Field(
        default="sigmoid", description="map from z score to probability"
    )
    coverage: float = Field(default=0.9, gt=0.5, lt=1, description="nominal coverage of the interval")
    domain_quantile: float = Field(
        default=0.05,
        ge=0,
        lt=0.5,
        description="a cation is too far when its nearest training cation is less similar than this quantile of the "
        "training cations' own nearest neighbours",
    )
    n_neighbours: int = Field(default=3, ge=0, le=20, description="nearest known ILs given as the reason of a score")

    @model_validator(mode="after")
    def _melting_has_a_threshold(self) -> Self:
        if self.property == "melting_point" and self.threshold_k is None:
            raise ValueError("melting points need threshold_k")
        return self
