"""Parameters of the melting-point model, light to import so that a recipe is validated without scikit-learn."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class MeltingParams(BaseModel):
    """How the melting-point model is trained, calibrated and judged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold_k: float = Field(default=373.15, gt=0, description="an IL melts below this temperature, K")
    seed: int = Field(default=0, ge=0, lt=2**32, description="of the trees and of the folds")
    n_trees: int = Field(default=100, ge=10, le=1000, description="extremely randomised trees")
    n_boosting: int = Field(default=200, ge=10, le=2000, description="boosting iterations")
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
