"""The ranker: exact algebra, nothing hidden seen, the same numbers wherever and whenever it scores."""

import json
import subprocess
import sys

import numpy as np
import pytest
import xgboost
from scipy import sparse

from ildb.errors import ArtifactError, InputError
from ildb.links.basis import build_basis, inverse, leave_out_ridge
from ildb.links.dataset import IonRow, LinkGraph, build_graph
from ildb.links.examples import training_examples
from ildb.links.holdout import cold_start, source_heldout
from ildb.links.kernels import KERNELS, fragments, similarity
from ildb.links.params import RankerParams
from ildb.links.planes import PLANES, Planes
from ildb.links.ranker import POPULARITY, fit_ranker
from ildb.links.salts import graph_from_salts
from ildb.links.score import score_unmade
from ildb.links.store import load_model, save_model
from ildb.links.train import TrainedLinks, link_scorer, train_links
from tests.unit.test_links_train import ANIONS, chain_graph

SMALL = RankerParams(edge_folds=3, cation_folds=2, uniform_negatives=5, same_cation_negatives=3, matched_negatives=3,
                     trees=15, leaves=7, seed=3)  # fmt: skip
KEYS = {"auroc_uniform", "ap_uniform", "auroc_degree_matched", "mrr", "hits_at_10"}
BASELINES = ("popularity", "knn", "kernel_ridge")


@pytest.fixture(scope="module")
def graph() -> LinkGraph:
    """Imidazoliums, pyridiniums and ammoniums; halides with all, other anions by family and chain."""
    cations = [
        pattern.format("C" * n)
        for n in range(1, 15)
        for pattern in ("{}[n+]1ccn(C)c1", "{}[n+]1ccccc1", "{}[N+](C)(C)CC")
    ]
    rng = np.random.default_rng(0)
    return graph_from_salts(
        f"{cation}.{anion}"
        for i, cation in enumerate(cations)
        for j, anion in enumerate(ANIONS)
        if rng.random() < (0.7 if j < 3 else 0.5 if (i + j) % 3 == 0 else 0.04)
    )


@pytest.fixture(scope="module")
def trained(graph) -> TrainedLinks:
    return train_links(graph, SMALL, paper_baseline=True)


def as_rows(graph: LinkGraph) -> list[list[list[object]]]:
    cations = zip(graph.cations, graph.cation_smiles, graph.cation_charges.tolist(), strict=True)
    anions = zip(graph.anions, graph.anion_smiles, graph.anion_charges.tolist(), strict=True)
    edges = ((graph.cations[c], graph.anions[a]) for c, a in graph.edges)
    return [[list(row) for row in rows] for rows in (cations, anions, edges)]


def test_similarity_is_minima_over_maxima_whatever_the_block():
    smiles = ("CCCC[n+]1ccn(C)c1", "CC[n+]1ccn(C)c1", "CCCCCCCCCCn1cc[n+](C)c1", "C[N+](C)(C)C")
    everything, one = fragments(smiles), fragments(smiles[2:3])
    for kernel in range(len(KERNELS)):
        whole = similarity(everything, everything, kernel)
        assert whole.diagonal() == pytest.approx(1)
        assert np.array_equal(whole, whole.T)
        assert np.array_equal(similarity(one, everything, kernel)[0], whole[2])
        codes = everything.codes[kernel].toarray()
        expected = np.minimum(codes[0], codes[1]).sum() / np.maximum(codes[0], codes[1]).sum()
        assert whole[0, 1] == pytest.approx(expected)
        assert whole[0, 1] > whole[0, 3]
    halides = fragments(("[Cl-]", "[Br-]"))
    assert similarity(halides, halides, 1) == pytest.approx(np.eye(2))


def test_leaving_rows_out_equals_fitting_again():
    rng = np.random.default_rng(4)
    factors = rng.random((12, 12))
    kernel = (factors @ factors.T / 12).astype(np.float32)
    labels = (rng.random((12, 5)) < 0.4).astype(float)
    absent = np.zeros(12, dtype=bool)
    absent[[2, 7, 8]] = True
    labels[absent] = 0
    predictions, coefficients = leave_out_ridge(kernel, inverse(kernel, 0.3), sparse.csr_matrix(labels), absent)
    for row in range(12):
        kept = np.flatnonzero(~absent & (np.arange(12) != row))
        solved = np.linalg.solve(kernel[np.ix_(kept, kept)] + 0.3 * np.eye(len(kept)), labels[kept])
        assert predictions[row] == pytest.approx(kernel[row, kept] @ solved, abs=1e-5)
    kept = np.flatnonzero(~absent)
    again = np.linalg.solve(kernel[np.ix_(kept, kept)] + 0.3 * np.eye(len(kept)), labels[kept])
    assert coefficients[kept] == pytest.approx(again, abs=1e-5)
    assert not coefficients[absent].any()


