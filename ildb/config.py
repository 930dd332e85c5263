"""Settings, read once from the environment (``ILDB_*``)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import platformdirs
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Where ildb keeps things and which server it talks to."""

    model_config = SettingsConfigDict(env_prefix="ILDB_", extra="ignore", frozen=True)

    home: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("ildb", appauthor=False)),
        description="everything ildb writes: embedded cluster, artifacts, logs",
    )
    database_url: SecretStr | None = Field(default=None, description="a PostgreSQL server of the user's own")
    reader_url: SecretStr | None = Field(default=None, description="the same database, as a login that can only read")
    keyring: bool = Field(default=False, description="take passwords that a URL lacks from the system's keyring")
    statement_timeout_s: float = Field(default=60.0, gt=0, description="limit of one interactive query, seconds")

    @property
    def home_dir(self) -> Path:
        """``home`` as an absolute path with ``~`` expanded."""
        return self.home.expanduser().absolute()

    @property
    def artifacts_dir(self) -> Path:
        """Content-addressed files made by runs."""
        return self.home_dir / "artifacts"


@cache
def get_settings() -> Settings:
    """The settings of this process."""
    return Settings()
