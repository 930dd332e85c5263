"""Limits of a runner, read from the environment (``ILDB_RUN_*``)."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class RunSettings(BaseSettings):
    """How long a runner holds, waits and tries; times in seconds."""

    model_config = SettingsConfigDict(env_prefix="ILDB_RUN_", extra="ignore", frozen=True)

    lease_s: float = Field(
        default=60.0, gt=0, description="whose runner is silent for so long loses its tasks to another"
    )
    patience_s: float = Field(default=600.0, ge=0, description="how long to wait for a server in trouble")
    backoff_s: float = Field(default=1.0, ge=0, description="pause before the second attempt; it doubles each time")
    max_attempts: int = Field(default=3, ge=1, le=1000, description="failures after which a task is set aside")
    max_losses: int = Field(
        default=10,
        ge=1,
        le=1000,
        description="how often a task may go down with worker or host before it is set aside",
    )
    statement_timeout_s: float = Field(default=3600.0, gt=0, description="limit of one statement of a stage's own")

    @property
    def beat_s(self) -> float:
        """Seconds between two signs of life."""
        return self.lease_s / 6
