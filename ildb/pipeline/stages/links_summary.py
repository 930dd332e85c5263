"""What ``links.expand`` says of its cut: precision, recall of hidden pairings, degree distributions, diversity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from ildb.db import query
from ildb.links.calibrate import Calibration
from ildb.links.dataset import LinkGraph
from ildb.links.diversity import Distribution, mean_distance, spread
from ildb.links.expansion import HiddenFound, calibrated_precision, heldout_figures
from ildb.links.features import graph_features
from ildb.links.tiles import Best
from ildb.pipeline.stage import StageContext
from ildb.pipeline.stages.links_tasks import read_heldout
from ildb.pipeline.stages.links_train import LinksTrain, read_graph

_SAMPLE_SEED = 0


def of_expansion(
    context: StageContext, paired: LinkGraph, graph: LinkGraph, best: Best, calibration: Calibration, heldout: str
) -> dict[str, Any]:
    """Figures of a cut through the scores of one model.

    Args:
        context: the open transaction, the links stored.
        paired: the known pairings.
        graph: every ion that was scored.
        best: the retained pairs.
        calibration: of the model.
        heldout: SHA-256 of the held-out sample.
    """
    sample = read_heldout(pq.read_table(context.artifacts.get(heldout)))
    pairs = np.stack([best.cations, best.anions], axis=1)
    return {
        **_growth(paired, len(best)),
        "precision_calibrated": calibrated_precision(calibration.probability(best.logits), calibration.ratio, paired),
        **sample.at(float(best.logits.min()), paired),
        **_spread(context),
        "distance_known": _distance(paired, paired.edges),
        "distance_new": _distance(graph, pairs),
    }


def of_rounds(context: StageContext, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Figures of rounds: what each added, and what all of them together are worth."""
    model = context.result_of(LinksTrain.uses).result
    graph = read_graph(pq.read_table(context.artifacts.get(model["pairings_sha256"])))
    kept = query.rows(context.connection, "links/kept", run_id=context.run_id)
    place = [{key: i for i, key in enumerate(keys)} for keys in (graph.cations, graph.anions)]
    pairs = np.array([(place[0][row["cation_inchikey"]], place[1][row["anion_inchikey"]]) for row in kept])
    rounds, n_new = [], 0
    for result in results:
        n_new += result["n_new"]
        found = HiddenFound(result["n_test_found"], result["n_test"])
        rounds.append({**result, "n_kept": n_new, **heldout_figures(found, graph.n_edges, n_new)})
    last = rounds[-1]
    return {
        "model_id": last["model_id"],
        "n_kept": n_new,
        "n_accepted": n_new,
        **_growth(graph, n_new),
        "precision_calibrated": calibrated_precision(
            [row["probability"] for row in kept], model["calibration_ratio"], graph
        ),
        **{key: value for key, value in last.items() if key.endswith(("_low", "_high", "_heldout"))},
        **_spread(context),
        "distance_known": _distance(graph, graph.edges),
        "distance_new": _distance(graph, pairs),
        "rounds": rounds,
    }


def _growth(graph: LinkGraph, n_new: int) -> dict[str, float]:
    return {"n_known": graph.n_edges, "expansion_fold": (graph.n_edges + n_new) / graph.n_edges}


def _spread(context: StageContext) -> dict[str, Any]:
    degrees: dict[str, dict[str, list[tuple[int, int]]]] = {}
    for row in query.rows(context.connection, "links/degrees", run_id=context.run_id):
        degrees.setdefault(row["side"], {}).setdefault(row["pairings"], []).append((row["degree"], row["n_ions"]))
    typed: Mapping[str, Mapping[str, Distribution]] = degrees
    return {**spread(typed), "degrees": degrees}


def _distance(graph: LinkGraph, pairs: np.ndarray[Any, np.dtype[np.int64]]) -> float:
    return mean_distance(graph_features(graph), pairs, _SAMPLE_SEED)
