"""SMARTS as people write them: read, and told apart into those the server may run and those it must not see.

Nothing interrupts a PostgreSQL backend inside one call of the cartridge, so a pattern goes there only if one match
against one ion is bounded. A match grows atom by atom: the first pattern atom has n places in an ion of n heavy atoms,
each further atom of a connected pattern at most (degree - 1), which is 2 in any ring system and rarely 3. So a
connected part of k atoms takes about n * 3 * 2**(k - 2) steps at most: 16 atoms against C60, where every path stays
open, are 0.1 s. Between two ions the server looks at its timeout. Without connection each fragment starts anywhere, and
the product of the fragments counts; a recursive part is a pattern of its own, matched once an ion.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ildb.chem.findings import RefusedError, refuse
from ildb.chem.parse import MAX_SMARTS_LENGTH, parse_smarts, shorten

# The same numbers stand in sql/functions/checked_smarts_v2.sql.
MAX_CONNECTED_ATOMS: Final = 16
MAX_FRAGMENTS: Final = 2
MAX_FRAGMENTED_ATOMS: Final = 6
MAX_BODIES: Final = 6
MAX_DEPTH: Final = 2

MAX_LENGTH: Final = 10_000
# What only says that a pattern is large; a process of its own may still answer it.
_ONLY_LARGE = frozenset({"too_long", "too_many_atoms", "too_many_fragments", "too_deep"})
_ATOM = re.compile(r"Cl|Br|[A-Za-z*]")


@dataclass(frozen=True, slots=True)
class SearchPattern:
    """A pattern to look for.

    Attributes:
        text: the SMARTS.
        cheap: whether the server may run it; if not, only a process that can be killed.
    """

    text: str
    cheap: bool


@dataclass(frozen=True, slots=True)
class Part:
    """A pattern or the body of one of its ``$(...)``, without the bodies inside it."""

    n_atoms: int
    n_dots: int
    depth: int


def read_pattern(text: str) -> SearchPattern:
    """A pattern from text.

    Raises:
        RefusedError: it is not SMARTS, or longer than ``MAX_LENGTH``. A pattern too large to be parsed here is parsed
            by the process that matches it, and refused then.
    """
    try:
        parse_smarts(text)
    except RefusedError as error:
        if not set(error.codes) <= _ONLY_LARGE:
            raise
        if len(text) > MAX_LENGTH:
            raise refuse(
                "too_long",
                f"The SMARTS {shorten(text)} is longer than {MAX_LENGTH:,} characters.",
                hint=f"Give a SMARTS of at most {MAX_LENGTH:,} characters.",
            ) from error
        if len(text) > MAX_SMARTS_LENGTH and (not text.isascii() or not text.isprintable() or " " in text):
            raise refuse(
                "white_space", f"The SMARTS {shorten(text)} has characters that SMARTS has not.", hint="Remove them."
            ) from error
        return SearchPattern(text, cheap=False)
    return SearchPattern(text, cheap=is_cheap(text))


def is_cheap(smarts: str) -> bool:
    """Whether one match of a pattern against one ion is bounded, by the rule at the top of this module.

    Args:
        smarts: a pattern that can be parsed.
    """
    if len(smarts) > MAX_SMARTS_LENGTH:
        return False
    found = parts(smarts)
    return len(found) <= 1 + MAX_BODIES and all(
        part.depth <= MAX_DEPTH
        and part.n_dots < MAX_FRAGMENTS
        and part.n_atoms <= (MAX_FRAGMENTED_ATOMS if part.n_dots else MAX_CONNECTED_ATOMS)
        for part in found
    )


def parts(smarts: str) -> list[Part]:
    """The pattern and the bodies of its recursive parts, each with its own atoms and dots.

    Inside brackets everything up to the closing one is one atom, but for the bodies in it.
    """
    done: list[Part] = []
    atoms, dots = [0], [0]
    # What each "(" and "[" opened: a body remembers whether it began inside brackets.
    stack: list[str] = []
    i = 0
    while i < len(smarts):
        inside = bool(stack) and stack[-1] == "["
        if smarts.startswith("$(", i):
            stack.append("$")
            atoms.append(0)
            dots.append(0)
            i += 2
            continue
        char = smarts[i]
        if char == "[" and not inside:
            stack.append("[")
            atoms[-1] += 1
        elif char == "]" and inside:
            stack.pop()
        elif char == "(" and not inside:
            stack.append("(")
        elif char == ")" and stack and not inside:
            if stack.pop() == "$":
                done.append(Part(atoms.pop(), dots.pop(), len(atoms)))
        elif not inside and char == ".":
            dots[-1] += 1
        elif not inside and (atom := _ATOM.match(smarts, i)):
            atoms[-1] += 1
            i = atom.end()
            continue
        i += 1
    return [*done, Part(atoms[0], dots[0], 0)]
