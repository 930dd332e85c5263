"""A model in one file: a zip of a JSON manifest, plain arrays and the trees in skops format; no pickle."""

from __future__ import annotations

import io
import json
import os
import tempfile
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import sklearn
import skops.io
from pydantic import ValidationError

from ildb.errors import ArtifactError
from ildb.hashing import canonical_json
from ildb.melting.calibrate import calibrator_from_json
from ildb.melting.data import MeltingData
from ildb.melting.features import FEATURE_VERSION, ion_features
from ildb.melting.ions import IonTable
from ildb.melting.model import MeltingModel
from ildb.melting.params import MeltingParams
from ildb.melting.regressor import PairRegressor
from ildb.melting.uncertainty import ErrorScale

FORMAT: Final = "ildb.melting/1"
TRUSTED_TYPES: Final = frozenset(
    {"sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor", "sklearn.tree._tree.Tree"}
)
"""The only types a model file may hold beyond those skops itself trusts."""

_PROBES: Final = 3
_TEXT_COLUMNS: Final = ("cation_inchikey", "anion_inchikey", "cation_smiles", "anion_smiles")
_NUMBER_COLUMNS: Final = ("n_cation", "n_anion", "tm_k", "n_values", "spread_k")


def save(model: MeltingModel, path: Path) -> Path:
    """Write a model; the file appears complete or not at all.

    Args:
        model: a trained model.
        path: of the file; its folder must exist.

    Returns:
        The path.
    """
    arrays: dict[str, npt.NDArray[Any]] = {
        "columns": model.regressor.columns,
        "cation_index": model.cation_index,
        "anion_index": model.anion_index,
        "cation_features": model.cations.features,
        "anion_features": model.anions.features,
    }
    packed = io.BytesIO()
    np.savez_compressed(packed, allow_pickle=False, **arrays)
    trees = skops.io.dumps(
        {"trees": model.regressor.trees, "boosting": model.regressor.boosting},
        compression=zipfile.ZIP_DEFLATED,
        compresslevel=6,
    )
    members = {
        "manifest.json": canonical_json(_manifest(model)).encode(),
        "arrays.npz": packed.getvalue(),
        "trees.skops": trees,
    }
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


def load(path: Path) -> MeltingModel:
    """Read a model back; it gives the numbers it gave when it was saved.

    Raises:
        ArtifactError: the file is missing, damaged, of another format, holds a type that is not expected, or was
            written with versions that compute other numbers.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = json.loads(archive.read("manifest.json"))
            _check_versions(manifest, path)
            with np.load(io.BytesIO(archive.read("arrays.npz")), allow_pickle=False) as packed:
                arrays = {name: packed[name] for name in packed.files}
            trees = _load_trees(archive.read("trees.skops"), path)
        model = _assemble(manifest, arrays, trees)
    except FileNotFoundError as error:
        raise ArtifactError(f"The melting model {path} does not exist.", "Train it again.") from error
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, ValidationError) as error:
        raise ArtifactError(f"The melting model {path} is damaged: {error}", "Train it again.") from error
    _check_features(model, path)
    return model


def _manifest(model: MeltingModel) -> dict[str, Any]:
    data = model.data
    return {
        "format": FORMAT,
        "versions": model.versions,
        "params": model.params.model_dump(mode="json"),
        "scale": asdict(model.scale),
        "calibrator": model.calibrator.to_json(),
        "data_sha256": data.sha256,
        "data": {
            **{name: list(getattr(data, name)) for name in _TEXT_COLUMNS},
            **{name: getattr(data, name).tolist() for name in _NUMBER_COLUMNS},
        },
        "ions": {role: _ion_manifest(table) for role, table in (("cation", model.cations), ("anion", model.anions))},
    }


def _ion_manifest(table: IonTable) -> dict[str, Any]:
    return {
        "inchikey": list(table.inchikey),
        "smiles": list(table.smiles),
        "charge": table.charge.tolist(),
        "heavy_atoms": table.heavy_atoms.tolist(),
        "elements": [sorted(found) for found in table.elements],
    }


def _assemble(manifest: dict[str, Any], arrays: dict[str, Any], trees: dict[str, Any]) -> MeltingModel:
    data = MeltingData(**manifest["data"])
    if data.sha256 != manifest["data_sha256"]:
        raise ValueError("the training rows do not have the recorded hash")
    tables = {
        role: IonTable(
            inchikey=tuple(ions["inchikey"]),
            smiles=tuple(ions["smiles"]),
            features=arrays[f"{role}_features"],
            charge=np.array(ions["charge"], dtype=np.int64),
            heavy_atoms=np.array(ions["heavy_atoms"], dtype=np.int64),
            elements=tuple(frozenset(found) for found in ions["elements"]),
            problem=("",) * len(ions["smiles"]),
        )
        for role, ions in manifest["ions"].items()
    }
    scale = manifest["scale"]
    return MeltingModel(
        params=MeltingParams.model_validate(manifest["params"]),
        data=data,
        cations=tables["cation"],
        anions=tables["anion"],
        cation_index=arrays["cation_index"],
        anion_index=arrays["anion_index"],
        regressor=PairRegressor(arrays["columns"], trees["trees"], trees["boosting"]),
        scale=ErrorScale(scale["intercept"], tuple(scale["weights"]), scale["quantile"]),
        calibrator=calibrator_from_json(manifest["calibrator"]),
        versions=manifest["versions"],
    )


def _load_trees(content: bytes, path: Path) -> dict[str, Any]:
    strange = set(skops.io.get_untrusted_types(data=content)) - TRUSTED_TYPES
    if strange:
        raise ArtifactError(
            f"The melting model {path} holds unexpected types: {', '.join(sorted(strange))}.",
            "Do not use a file of unknown origin; train again.",
        )
    trees: dict[str, Any] = skops.io.loads(content, trusted=sorted(TRUSTED_TYPES))
    return trees


def _check_versions(manifest: dict[str, Any], path: Path) -> None:
    if manifest["format"] != FORMAT:
        raise ArtifactError(f"{path} has format {manifest['format']!r}, this ildb reads {FORMAT!r}.", "Train again.")
    versions = manifest["versions"]
    if versions["melting_features"] != str(FEATURE_VERSION):
        raise ArtifactError(
            f"{path} was trained on features {versions['melting_features']}, this ildb computes {FEATURE_VERSION}.",
            "Train again.",
        )
    if versions["scikit-learn"].split(".")[:2] != sklearn.__version__.split(".")[:2]:
        raise ArtifactError(
            f"{path} was written by scikit-learn {versions['scikit-learn']}, installed is {sklearn.__version__}.",
            f"Install scikit-learn {versions['scikit-learn']} or train again.",
        )


def _check_features(model: MeltingModel, path: Path) -> None:
    """The installed RDKit must compute what the trees were trained on."""
    for table in (model.cations, model.anions):
        probes = slice(0, _PROBES)
        if not np.allclose(ion_features(table.smiles[probes]), table.features[probes], rtol=1e-4, atol=1e-4):
            raise ArtifactError(
                f"RDKit {model.versions['rdkit']} computed other ion features for {path} than the one installed.",
                f"Install rdkit {model.versions['rdkit']} or train again.",
            )
