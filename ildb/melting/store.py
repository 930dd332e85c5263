"""A model in one file: a zip of a JSON manifest, plain arrays, and the trees in XGBoost's own format; no pickle."""

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
import xgboost as xgb
from pydantic import ValidationError

from ildb.errors import ArtifactError
from ildb.hashing import canonical_json
from ildb.melting.blend import Blend
from ildb.melting.calibrate import calibrator_from_json
from ildb.melting.data import MeltingData
from ildb.melting.experts import Experts, RoleSpace
from ildb.melting.features import FEATURE_VERSION, ion_features
from ildb.melting.ions import IonTable
from ildb.melting.kernel_machine import KernelMachine
from ildb.melting.kernels import IonSpace
from ildb.melting.model import MeltingModel
from ildb.melting.nets import Coordinates, Nets
from ildb.melting.params import MeltingParams
from ildb.melting.quantiles import Quantiles
from ildb.melting.regressor import PairRegressor
from ildb.melting.target import Target
from ildb.melting.uncertainty import ErrorScale

FORMAT: Final = "ildb.melting/2"

_PROBES: Final = 3
_ROLES: Final = ("cation", "anion")
_MACHINES: Final = ("kernel", "transfer")
_NETS: Final = ("nets", "white_nets")
_COORDINATES: Final = ("axes", "rotation", "shift")
_TEXT_COLUMNS: Final = ("cation_inchikey", "anion_inchikey", "cation_smiles", "anion_smiles", "source")
_NUMBER_COLUMNS: Final = ("n_cation", "n_anion", "tm_k", "n_values", "spread_k")
# What computes numbers, and so has to be of the version that trained: name, how many parts of the version count.
_BINDING: Final = (("scikit-learn", 2, sklearn.__version__), ("xgboost", 2, xgb.__version__))


def save(model: MeltingModel, path: Path) -> Path:
    """Write a model; the file appears complete or not at all.

    Args:
        model: a trained model.
        path: of the file; its folder must exist.

    Returns:
        The path.
    """
    packed = io.BytesIO()
    np.savez_compressed(packed, allow_pickle=False, **_arrays(model))
    members = {
        "manifest.json": canonical_json(_manifest(model)).encode(),
        "arrays.npz": packed.getvalue(),
        "trees.ubj": bytes(model.experts.trees.booster.save_raw("ubj")),
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
        ArtifactError: the file is missing, damaged, of another format, or was written with versions that compute
            other numbers.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = json.loads(archive.read("manifest.json"))
            _check_versions(manifest, path)
            with np.load(io.BytesIO(archive.read("arrays.npz")), allow_pickle=False) as packed:
                arrays = {name: packed[name] for name in packed.files}
            trees = archive.read("trees.ubj")
        model = _assemble(manifest, arrays, trees)
    except FileNotFoundError as error:
        raise ArtifactError(f"The melting model {path} does not exist.", "Train it again.") from error
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, ValidationError, xgb.core.XGBoostError) as error:
        raise ArtifactError(f"The melting model {path} is damaged: {error}", "Train it again.") from error
    _check_features(model, path)
    return model


def _arrays(model: MeltingModel) -> dict[str, npt.NDArray[Any]]:
    arrays: dict[str, npt.NDArray[Any]] = {
        "columns": model.experts.trees.columns,
        "cation_index": model.cation_index,
        "anion_index": model.anion_index,
    }
    for role, table, space in zip(_ROLES, (model.cations, model.anions), model.spaces, strict=True):
        arrays[f"{role}_features"] = table.features
        arrays[f"{role}_torsions"] = table.torsions
        arrays[f"{role}_columns"] = space.space.columns
        arrays[f"{role}_quantiles"] = space.space.quantiles.quantiles
        arrays[f"{role}_deviates"] = space.space.deviates
        for name in _COORDINATES:
            arrays[f"{role}_{name}"] = getattr(space.coordinates, name)
    for name in _MACHINES:
        machine: KernelMachine = getattr(model.experts, name)
        arrays[f"{name}_weights"] = machine.weights
        # As many coefficients are not zero as there are training rows.
        arrays[f"{name}_alpha"] = machine.coefficients[model.cation_index, model.anion_index]
    for name in _NETS:
        nets: Nets = getattr(model.experts, name)
        for i, (weight, bias) in enumerate(zip(nets.weights, nets.biases, strict=True)):
            arrays[f"{name}_weight_{i}"], arrays[f"{name}_bias_{i}"] = weight, bias
    return arrays


def _manifest(model: MeltingModel) -> dict[str, Any]:
    data = model.data
    return {
        "format": FORMAT,
        "versions": model.versions,
        "params": model.params.model_dump(mode="json"),
        "target": asdict(model.target),
        "blend": [list(weights) for weights in model.blend.weights],
        "scale": asdict(model.scale),
        "calibrator": None if model.calibrator is None else model.calibrator.to_json(),
        "lengths": [list(space.space.lengths) for space in model.spaces],
        "offsets": [getattr(model.experts, name).offset for name in _MACHINES],
        "data_sha256": data.sha256,
        "data": {
            **{name: list(getattr(data, name)) for name in _TEXT_COLUMNS},
            **{name: getattr(data, name).tolist() for name in _NUMBER_COLUMNS},
        },
        "ions": {role: _ion_manifest(table) for role, table in zip(_ROLES, (model.cations, model.anions), strict=True)},
    }


