"""Candidates as cards: structures, figures, reasons and the nearest measured ionic liquid (the paper's Fig. 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ildb.report.section import Card, Section, Structure, Table
from ildb.report.structures import formula_unit, ion_svg
from ildb.rounding import probability

TITLE: Final = "The candidates"
_SIDES: Final = ("cation", "anion")
_SHOWN_REASONS: Final = 3
_COLUMNS: Final = (
    "pick", "pairing", "SMILES", "link probability", "P(Tm < 373 K)", "Tm, K", "90 % from, K", "to, K", "in domain",
)  # fmt: skip
_TOLD: Final = frozenset({"in_domain", "sa_score", "alerts"})
"""Checks worth a line on a card; the others are plain from its figures, or true of every candidate."""


def section(
    rows: Sequence[Mapping[str, Any]],
    names: Mapping[int, str],
    pairing_names: Mapping[tuple[str, str], str],
    n_passed: int,
) -> Section:
    """Section of the cards.

    Args:
        rows: of ``screen/top``, in the order to show.
        names: of ions, by id.
        pairing_names: of known pairings, by the SMILES of cation and anion.
        n_passed: candidates that passed the screen.
    """
    if not rows:
        return Section("candidates", TITLE, "No candidate passed the screen, so there is none to show.")
    cards = tuple(_card(number, row, names, pairing_names) for number, row in enumerate(rows, 1))
    message = f"The first {len(cards)} of {n_passed:,} candidates that passed: the diverse pick first, then by score."
    return Section(
        "candidates",
        TITLE,
        message,
        cards=cards,
        table=Table(
            _COLUMNS,
            [
                [
                    row["pick_order"], row["pairing_id"], formula_unit(row), _rounded(row["link_probability"]),
                    _rounded(row["p_below_373_k"]), _rounded(row["tm_k"], 0), _rounded(row["tm_low_k"], 0),
                    _rounded(row["tm_high_k"], 0), "yes" if row["in_domain"] else "no",
                ]
                for row in rows
            ],
        ),
        notes=(
            "Nobody has reported these pairings here. A link probability says that the pair resembles reported ones,"
            " not that it was made; Tm is a prediction with its 90 % interval.",
        ),
    )  # fmt: skip


def _card(
    number: int, row: Mapping[str, Any], names: Mapping[int, str], pairing_names: Mapping[tuple[str, str], str]
) -> Card:
    ions = []
    for side in _SIDES:
        smiles, name, count = row[f"{side}_smiles"], names.get(row[f"{side}_id"], ""), row[f"n_{side}"]
        times = f"{count} \u00d7 " if count > 1 else ""
        label = f"{times}{side} {name}: {smiles}" if name else f"{times}{side}: {smiles}"
        ions.append(Structure(ion_svg(smiles, label), smiles, f"{times}{name or side}"))
    facts = [
        (
            "Tm",
            f"{row['tm_k']:.0f} K ({row['tm_low_k']:.0f} to {row['tm_high_k']:.0f} K)"
            if row["tm_k"]
            else "not predicted",
        ),
        ("P(Tm < 373 K)", _probability(row["p_below_373_k"])),
        ("Link probability", _probability(row["link_probability"])),
    ]
    if not row["in_domain"]:
        facts.append(("Beware", "; ".join(row["domain_reasons"]) or "unlike anything measured"))
    told = [reason["message"] for reason in row["reasons"] if reason["code"] in _TOLD]
    reasons = [*(row["link_reasons"] or [])[:_SHOWN_REASONS], *told]
    return Card(
        f"Candidate {number}",
        row["pairing_id"],
        tuple(ions),
        tuple(facts),
        tuple(reasons),
        _nearest(row, pairing_names),
    )


def _nearest(row: Mapping[str, Any], names: Mapping[tuple[str, str], str]) -> str:
    if not row["nearest"]:
        return "No measured ionic liquid is near."
    near = row["nearest"][0]
    key = near["cation_smiles"], near["anion_smiles"]
    name = f"{names[key]}, " if key in names else ""
    similar = f", similarity {near['similarity']:.2f}" if near.get("similarity") is not None else ""
    return f"{name}{key[0]}.{key[1]}: {near['tm_k']:.0f} K{similar}"


def _probability(value: float | None) -> str:
    return "not scored" if value is None else probability(value)


def _rounded(value: float | None, digits: int = 3) -> float | int | None:
    if value is None:
        return None
    return round(value) if digits == 0 else round(value, digits)
