"""How figures look: one size, colours that colour-blind people tell apart, and SVG that follows the page's colours."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, Literal

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

INK: Final = "#1b1e23"
FAINT: Final = "#8a929c"
GRID: Final = "#d9dde2"
KNOWN: Final = "#0072b2"
NEW: Final = "#d55e00"
OTHER: Final = "#009e73"
"""With `KNOWN` and `NEW` of the palette of Okabe and Ito (2008); every use of colour goes with a shape or a place."""

VARIABLES: Final[Mapping[str, str]] = {
    INK: "--ink", FAINT: "--faint", GRID: "--grid", KNOWN: "--known", NEW: "--new", OTHER: "--other",
}  # fmt: skip
"""What each colour is called in the page's style sheet, which has others for the dark."""

_TEMPLATES: Final = Path(__file__).parent / "templates"
COLOURS: Final = (_TEMPLATES / "colours.css").read_text(encoding="utf-8")
"""The variables, for light and dark."""

_SHEET: Final = _TEMPLATES / "figure.mplstyle"
_DPI: Final = 150
_HEAD = re.compile(r"\A.*?(?=<svg)", re.DOTALL)
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_REFERENCE = re.compile(r'(\bid="|(?:xlink:)?href="#|url\(#)')


def applied() -> AbstractContextManager[None]:
    """Figures are made and saved within; matplotlib's settings are as before afterwards."""
    return matplotlib.style.context(_SHEET)


def panels(
    n: int = 1, *, width: float = 7.5, height: float = 4.0, columns: int = 0, share_y: bool = False
) -> tuple[Figure, list[Axes]]:
    """A figure with n panels, left to right in rows of ``columns`` (0: one row); sizes in inches."""
    columns = columns or n
    figure = Figure(figsize=(width, height), layout="constrained")
    grid = figure.subplots(-(-n // columns), columns, squeeze=False, sharey=share_y)
    axes = list(grid.flat)
    for empty in axes[n:]:
        empty.set_visible(False)
    return figure, axes[:n]


def png(figure: Figure) -> bytes:
    """The figure on white."""
    return _drawn(figure, "png")


def svg(figure: Figure) -> bytes:
    """The figure on white, as a file of its own."""
    return _drawn(figure, "svg")


_REM_PER_INCH: Final = 6.9


def inline_svg(figure: Figure, slug: str, label: str) -> str:
    """The figure for the inside of a page: no background, colours by the page's variables, ids of its own.

    Args:
        figure: to draw.
        slug: put before every id, as a page must not have one twice.
        label: text alternative, already escaped for an attribute.
    """
    start, rest = _REFERENCE.sub(rf"\g<1>{slug}-", _by_variables(figure)).split(">", 1)
    start = re.sub(r'\s(?:width|height|version)="[^"]*"', "", start)
    # Letters as large as in the figure that fills the page.
    width = f"max-width:{_REM_PER_INCH * figure.get_figwidth():.0f}rem"
    return f'{start} style="{width}" role="img" aria-label="{label}">{rest}'


def themed_svg(figure: Figure) -> str:
    """The figure as a file of its own without background that follows the reader's light or dark."""
    start, rest = _by_variables(figure).split(">", 1)
    return f"{start}><style>{COLOURS}</style>{rest}"


def _by_variables(figure: Figure) -> str:
    """The SVG element, colours as the variables of the style sheet."""
    text = _METADATA.sub("", _HEAD.sub("", _drawn(figure, "svg", transparent=True).decode("utf-8")))
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    return text


def _drawn(figure: Figure, kind: Literal["png", "svg"], *, transparent: bool = False) -> bytes:
    out = io.BytesIO()
    with applied():
        figure.savefig(
            out, format=kind, dpi=_DPI, metadata={"Date": None} if kind == "svg" else {"Software": None},
            transparent=transparent, facecolor="none" if transparent else "white",
        )  # fmt: skip
    return out.getvalue()


def counted() -> FuncFormatter:
    """Ticks as whole numbers, thousands separated."""
    return FuncFormatter(lambda value, _: f"{value:,.0f}")
