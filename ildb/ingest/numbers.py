"""Numbers as people write them: decimal points and commas, thousands separators, powers of ten."""

from __future__ import annotations

import re
from typing import Final

from ildb.errors import InputError
from ildb.ingest.mapping import DecimalMark

__all__ = ["NUMBER", "BadValueError", "last_digits", "read_number", "shown"]

NUMBER: Final = r"[0-9][0-9.,]*(?:\s?[x×*]\s?10\^?[+-]?[0-9]+|e[+-]?[0-9]+)?|[.,][0-9]+(?:e[+-]?[0-9]+)?"
"""Pattern of a number without its sign."""
_THOUSANDS: Final = {mark: re.compile(rf"[0-9]{{1,3}}(?:{re.escape(mark)}[0-9]{{3}})+") for mark in ".,"}
_AMBIGUOUS: Final = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
_POWER_OF_TEN: Final = re.compile(r"\s?[x×*]\s?10\^?", re.IGNORECASE)


class BadValueError(InputError):
    """A cell does not say a value.

    Attributes:
        code: ``bad_value`` (cannot be read) or ``value_out_of_range`` (read, but cannot be true).
    """

    def __init__(self, what: str, hint: str = "", *, code: str = "bad_value") -> None:
        super().__init__(what, hint)
        self.code = code


def shown(cell: object) -> str:
    """A cell for a message: quoted, at most about 60 characters."""
    text = str(cell)
    return f"'{text}'" if len(text) <= 60 else f"'{text[:60]}...'"


def last_digits(number: str, digits: str, decimal: DecimalMark | None) -> float:
    """``1.234(12)``: the uncertainty is in the last digits of the number."""
    read_number(number, decimal)
    mantissa = re.split(r"e|\s?[x×*]", number, maxsplit=1, flags=re.IGNORECASE)
    places = len(re.split(r"[.,]", mantissa[0])[-1]) if re.search(r"[.,]", mantissa[0]) else 0
    scale = read_number(f"1{number[len(mantissa[0]) :]}", decimal)
    return float(int(digits)) * 10.0**-places * scale


def read_number(text: str, decimal: DecimalMark | None) -> float:
    """A number whose decimal mark is a point or a comma, if that can be told.

    Raises:
        BadValueError: it cannot: ``1,234`` may be either.
    """
    mantissa, *power = _POWER_OF_TEN.split(text.strip())
    mantissa, *exponent = re.split("e", mantissa, maxsplit=1, flags=re.IGNORECASE)
    sign = mantissa[:1] if mantissa[:1] in {"+", "-"} else ""
    plain = _with_point(mantissa.removeprefix(sign), decimal, text)
    tail = (power or exponent or ["0"])[0]
    try:
        return float(f"{sign}{plain}e{tail}")
    except ValueError as error:
        raise BadValueError(f"{shown(text)} is not a number.") from error


def _with_point(digits: str, decimal: DecimalMark | None, text: str) -> str:
    marks = {mark for mark in ".," if mark in digits}
    if not marks:
        return digits
    if len(marks) == 2:
        last = max(marks, key=digits.rfind)
        other = "." if last == "," else ","
        if decimal not in {None, last}:
            raise BadValueError(f"{shown(text)} does not have the decimal mark '{decimal}'.")
        whole, _, fraction = digits.rpartition(last)
        if not _THOUSANDS[other].fullmatch(whole):
            raise BadValueError(f"{shown(text)} is not one number.")
        return f"{whole.replace(other, '')}.{fraction}"
    mark = next(iter(marks))
    if digits.count(mark) > 1:
        if decimal == mark or not _THOUSANDS[mark].fullmatch(digits):
            raise BadValueError(f"{shown(text)} is not one number.")
        return digits.replace(mark, "")
    if _AMBIGUOUS.fullmatch(digits) and (decimal or ".") != mark:
        raise BadValueError(
            f"{shown(text)} may have a decimal mark or a thousands separator.", "Say which with --decimal."
        )
    if decimal == "." and mark == ",":
        raise BadValueError(f"{shown(text)} has a decimal comma where points were promised.")
    return digits.replace(mark, ".")
