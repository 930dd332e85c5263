"""A model file gives the same numbers in another process, and refuses what it should."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ildb.errors import ArtifactError
from ildb.melting.ions import IonTable
from ildb.melting.model import MeltingModel
from ildb.melting.score import score_pairs
from ildb.melting.store import load, save
from ildb.melting.train import train_melting
from tests.unit.melting_sample import PARAMS, data, trained

IONS = ("CCCC[n+]1ccn(C)c1", "CCCC[P+](CCCC)(CCCC)CCCC", "[Cl-]", "[Br-]", "O=C([O-])C(F)(F)C(F)(F)F")

IN_ANOTHER_PROCESS = """
import json, sys
from pathlib import Path
from tests.unit.test_melting_store import numbers
from ildb.melting.store import load
print(json.dumps(numbers(load(Path(sys.argv[1])))))
"""


def numbers(model: MeltingModel) -> list[object]:
    one = np.ones(6, dtype=np.int64)
    scores = score_pairs(
        model, IonTable.build(IONS), np.array([0, 0, 0, 1, 1, 1]), np.array([2, 3, 4, 2, 3, 4]), one, one
    )
    arrays = (scores.p_below_threshold, scores.tm_k, scores.tm_low_k, scores.tm_high_k, scores.in_domain)
    neighbours = [[list(n) for n in found] for found in scores.neighbours]
    return [*(values.tolist() for values in arrays), scores.reasons, neighbours]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(trained().model, tmp_path_factory.mktemp("model") / "tm.zip")


def rewrite(source: Path, target: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    with zipfile.ZipFile(source) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target


def edit_manifest(key: str, value: object) -> Callable[[dict[str, bytes]], None]:
    def change(members: dict[str, bytes]) -> None:
        manifest = json.loads(members["manifest.json"])
        part = manifest
        *path, last = key.split("/")
        for name in path:
            part = part[name]
        part[last] = value
        members["manifest.json"] = json.dumps(manifest).encode()

    return change


def test_another_process_gives_identical_numbers(file: Path) -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS, str(file)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == json.loads(json.dumps(numbers(trained().model)))


def test_the_file_is_small_and_leaves_nothing_beside_it(file: Path) -> None:
    assert file.stat().st_size < 2_000_000
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_what_it_was_trained_on_comes_back(file: Path) -> None:
    model = load(file)
    assert model.data.sha256 == trained().model.data.sha256
    assert model.params == trained().model.params
    assert {"rdkit", "scikit-learn", "ildb"} <= set(model.versions)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="does not exist"):
        load(tmp_path / "none.zip")


def test_a_damaged_file_is_an_error(file: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.zip"
    broken.write_bytes(file.read_bytes()[:-2000])
    with pytest.raises(ArtifactError, match="damaged"):
        load(broken)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("format", "ildb.melting/99", "ildb.melting/99"),
        ("versions/scikit-learn", "0.1.0", r"scikit-learn 0\.1\.0"),
        ("versions/xgboost", "0.1.0", r"xgboost 0\.1\.0"),
        ("versions/melting_features", "0", "features 0"),
        ("params/n_trees", -1, "damaged"),
        ("data_sha256", "0" * 64, "hash"),
        ("calibrator/method", "magic", "magic"),
    ],
)
def test_what_does_not_fit_is_refused(file: Path, tmp_path: Path, key: str, value: object, message: str) -> None:
    with pytest.raises(ArtifactError, match=message):
        load(rewrite(file, tmp_path / "changed.zip", edit_manifest(key, value)))


def test_features_computed_otherwise_are_refused(file: Path, tmp_path: Path) -> None:
    def shift(members: dict[str, bytes]) -> None:
        with np.load(io.BytesIO(members["arrays.npz"])) as packed:
            arrays = {name: packed[name] for name in packed.files}
        arrays["cation_features"] = arrays["cation_features"] + 1
        packed_again = io.BytesIO()
        np.savez_compressed(packed_again, **arrays)
        members["arrays.npz"] = packed_again.getvalue()

    with pytest.raises(ArtifactError, match="other ion features"):
        load(rewrite(file, tmp_path / "shifted.zip", shift))


def test_a_pickle_is_never_read(file: Path, tmp_path: Path) -> None:
    def smuggle(members: dict[str, bytes]) -> None:
        packed = io.BytesIO()
        np.savez(packed, columns=np.array([{"a": 1}], dtype=object))
        members["arrays.npz"] = packed.getvalue()

    with pytest.raises(ArtifactError, match="damaged"):
        load(rewrite(file, tmp_path / "pickle.zip", smuggle))


def test_damaged_trees_are_an_error(file: Path, tmp_path: Path) -> None:
    def cut(members: dict[str, bytes]) -> None:
        members["trees.ubj"] = b"nonsense"

    with pytest.raises(ArtifactError, match="damaged"):
        load(rewrite(file, tmp_path / "cut.zip", cut))


def test_a_model_of_another_property_comes_back_with_its_scale(tmp_path: Path) -> None:
    viscosity = replace(data(), tm_k=10 ** (data().tm_k / 100))
    params = PARAMS.model_copy(update={"property": "viscosity", "scale": "log10", "threshold_k": None, "n_folds": 2})
    model = train_melting(viscosity, params).model
    again = load(save(model, tmp_path / "viscosity.zip"))
    assert np.array_equal(numbers(again)[1], numbers(model)[1])
    assert np.isnan(numbers(again)[0]).all()
    assert again.target == model.target