def test_planes_are_those_of_a_graph_that_never_had_the_hidden_edges(graph):
    """Hidden pairings leave no trace: not by degree, vote, ridge or collaborative filter."""
    hidden = np.random.default_rng(1).random(graph.n_edges) < 0.3
    hidden[graph.edges[:, 0] == 5] = True
    cations, anions, edges = as_rows(graph)
    ignorant = build_graph(
        [IonRow(*row) for row in cations],
        [IonRow(*row) for row in anions],
        [tuple(edge) for edge, gone in zip(edges, hidden, strict=True) if not gone],
    )
    everyone = np.arange(graph.n_cations)
    knowing = Planes(build_basis(graph), graph.edges[~hidden]).tile(everyone)
    unknowing = Planes(build_basis(ignorant), ignorant.edges).tile(everyone)
    assert ignorant.n_cations == graph.n_cations
    for column, name in enumerate(PLANES):
        assert knowing[:, :, column] == pytest.approx(unknowing[:, :, column], abs=2e-3), name


def test_examples_cannot_tell_hidden_ions_by_their_degree(graph):
    basis = build_basis(graph)
    degree, anion_degree = PLANES.index("cation_degree"), PLANES.index("anion_degree")
    warm = training_examples(basis, graph.edges, 0.0, SMALL.model_copy(update={"cation_folds": 0}))
    assert warm.truth.sum() > 20
    assert (warm.x[:, [degree, anion_degree]] > 0).all()
    both = training_examples(basis, graph.edges, 0.0, SMALL)
    cold = both.x[:, degree] == 0
    assert 0 < both.truth[cold].mean() < 1
    assert (both.x[:, anion_degree] > 0).all()
    assert set(np.unique(both.truth[both.matched > 0])) == {0, 1}


def test_negatives_count_less_where_both_ions_are_common_and_least_in_a_collection_with_a_gap(graph):
    examples = [training_examples(build_basis(graph), graph.edges, gap, SMALL) for gap in (0.0, 1.0)]
    known = examples[0].truth == 1
    assert (examples[0].uniform[known] == 1).all()
    negative = ~known & (examples[0].uniform > 0)
    plain, doubted = (part.uniform[negative] for part in examples)
    assert (doubted < plain).all()
    assert np.array_equal(examples[0].matched, examples[1].matched)
    popular = examples[0].x[negative][:, PLANES.index("anion_degree")]
    assert plain[popular > np.median(popular)].mean() < plain[popular <= np.median(popular)].mean()


def test_with_a_gap_the_score_is_likelihood_and_popularity_alone(graph, tmp_path, monkeypatch):
    """Shares of the three parts follow the gap of the training pairs, which the model file keeps."""
    basis = build_basis(graph)
    described = Planes(basis, graph.edges[::2]).tile(np.arange(5)).reshape(-1, len(PLANES))
    popularity = described[:, PLANES.index("cation_degree")] * described[:, PLANES.index("anion_degree")]

    def part(model: xgboost.Booster) -> np.ndarray:
        return model.inplace_predict(described, predict_type="margin")

    whole = fit_ranker(basis, graph.edges, SMALL)
    assert whole.gap == 0
    expected = part(whole.uniform) + SMALL.matched_share * part(whole.matched) + POPULARITY[0] * popularity
    assert whole.logits(described) == pytest.approx(expected, abs=1e-5)
    monkeypatch.setattr("ildb.links.ranker.collection_gap", lambda *_: 1.0)
    trained = train_links(graph, SMALL)
    save_model(tmp_path / "model", trained)
    gapped = load_model(tmp_path / "model").model
    assert gapped.gap == 1
    assert gapped.matched is None
    assert gapped.logits(described) == pytest.approx(part(gapped.uniform) + POPULARITY[1] * popularity, abs=1e-5)


