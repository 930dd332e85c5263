"""Train and judge a link model on the known pairings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import pyarrow as pa
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from ildb.db import query
from ildb.errors import InputError
from ildb.links.dataset import LinkGraph, graph_from_rows
from ildb.links.params import LinkParams, PaperParams, RankerParams, SageParams
from ildb.pipeline import store
from ildb.pipeline.stage import Stage, StageContext, TaskInput, TaskOutput

PAPER_METHOD = "graphsage_paper"
REASON_BREAK = "\x1f"
"""Between the reasons of a link on their way to the database, as an array of texts takes the driver far longer."""
PAIRING_COLUMNS = (
    "cation_inchikey",
    "cation_smiles",
    "cation_charge",
    "anion_inchikey",
    "anion_smiles",
    "anion_charge",
)


class LinksTrainParams(RankerParams, SageParams):
    """Parameters of ``links.train``: the method, the settings of either, the split, and what it is judged by."""

    method: Literal["ranker", "graphsage", "graphsage_paper"] = Field(
        default="ranker",
        description="ranker: boosted trees on pair planes; graphsage: the network; graphsage_paper: as published",
    )
    validation_fraction: float = Field(default=0.05, gt=0, lt=0.5)
    test_fraction: float = Field(default=0.10, gt=0, lt=0.5)
    leave_out: tuple[str, ...] = Field(
        default=("inorganic_cation",), description="pairings with an ion that carries one of these flags are not learnt"
    )
    cold_start_folds: int = Field(
        default=10, ge=0, description="parts of the cations for the cold-start figures of the ranker; 0: none"
    )
    heldout_sources: int = Field(
        default=1, ge=0, description="sources left out in turn for the source-held-out figures of the ranker; 0: none"
    )
    paper_baseline: bool = Field(default=True, description="judge the paper's own network, too")

    def of_method(self) -> LinkParams | PaperParams:
        """The settings of the chosen method alone."""
        kinds: dict[str, type[LinkParams | PaperParams]] = {
            "ranker": RankerParams,
            "graphsage": SageParams,
            PAPER_METHOD: PaperParams,
        }
        kind = kinds[self.method]
        return kind.model_validate(self.model_dump(include=set(kind.model_fields)))


def read_graph(table: pa.Table) -> LinkGraph:
    """The graph of a table of known pairings."""
    return graph_from_rows(zip(*(table.column(name).to_pylist() for name in PAIRING_COLUMNS), strict=True))


def read_sources(table: pa.Table, graph: LinkGraph) -> list[frozenset[str]]:
    """Names of the sources of each edge of the graph read from the same table, in edge order."""
    columns = (table.column(name).to_pylist() for name in ("cation_inchikey", "anion_inchikey", "sources"))
    named = {(cation, anion): frozenset(sources) for cation, anion, sources in zip(*columns, strict=True)}
    return [named[graph.cations[cation], graph.anions[anion]] for cation, anion in graph.edges]


def of_paper(metrics: Mapping[str, float]) -> dict[str, float]:
    """Figures of the ranker with the paper's network among its baselines, told the other way round."""
    own = "baselines.graphsage_paper."
    turned: dict[str, float] = {}
    for key, value in metrics.items():
        if key.startswith(own):
            turned[key.removeprefix(own)] = value
        elif key.startswith("baselines."):
            turned[key] = value
        else:
            turned[f"baselines.ranker.{key}"] = value
    return turned


