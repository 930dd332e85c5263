"""What a screen left of its candidates, check by check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from ildb.report import style
from ildb.report.section import Section, Table

TITLE: Final = "The screen, check by check"
_SAID: Final = {
    "readable": "ions are readable structures",
    "link_probability": "link probability at least {limit}",
    "p_below_373_k": "P(Tm < 373 K) at least {limit}",
    "in_domain": "within what the melting model knows",
    "heavy_atoms": "at most {limit} heavy atoms",
    "charge": "charges up to {limit}",
    "elements": "allowed elements",
    "sa_score": "accessible: SA score up to {limit}",
    "alerts": "no structural alert",
}
_OPTIONAL: Final = "in_domain"
"""Some screens only tell whether a candidate is; then all pass, and a step would say that all are."""


class Step(NamedTuple):
    """A check: what it asks, how many candidates come to it, how many it refuses first, and how many in all."""

    code: str
    label: str
    n_before: int
    n_refused: int
    n_against: int

    @property
    def n_left(self) -> int:
        """Candidates that go on to the next check."""
        return self.n_before - self.n_refused


def steps(checks: Sequence[Mapping[str, Any]], counts: Sequence[Mapping[str, Any]]) -> list[Step]:
    """The checks that refuse anything, one after the other; a candidate goes at the first that speaks against it.

    Args:
        checks: of ``report/checks``: code and limit of each, in order.
        counts: of ``report/decisions``: passed, picked, failed (codes), n_pairings.
    """
    left = sum(int(row["n_pairings"]) for row in counts)
    refused = [row for row in counts if not row["passed"]]
    codes = dict.fromkeys(row["code"] for row in checks) | dict.fromkeys(c for row in refused for c in row["failed"])
    limits = {row["code"]: row["limit_value"] for row in checks}
    found = []
    for code in codes:
        first = sum(int(row["n_pairings"]) for row in refused if row["failed"][:1] == [code])
        against = sum(int(row["n_pairings"]) for row in refused if code in row["failed"])
        if not against and (code not in _SAID or code == _OPTIONAL):
            continue  # it informs and refuses nothing
        found.append(Step(code, _label(code, limits.get(code)), left, first, against))
        left -= first
    return found


def section(checks: Sequence[Mapping[str, Any]], counts: Sequence[Mapping[str, Any]]) -> Section:
    """Section of the funnel; arguments as for `steps`."""
    total = sum(int(row["n_pairings"]) for row in counts)
    if not total:
        return Section("funnel", TITLE, "The screen had no candidate to decide on.")
    passed = sum(int(row["n_pairings"]) for row in counts if row["passed"])
    picked = sum(int(row["n_pairings"]) for row in counts if row["picked"])
    found = steps(checks, counts)
    bars = [
        ("candidates", total),
        *((step.label, step.n_left) for step in found),
        ("picked, unlike each other", picked),
    ]
    figure, (axis,) = style.panels(1, width=8.4, height=1.0 + 0.36 * len(bars))
    place = np.arange(len(bars))
    values = [n for _, n in bars]
    colours = [style.KNOWN] * (len(bars) - 1) + [style.NEW]
    axis.barh(place, values, 0.62, color=colours)
    for at, value in zip(place, values, strict=True):
        axis.annotate(
            f"{value:,} ({value / total:.1%})", (value, at), xytext=(5, 0), textcoords="offset points", va="center",
            fontsize=9,
        )  # fmt: skip
    axis.set_yticks(place, [label for label, _ in bars])
    axis.set(ylim=(len(bars) - 0.5, -0.5), xlabel="pairings left after each check", xlim=(0, 1.3 * total))
    axis.xaxis.set_major_formatter(style.counted())
    axis.set_xticks([tick for tick in axis.get_xticks() if 0 <= tick <= total and tick == int(tick)])
    axis.grid(visible=False, axis="y")
    axis.tick_params(axis="y", length=0)
    message = f"Of {total:,} candidates {passed:,} ({passed / total:.1%}) pass every check."
    if picked:
        message += f" {picked:,} of them, unlike each other, are picked."
    worst = max(found, key=lambda step: step.n_against, default=None)
    if worst is not None and worst.n_against:
        message += f" The check that most candidates fail: {worst.label} ({worst.n_against:,})."
    return Section(
        "funnel",
        TITLE,
        message,
        figure,
        f"Bar chart of {len(bars)} steps, each shorter than the last. {message}",
        Table(
            ("check", "come to it", "refused here first", "refused by it in all", "left"),
            [[step.label, step.n_before, step.n_refused, step.n_against, step.n_left] for step in found],
        ),
        notes=(
            "A candidate is taken out at the first check that speaks against it; the table counts all of them, too.",
        ),
    )


def _label(code: str, limit: str | None) -> str:
    return _SAID.get(code, code.replace("_", " ")).format(limit=limit or "the limit")
