"""What ``links.expand`` says of its cut: precision, recall of hidden pairings, degree distributions, diversity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ildb.db import query
from ildb.links.diversity import spread
from ildb.links.expansion import HiddenFound, calibrated_precision, heldout_figures
from ildb.pipeline.stage import StageContext
from ildb.pipeline.stages.links_train import LinksTrain


def of_cut(context: StageContext, cut: Mapping[str, Any]) -> dict[str, Any]:
    """Figures of a cut through the scores of one model.

    Args:
        context: the open transaction, the links stored.
        cut: what the task of the cut left.
    """
    return {**cut, "expansion_fold": 1 + cut["n_kept"] / cut["n_known"], **_spread(context)}


def of_rounds(context: StageContext, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Figures of rounds: what each added, and what all of them together are worth.

    Args:
        context: the open transaction, the links stored.
        results: what the task of each round left.
    """
    model = context.result_of(LinksTrain.uses).result
    n_known, ratio = model["n_pairings"], model["unrecorded_ratio"]
    rounds, n_kept = [], 0
    for result in results:
        n_kept += result["n_kept"]
        found = HiddenFound(result["n_test_found"], result["n_test"])
        own = {key: value for key, value in result.items() if not key.startswith("distance_")}
        rounds.append({**own, "n_kept_so_far": n_kept, **heldout_figures(found, n_known, n_kept)})
    probabilities = [row["probability"] for row in query.rows(context.connection, "links/kept", run_id=context.run_id)]
    last = rounds[-1]
    return {
        "model_id": last["model_id"],
        "n_kept": n_kept,
        "n_accepted": n_kept,
        "n_known": n_known,
        "expansion_fold": 1 + n_kept / n_known,
        "precision_calibrated": calibrated_precision(probabilities, model["calibration_ratio"], ratio)
        if probabilities
        else None,
        **{key: value for key, value in last.items() if "heldout" in key},
        **{key: results[-1][key] for key in ("distance_known", "distance_new")},
        **_spread(context),
        "rounds": rounds,
    }


def _spread(context: StageContext) -> dict[str, Any]:
    degrees: dict[str, dict[str, list[tuple[int, int]]]] = {}
    for row in query.rows(context.connection, "links/degrees", run_id=context.run_id):
        degrees.setdefault(row["side"], {}).setdefault(row["pairings"], []).append((row["degree"], row["n_ions"]))
    return {**spread(degrees), "degrees": degrees}
