"""What the ions of a pairing must be: tests of one ion, joined by AND, OR and NOT."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from ildb.search.keys import key_of_ion
from ildb.search.patterns import SearchPattern, read_pattern

Side = Literal["cation", "anion", "either"]
SIDES: tuple[str, ...] = get_args(Side)


@dataclass(frozen=True, slots=True)
class Contains:
    """The ion contains a pattern."""

    pattern: SearchPattern
    side: Side = "either"


@dataclass(frozen=True, slots=True)
class SimilarTo:
    """The ion's Morgan fingerprint (radius 2, 512 bits) has at least this Tanimoto similarity to a structure's."""

    smiles: str
    threshold: float = 0.5
    side: Side = "either"


@dataclass(frozen=True, slots=True)
class NearestTo:
    """The ion is one of the ``top`` most similar of its side."""

    smiles: str
    top: int
    side: Side = "either"


@dataclass(frozen=True, slots=True)
class Is:
    """The ion is this one: an id, an InChIKey or any SMILES of it."""

    ion: str
    side: Side = "either"


Test = Contains | SimilarTo | NearestTo | Is


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; true without parts."""

    parts: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds; false without parts."""

    parts: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold. A test of ``either`` ion then holds for neither."""

    part: Clause


Clause = Test | All | AnyOf | Not
EVERYTHING = All(())


def tests(clause: Clause) -> Iterator[Test]:
    """The tests in a clause, each as often as it stands there."""
    if isinstance(clause, All | AnyOf):
        for part in clause.parts:
            yield from tests(part)
    elif isinstance(clause, Not):
        yield from tests(clause.part)
    else:
        yield clause


def contains(text: str, side: Side = "either") -> Contains:
    """A substructure test from text.

    Raises:
        StructureError: the text is not SMARTS.
    """
    return Contains(read_pattern(text), side)


def split_side(text: str, default: Side = "either") -> tuple[Side, str]:
    """``anion:C#N`` is a test of the anion; without a side, of the default."""
    sides: tuple[Side, ...] = get_args(Side)
    for side in sides:
        if text.startswith(f"{side}:"):
            return side, text[len(side) + 1 :]
    return default, text


def is_ion(text: str, side: Side = "either") -> Is:
    """A test for one ion from text.

    Raises:
        StructureError: the text is no id, InChIKey or SMILES.
    """
    key_of_ion(text)
    return Is(text, side)
