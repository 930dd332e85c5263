"""The wheel: it holds everything, and its commands work where there is no checkout."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from sqlalchemy import make_url

from ildb.db import engine as engines
from ildb.db import schema
from tests.integration.populate import N_PASSED, fill

ROOT = Path(__file__).resolve().parents[2]
# Each kind of file that code opens by its path, by one that must be there.
SHIPPED = (
    "ildb/web/templates/pairing.html", "ildb/web/static/style.css", "ildb/web/static/htmx/htmx.min.js",
    "ildb/web/static/jsme/jsme.nocache.js", "ildb/web/static/jsme/LICENSE", "ildb/report/templates/report.html.j2",
    "ildb/report/templates/colours.css", "ildb/report/templates/figure.mplstyle", "ildb/data/ion_vae/model.safetensors",
    "ildb/data/ion_vae/SHA256SUM", "ildb/data/ilthermo_melting_points/melting_points.csv",
    "ildb/data/md_published/ions.toml", "ildb/py.typed", "ildb/_resources/sql/queries/search/pairings.sql",
    "ildb/_resources/pipelines/quickstart.toml", "ildb/_resources/migrations/env.py",
)  # fmt: skip


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    (made,) = folder.glob("*.whl")
    return made


def _files(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_every_file_of_the_tree(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    expected = {f"ildb/{name}" for name in _files(ROOT / "ildb")}
    for kind in ("sql", "pipelines", "migrations"):
        expected |= {f"ildb/_resources/{kind}/{name}" for name in _files(ROOT / kind)}
    assert set(SHIPPED) <= expected
    assert expected - held == set()
    # And nothing of what is only for developers.
    extra = {name for name in held - expected if ".dist-info/" not in name}
    assert extra == set()


def test_an_installed_wheel_migrates_and_lists_recipes(
    wheel: Path, new_database: Callable[..., str], tmp_path: Path
) -> None:
    """The wheel unpacked apart from the checkout, used from another folder."""
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    url = new_database(empty=True)
    env = {**os.environ, "ILDB_DATABASE_URL": url, "PYTHONPATH": str(site)}
    check = (
        "import ildb, ildb.resources as r;"
        " print(ildb.__file__, r.resource_dir('migrations'), r.resource_dir('pipelines'))"
    )

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-P", *arguments], env=env, cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return done.stdout

    assert run("-c", check).count(str(site)) == 3
    assert f"none -> {schema.head()}" in run("-m", "ildb.cli.app", "db", "upgrade")
    assert run("-c", "from ildb.pipeline import recipe; print(recipe.load('quickstart').name)").strip() == "quickstart"


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of a fresh environment that has the wheel, and its dependencies from this one."""
    home = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True, timeout=120)
    python = home / "bin" / "python"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", "--quiet",
         "--disable-pip-version-check", str(wheel)],
        check=True, timeout=300,
    )  # fmt: skip
    (own,) = home.glob("lib/python*/site-packages")
    # A path in a .pth file comes after the environment's own packages; this one's own .pth files are not read.
    (own / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home / "bin" / "ildb"


@pytest.mark.slow
def test_pages_and_report_of_an_installed_wheel(
    installed: Path, new_database: Callable[..., str], tmp_path: Path
) -> None:
    url = new_database()
    engine = engines.create(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        made = fill(connection)
    engine.dispose()
    env = {**os.environ, "ILDB_DATABASE_URL": url, "ILDB_HOME": str(tmp_path / "home")}
    env.pop("PYTHONPATH", None)
    process = subprocess.Popen(
        [installed, "serve", "--port", "0"], env=env, cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    try:
        found = re.match(r"(http://127\.0\.0\.1:\d+)/", process.stderr.readline())
        assert found is not None
        for path in (
            "/", "/search?cation=c1c[n%2B]cn1", f"/pairings/{made.known[0]}", "/draw", "/static/jsme/jsme.nocache.js",
            "/structure.svg?smiles=C[N%2B](C)(C)C", "/api/openapi.json",
            f"/pairings/{made.known[0]}/simulations/{made.simulation_id}.svg",
        ):  # fmt: skip
            answer = requests.get(found[1] + path, timeout=60)
            assert answer.status_code == 200, path
        assert requests.get(f"{found[1]}/api/count?decision=passed", timeout=60).json() == {"count": N_PASSED}
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    done = subprocess.run(
        [installed, "report", "build", "--out", str(tmp_path / "report")], env=env, cwd=tmp_path, capture_output=True,
        text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "<svg" in (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
