"""Where a server's address and password come from: service files and the keyring."""

# ruff: noqa: F811 (fixtures are imported by name)
from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked
from pydantic import SecretStr
from sqlalchemy import make_url

from ildb.config import Settings
from ildb.db import engine as engines
from ildb.errors import InputError
from tests.integration.command import Outcome, command  # noqa: F401


class InMemory(KeyringBackend):
    priority = 1.0
    locked = False

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("locked")
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password


@pytest.fixture
def backend() -> Iterator[InMemory]:
    before, ours = keyring.get_keyring(), InMemory()
    keyring.set_keyring(ours)
    yield ours
    keyring.set_keyring(before)


def settings(url: str, *, asked: bool = True) -> Settings:
    return Settings(database_url=SecretStr(url), reader_url=SecretStr(url), keyring=asked)


def test_a_password_comes_from_the_keyring(backend: InMemory) -> None:
    keyring.set_password("ildb", "me@host:5433/db", "s3cret")
    for made in (engines.database_url, engines.reader_url):
        url = made(settings("postgresql://me@host:5433/db"))
        assert url is not None
        assert url.password == "s3cret"
        assert "s3cret" not in str(url)
        own = made(settings("postgresql://me:mine@host:5433/db"))
        assert own is not None
        assert own.password == "mine"
        unasked = made(settings("postgresql://me@host:5433/db", asked=False))
        assert unasked is not None
        assert unasked.password is None


def test_what_is_wrong_with_the_keyring_is_said(backend: InMemory) -> None:
    with pytest.raises(InputError, match="keyring set ildb me@localhost:5432/db"):
        engines.database_url(settings("postgresql://me@/db"))
    backend.locked = True
    with pytest.raises(InputError, match="Unlock it"):
        engines.database_url(settings("postgresql://me@host/db"))


def test_a_service_file_names_the_server(
    command: Callable[..., Outcome], database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = make_url(database_url)
    entries = {"user": url.username, "dbname": url.database, "host": url.query.get("host", url.host), "port": url.port}
    entries["port"] = url.query.get("port", url.port)
    lines = [f"{name}={value}" for name, value in entries.items() if value]
    (tmp_path / "services.conf").write_text("\n".join(["[lab]", *lines]) + "\n")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services.conf"))
    outcome = command("stats", "--json", url="postgresql:///?service=lab")
    assert outcome.json()
    missing = command("stats", url="postgresql:///?service=elsewhere")
    assert missing.code == 4
    assert "elsewhere" in missing.err
