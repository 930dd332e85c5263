"""What a record claims beside its structure, checked against what the database can hold.

The constraints of the tables are the last line; a record that would break one is refused here, with a reason, so that
it does not end the ingest of all others.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final, get_args

from ildb.chem.findings import Finding
from ildb.ingest.record import MeasurementRecord, PairRecord, Qualifier

# Claims are unique by these texts, and an entry of a B-tree holds at most about 2,700 bytes.
MAX_KEY_BYTES: Final = 500
MAX_REFERENCE_BYTES: Final = 1_500
MAX_PROPERTY_BYTES: Final = 100
MELTING_POINT_K: Final = (1.0, 3_000.0)


def find_claim_problems(record: PairRecord) -> list[Finding]:
    """Why a record's texts or values cannot be stored; empty for nearly all."""
    return [*_long_texts(record), *(finding for m in record.measurements for finding in _bad_values(m))]


def _long_texts(record: PairRecord) -> Iterator[Finding]:
    texts = [("source_key", record.source_key, MAX_KEY_BYTES), ("reference", record.reference, MAX_REFERENCE_BYTES)]
    for m in record.measurements:
        texts.append(("reference of a value", m.reference, MAX_REFERENCE_BYTES))
        texts.append(("property", m.property, MAX_PROPERTY_BYTES))
        texts.append(("unit", m.unit, MAX_PROPERTY_BYTES))
    for what, text, limit in texts:
        # A character takes 4 bytes at most, one that is written out (NUL, a lone surrogate) takes 6.
        if text is not None and len(text) * 6 > limit and _stored_bytes(text) > limit:
            yield Finding(
                "text_too_long",
                f"The {what} has {len(text):,} characters; the limit is {limit:,} bytes.",
                hint="Shorten it; a reference is a citation or a DOI.",
            )


def _stored_bytes(text: str) -> int:
    return len(text.encode("utf-8", "backslashreplace")) + 5 * text.count("\x00")


def _bad_values(m: MeasurementRecord) -> Iterator[Finding]:
    what = f"{m.property[:60]} = {m.value!r} {m.unit[:20]}"
    numbers = (m.value, m.uncertainty, m.temperature_k, m.pressure_kpa)
    if not all(number is None or math.isfinite(number) for number in numbers):
        yield Finding("value_not_finite", f"{what}: a number is not finite.", hint="Leave out missing values.")
    elif m.property == "melting_point" and (m.unit != "K" or not MELTING_POINT_K[0] <= m.value <= MELTING_POINT_K[1]):
        low, high = MELTING_POINT_K
        yield Finding("value_out_of_range", f"{what}: expected {low:.0f} to {high:.0f} K.", hint="Check the unit.")
    if m.uncertainty is not None and m.uncertainty < 0:
        yield Finding("bad_uncertainty", f"{what}: the uncertainty is negative.", hint="Check the column.")
    if m.qualifier not in get_args(Qualifier):
        yield Finding("bad_qualifier", f"{what}: unknown qualifier {m.qualifier!r}.", hint="Use =, <, > or ~.")
