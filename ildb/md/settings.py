"""How force fields are made; without imports of chemistry, so that recipes are validated quickly."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from ildb.hashing import sha256_json

Backend = Literal["published", "gaff2", "uff"]
ChargeMethod = Literal["resp", "am1bcc", "gfn2"]

METHOD_VERSION: Final = 2
"""Raise it when the same settings would give other parameters: stored ones are then not reused."""


class ForceFieldSettings(BaseModel):
    """How parameters are made.

    Attributes:
        charges: what to fit or compute charges with, where no published ones exist.
        resp_max_basis: ions with more basis functions (about 15 for each heavy atom) get AM1-BCC charges.
        resp_time_limit_s: ions whose fit takes more CPU time, s, get AM1-BCC charges, too.
        backends: the chain, in order.
        time_limit_s: limit of each program that is started, seconds.
        seed: of the conformer and the gate's random forces.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    charges: ChargeMethod = "resp"
    resp_max_basis: int = Field(default=300, ge=1)
    resp_time_limit_s: float = Field(default=900.0, gt=0)
    backends: tuple[Backend, ...] = Field(default=("published", "gaff2", "uff"), min_length=1)
    time_limit_s: float = Field(default=120.0, gt=0)
    seed: int = Field(default=1, ge=1)

    @property
    def key(self) -> str:
        """Hash of the settings and of the method's version: stored parameters of the same key are reused."""
        # The programs' time limit only decides whether there is a result; that of RESP, which charges.
        return sha256_json({**self.model_dump(mode="json", exclude={"time_limit_s"}), "version": METHOD_VERSION})
