"""Train and judge a link model on the known pairings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pyarrow as pa
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from ildb.db import query
from ildb.errors import InputError
from ildb.links.dataset import LinkGraph, graph_from_rows
from ildb.links.params import SageParams
from ildb.pipeline import store
from ildb.pipeline.stage import Stage, StageContext, TaskInput, TaskOutput

PAIRING_COLUMNS = (
    "cation_inchikey",
    "cation_smiles",
    "cation_charge",
    "anion_inchikey",
    "anion_smiles",
    "anion_charge",
)


class LinksTrainParams(SageParams):
    """Parameters of ``links.train``: those of the network, and the split."""

    validation_fraction: float = Field(default=0.05, gt=0, lt=0.5)
    test_fraction: float = Field(default=0.10, gt=0, lt=0.5)
    leave_out: tuple[str, ...] = Field(
        default=("inorganic_cation",), description="pairings with an ion that carries one of these flags are not learnt"
    )


def read_graph(table: pa.Table) -> LinkGraph:
    """The graph of a table of known pairings."""
    return graph_from_rows(zip(*(table.column(name).to_pylist() for name in PAIRING_COLUMNS), strict=True))


class LinksTrain(Stage[LinksTrainParams]):
    """GraphSAGE on the bipartite graph, with its baselines beside it."""

    uses: ClassVar[str] = "links.train"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "train GraphSAGE on the known pairings (leak-free split), judged beside popularity and kNN"
    params_type: ClassVar[type[BaseModel]] = LinksTrainParams

    def fingerprint(self, connection: Connection) -> str:
        """Hash of the known pairings."""
        return str(query.execute(connection, "links/fingerprint").scalar_one())

    def plan(self, context: StageContext) -> list[dict[str, Any]]:
        """One task: the whole graph."""
        rows = query.rows(context.connection, "links/known_pairings", leave_out=list(self.params.leave_out))
        if not rows:
            raise InputError("there are no known pairings to learn from.", "Ingest some first: ildb ingest ilthermo")
        table = pa.table(store.as_columns(rows, (*PAIRING_COLUMNS, "evidence_ids")))
        return [
            {
                "pairings": context.put_table("links_input", table),
                "params": self.params.model_dump(mode="json"),
            }
        ]

    @staticmethod
    def run(task: TaskInput) -> TaskOutput:
        """Split, train, judge, calibrate."""
        from ildb.links.store import save_model
        from ildb.links.train import train_links

        params = LinksTrainParams.model_validate(task.payload["params"])
        graph = read_graph(task.table("pairings"))
        sage = SageParams.model_validate(params.model_dump(include=set(SageParams.model_fields)))
        rest = 1 - params.validation_fraction - params.test_fraction
        trained = train_links(graph, sage, fractions=(rest, params.validation_fraction, params.test_fraction))
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
            {"metrics": trained.metrics, "n_pairings": graph.n_edges}, {"splits": splits}, {"links_model": path}
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
        snapshot_id = store.add_snapshot(context, "links", splits, members)
        metrics = output.result["metrics"]
        model_id = store.add_model(
            context,
            "links",
            artifact_id=files["links_model"],
            snapshot_id=snapshot_id,
            params=self.params,
            metrics=metrics,
            seed=self.params.seed,
        )
        return {
            "model_id": model_id,
            "model_sha256": output.result["files"]["links_model"],
            "pairings_sha256": payload["pairings"],
            "n_pairings": output.result["n_pairings"],
            "auroc_uniform": metrics.get("auroc_uniform"),
            "mrr": metrics.get("mrr"),
        }
