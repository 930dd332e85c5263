"""Write a trained link model to one safetensors file and read it back: tensors and JSON, no pickle."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ildb.errors import ArtifactError
from ildb.hashing import canonical_json
from ildb.links.calibrate import Calibration
from ildb.links.features import N_FEATURES
from ildb.links.fit import Epoch
from ildb.links.params import SageParams
from ildb.links.sage import SageNet
from ildb.links.split import EdgeSplit
from ildb.links.train import TrainedLinks

FORMAT = "ildb.links.sage/1"
"""Changes whenever files of the old form, or the features they expect, can no longer be used."""
_SPLIT = "split.assignment"


def save_model(path: Path, trained: TrainedLinks) -> None:
    """Write a trained model; equal models give equal bytes.

    Args:
        path: the file to write.
        trained: what `ildb.links.train.train_links` returned.
    """
    tensors = {name: tensor.contiguous() for name, tensor in trained.model.state_dict().items()}
    tensors[_SPLIT] = torch.from_numpy(trained.split.assignment.copy())
    about = {
        "format": FORMAT,
        "n_features": N_FEATURES,
        "params": trained.params.model_dump(mode="json"),
        "calibration": trained.calibration.model_dump(mode="json"),
        "metrics": trained.metrics,
        "history": [list(epoch) for epoch in trained.history],
        "graph_sha256": trained.graph_sha256,
    }
    save_file(tensors, path, metadata={"ildb": canonical_json(about)})


def load_model(path: Path) -> TrainedLinks:
    """Read a model that `save_model` wrote.

    Raises:
        ArtifactError: the file is missing, damaged, or of another kind or version.
    """
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {}).get("ildb", "{}"))
            if about.get("format") != FORMAT or about["n_features"] != N_FEATURES:
                raise ArtifactError(
                    f"{path} is {about.get('format', 'not a link model')}; this version reads {FORMAT}.",
                    "Train the model again.",
                )
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        params = SageParams.model_validate(about["params"])
        model = SageNet(params)
        assignment = tensors.pop(_SPLIT).numpy()
        model.load_state_dict(tensors)
        return TrainedLinks(
            model=model.eval(),
            params=params,
            calibration=Calibration.model_validate(about["calibration"]),
            split=EdgeSplit(assignment),
            metrics=about["metrics"],
            history=tuple(Epoch(*epoch) for epoch in about["history"]),
            graph_sha256=about["graph_sha256"],
        )
    except (OSError, SafetensorError, KeyError, ValidationError, RuntimeError, json.JSONDecodeError) as error:
        raise ArtifactError(
            f"{path} cannot be read as a link model: {error}.", "Restore the file or train again."
        ) from error