class LinksTrain(Stage[LinksTrainParams]):
    """A ranker or GraphSAGE on the bipartite graph, with its baselines beside it."""

    uses: ClassVar[str] = "links.train"
    version: ClassVar[int] = 4
    packages: ClassVar[tuple[str, ...]] = ("numpy", "rdkit", "scipy", "torch", "torch-geometric", "xgboost-cpu")
    summary: ClassVar[str] = "train a link model on the known pairings (leak-free split), judged beside simple rankers"
    params_type: ClassVar[type[BaseModel]] = LinksTrainParams

    def fingerprint(self, connection: Connection) -> str:
        """Hash of the known pairings and their sources."""
        return str(query.execute(connection, "links/fingerprint", sources=True).scalar_one())

    def plan(self, context: StageContext) -> list[dict[str, Any]]:
        """One task: the whole graph."""
        rows = query.rows(context.connection, "links/known_pairings", leave_out=list(self.params.leave_out))
        if not rows:
            raise InputError("there are no known pairings to learn from.", "Ingest some first: ildb ingest ilthermo")
        table = pa.table(store.as_columns(rows, (*PAIRING_COLUMNS, "evidence_ids", "sources")))
        return [
            {
                "pairings": context.put_table("links_input", table),
                "params": self.params.model_dump(mode="json"),
            }
        ]

    @staticmethod
    def run(task: TaskInput) -> TaskOutput:
        """Split, train, judge, calibrate."""
        from dataclasses import replace

        from ildb.links.expansion import unrecorded_ratio
        from ildb.links.holdout import cold_start, source_heldout
        from ildb.links.rounds import Round, first_round
        from ildb.links.store import save_model
        from ildb.links.train import TrainedLinks, train_links

        params = LinksTrainParams.model_validate(task.payload["params"])
        table = task.table("pairings")
        graph = read_graph(table)
        settings = params.of_method()
        rest = 1 - params.validation_fraction - params.test_fraction
        fractions = (rest, params.validation_fraction, params.test_fraction)
        trained: TrainedLinks | Round
        if isinstance(settings, PaperParams):
            trained = first_round(graph, settings, fractions)
        else:
            trained = train_links(graph, settings, fractions=fractions, paper_baseline=params.paper_baseline)
        if params.method != "graphsage":
            ranker = RankerParams.model_validate(params.model_dump(include=set(RankerParams.model_fields)))
            cold = cold_start(graph, ranker, params.cold_start_folds)
            outside = source_heldout(graph, read_sources(table, graph), ranker, params.heldout_sources)
            heldout = cold | outside if params.method == "ranker" else of_paper(cold | outside)
            trained = replace(trained, metrics=trained.metrics | heldout)
        path = task.workdir / "model.safetensors"
        save_model(path, trained)
        splits = pa.table(
            {
                "cation_inchikey": [graph.cations[i] for i in graph.edges[:, 0]],
                "anion_inchikey": [graph.anions[i] for i in graph.edges[:, 1]],
                "split": trained.assignment,
            }
        )
        return TaskOutput(
            {
                "metrics": trained.metrics,
                "n_pairings": graph.n_edges,
                "calibration_ratio": trained.calibration.ratio,
                "unrecorded_ratio": unrecorded_ratio(graph),
            },
            {"splits": splits},
            {"links_model": path},
        )

    def store(
        self, context: StageContext, payload: Mapping[str, Any], output: TaskOutput, files: Mapping[str, int]
    ) -> dict[str, Any]:
        """Snapshot with the split of every claim, and the model."""
        import pyarrow.parquet as pq

        pairings = pq.read_table(context.artifacts.get(payload["pairings"]))
        splits = output.tables["splits"].to_pylist()
        side = {(row["cation_inchikey"], row["anion_inchikey"]): row["split"] for row in splits}
        members = [
            (evidence, None, side[row["cation_inchikey"], row["anion_inchikey"]])
            for row in pairings.to_pylist()
            for evidence in row["evidence_ids"]
        ]
        return store.add_trained(
            context,
            "links",
            content=splits,
            members=members,
            output=output,
            files=files,
            params=self.params,
            seed=self.params.seed,
            keep={"auroc_uniform": "auroc_uniform", "mrr": "mrr"},
        ) | {
            "pairings_sha256": payload["pairings"],
            "method": self.params.method,
            "leave_out": list(self.params.leave_out),
            "calibration_ratio": output.result["calibration_ratio"],
            "unrecorded_ratio": output.result["unrecorded_ratio"],
        }
