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
