"""The page: one HTML file that needs nothing else, no network and no script."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ildb import __version__
from ildb.report.collect import Report
from ildb.report.section import Section
from ildb.report.style import COLOURS, inline_svg

_TEMPLATES: Final = Path(__file__).parent / "templates"
_DOI: Final = "10."


def page(report: Report, made_at: datetime | None = None) -> str:
    """HTML of the report.

    Args:
        report: what to show.
        made_at: the time to name; None: now.
    """
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"cell": cell, "drawing": drawing, "raw_svg": Markup, "link": link}
    return environment.get_template("report.html.j2").render(
        report=report,
        run=report.run,
        style=Markup(COLOURS + (_TEMPLATES / "report.css").read_text(encoding="utf-8")),  # noqa: S704 (our own files)
        made_at=made_at or datetime.now(UTC),
        version=__version__,
    )


def cell(value: object) -> str:
    """A cell of a table: thousands separated, four digits, a dash for nothing."""
    if value is None:
        return "\u2013"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def drawing(section: Section) -> Markup:
    """The section's figure as SVG inside the page."""
    if section.figure is None:
        return Markup()
    return Markup(inline_svg(section.figure, section.slug, escape(section.alt)))  # noqa: S704 (made by matplotlib)


def link(source: dict[str, object]) -> str:
    """Where a source can be read: its DOI, else its address if that is one; else nothing."""
    doi, url = str(source["doi"] or ""), str(source["url"] or "")
    if doi.startswith(_DOI):
        return f"https://doi.org/{doi}"
    return url if url.startswith(("https://", "http://")) else ""
