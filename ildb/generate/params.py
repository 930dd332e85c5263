"""Parameters of the sequence VAEs, light to import so that a recipe is validated without torch."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class NetworkParams(BaseModel):
    """Sizes of the network; the defaults are those of the ion-level model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    embedding: int = Field(default=64, ge=1, description="width of the token vectors")
    encoder_hidden: int = Field(default=256, ge=1)
    encoder_layers: int = Field(default=1, ge=1, le=6)
    decoder_hidden: int = Field(default=256, ge=1)
    decoder_layers: int = Field(default=1, ge=1, le=6)
    latent: int = Field(default=64, ge=1, description="width of z")
    condition: int = Field(default=16, ge=1, description="width of the vector of a charge")
    max_length: int = Field(default=60, ge=1, le=512, description="tokens of the longest string learnt from")


class TrainingParams(BaseModel):
    """How the network is trained."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    million_tokens: float = Field(
        default=20.0, gt=0, description="how much to train: target tokens read, in millions; schedules span it"
    )
    max_cpu_min: float | None = Field(
        default=None, gt=0, description="stop after so many CPU minutes even if tokens are left"
    )
    batch: int = Field(default=32, ge=1, description="strings in a step")
    lr: float = Field(default=2e-3, gt=0, description="learning rate; falls to 3 % along a cosine")
    weight_decay: float = Field(default=0.0, ge=0)
    clip: float = Field(default=5.0, gt=0, description="largest norm of the gradient")
    word_dropout: float = Field(default=0.1, ge=0, lt=1, description="share of tokens hidden from the decoder")
    kl_weight: float = Field(default=0.07, ge=0, description="weight of the KL term at the end")
    kl_cycles: int = Field(default=4, ge=0, description="times the weight rises from zero; 0: it is constant")
    kl_cycle_share: float = Field(default=0.5, gt=0, le=1, description="share of the training that the cycles take")
    free_bits: float = Field(default=0.0, ge=0, description="KL of a string below which it costs nothing, in nats")
    random_input: float = Field(
        default=0.15, ge=0, le=1, description="share of inputs spelt at random; targets are always canonical"
    )
    spellings: int = Field(default=15, ge=1, description="random spellings kept of each known structure")
    ema: float = Field(default=0.998, ge=0, lt=1, description="decay of the averaged weights, a step")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="of matrix products; auto: bfloat16 where the processor has it"
    )
    checkpoint_s: float = Field(default=60.0, ge=0, description="seconds between checkpoints; 0: after every step")
    seed: int = Field(default=0, ge=0)


class VaeParams(NetworkParams, TrainingParams):
    """Everything that decides a model, given its data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: Literal["char", "atom"] = Field(default="atom", description="what a token is: a character or an atom")

    def network(self) -> NetworkParams:
        """The sizes alone."""
        return NetworkParams.model_validate(self.model_dump(include=set(NetworkParams.model_fields)))


PAPER_TEXT = {
    "level": "char", "embedding": 128, "encoder_hidden": 292, "encoder_layers": 3, "decoder_hidden": 501,
    "decoder_layers": 3, "latent": 128, "max_length": 256,
}  # fmt: skip
"""Sizes in the paper's text; widths from its published settings."""

PAPER_SETTINGS = {**PAPER_TEXT, "encoder_layers": 1, "decoder_layers": 1}
"""Sizes in the published settings file: one layer each."""