def test_metrics_have_the_contract_keys(trained):
    keys = KEYS | {f"core.{key}" for key in KEYS}
    keys |= {f"baselines.{name}.{key}" for name in (*BASELINES, "graphsage_paper") for key in keys}
    assert set(trained.metrics) == keys
    assert all(0 <= value <= 1 for value in trained.metrics.values())


def test_it_learns_what_popularity_cannot_know(graph):
    """Over three splits: the test part of so small a graph is a few pairings."""
    runs = [train_links(graph, SMALL.model_copy(update={"trees": 60, "seed": seed})).metrics for seed in (3, 4, 5)]
    matched, uniform, popularity = (
        np.mean([run[key] for run in runs])
        for key in ("auroc_degree_matched", "auroc_uniform", "baselines.popularity.auroc_degree_matched")
    )
    assert matched > popularity + 0.1
    assert uniform > 0.75


def test_same_seed_same_bits(graph, trained, tmp_path):
    again = train_links(graph, SMALL, paper_baseline=True)
    assert again.metrics == trained.metrics
    assert again.calibration == trained.calibration
    save_model(tmp_path / "one", trained)
    save_model(tmp_path / "two", again)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    other = train_links(graph, SMALL.model_copy(update={"seed": 4}))
    assert other.metrics["mrr"] != trained.metrics["mrr"]


def test_saved_ranker_gives_the_same_numbers_in_another_process(graph, trained, tmp_path):
    path, rows = tmp_path / "links.safetensors", tmp_path / "graph.json"
    save_model(path, trained)
    loaded = load_model(path)
    for name in ("params", "calibration", "metrics", "history", "graph_sha256", "assignment"):
        assert getattr(loaded, name) == getattr(trained, name)
    save_model(tmp_path / "again", loaded)
    assert (tmp_path / "again").read_bytes() == path.read_bytes()
    rows.write_text(json.dumps(as_rows(graph)))
    script = """if True:
        import json, sys
        from ildb.links.dataset import IonRow, build_graph
        from ildb.links.score import score_unmade
        from ildb.links.store import load_model
        cations, anions, edges = json.load(open(sys.argv[2]))
        graph = build_graph([IonRow(*r) for r in cations], [IonRow(*r) for r in anions], [tuple(e) for e in edges])
        scores = score_unmade(graph, load_model(sys.argv[1]), top=50)
        print(json.dumps([scores.cation_index.tolist(), scores.anion_index.tolist(), scores.probability.tolist()]))
    """
    done = subprocess.run([sys.executable, "-c", script, path, rows], capture_output=True, text=True, check=True)
    expected = score_unmade(graph, trained, top=50)
    assert json.loads(done.stdout) == [
        expected.cation_index.tolist(),
        expected.anion_index.tolist(),
        expected.probability.tolist(),
    ]


def test_a_ranker_of_other_features_is_refused(trained, tmp_path, monkeypatch):
    save_model(tmp_path / "model", trained)
    monkeypatch.setattr("ildb.links.store.PLANES", PLANES[:-1])
    with pytest.raises(ArtifactError, match="own features"):
        load_model(tmp_path / "model")


def test_blocks_give_the_scores_of_the_whole_and_new_ions_are_scored(graph, trained, monkeypatch):
    new = graph_from_salts([f"{smiles}.[Cl-]" for smiles in ("CCCCC[n+]1ccc(C)cc1", "CCCC[P+](CC)(CC)CC")])
    cations, anions, edges = as_rows(graph)
    wider = build_graph(
        [IonRow(*row) for row in (*cations, *as_rows(new)[0])],
        [IonRow(*row) for row in anions],
        [tuple(edge) for edge in edges],
    )
    monkeypatch.setattr("ildb.links.ranker.TILE", 8)
    whole = score_unmade(wider, trained, top=10_000)
    assert len(whole) == wider.n_pairs - wider.n_edges
    half = wider.n_cations // 2 + 1
    blocks = [score_unmade(wider, trained, top=10_000, cations=block) for block in ((0, half), (half, wider.n_cations))]
    merged = sorted(
        (-logit, c, a)
        for block in blocks
        for logit, c, a in zip(
            block.logit.tolist(), block.cation_index.tolist(), block.anion_index.tolist(), strict=True
        )
    )
    assert [row[0] for row in merged] == (-whole.logit).tolist()
    assert [row[1:] for row in merged] == list(
        zip(whole.cation_index.tolist(), whole.anion_index.tolist(), strict=True)
    )
    places = np.array([wider.cations.index(key) for key in new.cations])
    rows = link_scorer(wider, trained).rows(places)
    assert np.isfinite(rows).all()
    assert np.unique(rows.round(4), axis=1).shape[1] > 3


