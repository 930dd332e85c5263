"""Text and values from outside, made fit for PostgreSQL without losing what they say."""

from __future__ import annotations

import math
from typing import Any


def clean_text(text: str) -> str:
    """Text that PostgreSQL can store: NUL and lone surrogates, which it cannot, are written out as ``\\u0000``."""
    if "\x00" in text:
        text = text.replace("\x00", "\\u0000")
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def clean_optional(text: str | None) -> str | None:
    """``clean_text`` of a text that may be missing."""
    return None if text is None else clean_text(text)


def clean_json(value: Any) -> Any:
    """A value as ``jsonb`` can hold it; what JSON has no word for (NaN, dates, decimals) becomes text."""
    if isinstance(value, str):
        return clean_text(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {clean_text(str(key)): clean_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean_json(item) for item in value]
    return clean_text(str(value))
