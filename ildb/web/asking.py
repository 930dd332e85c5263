"""A question about pairings from the fields of a form: what is wrong is said field by field."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, get_args
from urllib.parse import urlencode

from sqlalchemy import Connection

from ildb.chem.parse import shorten
from ildb.db import query
from ildb.errors import InputError, NotFoundError
from ildb.pipeline import opening
from ildb.search.ask import property_range, question
from ildb.search.filters import Evidence, Filters
from ildb.search.logic import All, Clause, is_ion
from ildb.search.pairings import Question

How = Literal["contains", "is", "resembles"]
Decision = Literal["any", "passed", "refused"]
T = TypeVar("T")

HOWS: dict[How, str] = {"contains": "contains", "is": "is exactly", "resembles": "resembles"}
DEFAULTS = {"cation_how": "contains", "anion_how": "contains", "evidence": "any", "decision": "any", "domain": "any"}
NAMES = (
    "cation", "cation_how", "anion", "anion_how", "smarts", "without", "threshold", "evidence", "decision",
    "min_p373", "min_link", "tm_above", "tm_below", "domain", "property", "source", "run",
)  # fmt: skip
MAX_TEXT = 10_000
THRESHOLD = 0.5
_NO_LIMIT = 1e9


@dataclass(frozen=True)
class Asked:
    """A form as it was filled in.

    Attributes:
        values: text of each field of ``NAMES`` that is not empty or its default.
        errors: what is wrong, by field.
        question: what is asked; None when anything is wrong.
    """

    values: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    question: Question | None = None

    def link(self, **more: str | int | None) -> str:
        """The query string of this question; what is given is added, or left out where it is None."""
        wanted: dict[str, Any] = {**self.values, **more}
        return urlencode({key: value for key, value in wanted.items() if value is not None})

    def get(self, name: str) -> str:
        """Text of a field, for the form."""
        return self.values.get(name, DEFAULTS.get(name, ""))


def read(parameters: Mapping[str, str]) -> Asked:
    """Read a form; unknown fields are left alone."""
    values = {name: parameters.get(name, "").strip() for name in NAMES}
    values = {name: text for name, text in values.items() if text and text != DEFAULTS.get(name)}
    form = _Form(values)
    threshold = form.number("threshold", low=0.01, high=1.0)
    parts: list[Clause] = []
    for side in ("cation", "anion"):
        parts += form.ion(side, THRESHOLD if threshold is None else threshold)
    parts += form.clauses("smarts", lambda text: question(either=text))
    parts += form.clauses("without", lambda text: question(none_of=text))
    decision = form.choice("decision", get_args(Decision))
    domain = form.choice("domain", ("any", "inside", "outside"))
    tm_below, tm_above = form.number("tm_below", low=0), form.number("tm_above", low=0)
    if tm_below is not None and tm_above is not None and tm_above >= tm_below:
        form.errors["tm_below"] = "The upper limit must be above the lower one."
    limit = form.take("property", property_range)
    run = form.number("run", low=1, high=2**53)
    if run is not None and run != int(run):
        form.errors["run"] = "A run has a whole number."
    evidence: Any = form.choice("evidence", get_args(Evidence))
    min_p373, min_link = form.number("min_p373", low=0, high=1), form.number("min_link", low=0, high=1)
    if form.errors:
        return Asked(values, form.errors)
    filters = Filters(
        evidence=evidence,
        passed=decision == "passed",
        refused=decision == "refused",
        tm_below_k=tm_below,
        tm_above_k=tm_above,
        min_link_probability=min_link,
        min_p_below_373_k=min_p373,
        in_domain=None if domain == "any" else domain == "inside",
        source=values.get("source"),
        run_id=None if run is None else int(run),
        properties=() if limit is None else (limit,),
    )
    return Asked(values, {}, Question(All(tuple(parts)), filters))


def checked(connection: Connection, asked: Asked) -> Asked:
    """The same; with an error at the field where it names a source or a run that is not there."""
    if asked.question is None:
        return asked
    filters, errors = asked.question.filters, {}
    if filters.source is not None and filters.source not in {
        row["name"] for row in query.rows(connection, "source/names")
    }:
        errors["source"] = f"There is no source {shorten(filters.source)}. The field lists those there are."
    if filters.run_id is not None:
        try:
            opening.get_run(connection, filters.run_id)
        except NotFoundError as error:
            errors["run"] = error.what
    return Asked(asked.values, errors) if errors else asked


def required(connection: Connection, parameters: Mapping[str, str]) -> Question:
    """What a form asks, for whoever has no page to show it on.

    Raises:
        InputError: a field is wrong; the message names each.
    """
    asked = checked(connection, read(parameters))
    if asked.question is None:
        raise InputError("; ".join(f"{name}: {text}" for name, text in asked.errors.items()))
    return asked.question


class _Form:
    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values
        self.errors: dict[str, str] = {
            name: f"This has {len(text):,} characters; at most {MAX_TEXT:,} are read."
            for name, text in values.items()
            if len(text) > MAX_TEXT
        }
        self.errors |= {
            name: "This holds a character that no structure, name or number has (a NUL)."
            for name, text in values.items()
            if "\0" in text
        }

    def take(self, name: str, reading: Callable[[str], T]) -> T | None:
        """What a field means; None when it is empty or wrong."""
        text = self.values.get(name)
        if text is None or name in self.errors:
            return None
        try:
            return reading(text)
        except InputError as error:
            self.errors[name] = str(error)
            return None

    def clauses(self, name: str, asking: Callable[[str], Question]) -> tuple[Clause, ...]:
        found = self.take(name, asking)
        return found.ions.parts if found is not None and isinstance(found.ions, All) else ()

    def ion(self, side: Literal["cation", "anion"], threshold: float) -> tuple[Clause, ...]:
        how = self.choice(f"{side}_how", get_args(How))
        if how == "is":
            clause = self.take(side, lambda text: is_ion(text, side))
            return () if clause is None else (clause,)
        if how == "resembles":
            return self.clauses(side, lambda text: question(similar=f"{side}:{text}", threshold=threshold))
        if side == "cation":
            return self.clauses(side, lambda text: question(cation=text))
        return self.clauses(side, lambda text: question(anion=text))

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        text = self.values.get(name, DEFAULTS[name])
        if text not in allowed:
            self.errors[name] = f"Choose one of: {', '.join(allowed)}."
        return text

    def number(self, name: str, *, low: float, high: float = _NO_LIMIT) -> float | None:
        def reading(text: str) -> float:
            try:
                value = float(text.replace(",", ".", 1).replace("_", "?"))
            except ValueError:
                raise InputError(f"“{text[:40]}” is not a number.", "Write it as 373 or 0.9.") from None
            if not math.isfinite(value) or not low <= value <= high:
                limits = f"at least {low:g}" if high >= _NO_LIMIT else f"from {low:g} to {high:g}"
                raise InputError(f"{text[:40]} makes no sense here.", f"Give a number {limits}.")
            return value

        return self.take(name, reading)
