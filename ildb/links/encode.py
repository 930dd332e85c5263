"""Vectors of many ions: those with known pairings together, the others in portions that cannot influence each other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch

from ildb.errors import InputError
from ildb.links.dataset import IntArray, LinkGraph
from ildb.links.features import GraphFeatures, IonFeatures, ion_features
from ildb.links.fit import edge_tensor, reproducible
from ildb.links.paper import encode
from ildb.links.params import SageParams
from ildb.links.rounds import Round
from ildb.links.sage import Inputs, SageNet
from ildb.links.train import TrainedLinks

FloatArray = npt.NDArray[np.float32]
_PORTION = 20_000


def encode_ions(
    paired: LinkGraph, graph: LinkGraph, trained: TrainedLinks | Round, message_edges: IntArray | None = None
) -> tuple[FloatArray, FloatArray]:
    """Vectors of every ion of a graph, each computed once.

    An ion without a known pairing hears no partner and is heard by nobody, so its vector depends on its own structure
    and the known pairings, not on what else is asked for.

    Args:
        paired: the known pairings and their ions.
        graph: those ions and any others.
        trained: a model that has vectors.
        message_edges: pairings of ``paired`` to pass messages over, shape (n, 2); by default all known ones, or those
            a round learnt from.

    Returns:
        Vectors of cations and of anions, float32, shape (n, width).

    Raises:
        InputError: the model scores pairs, not ions.
    """
    if message_edges is None:
        message_edges = trained.train_edges(paired) if isinstance(trained, Round) else paired.edges
    known = GraphFeatures(ion_features(paired.cation_smiles), ion_features(paired.anion_smiles))
    cation, anion = _forward(trained, known, message_edges, (paired.n_cations, paired.n_anions))
    cations = _filled(cation, paired.cations, graph.cations)
    anions = _filled(anion, paired.anions, graph.anions)
    for rows, smiles in _portions(paired.cations, graph.cations, graph.cation_smiles):
        beside = GraphFeatures(_joined(known.cations, smiles), known.anions)
        vectors, _ = _forward(trained, beside, message_edges, (paired.n_cations, paired.n_anions))
        cations[rows] = vectors[paired.n_cations :]
    for rows, smiles in _portions(paired.anions, graph.anions, graph.anion_smiles):
        beside = GraphFeatures(known.cations, _joined(known.anions, smiles))
        _, vectors = _forward(trained, beside, message_edges, (paired.n_cations, paired.n_anions))
        anions[rows] = vectors[paired.n_anions :]
    return cations, anions


def _forward(
    trained: TrainedLinks | Round, features: GraphFeatures, edges: IntArray, n_heard: tuple[int, int]
) -> tuple[FloatArray, FloatArray]:
    if isinstance(trained, Round):
        cation, anion = encode(trained.model, features, edges)
    elif isinstance(trained.model, SageNet) and isinstance(trained.params, SageParams):
        with torch.no_grad(), reproducible(0):
            cation, anion = trained.model(
                Inputs(features, trained.params.similar_neighbours, n_heard), edge_tensor(edges)
            )
    else:
        raise InputError("A ranker describes pairs and has no vectors of single ions.", "Train with method graphsage.")
    return cation.numpy(), anion.numpy()


def _filled(vectors: FloatArray, paired: tuple[str, ...], every: tuple[str, ...]) -> FloatArray:
    """Vectors at the places of their ions among all, zeros elsewhere."""
    if len(paired) == len(every):
        return vectors
    out = np.zeros((len(every), vectors.shape[1]), dtype=np.float32)
    out[np.searchsorted(np.array(every), np.array(paired))] = vectors
    return out


def _portions(
    paired: tuple[str, ...], every: tuple[str, ...], smiles: tuple[str, ...]
) -> Iterator[tuple[IntArray, tuple[str, ...]]]:
    known = set(paired)
    rest = np.array([i for i, key in enumerate(every) if key not in known], dtype=np.int64)
    for begin in range(0, len(rest), _PORTION):
        rows = rest[begin : begin + _PORTION]
        yield rows, tuple(smiles[i] for i in rows)


def _joined(known: IonFeatures, smiles: tuple[str, ...]) -> IonFeatures:
    new = ion_features.__wrapped__(smiles)  # not remembered: each portion is asked for once
    return IonFeatures(np.concatenate([known.x, new.x]), np.concatenate([known.counts, new.counts]))
