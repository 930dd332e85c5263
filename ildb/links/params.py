"""Parameters of the link model, light to import so that a recipe is validated without torch."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class SageParams(BaseModel):
    """Settings of the network and of its training; the defaults were chosen on validation edges only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hidden: int = Field(default=128, ge=1, description="width of the node states")
    layers: int = Field(default=2, ge=1, le=6, description="rounds of message passing")
    embedding: int = Field(default=64, ge=1, description="width of the vectors whose dot product is the logit")
    dropout: float = Field(default=0.1, ge=0, lt=1)
    feature_dropout: float = Field(default=0.4, ge=0, lt=1, description="dropout of the input features")
    edge_drop: float = Field(
        default=0.3,
        gt=0,
        lt=1,
        description="share of training edges hidden from the messages in each epoch; those are the positives",
    )
    similar_neighbours: int = Field(
        default=10, ge=0, description="most similar ions of the same side heard by each ion; 0: none"
    )
    lr: float = Field(default=3e-3, gt=0)
    weight_decay: float = Field(default=1e-4, ge=0)
    epochs: int = Field(default=200, ge=1)
    patience: int = Field(default=12, ge=1, description="checks without a better validation score before stopping")
    check_every: int = Field(default=5, ge=1, description="epochs between validation checks")
    negatives_per_positive: int = Field(default=20, ge=1)
    degree_matched_share: float = Field(
        default=0.05, ge=0, le=1, description="share of the negatives that are degree-matched"
    )
    calibration_ratio: float | None = Field(
        default=None,
        gt=0,
        description="unrecorded pairs per recorded pair that probabilities refer to; none: that of the graph",
    )
    seed: int = Field(default=0, ge=0)


class RankerParams(BaseModel):
    """Settings of the ranker: gradient boosting on pair planes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    edge_folds: int = Field(default=8, ge=2, description="parts of the pairings, hidden in turn to make examples")
    cation_folds: int = Field(default=6, ge=0, description="parts of the cations, hidden whole in turn")
    uniform_negatives: int = Field(default=25, ge=1, description="uniform negatives per positive")
    uniform_weight: float = Field(default=2.0, gt=0, description="what one of them counts")
    same_cation_negatives: int = Field(default=20, ge=0, description="negatives with the cation of each positive")
    matched_negatives: int = Field(default=12, ge=1, description="degree-matched negatives per positive")
    matched_share: float = Field(
        default=0.8, ge=0, description="weight of the logit against degree-matched negatives; 0: leave that model out"
    )
    trees: int = Field(default=300, ge=1)
    leaves: int = Field(default=15, ge=2)
    shrinkage: float = Field(default=0.06, gt=0, le=1, description="learning rate of the boosting")
    calibration_ratio: float | None = Field(
        default=None,
        gt=0,
        description="unrecorded pairs per recorded pair that probabilities refer to; none: that of the graph",
    )
    seed: int = Field(default=0, ge=0)


class PaperParams(BaseModel):
    """Settings of the paper's network (`ildb.links.paper`); the defaults are the paper's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hidden: int = Field(default=128, ge=1, description="width of the node states")
    layers: int = Field(default=2, ge=1, le=6, description="convolutions, the last of which makes the vectors")
    embedding: int = Field(default=64, ge=1, description="width of the vectors whose dot product is the logit")
    lr: float = Field(default=0.01, gt=0)
    epochs: int = Field(default=100, ge=1)
    check_every: int = Field(default=5, ge=1, description="epochs between validation checks")
    calibration_ratio: float | None = Field(
        default=None,
        gt=0,
        description="unrecorded pairs per recorded pair that probabilities refer to; none: that of the graph",
    )
    seed: int = Field(default=0, ge=0)


LinkParams = SageParams | RankerParams
"""Settings of a link model; their type names the method."""
