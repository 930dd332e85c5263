"""How figures are rounded wherever people read them."""

from __future__ import annotations


def probability(value: float) -> str:
    """Two digits, but never rounded to certainty."""
    text = f"{value:.2f}"
    if text == "1.00" and value < 1:
        return "> 0.99"
    return "< 0.01" if text == "0.00" and value > 0 else text
