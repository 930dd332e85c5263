"""Simulations without the extra ``md``: what may be skipped is, with the reason; else the error says what to do."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from ildb.db import engine as engines
from tests.integration.md_chaos import LADDER, SALT, add_toy

HIDDEN = """
import sys
from importlib.machinery import PathFinder


class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        hidden = name.partition(".")[0] in {"MDAnalysis", "pyscf", "tblite", "tidynamics"}
        return None if hidden else super().find_spec(name, path, target)


sys.meta_path = [Without if finder is PathFinder else finder for finder in sys.meta_path]
"""


@pytest.fixture
def run(new_database: Callable[..., str], tmp_path: Path, ildb: Callable[..., Any]) -> Callable[..., Any]:
    """``ildb pipeline run md_smoke`` on a database with a small salt, in processes that cannot import the extra."""
    url = new_database()
    engine = engines.create(make_url(url).set(drivername="postgresql+psycopg"))
    add_toy(engine, tmp_path)
    engine.dispose()
    (tmp_path / "sitecustomize.py").write_text(HIDDEN)
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])

    def run(*settings: str) -> Any:
        chosen = (*(f"{stage}.smiles={json.dumps([SALT])}" for stage in ("parameters", "ladder")), *settings)
        words = [word for setting in chosen for word in ("--set", setting)]
        return ildb(
            "pipeline", "run", "md_smoke", "--workers", "1", "--json", *words,
            url=url, ILDB_HOME=str(tmp_path), PYTHONPATH=path,
        )  # fmt: skip

    return run


def test_what_is_optional_is_skipped_with_the_reason(run: Callable[..., Any]) -> None:
    done = run("parameters.optional=true", *(f"ladder.{name}={LADDER[name]}" for name in ("produce_ps", "pairs")))
    assert done.returncode == 0, done.stderr
    parameters, ladder, fit = json.loads(done.stdout)["stages"]
    assert [stage["status"] for stage in (parameters, ladder, fit)] == ["succeeded"] * 3
    for stage in (parameters, ladder):
        assert "MDAnalysis, pyscf, tblite, tidynamics: not installed" in stage["result"]["skipped"]
        assert "pip install 'ildb[md]'" in stage["result"]["skipped"]
    assert (ladder["result"]["n_simulations"], fit["result"]["n_ladders"]) == (0, 0)


def test_what_was_asked_for_fails_and_says_what_to_install(run: Callable[..., Any]) -> None:
    done = run('parameters.charges="gfn2"')
    assert done.returncode == 6
    assert "tblite is not installed" in done.stderr
    assert "pip install 'ildb[md]'" in done.stderr
