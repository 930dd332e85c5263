"""``ildb report build`` on a database in which a small quickstart has run; and what it says where it cannot."""

from __future__ import annotations

import csv
import json
import re
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine, text

from ildb.config import Settings
from ildb.errors import InputError
from ildb.pipeline.artifacts import ArtifactStore
from ildb.pipeline.runner import Runner
from ildb.report.build import write
from ildb.report.collect import Report, collect
from ildb.report.figures import parity, space
from ildb.report.figures.predictions import of_table
from tests.integration.populate import N_DECIDED, N_PASSED, Populated, fill
from tests.integration.screening import recipe_of_known_ions
from tests.integration.test_screen import N_CANDIDATES, SETTINGS

HOSTILE = "\"><script>alert(1)</script> it's & α"
FIGURES = {"funnel", "map", "degrees", "links", "parity", "reliability"}
VOID = {"meta", "br"}
Ildb = Callable[..., CompletedProcess[str]]


class Made:
    """The database, the run in it and its report."""

    def __init__(self, engine: Engine, made: Populated, run_id: int, home: Path, folder: Path) -> None:
        self.engine, self.made, self.run_id, self.home, self.folder = engine, made, run_id, home, folder
        self.store = ArtifactStore(Settings(home=home).artifacts_dir)

    @property
    def page(self) -> str:
        return (self.folder / "report.html").read_text(encoding="utf-8")

    def collect(self, run_id: int | None = None) -> Report:
        with self.engine.connect() as connection:
            return collect(connection, self.store, run_id)

    def value(self, statement: str, **values: object) -> Any:
        with self.engine.connect() as connection:
            return connection.execute(text(statement), values).scalar_one()


@pytest.fixture(scope="module")
def made(engine: Engine, database_url: str, ildb: Ildb, tmp_path_factory: pytest.TempPathFactory) -> Made:
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("out") / "report"
    with engine.begin() as connection:
        populated = fill(connection)
        connection.execute(
            text(
                "INSERT INTO ildb.pairing_evidence (pairing_id, kind, source_id, source_key)"
                " SELECT p, 'known', :source, 'more-' || p FROM unnest(CAST(:pairings AS bigint [])) AS p"
            ),
            {"source": populated.sources["catalogue"], "pairings": populated.predicted[::2]},
        )
        connection.execute(text("UPDATE ildb.source SET citation = :name"), {"name": HOSTILE})
        connection.execute(
            text("UPDATE ildb.ion_alias SET value = value || :name WHERE kind = 'name'"), {"name": HOSTILE}
        )
    outcome = Runner(engine, settings=Settings(home=home), workers=1).run(recipe_of_known_ions(SETTINGS))
    done = ildb("report", "build", "--out", str(folder), url=database_url, ILDB_HOME=str(home), timeout_s=400)
    assert done.returncode == 0, done.stderr
    assert f"Report of run {outcome.run_id} with 6 figures" in done.stdout
    return Made(engine, populated, outcome.run_id, home, folder)


@pytest.fixture(scope="module")
def report(made: Made) -> Report:
    """Of the run, read and drawn once."""
    return made.collect(made.run_id)


@pytest.fixture(scope="module")
def short(report: Report) -> Report:
    """One figure is enough to see what becomes of folders."""
    return replace(report, sections=report.sections[:1])


