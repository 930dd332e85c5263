"""What is looked for in the text of a query before it is sent: structures that would hang the server.

Nothing stops a backend inside one call of the cartridge, neither the statement timeout nor a cancel. What a query
computes (``repeat('C', 5000)::mol``) is kept from the cartridge by the rights of a reader
(``sql/roles/close_cartridge_v1.sql``); what it writes out, which needs no right, and the few constructs that read a
text as any type, by this.
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
_CARTRIDGE = re.compile(r"mol|smarts|smiles|fp\b|@>|<@|@=|ion_structure|\bildb\s*\.\s*\w+\s*\(", re.IGNORECASE)
# Constants with a line break between them are one constant.
_BROKEN = re.compile(r"'[ \t\r\f]*\n\s*'")
# They turn a text into any type by themselves, rights or not; as key words they cannot be spelled otherwise.
_READS_ANY_TYPE = re.compile(
    r"\b(xmltable|json_table|json_value|json_query|json_scalar|json_serialize)\b", re.IGNORECASE
)
_NOT_A_STRUCTURE = re.compile(r"\s|^10\.\d{4,}/|://")


def literals(statement: str) -> Iterator[str]:
    """The string constants of a statement, as written between their quotes."""
    for token in _TOKEN.finditer(statement):
        found = token["plain"] or token["escaped"] or token["dollar"]
        if found:
            yield found


def _without_literals(statement: str) -> str:
    return _TOKEN.sub(lambda token: token[0] if token[0].startswith('"') else " ", statement)


def check_sql(statement: str) -> None:
    """Refuse a statement that is empty or holds a structure too large for the cartridge.

    Raises:
        InputError: naming the text and the limit.
    """
    if not statement.strip() or "\x00" in statement:
        raise InputError("The SQL is empty or has a zero byte.", "Give one SELECT.")
    if found := _READS_ANY_TYPE.search(_without_literals(statement)):
        raise InputError(
            f"{found[0]} is not for queries of readers: it can make a structure of any text.",
            "Take JSON apart with ->>, jsonb_array_elements or jsonb_path_query, XML with xpath.",
        )
    statement = _BROKEN.sub("", statement)
    # A name may be spelled by character codes (U&"...").
    if not _CARTRIDGE.search(statement) and 'u&"' not in statement.lower():
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
