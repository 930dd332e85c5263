"""Read a run's rows and make the sections of its report, each with where it comes from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow.parquet as pq
from sqlalchemy import Connection

from ildb.db import query
from ildb.errors import ArtifactError
from ildb.pipeline.artifacts import ArtifactStore
from ildb.report import style
from ildb.report.figures import cards, degrees, diffusion, funnel, generation, links, parity, reliability, space
from ildb.report.figures.predictions import OutOfFold, of_table
from ildb.report.provenance import Origin, StageOrigin
from ildb.report.run import ReportRun, choose
from ildb.report.section import Section

N_CARDS: Final = 12
N_LADDERS: Final = 6
_OUT_OF_FOLD: Final = "melting_out_of_fold"
_DRAWING: Final = ("generate.enumerate", "generate.sample")
_PROPOSING: Final = ("links.expand", "generate.pair")
"""Stages that propose pairings and score their links."""
Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Report:
    """Everything that a page shows.

    Args:
        run: what it is about.
        sections: in the order of the page.
        sources: of ``report/sources``.
    """

    run: ReportRun
    sections: tuple[Section, ...]
    sources: Sequence[Row]


def collect(connection: Connection, store: ArtifactStore, run_id: int | None = None) -> Report:
    """Read and draw.

    Args:
        connection: sees one state of the database.
        store: the files of the runs.
        run_id: the run; None: see `ildb.report.run.choose`.

    Raises:
        NotFoundError: there is no such run.
        InputError: it has not ended well.
    """
    run = choose(connection, run_id)
    reader = _Reader(connection, store, run)
    parts: tuple[Callable[[], list[Section]], ...] = (
        reader.screen, reader.map, reader.degrees, reader.links, reader.melting, reader.generation, reader.simulations,
    )  # fmt: skip
    with style.applied():
        sections = tuple(section for part in parts for section in part())
    return Report(run, sections, query.rows(connection, "report/sources"))


@dataclass(frozen=True)
class _Reader:
    connection: Connection
    store: ArtifactStore
    run: ReportRun

    def rows(self, name: str, **parameters: Any) -> list[Row]:
        return query.rows(self.connection, name, **parameters)

    def screen(self) -> list[Section]:
        """Funnel and cards."""
        decide = self.run.stage("screen.decide")
        if decide is None:
            return [
                _without("funnel", funnel.TITLE, "screen.decide"), _without("candidates", cards.TITLE, "screen.decide")
            ]  # fmt: skip
        counts = self.rows("report/decisions", run_id=decide.run_id)
        checks = self.rows("report/checks", run_id=decide.run_id)
        total = sum(row["n_pairings"] for row in counts)
        passed = sum(row["n_pairings"] for row in counts if row["passed"])
        first = self.rows("screen/top", run_id=str(self.run.id), top=N_CARDS)
        ions = sorted({row[f"{side}_id"] for row in first for side in ("cation", "anion")})
        names = {row["ion_id"]: row["name"] for row in self.rows("report/ion_names", ids=ions)}
        near = [row["nearest"][0] for row in first if row["nearest"]]
        known = self.rows(
            "report/pairing_names",
            cations=[row["cation_smiles"] for row in near],
            anions=[row["anion_smiles"] for row in near],
        )
        called = {(row["cation_smiles"], row["anion_smiles"]): row["name"] for row in known}
        return [
            funnel.section(checks, counts).of(Origin(decide, ("report/decisions", "report/checks"), total)),
            cards.section(first, names, called, passed).of(
                Origin(decide, ("screen/top", "report/ion_names", "report/pairing_names"), len(first))
            ),
        ]

    def map(self) -> list[Section]:
        """Known, predicted and generated pairings by likeness."""
        proposing = [stage.run_id for uses in _PROPOSING if (stage := self.run.stage(uses)) is not None]
        score = self.run.stage("melting.score")
        model = self._model("melting.train", "melting")
        if not proposing or score is None or model is None:
            return [_without("map", space.TITLE, "melting.score")]
        rows = self.rows(
            "report/space", run_ids=proposing, model_id=model["id"], per_kind=space.PER_KIND, seed=space.SEED
        )
        return [space.section(rows).of(Origin(score, ("report/space",), len(rows), _named(model)))]

    def degrees(self) -> list[Section]:
        """Partners of ions before and after."""
        expand = self.run.stage("links.expand")
        if expand is None:
            return [_without("degrees", degrees.TITLE, "links.expand")]
        rows = self.rows("links/degrees", run_id=expand.run_id)
        return [degrees.section(rows).of(Origin(expand, ("links/degrees",), len(rows)))]

    def links(self) -> list[Section]:
        """The link model."""
        train, model = self.run.stage("links.train"), self._model("links.train", "links")
        if train is None or model is None:
            return [_without("links", links.TITLE, "links.train")]
        return [links.section(model["metrics"]).of(Origin(train, ("report/models",), 1, _named(model)))]

    def melting(self) -> list[Section]:
        """The melting model."""
        titles = (("parity", parity.TITLE), ("reliability", reliability.TITLE))
        train, model = self.run.stage("melting.train"), self._model("melting.train", "melting")
        if train is None or model is None:
            return [_without(slug, title, "melting.train") for slug, title in titles]
        try:
            parts = self._out_of_fold(train)
        except ArtifactError as error:
            return [Section(slug, title, str(error)) for slug, title in titles]
        if not parts:
            gone = (
                f"Model {model['id']} kept no predictions of pairings it did not see. Train again: ildb pipeline run"
                f" {self.run.recipe} --force"
            )
            return [Section(slug, title, gone) for slug, title in titles]
        origin = Origin(
            train, ("report/artifact",), sum(len(part.measured) for part in parts.values()),
            f"{_named(model)}, file {_OUT_OF_FOLD}",
        )  # fmt: skip
        return [parity.section(parts).of(origin), reliability.section(parts).of(origin)]

    def _out_of_fold(self, train: StageOrigin) -> dict[str, OutOfFold]:
        file = query.one(self.connection, "report/artifact", stage_run_id=train.id, kind=_OUT_OF_FOLD)
        return {} if file is None else of_table(pq.read_table(self.store.get(file["sha256"])))

    def generation(self) -> list[Section]:
        """Table 1, and what became of the strings."""
        stages = self.run.stages_like("generate.")
        if not stages:
            return [_without("table1", generation.TITLE, "generate.train")]
        sections = []
        judged = [
            (model, stage)
            for stage in stages
            for model in self.rows("report/models", stage_run_id=stage.id)
            if model["kind"] == "vae"
        ]
        if judged:
            model, stage = max(judged, key=lambda one: int(one[0]["id"]))
            made = generation.section(model["metrics"])
            sections.append(made.of(Origin(stage, ("report/models",), 1, _named(model))))
        if self._has("generated_molecule"):
            rows = self.rows("report/generated_outcomes", stage_run_ids=[stage.id for stage in stages])
            drawn = sum(row["n_drawn"] for row in rows)
            drawing = [stage for stage in stages if stage.uses in _DRAWING] or stages
            sections.append(generation.outcomes(rows).of(Origin(drawing[-1], ("report/generated_outcomes",), drawn)))
        return sections or [Section("table1", generation.TITLE, "The run's generator left no figures to show.")]

    def simulations(self) -> list[Section]:
        """Ladders of temperature."""
        if not self._has("md_simulation"):
            return [Section("diffusion", diffusion.TITLE, "This database has no simulations.")]
        simulations = self.rows("report/simulations", run_ids=self.run.run_ids, top=N_LADDERS)
        points = self.rows("report/diffusion", ids=[row["id"] for row in simulations])
        section = diffusion.section(simulations, points)
        stage = self.run.stage("md.fit") or self.run.stage("md.ladder") or self.run.stage("screen.decide")
        if stage is None or section.is_empty:
            return [section]
        return [section.of(Origin(stage, ("report/simulations", "report/diffusion"), len(points)))]

    def _model(self, uses: str, kind: str) -> Row | None:
        stage = self.run.stage(uses)
        if stage is None:
            return None
        return next((row for row in self.rows("report/models", stage_run_id=stage.id) if row["kind"] == kind), None)

    def _has(self, table: str) -> bool:
        found = query.one(self.connection, "report/has_table", name=table)
        return bool(found and found["found"])


def _named(model: Row) -> str:
    return f"model {model['id']} of {model['snapshot_n_rows']:,} rows"


def _without(slug: str, title: str, uses: str) -> Section:
    return Section(slug, title, f"The run's recipe has no stage {uses}, so there is nothing to show.")
