"""How values stand in a page."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from markupsafe import Markup, escape

from ildb.rounding import probability

_DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>;,]+")
_SPECIAL = re.compile("[&<>'\"]")
_NONE = "–"
_TM_FROM_K, _TM_TO_K = 150.0, 550.0


def plain(value: Any) -> Any:
    """A value as JSON has it: numbers that JSON does not know as null, times as ISO 8601."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    return value.isoformat() if isinstance(value, datetime | date) else str(value)


def number(value: Any, digits: int = 4) -> str:
    """A number with so many significant digits; a dash for none."""
    if value is None:
        return _NONE
    if isinstance(value, int):
        return f"{value:,}"
    return f"{float(value):.{digits}g}"


def kelvin(value: Any) -> str:
    """A temperature, K."""
    return _NONE if value is None else f"{float(value):.0f} K"


def share(value: Any) -> str:
    """A probability: two digits, but never rounded to certainty."""
    return _NONE if value is None else probability(float(value))


def when(value: Any) -> str:
    """A time, UTC, to the minute."""
    return value.strftime("%Y-%m-%d %H:%M") if isinstance(value, datetime) else _NONE


def with_links(value: Any) -> Markup:
    """Text in which a DOI is a link."""
    text = str(value)
    parts, at = [], 0
    for found in _DOI.finditer(text):
        doi = found.group().rstrip(".)")
        parts += [escape(text[at : found.start()]), doi_link(doi)]
        at = found.start() + len(doi)
    return Markup("").join([*parts, escape(text[at:])])


def doi_link(doi: str) -> Markup:
    """A link to where a DOI leads."""
    return Markup('<a href="https://doi.org/{0}" rel="noopener noreferrer external">{0}</a>').format(doi)


def web_link(url: str) -> Markup:
    """A link, if the address is one of the web; else its text."""
    if not url.lower().startswith(("https://", "http://")):
        return escape(url)
    return Markup('<a href="{0}" rel="noopener noreferrer external">{0}</a>').format(url)


def salt(row: Mapping[str, Any]) -> str:
    """SMILES of a pairing's formula unit."""
    return ".".join([row["cation_smiles"]] * row["n_cation"] + [row["anion_smiles"]] * row["n_anion"])


def wrappable(value: Any) -> Markup:
    """Long text without spaces, such as a SMILES, that may break where it has to."""
    text = str(value)
    parts = [text[i : i + 8] for i in range(0, len(text), 8)]
    # A page has dozens of SMILES, and hardly any has a character that needs escaping.
    return Markup("<wbr>").join(parts) if _SPECIAL.search(text) else Markup("<wbr>".join(parts))  # noqa: S704


_METHODS = {
    "enumeration": "cores and substituents of known ions recombined", "prior": "drawn from the model at large",
    "around": "drawn around chosen ions", "between": "drawn between two chosen ions",
    "steered": "drawn in rounds towards low melting points", "ngram": "drawn letter by letter",
}  # fmt: skip


def method(value: str) -> str:
    """How a generator drew, in words."""
    return _METHODS.get(value, value)


def on_scale(value: Any) -> float:
    """Where a melting point lies on the scale of an interval's drawing, 0 to 100."""
    return round(100 * (min(max(float(value), _TM_FROM_K), _TM_TO_K) - _TM_FROM_K) / (_TM_TO_K - _TM_FROM_K), 1)


def as_text(value: Any) -> str:
    """A value of a record: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(plain(value), ensure_ascii=False, indent=1)


FILTERS: dict[str, Callable[..., Any]] = {
    "number": number, "kelvin": kelvin, "share": share, "when": when, "with_links": with_links, "doi": doi_link,
    "web_link": web_link, "salt": salt, "wrappable": wrappable, "on_scale": on_scale, "as_text": as_text,
    "method": method,
}  # fmt: skip
