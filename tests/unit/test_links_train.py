"""Training, storing and scoring, on a small real graph."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from ildb.errors import ArtifactError, InputError
from ildb.links.calibrate import calibrate
from ildb.links.dataset import IonRow, LinkGraph, build_graph
from ildb.links.features import graph_features
from ildb.links.fit import edge_tensor, fit
from ildb.links.messages import Messages
from ildb.links.params import SageParams
from ildb.links.sage import Inputs, SageNet
from ildb.links.salts import graph_from_salts
from ildb.links.score import score_unmade
from ildb.links.store import load_model, save_model
from ildb.links.train import Embeddings, TrainedLinks, link_scorer, train_links

ANIONS = (
    "[Cl-]",
    "[Br-]",
    "[I-]",
    "F[B-](F)(F)F",
    "F[P-](F)(F)(F)(F)F",
    "O=S(=O)([N-]S(=O)(=O)C(F)(F)F)C(F)(F)F",
    "O=S(=O)([O-])C(F)(F)F",
    "CC(=O)[O-]",
    "O=[N+]([O-])[O-]",
    "N#C[N-]C#N",
    "COS(=O)(=O)[O-]",
    "CC(O)C(=O)[O-]",
)
SMALL = SageParams(
    hidden=16, embedding=8, epochs=20, check_every=5, negatives_per_positive=5, similar_neighbours=3, seed=3
)


@pytest.fixture(scope="module")
def graph() -> LinkGraph:
    """Imidazoliums, pyridiniums and ammoniums; halides with all, other anions by the parity of the chain."""
    cations = [
        pattern.format("C" * n)
        for n in range(1, 13)
        for pattern in ("{}[n+]1ccn(C)c1", "{}[n+]1ccccc1", "{}[N+](C)(C)CC")
    ]
    rng = np.random.default_rng(0)
    salts = [
        f"{cation}.{anion}"
        for i, cation in enumerate(cations)
        for j, anion in enumerate(ANIONS)
        if rng.random() < (0.7 if j < 3 else 0.45 if (i + j) % 3 == 0 else 0.03)
    ]
    return graph_from_salts(salts)


@pytest.fixture(scope="module")
def trained(graph) -> TrainedLinks:
    return train_links(graph, SMALL)


def weights(model: SageNet) -> bytes:
    return b"".join(tensor.numpy().tobytes() for tensor in model.state_dict().values())


def test_messages_carry_no_hidden_edge_in_either_direction(graph, monkeypatch):
    seen = []
    forward = SageNet.forward

    def spy(self, inputs, message_edges):
        seen.append(message_edges.numpy().T.copy())
        hooks = [c.register_forward_pre_hook(lambda _, args: relations.append(args[1])) for c in self.convolutions]
        try:
            return forward(self, inputs, message_edges)
        finally:
            for hook in hooks:
                hook.remove()

    relations: list[Messages] = []
    monkeypatch.setattr(SageNet, "forward", spy)
    trained = train_links(graph, SMALL)
    train = {tuple(edge) for edge in trained.split.edges(graph, "train").tolist()}
    assert len(seen) > SMALL.epochs
    assert len(relations) == len(seen) * SMALL.layers
    assert all({tuple(edge) for edge in edges.tolist()} <= train for edges in seen)
    for messages in relations:
        assert {tuple(edge) for edge in messages.to_cations.to_dense().nonzero().tolist()} <= train
        assert {(c, a) for a, c in messages.to_anions.to_dense().nonzero().tolist()} <= train


def test_the_edges_asked_for_in_training_are_not_among_its_messages(graph, monkeypatch):
    from ildb.links import fit as module

    asked, heard = [], []
    loss, forward = module.pair_loss, SageNet.forward
    monkeypatch.setattr(module, "pair_loss", lambda c, a, p, n: asked.append((p, n)) or loss(c, a, p, n))
    monkeypatch.setattr(
        SageNet,
        "forward",
        lambda self, x, e: (heard.append(e.numpy().T.copy()) if self.training else None) or forward(self, x, e),
    )
    trained = train_links(graph, SMALL)
    train = {tuple(edge) for edge in trained.split.edges(graph, "train").tolist()}
    assert len(asked) == len(heard) > 0
    for (positives, negatives), messages in zip(asked, heard, strict=True):
        positive_set, message_set = {tuple(e) for e in positives.tolist()}, {tuple(e) for e in messages.tolist()}
        assert not positive_set & message_set
        assert positive_set | message_set == train
        assert not train & {tuple(e) for e in negatives.tolist()}


def test_test_edges_cannot_change_the_model(graph):
    """Forget the hidden edges altogether: weights and history stay the same, bit for bit."""
    rng = np.random.default_rng(1)
    features = graph_features(graph)
    hidden = rng.permutation(graph.n_edges)[:30]
    train = np.delete(graph.edges, hidden, axis=0)
    inputs = Inputs(features, SMALL.similar_neighbours)
    first, history = fit(inputs, train, SMALL, lambda c, a: -float((c[:5] @ a[:5].T).square().mean()))
    other = build_graph(
        [IonRow(*row) for row in zip(graph.cations, graph.cation_smiles, graph.cation_charges.tolist(), strict=True)],
        [IonRow(*row) for row in zip(graph.anions, graph.anion_smiles, graph.anion_charges.tolist(), strict=True)],
        [(graph.cations[c], graph.anions[a]) for c, a in train],
    )
    assert other.n_edges == graph.n_edges - 30
    again, history_again = fit(
        Inputs(graph_features(other), SMALL.similar_neighbours),
        other.edges,
        SMALL,
        lambda c, a: -float((c[:5] @ a[:5].T).square().mean()),
    )
    assert weights(first) == weights(again)
    assert history == history_again


def test_same_seed_same_bits_whatever_the_threads(graph, trained):
    threads = torch.get_num_threads()
    torch.manual_seed(12345)
    torch.set_num_threads(2)
    try:
        again = train_links(graph, SMALL)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert weights(again.model) == weights(trained.model)
    assert again.metrics == trained.metrics
    assert again.calibration == trained.calibration
    other = train_links(graph, SMALL.model_copy(update={"seed": 4}))
    assert weights(other.model) != weights(trained.model)


def test_metrics_have_the_contract_keys(trained):
    keys = {"auroc_uniform", "ap_uniform", "auroc_degree_matched", "mrr", "hits_at_10"}
    keys |= {f"core.{key}" for key in keys}
    keys |= {f"baselines.{name}.{key}" for name in ("popularity", "knn", "kernel_ridge") for key in keys}
    assert set(trained.metrics) == keys
    assert all(0 <= value <= 1 for value in trained.metrics.values())
    assert set(trained.assignment) == {"train", "validation", "test"}


def test_network_learns_what_popularity_cannot_know(graph):
    trained = train_links(graph, SMALL.model_copy(update={"epochs": 80, "hidden": 32, "patience": 50}))
    assert trained.metrics["auroc_degree_matched"] > trained.metrics["baselines.popularity.auroc_degree_matched"] + 0.1


def test_saved_model_gives_the_same_numbers_in_another_process(graph, trained, tmp_path):
    path = tmp_path / "links.safetensors"
    save_model(path, trained)
    loaded = load_model(path)
    assert weights(loaded.model) == weights(trained.model)
    for name in ("params", "calibration", "metrics", "history", "graph_sha256", "assignment"):
        assert getattr(loaded, name) == getattr(trained, name)
    save_model(tmp_path / "again", loaded)
    assert (tmp_path / "again").read_bytes() == path.read_bytes()
    expected = score_unmade(graph, trained, top=7)
    edges = [(graph.cations[c], graph.anions[a]) for c, a in graph.edges]
    rows = tmp_path / "graph.json"
    rows.write_text(
        json.dumps(
            [
                list(zip(graph.cations, graph.cation_smiles, graph.cation_charges.tolist(), strict=True)),
                list(zip(graph.anions, graph.anion_smiles, graph.anion_charges.tolist(), strict=True)),
                edges,
            ]
        )
    )
    script = """if True:
        import json, sys
        from ildb.links.dataset import IonRow, build_graph
        from ildb.links.score import score_unmade
        from ildb.links.store import load_model
        cations, anions, edges = json.load(open(sys.argv[2]))
        graph = build_graph([IonRow(*r) for r in cations], [IonRow(*r) for r in anions], [tuple(e) for e in edges])
        scores = score_unmade(graph, load_model(sys.argv[1]), top=7)
        print(json.dumps([scores.cation_index.tolist(), scores.anion_index.tolist(), scores.probability.tolist()]))
    """
    done = subprocess.run([sys.executable, "-c", script, path, rows], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [
        expected.cation_index.tolist(),
        expected.anion_index.tolist(),
        expected.probability.tolist(),
    ]


def test_damaged_or_foreign_files_are_refused(tmp_path, trained):
    path = tmp_path / "links.safetensors"
    with pytest.raises(ArtifactError, match="cannot be read"):
        load_model(path)
    save_model(path, trained)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ArtifactError, match="cannot be read"):
        load_model(path)
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(1)}, path)
    with pytest.raises(ArtifactError, match="not a link model"):
        load_model(path)


def test_scores_are_the_best_unknown_pairs_in_order(graph, trained):
    scores = score_unmade(graph, trained, top=25)
    vectors = link_scorer(graph, trained)
    assert isinstance(vectors, Embeddings)
    logits = vectors.cations @ vectors.anions.T
    logits[graph.edges[:, 0], graph.edges[:, 1]] = -np.inf
    best = np.argsort(-logits, axis=None, kind="stable")[:25]
    assert np.array_equal(scores.cation_index * graph.n_anions + scores.anion_index, best)
    assert scores.logit == pytest.approx(logits.ravel()[best], rel=1e-5)  # single precision
    assert np.all(np.diff(scores.probability) <= 0)
    assert len(scores.reasons) == 25
    known = {tuple(edge) for edge in graph.edges.tolist()}
    for pair in range(25):
        reasons = scores.reasons[pair]
        assert all((n.index, scores.anion_index[pair]) in known for n in reasons.cations)
        assert all((scores.cation_index[pair], n.index) in known for n in reasons.anions)


def test_blocks_and_tiles_give_the_same_scores(graph, trained, monkeypatch):
    monkeypatch.setattr("ildb.links.tiles.TILE_CATIONS", 5)
    monkeypatch.setattr("ildb.links.tiles.TILE_ANIONS", 4)
    whole = score_unmade(graph, trained, top=10_000)
    assert len(whole) == graph.n_pairs - graph.n_edges
    half = graph.n_cations // 2
    blocks = [score_unmade(graph, trained, top=40, cations=block) for block in ((0, half), (half, graph.n_cations))]
    merged = sorted(
        (-logit, c, a)
        for block in blocks
        for logit, c, a in zip(
            block.logit.tolist(), block.cation_index.tolist(), block.anion_index.tolist(), strict=True
        )
    )[:40]
    expected = zip((-whole.logit).tolist(), whole.cation_index.tolist(), whole.anion_index.tolist(), strict=True)
    assert merged == list(expected)[:40]


def test_cuts_by_probability_multiplicity_and_number(graph, trained):
    whole = score_unmade(graph, trained, top=10_000)
    floor = float(whole.probability[20])
    above = score_unmade(graph, trained, top=10_000, min_probability=floor)
    assert abs(len(above) - 21) <= 1  # the cut is made on single-precision logits
    assert len(score_unmade(graph, trained, top=0)) == 0
    assert len(score_unmade(graph, trained, top=10, min_probability=1.0)) == 0
    charged = LinkGraph(
        graph.cations,
        graph.anions,
        graph.cation_smiles,
        graph.anion_smiles,
        np.where(np.arange(graph.n_cations) < 2, 3, 1),
        graph.anion_charges,
        graph.edges,
    )
    assert score_unmade(charged, trained, top=10_000).cation_index.min() == 2
    assert score_unmade(charged, trained, top=10_000, max_multiplicity=3).cation_index.min() == 0


@pytest.mark.parametrize(
    "arguments",
    [
        {"top": -1},
        {"top": 5, "cations": (3, 999)},
        {"top": 5, "max_multiplicity": 0},
        {"top": 5, "min_probability": 1.5},
    ],
)
def test_senseless_scoring_is_refused(graph, trained, arguments):
    with pytest.raises(InputError):
        score_unmade(graph, trained, **arguments)


def test_an_ion_never_seen_is_scored_from_its_structure(graph, trained):
    new = graph_from_salts(["CCCCC[n+]1ccc(C)cc1.[Cl-]"])
    rows = [IonRow(*row) for row in zip(graph.cations, graph.cation_smiles, graph.cation_charges.tolist(), strict=True)]
    rows.append(IonRow(new.cations[0], new.cation_smiles[0], 1))
    wider = build_graph(
        rows,
        [IonRow(*row) for row in zip(graph.anions, graph.anion_smiles, graph.anion_charges.tolist(), strict=True)],
        [(graph.cations[c], graph.anions[a]) for c, a in graph.edges],
    )
    place = wider.cations.index(new.cations[0])
    scores = score_unmade(wider, trained, top=100, cations=(place, place + 1))
    assert len(scores) == graph.n_anions
    assert np.isfinite(scores.logit).all()
    assert np.unique(scores.logit).size > 1


def chain_graph(n_cations: int, n_anions: int, edges) -> LinkGraph:
    cations = [IonRow(f"C{n:02}", f"{'C' * (n + 1)}[n+]1ccccc1", 1) for n in range(n_cations)]
    anions = [IonRow(f"A{n:02}", ANIONS[n], -1) for n in range(n_anions)]
    return build_graph(cations, anions, [(f"C{c:02}", f"A{a:02}") for c, a in edges])


def test_one_anion_still_gives_an_answer():
    graph = chain_graph(8, 1, [(c, 0) for c in range(5)])
    trained = train_links(graph, SMALL)
    assert "auroc_degree_matched" not in trained.metrics
    assert trained.metrics["mrr"] == 1.0
    assert not any(np.isnan(value) for value in trained.metrics.values())
    scores = score_unmade(graph, trained, top=10)
    assert sorted(scores.cation_index.tolist()) == [5, 6, 7]


@pytest.mark.parametrize(
    ("edges", "words"),
    [
        ([], "0 known pairing"),
        ([(0, 0)], "1 known pairing"),
        ([(c, a) for c in range(3) for a in range(2)], "already known"),
    ],
)
def test_graphs_with_nothing_to_learn_or_to_predict_are_refused(edges, words):
    with pytest.raises(InputError, match=words):
        train_links(chain_graph(3, 2, edges), SMALL)


def test_unknown_parameters_are_refused():
    with pytest.raises(ValidationError, match="hiden"):
        SageParams(hiden=3)  # type: ignore[call-arg]


def test_calibration_states_the_precision_of_the_mixture():
    """Logits whose true posterior at ratio 50 is known: N(2, 1) against N(0, 1)."""
    rng = np.random.default_rng(0)
    positive, negative = rng.normal(2, 1, 4000), rng.normal(0, 1, 200_000)
    calibration = calibrate(positive, negative, 50.0)
    assert calibration.slope == pytest.approx(2, rel=0.05)
    assert calibration.intercept == pytest.approx(-2 - np.log(50), rel=0.05)
    assert calibration.probability(calibration.logit(0.3)) == pytest.approx(0.3)
    few = calibrate(np.array([5.0, 6.0]), np.array([-5.0, -6.0]), 10.0)
    assert few.slope < 3  # perfect separation of four points is no certainty


def test_without_any_message_ions_are_encoded_from_structure(graph, trained):
    nothing = np.empty((0, 2), dtype=np.int64)
    assert edge_tensor(nothing).shape == (2, 0)
    vectors = link_scorer(graph, trained, nothing)
    assert isinstance(vectors, Embeddings)
    assert np.isfinite(vectors.cations).all()
    assert len(np.unique(vectors.cations.round(5), axis=0)) > graph.n_cations // 2
