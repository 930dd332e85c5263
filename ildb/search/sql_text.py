"""What is looked for in the text of a query before it is sent: structures that would hang the server.

Nothing stops a backend inside one call of the cartridge, neither the statement timeout nor a cancel. These limits
catch what is written out by accident or by habit. They do not catch a structure that the query computes
(``repeat('C', 5000)::mol``): against that there is only the choice of whom to let in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ildb.chem.parse import shorten
from ildb.errors import InputError

MAX_LITERAL_LENGTH: Final = 1_000
MAX_LITERAL_FRAGMENTS: Final = 3

_TOKEN = re.compile(
    r"""
      --[^\n]* | /\*.*?\*/                               # comments (nested ones end early, which only refuses more)
    | "(?:[^"]|"")*"                                     # a quoted name
    | (?:\b[eE]'(?P<escaped>(?:\\.|''|[^'\\])*)')        # E'...'
    | '(?P<plain>(?:[^']|'')*)'
    | \$(?P<tag>\w*)\$(?P<dollar>.*?)\$(?P=tag)\$
    """,
    re.DOTALL | re.VERBOSE,
)
# The cartridge's types, functions and operators: only next to these can a text become a structure.
_CARTRIDGE = re.compile(r"mol|smarts|smiles|fp\b|@>|<@|@=|\bildb\s*\.\s*\w+\s*\(", re.IGNORECASE)
_NOT_A_STRUCTURE = re.compile(r"\s|^10\.\d{4,}/|://")


def literals(statement: str) -> Iterator[str]:
    """The string constants of a statement, as written between their quotes."""
    for token in _TOKEN.finditer(statement):
        found = token["plain"] or token["escaped"] or token["dollar"]
        if found:
            yield found


def check_sql(statement: str) -> None:
    """Refuse a statement that is empty or holds a structure too large for the cartridge.

    Raises:
        InputError: naming the text and the limit.
    """
    if not statement.strip() or "\x00" in statement:
        raise InputError("The SQL is empty or has a zero byte.", "Give one SELECT.")
    if not _CARTRIDGE.search(statement):
        return
    for text in literals(statement):
        if len(text) > MAX_LITERAL_LENGTH:
            raise InputError(
                f"The text {shorten(text)} is too long for a structure; the limit is {MAX_LITERAL_LENGTH:,}.",
                "Nothing can stop the server while it reads such a structure.",
            )
        n_fragments = sum(map(bool, text.split(".")))
        if n_fragments > MAX_LITERAL_FRAGMENTS and not _NOT_A_STRUCTURE.search(text):
            raise InputError(
                f"The structure {shorten(text)} has {n_fragments} fragments; the limit is {MAX_LITERAL_FRAGMENTS}.",
                "Match fragments one by one and join them with AND: nothing can stop the server at a long match.",
            )