def _ion_manifest(table: IonTable) -> dict[str, Any]:
    return {
        "inchikey": list(table.inchikey),
        "smiles": list(table.smiles),
        "charge": table.charge.tolist(),
        "heavy_atoms": table.heavy_atoms.tolist(),
        "elements": [sorted(found) for found in table.elements],
    }


def _assemble(manifest: dict[str, Any], arrays: dict[str, Any], trees: bytes) -> MeltingModel:
    data = MeltingData(**manifest["data"])
    if data.sha256 != manifest["data_sha256"]:
        raise ValueError("the training rows do not have the recorded hash")
    tables, spaces = [], []
    for number, role in enumerate(_ROLES):
        ions = manifest["ions"][role]
        table = IonTable(
            inchikey=tuple(ions["inchikey"]),
            smiles=tuple(ions["smiles"]),
            features=arrays[f"{role}_features"],
            torsions=arrays[f"{role}_torsions"],
            charge=np.array(ions["charge"], dtype=np.int64),
            heavy_atoms=np.array(ions["heavy_atoms"], dtype=np.int64),
            elements=tuple(frozenset(found) for found in ions["elements"]),
            problem=("",) * len(ions["smiles"]),
        )
        space = IonSpace(
            table,
            arrays[f"{role}_columns"],
            Quantiles(arrays[f"{role}_quantiles"]),
            arrays[f"{role}_deviates"],
            (manifest["lengths"][number][0], manifest["lengths"][number][1]),
        )
        tables.append(table)
        spaces.append(RoleSpace(space, Coordinates(*(arrays[f"{role}_{name}"] for name in _COORDINATES))))
    index = (arrays["cation_index"], arrays["anion_index"])
    machines = []
    for name, offset in zip(_MACHINES, manifest["offsets"], strict=True):
        coefficients = np.zeros((len(tables[0]), len(tables[1])))
        coefficients[index] = arrays[f"{name}_alpha"]
        machines.append(KernelMachine(arrays[f"{name}_weights"], coefficients, offset))
    nets = []
    for name in _NETS:
        weights, biases = ([arrays[f"{name}_{part}_{i}"] for i in range(3)] for part in ("weight", "bias"))
        nets.append(Nets((weights[0], weights[1], weights[2]), (biases[0], biases[1], biases[2])))
    booster = xgb.Booster()
    booster.load_model(bytearray(trees))
    scale, calibrator = manifest["scale"], manifest["calibrator"]
    return MeltingModel(
        params=MeltingParams.model_validate(manifest["params"]),
        data=data,
        cations=tables[0],
        anions=tables[1],
        cation_index=index[0],
        anion_index=index[1],
        spaces=(spaces[0], spaces[1]),
        experts=Experts(
            machines[0],
            machines[1],
            nets[0],
            nets[1],
            PairRegressor(arrays["columns"], booster),
        ),
        blend=Blend(tuple(tuple(row) for row in manifest["blend"])),
        scale=ErrorScale(scale["intercept"], tuple(scale["weights"]), tuple(scale["quantiles"])),
        calibrator=None if calibrator is None else calibrator_from_json(calibrator),
        target=Target(**manifest["target"]),
        versions=manifest["versions"],
    )


def _check_versions(manifest: dict[str, Any], path: Path) -> None:
    if manifest["format"] != FORMAT:
        raise ArtifactError(f"{path} has format {manifest['format']!r}, this ildb reads {FORMAT!r}.", "Train again.")
    versions = manifest["versions"]
    if versions["melting_features"] != str(FEATURE_VERSION):
        raise ArtifactError(
            f"{path} was trained on features {versions['melting_features']}, this ildb computes {FEATURE_VERSION}.",
            "Train again.",
        )
    for name, parts, installed in _BINDING:
        if versions[name].split(".")[:parts] != installed.split(".")[:parts]:
            raise ArtifactError(
                f"{path} was written by {name} {versions[name]}, installed is {installed}.",
                f"Install {name} {versions[name]} or train again.",
            )


def _check_features(model: MeltingModel, path: Path) -> None:
    """The installed RDKit must compute what the model was trained on."""
    for table in (model.cations, model.anions):
        probes = slice(0, _PROBES)
        if not np.allclose(ion_features(table.smiles[probes]), table.features[probes], rtol=1e-4, atol=1e-4):
            raise ArtifactError(
                f"RDKit {model.versions['rdkit']} computed other ion features for {path} than the one installed.",
                f"Install rdkit {model.versions['rdkit']} or train again.",
            )
