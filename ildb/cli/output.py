"""How commands print: tables for people, JSON for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

console = Console(highlight=False)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]

# Between columns of a table, and the width to which longer words may be folded: no number is as long.
_GAP, _FOLDED = 2, 16


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    return value.isoformat() if isinstance(value, datetime | date) else str(value)


def print_json(value: Any) -> None:
    """Print a value as indented JSON; times as ISO 8601, numbers that JSON does not know (NaN) as null."""
    typer.echo(json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False))


def cell(value: Any) -> str:
    """A value as table text: four significant digits, lists joined, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, list | tuple):
        return ", ".join(cell(item) for item in value)
    return str(value)


def print_table(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    *,
    title: str = "",
    format_cell: Callable[[Any], str] = cell,
) -> None:
    """Print rows as a table of the given columns; what is too wide for the terminal as lines "name  value" per row.

    Only words longer than any number, such as SMILES, are folded: a number over two lines would be read as another.
    Structures must come out whole and uninterpreted, so markup is off.
    """
    cells = [[format_cell(row.get(column)) for column in columns] for row in rows]
    headers = [column.replace("_", " ") for column in columns]
    widths = _widths([[header, *texts] for header, *texts in zip(headers, *cells, strict=True)], console.width)
    if widths is None:
        _print_blocks(rows, columns, title, format_cell)
        return
    if title:  # not the table's own, which would be folded to the table's width
        console.print(Text(title, "italic"), soft_wrap=True)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for header, width in zip(headers, widths, strict=True):
        table.add_column(header, overflow="fold", width=width)
    for texts in cells:
        table.add_row(*map(Text, texts))
    console.print(table)


def _widths(columns: Sequence[Sequence[str]], available: int) -> list[int] | None:
    """Widths of columns in characters, from their texts; None where no words can be kept whole in what is available."""
    least, widths = [], []
    for header, *texts in columns:
        words = [min(cell_len(word), _FOLDED) for text in texts for word in text.split()]
        least.append(max([*words, *map(cell_len, header.split())], default=1))
        widths.append(min(max(cell_len(line) for text in (header, *texts) for line in text.split("\n")), available))
    available -= _GAP * (len(columns) - 1)
    if sum(least) > available:
        return None
    while sum(widths) > available:
        widest = max((i for i in range(len(widths)) if widths[i] > least[i]), key=widths.__getitem__)
        widths[widest] -= 1
    return widths


def _print_blocks(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], title: str, format_cell: Callable[[Any], str]
) -> None:
    if title:
        typer.echo(title)
    for number, row in enumerate(rows):
        if number:
            typer.echo()
        print_fields(row, columns, format_cell=format_cell)


def print_fields(row: Mapping[str, Any], names: Sequence[str], *, format_cell: Callable[[Any], str] = cell) -> None:
    """Print some fields of a row, one a line, leaving out empty ones."""
    width = max(map(len, names)) + _GAP
    for name in names:
        text = format_cell(row.get(name))
        if text:
            lines = text.replace("\n", "\n" + " " * width)
            typer.echo(f"{name.replace('_', ' '):<{width}}{lines}")
