"""Write a trained link model to one safetensors file and read it back: tensors, trees in XGBoost's UBJSON, JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xgboost
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ildb.errors import ArtifactError
from ildb.hashing import canonical_json
from ildb.links.calibrate import Calibration
from ildb.links.features import N_FEATURES
from ildb.links.fit import Epoch
from ildb.links.paper import PaperNet
from ildb.links.params import PaperParams, RankerParams, SageParams
from ildb.links.planes import PLANES
from ildb.links.ranker import Ranker
from ildb.links.rounds import Round
from ildb.links.sage import SageNet
from ildb.links.split import EdgeSplit
from ildb.links.train import TrainedLinks

SAGE_FORMAT = "ildb.links.sage/2"
PAPER_FORMAT = "ildb.links.paper/1"
RANKER_FORMAT = "ildb.links.ranker/1"
"""Formats change whenever files of the old form, or the features they expect, can no longer be used."""
_SPLIT = "split.assignment"
_PREDICTED = "rounds.predicted"
_TREES = ("uniform", "matched")


def save_model(path: Path, trained: TrainedLinks | Round) -> None:
    """Write a trained model; equal models give equal bytes.

    Args:
        path: the file to write.
        trained: what `ildb.links.train.train_links` returned, or a round of `ildb.links.rounds`.
    """
    about: dict[str, Any] = {
        "params": trained.params.model_dump(mode="json"),
        "calibration": trained.calibration.model_dump(mode="json"),
        "metrics": trained.metrics,
        "history": [list(epoch) for epoch in trained.history],
        "graph_sha256": trained.graph_sha256,
    }
    if isinstance(trained.model, Ranker):
        tensors = {
            name: torch.from_numpy(np.frombuffer(booster.save_raw("ubj"), dtype=np.uint8).copy())
            for name in _TREES
            if (booster := getattr(trained.model, name)) is not None
        }
        about |= {"format": RANKER_FORMAT, "features": list(PLANES)}
    else:
        tensors = {name: tensor.contiguous() for name, tensor in trained.model.state_dict().items()}
        about |= {"format": SAGE_FORMAT, "n_features": N_FEATURES}
    if isinstance(trained, Round):
        tensors[_PREDICTED] = torch.from_numpy(trained.predicted.astype(np.int32))
        about |= {"format": PAPER_FORMAT, "round": trained.number}
    tensors[_SPLIT] = torch.from_numpy(trained.split.assignment.copy())
    save_file(tensors, path, metadata={"ildb": canonical_json(about)})


def load_model(path: Path) -> TrainedLinks:
    """Read a ranker or a GraphSAGE model that `save_model` wrote.

    Raises:
        ArtifactError: the file is missing, damaged, or of another kind or version.
    """
    with _reading(path):
        about, tensors = _read(path, (RANKER_FORMAT, SAGE_FORMAT))
        split = EdgeSplit(tensors.pop(_SPLIT).numpy())
        params: SageParams | RankerParams
        model: SageNet | Ranker
        if about["format"] == RANKER_FORMAT:
            params = RankerParams.model_validate(about["params"])
            trees = {name: _booster(tensors[name]) for name in _TREES if name in tensors}
            model = Ranker(trees.get("uniform"), trees.get("matched"), params.matched_share)
        else:
            params = SageParams.model_validate(about["params"])
            network = SageNet(params)
            network.load_state_dict(tensors)
            model = network.eval()
        return TrainedLinks(
            model=model,
            params=params,
            calibration=Calibration.model_validate(about["calibration"]),
            split=split,
            metrics=about["metrics"],
            history=tuple(Epoch(*epoch) for epoch in about["history"]),
            graph_sha256=about["graph_sha256"],
        )


def load_round(path: Path) -> Round:
    """Read a round of the paper's network that `save_model` wrote.

    Raises:
        ArtifactError: the file is missing, damaged, or of another kind or version.
    """
    with _reading(path):
        about, tensors = _read(path, (PAPER_FORMAT,))
        split = EdgeSplit(tensors.pop(_SPLIT).numpy())
        predicted = tensors.pop(_PREDICTED).numpy().astype(np.int64)
        params = PaperParams.model_validate(about["params"])
        network = PaperNet(params)
        network.load_state_dict(tensors)
        return Round(
            number=about["round"],
            model=network.eval(),
            params=params,
            calibration=Calibration.model_validate(about["calibration"]),
            split=split,
            predicted=predicted,
            metrics=about["metrics"],
            history=tuple(Epoch(*epoch) for epoch in about["history"]),
            graph_sha256=about["graph_sha256"],
        )


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Whatever a damaged file makes its readers raise says which file."""
    try:
        yield
    except (
        OSError,
        SafetensorError,
        KeyError,
        ValidationError,
        RuntimeError,
        json.JSONDecodeError,
        xgboost.core.XGBoostError,
    ) as error:
        raise ArtifactError(
            f"{path} cannot be read as a link model: {error}.", "Restore the file or train again."
        ) from error


def _read(path: Path, formats: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    with safe_open(path, framework="pt") as file:
        about = json.loads((file.metadata() or {}).get("ildb", "{}"))
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    form = about.get("format", "not a link model")
    own = about.get("features") == list(PLANES) if form == RANKER_FORMAT else about.get("n_features") == N_FEATURES
    if form not in formats or not own:
        raise ArtifactError(
            f"{path} is {form}; this version reads {' and '.join(formats)} here, with its own features.",
            "Train the model again.",
        )
    return about, tensors


def _booster(content: torch.Tensor) -> xgboost.Booster:
    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(bytearray(content.numpy().tobytes()))
    return booster
