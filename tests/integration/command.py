"""Run the command line inside this process: as a user sees it, without a second of start-up each time."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from ildb.cli import app
from ildb.config import get_settings


@dataclass(frozen=True)
class Outcome:
    """Exit status and what was printed."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


@pytest.fixture
def command(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Outcome]]:
    """``command("stats", "--json")`` on the module's database, or another with ``url=...``."""

    def run(*arguments: str, url: str = database_url, **environment: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["ildb", *arguments])
        monkeypatch.setenv("ILDB_DATABASE_URL", url)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        get_settings.cache_clear()
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            app.main()
        printed = capsys.readouterr()
        return Outcome(int(end.value.code or 0), printed.out, printed.err)

    yield run
    get_settings.cache_clear()
