"""The work of ``links.expand``: each function does one kind of task, from files to files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from safetensors.numpy import load_file, save_file

from ildb.errors import InputError
from ildb.links.calibrate import Calibration
from ildb.links.dataset import IntArray, IonRow, LinkGraph, build_graph
from ildb.links.distance import mean_distance
from ildb.links.encode import encode_ions
from ildb.links.expansion import HeldoutSample, calibrated_precision, heldout_sample, unrecorded_ratio
from ildb.links.features import graph_features
from ildb.links.neighbours import explain
from ildb.links.rounds import Round, next_round, predict
from ildb.links.score import RowScores
from ildb.links.split import PairSet
from ildb.links.store import load_model, load_round, save_model
from ildb.links.tiles import TILE_CATIONS, Best, DotProducts, Forbidden, best_pairs, cut
from ildb.links.train import TrainedLinks, link_scorer
from ildb.pipeline.stage import TaskInput, TaskOutput
from ildb.pipeline.stages.links_train import PAPER_METHOD, REASON_BREAK, read_graph

_RANKER_ANIONS = 20_000
"""The ranker compares all anions with each other, so its memory grows with their square."""
_HELDOUT_PAIRS = 250_000
_SAMPLE_SEED = 0
_REASONS = 3


def read_graphs(pairings: pa.Table, ions: pa.Table | None) -> tuple[LinkGraph, LinkGraph]:
    """The graph of the known pairings, and the one that also has ions without any.

    Args:
        pairings: known pairings.
        ions: ``inchikey``, ``smiles`` and ``charge`` of further ions; those that have pairings may be among them.
    """
    paired = read_graph(pairings)
    if ions is None:
        return paired, paired
    rows = [
        IonRow(*row)
        for row in zip(*(ions.column(n).to_pylist() for n in ("inchikey", "smiles", "charge")), strict=True)
    ]
    cations = {row.inchikey: row for row in rows if row.charge > 0}
    anions = {row.inchikey: row for row in rows if row.charge < 0}
    for side, keys, smiles, charges in (
        (cations, paired.cations, paired.cation_smiles, paired.cation_charges),
        (anions, paired.anions, paired.anion_smiles, paired.anion_charges),
    ):
        side.update((row[0], IonRow(*row)) for row in zip(keys, smiles, charges.tolist(), strict=True))
    known = [(paired.cations[c], paired.anions[a]) for c, a in paired.edges]
    return paired, build_graph(cations.values(), anions.values(), known)


def graphs_of(task: TaskInput) -> tuple[LinkGraph, LinkGraph]:
    """`read_graphs` of the files a task names."""
    return read_graphs(task.table("pairings"), task.table("ions") if task.payload["ions"] else None)


def round_task(task: TaskInput) -> TaskOutput:
    """Train on the predictions of earlier rounds, unless this is the first, and predict."""
    payload = task.payload
    graph = read_graph(task.table("pairings"))
    current = load_round(task.file("model"))
    files: dict[str, Path] = {}
    if payload["round"] > 1:
        current = next_round(graph, current, read_pairs(task.table("accepted")))
        files["links_model"] = task.workdir / "model.safetensors"
        save_model(files["links_model"], current)
    params = payload["params"]
    best = predict(
        graph,
        current,
        top=max(0, params["top"] * payload["round"] // params["rounds"] - len(current.predicted)),
        min_probability=max(params["accept_from"], params["min_probability"]),
        max_multiplicity=params["max_multiplicity"],
        per_cation=params["per_cation"] or None,
    )
    files["links_block"] = task.workdir / "accepted.parquet"
    write_pairs(files["links_block"], best, payload["round"])
    new = ~PairSet(graph.edges, graph.n_anions).contains(np.stack([best.cations, best.anions], axis=1))
    links = Best(best.cations[new], best.anions[new], best.logits[new])
    files["links_kept"] = task.workdir / "kept.parquet"
    pq.write_table(link_table(graph, links, current.calibration), files["links_kept"])
    found = np.concatenate([current.predicted, np.stack([best.cations, best.anions], axis=1)])
    test = current.split.edges(graph, "test")
    return TaskOutput(
        {
            "round": payload["round"],
            "metrics": current.metrics,
            "n_hidden_found": int((~new).sum()),
            "distance_known": mean_distance(graph_features(graph), graph.edges, _SAMPLE_SEED),
            "distance_new": mean_distance(graph_features(graph), found, _SAMPLE_SEED),
            "n_test": len(test),
            "n_test_found": int(PairSet(found, graph.n_anions).contains(test).sum()),
        },
        files=files,
    )


def encode_task(task: TaskInput) -> TaskOutput:
    """Vectors of all ions, once; and how the model ranks the pairings hidden from it."""
    paired, graph = graphs_of(task)
    trained = _load(task)
    cations, anions = encode_ions(paired, graph, trained)
    vectors = task.workdir / "vectors.safetensors"
    save_file(
        {
            "cations": cations,
            "anions": anions,
            "cation_charges": graph.cation_charges,
            "anion_charges": graph.anion_charges,
            "known": graph.edges,
        },
        vectors,
    )
    train = trained.split.edges(paired, "train")
    left, right = encode_ions(paired, paired, trained, train)
    asked = _asked(paired)
    heldout = _write_heldout(task, paired, trained, left[asked] @ right.T, asked)
    return TaskOutput(
        {
            "calibration": trained.calibration.model_dump(mode="json"),
            "n_cations": len(cations),
            "n_anions": len(anions),
        },
        files={"links_vectors": vectors, "links_heldout": heldout},
    )


def tiles_task(task: TaskInput) -> TaskOutput:
    """The best pairs of a block of cations with every anion, from their vectors."""
    tensors = load_file(task.file("vectors"))
    params = task.payload["params"]
    first, last = task.payload["cations"]
    best = best_pairs(
        DotProducts(tensors["cations"], tensors["anions"]),
        cations=slice(first, last),
        top=params["top"],
        per_cation=params["per_cation"] or None,
        floor=task.payload["floor"],
        forbidden=Forbidden(
            tensors["known"], tensors["cation_charges"], tensors["anion_charges"], params["max_multiplicity"]
        ),
    )
    return _block(task, best, task.payload["calibration"])


def rows_task(task: TaskInput) -> TaskOutput:
    """The best pairs of a block of cations with every anion, by the ranker; the first block also judges the cut."""
    paired, graph = graphs_of(task)
    if graph.n_anions > _RANKER_ANIONS:
        raise InputError(
            f"The ranker cannot compare {graph.n_anions} anions with each other.",
            'Score so many ions by vectors: method = "graphsage" in the stage that trains.',
        )
    trained = load_model(task.file("model"))
    params = task.payload["params"]
    first, last = task.payload["cations"]
    best = best_pairs(
        RowScores(link_scorer(graph, trained), graph.n_cations, graph.n_anions),
        cations=slice(first, last),
        top=params["top"],
        per_cation=params["per_cation"] or None,
        floor=trained.calibration.logit(params["min_probability"]),
        forbidden=Forbidden(graph.edges, graph.cation_charges, graph.anion_charges, params["max_multiplicity"]),
    )
    output = _block(task, best, trained.calibration.model_dump(mode="json"))
    if first == 0:
        asked = _asked(paired)
        rows = link_scorer(paired, trained, trained.split.edges(paired, "train")).rows(asked)
        output.files["links_heldout"] = _write_heldout(task, paired, trained, rows, asked)
    return output


def cut_task(task: TaskInput) -> TaskOutput:
    """The best of all blocks, by name and with reasons; what the cut is worth."""
    paired, graph = graphs_of(task)
    best = cut([], 0)
    for block in task.payload["blocks"]:  # two at a time, so that memory follows what is kept
        best = cut([best, read_best(pq.read_table(task.artifacts.get(block)))], task.payload["params"]["top"])
    if not len(best):
        raise InputError(
            "no unmade pairing was left by min_probability and max_multiplicity.", "Lower the one, raise the other."
        )
    calibration = Calibration.model_validate(task.payload["calibration"])
    path = task.workdir / "kept.parquet"
    pq.write_table(link_table(graph, best, calibration), path)
    kept = explained_graph(graph, best)
    table = task.table("heldout")
    sample = HeldoutSample(
        table.column("logit").to_numpy(), np.asarray(table.column("hidden").to_numpy(), dtype=np.bool_)
    )
    probability = calibration.probability(best.logits)
    return TaskOutput(
        {
            "n_known": paired.n_edges,
            "precision_calibrated": calibrated_precision(probability, calibration.ratio, unrecorded_ratio(paired)),
            **sample.at(float(best.logits.min()), paired),
            "distance_known": mean_distance(graph_features(paired), paired.edges, _SAMPLE_SEED),
            "distance_new": mean_distance(graph_features(kept[0]), kept[1], _SAMPLE_SEED),
        },
        files={"links_kept": path},
    )


def link_table(graph: LinkGraph, best: Best, calibration: Calibration) -> pa.Table:
    """Pairs by name, with probability and reasons (joined by `REASON_BREAK`), as the database gets them."""
    ions, pairs = explained_graph(graph, best)
    reasons = explain(ions, graph_features(ions), pairs, _REASONS)
    sides = [
        _texts("known with this anion", ions.cation_smiles, reasons.cations, reasons.cation_similarity),
        _texts("known with this cation", ions.anion_smiles, reasons.anions, reasons.anion_similarity),
    ]
    separator = pa.scalar(REASON_BREAK, pa.string())
    return pa.table(
        {
            "cation_inchikey": pa.array(ions.cations).take(pa.array(pairs[:, 0])),
            "anion_inchikey": pa.array(ions.anions).take(pa.array(pairs[:, 1])),
            "probability": pa.array(calibration.probability(best.logits), pa.float32()),
            # A null on both sides would lose its row with null_handling="skip" (pyarrow 26).
            "reasons": pc.coalesce(pc.binary_join_element_wise(*sides, separator), *sides, pa.scalar("", pa.string())),
        }
    )


def explained_graph(graph: LinkGraph, best: Best) -> tuple[LinkGraph, IntArray]:
    """The graph of the retained and the known ions alone, and the retained pairs in it, shape (n, 2).

    A million scored ions need not all be described to give reasons for those retained.
    """
    used_c = np.union1d(best.cations, graph.edges[:, 0])
    used_a = np.union1d(best.anions, graph.edges[:, 1])
    edges = np.stack([np.searchsorted(used_c, graph.edges[:, 0]), np.searchsorted(used_a, graph.edges[:, 1])], axis=1)
    smaller = LinkGraph(
        tuple(graph.cations[i] for i in used_c),
        tuple(graph.anions[i] for i in used_a),
        tuple(graph.cation_smiles[i] for i in used_c),
        tuple(graph.anion_smiles[i] for i in used_a),
        graph.cation_charges[used_c],
        graph.anion_charges[used_a],
        edges,
    )
    return smaller, np.stack([np.searchsorted(used_c, best.cations), np.searchsorted(used_a, best.anions)], axis=1)


def _texts(words: str, smiles: tuple[str, ...], ions: IntArray, similarity: npt.NDArray[np.float32]) -> pa.Array:
    """One text per pair: a sentence for each of its similar ions, with the Tanimoto similarity; null without any."""
    present = ions >= 0
    percent = np.rint(similarity[present] * 100).astype(np.int64)
    codes, inverse = np.unique(ions[present] * 101 + percent, return_inverse=True)
    said = pa.array(
        [f"{words}: {smiles[code // 101]} (similarity {code % 101 / 100:.2f})" for code in codes.tolist()], pa.string()
    )
    counts = present.sum(1)
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32))
    joined = pc.binary_join(pa.ListArray.from_arrays(offsets, said.take(pa.array(inverse))), REASON_BREAK)
    return pc.if_else(pa.array(counts > 0), joined, None)


def read_pairs(table: pa.Table) -> IntArray:
    """Pairs of a block, shape (n, 2)."""
    return np.stack([table.column(name).to_numpy().astype(np.int64) for name in ("cation", "anion")], axis=1)


def read_best(table: pa.Table) -> Best:
    """A block as `write_pairs` wrote it."""
    pairs = read_pairs(table)
    return Best(pairs[:, 0], pairs[:, 1], table.column("logit").to_numpy().astype(np.float32))


def read_heldout(table: pa.Table) -> HeldoutSample:
    """The sample of `encode_task` or `rows_task`."""
    return HeldoutSample(
        table.column("logit").to_numpy(), np.asarray(table.column("hidden").to_numpy(), dtype=np.bool_)
    )


def write_pairs(path: Path, best: Best, number: int) -> None:
    """Indices and logits of a block; names and reasons come after the cut over all blocks.

    Args:
        path: the file.
        best: the pairs.
        number: of the block, so that no two blocks are the same file, empty ones included.
    """
    columns = {
        "cation": best.cations.astype(np.int32),
        "anion": best.anions.astype(np.int32),
        "logit": best.logits,
    }
    pq.write_table(pa.table(columns).replace_schema_metadata({"block": str(number)}), path)


def _block(task: TaskInput, best: Best, calibration: dict[str, Any]) -> TaskOutput:
    path = task.workdir / "links.parquet"
    write_pairs(path, best, task.payload["cations"][0])
    return TaskOutput({"n_kept": len(best), "calibration": calibration}, files={"links_block": path})


def _load(task: TaskInput) -> TrainedLinks | Round:
    read = load_round if task.payload["method"] == PAPER_METHOD else load_model
    return read(task.file("model"))


def _asked(graph: LinkGraph) -> IntArray:
    """Blocks of cations to judge the cut by, whole tiles; their order is that of a hash, so any are a fair sample."""
    n = max(1, round(_HELDOUT_PAIRS / graph.n_anions / TILE_CATIONS)) * TILE_CATIONS
    return np.arange(min(n, graph.n_cations))


def _write_heldout(
    task: TaskInput, graph: LinkGraph, trained: TrainedLinks | Round, rows: npt.NDArray[np.floating], asked: IntArray
) -> Path:
    sample = heldout_sample(
        graph,
        rows,
        asked,
        trained.split.edges(graph, "train"),
        trained.split.edges(graph, "test"),
        task.payload["params"]["per_cation"] or None,
    )
    path = task.workdir / "heldout.parquet"
    pq.write_table(pa.table({"logit": sample.logits, "hidden": sample.hidden}), path)
    return path