def test_one_anion_still_gives_an_answer():
    graph = chain_graph(8, 1, [(c, 0) for c in range(5)])
    trained = train_links(graph, SMALL)
    assert trained.metrics["mrr"] == 1.0
    scores = score_unmade(graph, trained, top=10)
    assert sorted(scores.cation_index.tolist()) == [5, 6, 7]
    assert np.isfinite(scores.probability).all()


def test_a_graph_without_known_pairings_is_refused_and_judges_nothing():
    graph = chain_graph(6, 4, [])
    with pytest.raises(InputError, match="0 known pairing"):
        train_links(graph, SMALL)
    assert cold_start(graph, SMALL, 3) == {}
    assert source_heldout(graph, [], SMALL, 1) == {}


def test_ions_of_two_charges_alone_are_ranked_as_salts_of_the_right_stoichiometry():
    cations = [f"C[n+]1ccn({'C' * n}n2cc[n+](C)c2)c1" for n in range(2, 12)]
    anions = ("[Cl-]", "[Br-]", "O=C([O-])CC(=O)[O-]", "O=S(=O)([O-])[O-]")
    graph = graph_from_salts(
        (f"{c}.{a}" for i, c in enumerate(cations) for j, a in enumerate(anions) if (i + j) % 3), unbalanced=True
    )
    assert set(graph.cation_charges) == {2}
    trained = train_links(graph, SMALL)
    scores = score_unmade(graph, trained, top=100)
    assert len(scores) == graph.n_pairs - graph.n_edges
    assert np.isfinite(scores.probability).all()
    single = score_unmade(graph, trained, top=100, max_multiplicity=1)
    assert set(graph.anion_charges[single.anion_index]) == {-2}


def test_no_positive_left_to_describe_is_no_crash():
    ranker = fit_ranker(build_basis(chain_graph(4, 4, [(0, 0), (1, 1), (2, 2)])), np.array([[0, 0], [1, 1]]), SMALL)
    assert ranker.logits(np.zeros((2, len(PLANES)), dtype=np.float32)).tolist() == [0, 0]


def test_cold_start_is_judged_beside_the_baselines(graph):
    metrics = cold_start(graph, SMALL, 3)
    assert set(metrics) == {
        f"{name}cold_start.{part}{key}"
        for key in KEYS
        for name in ("", *(f"baselines.{b}." for b in BASELINES))
        for part in ("", "per_cation.")
    }
    assert cold_start(graph, SMALL, 0) == {}


def test_source_heldout_hides_all_pairings_of_the_source_then_those_it_alone_has(graph, monkeypatch):
    """First the shared pairings are hidden as well; only ions the other sources know are asked for."""
    rng = np.random.default_rng(2)
    sources = [frozenset(["big", *(["small"] if rng.random() < 0.2 else [])]) if rng.random() < 0.7 else
               frozenset({"small"}) for _ in range(graph.n_edges)]  # fmt: skip
    seen = []
    monkeypatch.setattr(
        "ildb.links.holdout.fit_ranker",
        lambda basis, train, params: seen.append(train) or fit_ranker(basis, train, params),
    )
    metrics = source_heldout(graph, sources, SMALL, 2)
    assert len(seen) == 2  # the big source is most of the graph
    edges = list(zip(map(tuple, graph.edges.tolist()), sources, strict=True))
    assert set(map(tuple, seen[0].tolist())) == {edge for edge, names in edges if "small" not in names}
    assert set(map(tuple, seen[1].tolist())) == {edge for edge, names in edges if "big" in names}
    for part in ("", "shared.", "unshared.", "addition."):
        assert {f"source_heldout.{part}{key}" for key in KEYS} <= set(metrics)
        assert {f"baselines.{name}.source_heldout.{part}{key}" for name in BASELINES for key in KEYS} <= set(metrics)
    assert source_heldout(graph, [frozenset({"one"})] * graph.n_edges, SMALL, 1) == {}