class Reader(HTMLParser):
    """Whether every element is closed, and what a page would fetch, run or repeat."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: list[str] = []
        self.tags: set[str] = set()
        self.fetched: list[str] = []
        self.unnamed = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.add(tag)
        self.ids += [values["id"]] if values.get("id") else []
        self.fetched += [value for key, value in attrs if key in {"src", "srcset", "data", "action"} and value]
        self.unnamed += tag == "svg" and not values.get("aria-label")
        assert not [key for key in values if key.startswith("on")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()


def test_the_page_is_whole_and_needs_nothing_else(made: Made) -> None:
    reader = Reader()
    reader.feed(made.page)
    assert reader.open == []
    assert len(set(reader.ids)) == len(reader.ids)
    assert not reader.tags & {"script", "link", "iframe", "object", "form", "img"}
    assert reader.fetched == []
    assert reader.unnamed == 0
    assert not re.findall(r"url\((?!#)", made.page)
    anchors = re.findall(r'<a [^>]*href="#([^"]+)"', made.page)
    assert set(anchors) <= set(reader.ids)


def test_hostile_names_are_text(made: Made) -> None:
    assert "<script" not in made.page
    assert made.page.count("&lt;script&gt;alert(1)") > 1
    assert "α" in made.page


def test_every_figure_is_there_as_png_svg_and_numbers(made: Made) -> None:
    assert {path.stem for path in (made.folder / "figures").glob("*.png")} == FIGURES
    for slug in FIGURES:
        assert (made.folder / f"figures/{slug}.png").read_bytes().startswith(b"\x89PNG")
        assert (made.folder / f"figures/{slug}.svg").read_bytes().startswith(b"<?xml")
        assert f'id="{slug}"' in made.page
    manifest = json.loads((made.folder / "report.json").read_text(encoding="utf-8"))
    there = {path.relative_to(made.folder).as_posix() for path in made.folder.rglob("*") if path.is_file()}
    assert there == {"report.json", *manifest["files"]}


def table(made: Made, slug: str) -> list[dict[str, str]]:
    with (made.folder / f"data/{slug}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_funnel_counts_what_was_decided(made: Made) -> None:
    steps = table(made, "funnel")
    passed = made.value("SELECT count(*) FROM ildb.screening_decision WHERE run_id = :r AND passed", r=made.run_id)
    assert int(steps[0]["come to it"]) == N_CANDIDATES
    assert int(steps[-1]["left"]) == passed
    assert f"Of {N_CANDIDATES} candidates {passed} (" in made.page


def test_degrees_count_the_known_pairings_and_the_new(made: Made) -> None:
    known = made.value("SELECT count(DISTINCT pairing_id) FROM ildb.pairing_evidence WHERE kind = 'known'")
    new = made.value("SELECT count(*) FROM ildb.link_score WHERE run_id = :r", r=made.run_id)
    assert f"from {known:,} known pairings to {known + new:,}" in made.page


def test_parity_agrees_with_the_metrics_of_the_model(made: Made) -> None:
    model = "FROM ildb.model WHERE kind = 'melting' AND run_id = :r"
    metrics = made.value(f"SELECT metrics {model}", r=made.run_id)
    sha256 = made.value(
        "SELECT sha256 FROM ildb.artifact WHERE kind = 'melting_out_of_fold' AND run_id = :r", r=made.run_id
    )
    parts = of_table(pq.read_table(made.store.get(sha256)))
    n_measured = made.value("SELECT count(DISTINCT pairing_id) FROM ildb.measurement WHERE property = 'melting_point'")
    assert len(table(made, "parity")) == n_measured * len(parts)
    for split, part in parts.items():
        found = parity.figures(part)
        assert found["mae_k"] == pytest.approx(metrics[f"{split}.mae_k"])
        assert found["coverage"] == pytest.approx(metrics[f"{split}.coverage_90"])
        assert found["width_k"] == pytest.approx(metrics[f"{split}.width_90_k"])


def test_cards_are_the_candidates_of_the_search_in_its_order(made: Made, ildb: Ildb, database_url: str) -> None:
    done = ildb("search", "candidates", "--run", str(made.run_id), "--top", "12", "--json", url=database_url)
    expected = [str(row["pairing_id"]) for row in json.loads(done.stdout)]
    assert [row["pairing"] for row in table(made, "candidates")] == expected
    assert re.findall(r"pairing (\d+)</span>", made.page) == expected


def test_every_figure_names_run_stage_query_and_code(made: Made, report: Report) -> None:
    for section in report.sections:
        if section.is_empty:
            continue
        assert section.origin is not None
        assert section.origin.stage.run_id == made.run_id
        for name in section.origin.queries:
            assert f"sql/queries/{name}.sql" in section.origin.text
        assert section.origin.text.replace("'", "&#39;") in made.page
        assert section.origin.n_rows > 0


def test_the_same_rows_give_the_same_figures(made: Made, report: Report, tmp_path: Path) -> None:
    write(report, tmp_path / "again")
    for path in (made.folder / "figures").iterdir():
        assert path.read_bytes() == (tmp_path / "again/figures" / path.name).read_bytes(), path.name


def test_a_run_of_before_says_what_it_lacks(made: Made) -> None:
    report = made.collect(made.made.run_id)
    sections = {section.slug: section for section in report.sections}
    assert f"Of {N_DECIDED} candidates {N_PASSED} (" in sections["funnel"].message
    assert "kept no predictions" in sections["parity"].message
    assert "Train again: ildb pipeline run quickstart --force" in sections["reliability"].message
    assert sections["table1"].is_empty
    assert not sections["diffusion"].is_empty


def test_a_recipe_without_a_screen_leaves_out_what_it_lacks(made: Made) -> None:
    with made.engine.connect() as connection:
        connection.execute(text("UPDATE ildb.stage_run SET uses = 'other' WHERE uses <> 'links.train'"))
        sections = {section.slug: section for section in collect(connection, made.store, made.run_id).sections}
        connection.rollback()
    assert not sections["links"].is_empty
    assert "no stage screen.decide" in sections["funnel"].message
    assert {slug for slug, section in sections.items() if not section.is_empty} == {"links"}


def test_a_missing_file_of_predictions_is_named_and_the_rest_is_shown(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space, "MIN_POINTS", 10_000)  # the map is slow and no part of this
    with made.engine.connect() as connection:
        report = collect(connection, ArtifactStore(tmp_path), made.run_id)
    sections = {section.slug: section for section in report.sections}
    assert "is missing from" in sections["parity"].message
    assert not sections["funnel"].is_empty


def test_an_earlier_report_is_replaced_only_when_asked(made: Made, ildb: Ildb, database_url: str) -> None:
    again = ildb("report", "build", "--out", str(made.folder), url=database_url, ILDB_HOME=str(made.home))
    assert again.returncode == 3
    assert "exists" in again.stderr
    assert "--force" in again.stderr
    done = ildb(
        "report", "build", str(made.made.run_id), "--out", str(made.folder.parent / "old"), "--json",
        url=database_url, ILDB_HOME=str(made.home),
    )  # fmt: skip
    assert json.loads(done.stdout)["run"] == made.made.run_id
    assert set(json.loads(done.stdout)["left_out"]) == {"links", "parity", "reliability", "table1"}


def test_a_folder_of_someone_elses_is_left_alone(short: Report, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="exists and is not a report"):
        write(short, tmp_path / "mine", force=True)
    assert (tmp_path / "mine/thesis.txt").read_text() == "years of work"
    write(short, tmp_path / "own")
    (tmp_path / "own/note.txt").write_text("mine")
    with pytest.raises(InputError, match="is not a report"):
        write(short, tmp_path / "own", force=True)
    with pytest.raises(InputError, match="does not exist"):
        write(short, tmp_path / "nowhere/report")


@contextmanager
def small_disk(n_bytes: int) -> Iterator[None]:
    """No file may grow larger: the kernel refuses the write, as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_report_that_does_not_fit_leaves_the_earlier_one(short: Report, tmp_path: Path) -> None:
    write(short, tmp_path / "report")
    before = {path: path.read_bytes() for path in (tmp_path / "report").rglob("*") if path.is_file()}
    with small_disk(20_000), pytest.raises(InputError, match=r"Cannot write .*Free some space"):
        write(short, tmp_path / "report", force=True)
    assert {path: path.read_bytes() for path in (tmp_path / "report").rglob("*") if path.is_file()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_what_cannot_be_reported_says_so(
    made: Made, ildb: Ildb, new_database: Callable[..., str], database_url: str, tmp_path: Path
) -> None:
    out = str(tmp_path / "report")
    empty = ildb("report", "build", "--out", out, url=new_database())
    assert empty.returncode == 3
    assert "There is no run to report on. Make one: ildb pipeline run quickstart" in empty.stderr
    unknown = ildb("report", "build", "987654321987654321987", "--out", out, url=database_url)
    assert unknown.returncode == 3
    assert "There is no run 987654321987654321987." in unknown.stderr
    running = made.value("SELECT max(id) FROM ildb.run")
    with made.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO ildb.run (recipe_name, recipe, recipe_sha256, run_key, status, error, code_version)"
                " VALUES ('broken', '{}', 'x', 'x', 'failed', 'links: no pairings.', '0')"
            )
        )
    failed = ildb("report", "build", str(running + 1), "--out", out, url=database_url)
    assert failed.returncode == 3
    assert f"Run {running + 1} is failed (links: no pairings), 0 of 0 stages are done" in failed.stderr
    assert f"ildb pipeline resume {running + 1}" in failed.stderr
    assert not Path(out).exists()


def test_sections_come_in_one_order(report: Report) -> None:
    assert [section.slug for section in report.sections] == [
        "funnel", "candidates", "map", "degrees", "links", "parity", "reliability", "table1", "diffusion",
    ]  # fmt: skip
