"""JSON that PostgreSQL accepts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from psycopg.types.json import Jsonb


def finite(value: Any) -> Any:
    """The value with NaN and the infinities, which JSON does not know, as None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def jsonb(value: Any) -> Jsonb:
    """A ``jsonb`` parameter; see ``finite``."""
    return Jsonb(finite(value))


def plain_text(text: str) -> str:
    """Text without what a ``text`` column refuses: NUL characters and lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
