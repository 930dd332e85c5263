"""The same as JSON. Fields are named as in the search form, the command line and the database."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection
from starlette.requests import Request

from ildb.db import lineage, query
from ildb.pipeline import watch
from ildb.pipeline.settings import RunSettings
from ildb.search.facts import find_pairing, ion_facts, pairing_facts
from ildb.search.filters import Evidence
from ildb.search.logic import Side
from ildb.search.pairings import Answer, Question
from ildb.web import asking, context
from ildb.web.asking import Decision, How
from ildb.web.formats import plain

Json = dict[str, Any]
router = APIRouter(prefix="/api", tags=["ildb"])
MAX_PAGE = 1_000


class Form(BaseModel):
    """What may be asked of pairings: all of it must hold."""

    # A filter that is spelled wrongly would otherwise be none at all.
    model_config = ConfigDict(extra="forbid")

    cation: str | None = None
    cation_how: How = "contains"
    anion: str | None = None
    anion_how: How = "contains"
    smarts: str | None = None
    without: str | None = None
    threshold: float | None = None
    evidence: Evidence = "any"
    decision: Decision = "any"
    min_p373: float | None = None
    min_link: float | None = None
    tm_above: float | None = None
    tm_below: float | None = None
    domain: Literal["any", "inside", "outside"] = "any"
    property: str | None = None
    source: str | None = None
    run: int | None = None


class Hit(BaseModel):
    """A pairing as a search shows it; temperatures in K."""

    pairing_id: int
    cation_smiles: str
    anion_smiles: str
    n_cation: int
    n_anion: int
    names: list[str]
    evidence: list[str]
    tm_k: float | None
    tm_predicted_k: float | None
    link_probability: float | None
    p_below_373_k: float | None
    passed: bool | None
    rank: int | None


class Page(BaseModel):
    """Part of an answer; ``next`` is the token of the page behind it."""

    pairings: list[Hit]
    next: str | None


class Paged(Form):
    """A question and which part of its answer."""

    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100
    after: str | None = None


def _question(connection: Connection, form: Form) -> Question:
    given = form.model_dump(include=set(asking.NAMES), exclude_none=True)
    return asking.required(connection, {name: str(value) for name, value in given.items()})


@router.get("/stats", summary="Counts of everything")
def stats(request: Request) -> dict[str, int]:
    """The keys of ``ildb stats --json``; at most half a minute old."""
    return context.of(request).database.counts()


@router.get("/search", summary="Pairings by what their ions contain, best first")
def search(request: Request, form: Annotated[Paged, Query()]) -> Page:
    """Patterns are SMARTS; ``cation_how=is`` takes a SMILES, InChIKey or id, ``resembles`` a SMILES."""
    here = context.of(request)
    with here.database.reading() as connection:
        question = _question(connection, form)
        answer = Answer(connection, here.database.matcher, question, here.database.keeping(connection))
        page = answer.page(form.limit, form.after)
    return Page(pairings=[Hit(**plain(hit)) for hit in page.hits], next=page.next)


@router.get("/count", summary="How many pairings a search has")
def count(request: Request, form: Annotated[Form, Query()]) -> dict[str, int]:
    """The exact number."""
    here = context.of(request)
    with here.database.reading() as connection:
        question = _question(connection, form)
        return {"count": Answer(connection, here.database.matcher, question).count()}


@router.get("/pairings/{key:path}/lineage", summary="Where a pairing's rows come from")
def pairing_lineage(request: Request, key: str) -> Json:
    """One tree: every score holds its run, model, snapshot and sources."""
    with context.of(request).database.reading() as connection:
        return _json(lineage.nested(lineage.read(connection, find_pairing(connection, key))))


@router.get("/pairings/{key:path}", summary="Everything known about a pairing")
def pairing(request: Request, key: str) -> Json:
    """By its id or a SMILES of both ions."""
    with context.of(request).database.reading() as connection:
        return _json(pairing_facts(connection, key))


@router.get("/similar", summary="Ions that resemble a structure")
def similar(
    request: Request,
    smiles: str,
    ion: Side = "either",
    threshold: Annotated[float, Query(gt=0, le=1)] = 0.5,
    top: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 20,
) -> list[Json]:
    """The nearest first, by Tanimoto on Morgan fingerprints (radius 2, 512 bits)."""
    here = context.of(request)
    with here.database.reading() as connection:
        ids = here.database.matcher.similar(connection, smiles, ion, threshold=threshold)[:top]
        return [_json(row) for row in query.rows(connection, "ion/described", ion_ids=ids)]


@router.get("/ions/{key:path}", summary="Everything known about an ion")
def ion(request: Request, key: str) -> Json:
    """By its id, InChIKey or SMILES."""
    with context.of(request).database.reading() as connection:
        return _json(ion_facts(connection, key))


@router.get("/runs", summary="Runs, newest first")
def runs(request: Request, limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 20) -> list[Json]:
    """A run called stale gives no sign of life."""
    with context.of(request).database.reading() as connection:
        rows = query.rows(connection, "run/list", limit=limit, lease_s=RunSettings().lease_s)
    return [_json(row) for row in rows]


@router.get("/runs/{run_id}", summary="A run with its stages")
def run(request: Request, run_id: int) -> Json:
    """Status, stages with their tasks counted, failed attempts by reason."""
    with context.of(request).database.reading() as connection:
        sight = watch.look(connection, run_id)
    return _json({"run": sight.run, "status": sight.status, "stages": sight.stages, "failures": sight.failures})


def _json(row: Any) -> Json:
    """A row as JSON has it."""
    found: Json = plain(row)
    return found
