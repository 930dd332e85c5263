"""Questions about pairings from plain words: patterns with sides, and limits."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from ildb.chem.parse import parse_smiles, shorten
from ildb.errors import InputError
from ildb.search.filters import Filters, PropertyRange
from ildb.search.logic import All, AnyOf, Clause, NearestTo, Not, Side, SimilarTo, contains, is_ion, split_side
from ildb.search.pairings import Question

_PROPERTY = re.compile(r"(?P<name>[A-Za-z_]\w*)(?P<sign><|>)(?P<value>[-+.\deE]+)")

Texts = str | Iterable[str]


def question(
    *,
    cation: Texts = (),
    anion: Texts = (),
    either: Texts = (),
    any_of: Texts = (),
    none_of: Texts = (),
    similar: Texts = (),
    nearest: Texts = (),
    exact: Texts = (),
    threshold: float = 0.5,
    top: int = 20,
    filters: Filters | None = None,
) -> Question:
    """A question, all of whose parts must hold.

    Args:
        cation: SMARTS that the cation contains, each of them.
        anion: SMARTS that the anion contains, each of them.
        either: SMARTS that the cation or the anion contains, each of them; ``anion:C#N`` looks in the anion alone.
        any_of: SMARTS of which at least one is found; sides as above.
        none_of: SMARTS of which none is found; sides as above.
        similar: SMILES that an ion must resemble; sides as above.
        nearest: SMILES that an ion must be among the ``top`` nearest of; sides as above.
        exact: ids, InChIKeys or SMILES of an ion; sides as above.
        threshold: least Tanimoto similarity for ``similar``, in (0, 1].
        top: how many count as nearest.
        filters: what else must hold.

    Raises:
        StructureError: a pattern or structure cannot be read.
        InputError: the threshold or ``top`` makes no sense.
    """
    if not 0 < threshold <= 1 or top < 1:
        raise InputError(
            f"A similarity of {threshold:g} or a top of {top} makes no sense.", "Give 0 < threshold <= 1, top >= 1."
        )
    parts: list[Clause] = []
    sides: tuple[tuple[Side, Texts], ...] = (("cation", cation), ("anion", anion), ("either", either))
    for side, texts in sides:
        parts += [_contains(text, side) for text in _each(texts)]
    if alternatives := [_contains(text) for text in _each(any_of)]:
        parts.append(AnyOf(tuple(alternatives)))
    parts += [Not(_contains(text)) for text in _each(none_of)]
    for text in _each(similar):
        side, smiles = split_side(text)
        parse_smiles(smiles)
        parts.append(SimilarTo(smiles, threshold, side))
    for text in _each(nearest):
        side, smiles = split_side(text)
        parse_smiles(smiles)
        parts.append(NearestTo(smiles, top, side))
    for text in _each(exact):
        side, ion = split_side(text)
        parts.append(is_ion(ion, side))
    return Question(All(tuple(parts)), filters or Filters())


def _contains(text: str, default: Side = "either") -> Clause:
    side, smarts = split_side(text, default)
    return contains(smarts, side)


def _each(texts: Texts) -> list[str]:
    return [texts] if isinstance(texts, str) else list(texts)


def property_range(text: str) -> PropertyRange:
    """``viscosity<0.1`` as a range, in the property's unit.

    Raises:
        InputError: the text says something else.
    """
    found = _PROPERTY.fullmatch(text.replace(" ", ""))
    try:
        value = float(found["value"]) if found else math.nan
    except ValueError:
        value = math.nan
    if found is None or not math.isfinite(value):
        raise InputError(f"{shorten(text)} is not a limit of a property.", "Write it as viscosity<0.1 or density>1200.")
    return PropertyRange(found["name"], high=value) if found["sign"] == "<" else PropertyRange(found["name"], low=value)
