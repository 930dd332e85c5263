"""Write a report: the page, its figures and their numbers, as one folder that appears whole or not at all."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ildb import __version__
from ildb.errors import InputError
from ildb.export.atomic import replacing_folder, require_parent
from ildb.report import style
from ildb.report.collect import Report
from ildb.report.page import page
from ildb.report.section import Section, Table

PAGE: Final = "report.html"
MANIFEST: Final = "report.json"
_FORMAT: Final = "ildb report 1"
# What a spreadsheet would take for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Written:
    """What a report became: the page, how many figures, and which sections had nothing to show."""

    page: Path
    n_figures: int
    n_bytes: int
    left_out: tuple[Section, ...]


def check_directory(directory: Path, *, force: bool) -> None:
    """Refuse a place where a report would destroy something.

    Raises:
        InputError: the folder around it does not exist or cannot be written to, or something is there that is not an
            earlier report.
    """
    require_parent(directory)
    if not directory.exists() or (directory.is_dir() and not any(directory.iterdir())):
        return
    if not _is_report(directory):
        raise InputError(f"{directory} exists and is not a report.", "Give another path: ildb does not delete it.")
    if not force:
        raise InputError(f"{directory} exists.", "Give another path, or --force to replace that report.")


def write(report: Report, directory: Path, *, force: bool = False) -> Written:
    """Write the folder.

    Args:
        report: what to show.
        directory: to make.
        force: replace an earlier report there.

    Raises:
        InputError: see `check_directory`; or it cannot be written, on a full disk for example.
    """
    check_directory(directory, force=force)
    with replacing_folder(directory) as draft:
        files = sorted([PAGE, *_write_parts(report, draft)])
        html = page(report)
        (draft / PAGE).write_text(html, encoding="utf-8")
        manifest = {"format": _FORMAT, "ildb": __version__, "run": report.run.id, "files": files}
        (draft / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    figures = sum(section.figure is not None for section in report.sections)
    left_out = tuple(section for section in report.sections if section.is_empty)
    return Written(directory / PAGE, figures, len(html.encode()), left_out)


def _write_parts(report: Report, draft: Path) -> list[str]:
    """Figures and tables; their names."""
    names: list[str] = []
    for section in report.sections:
        if section.figure is not None:
            (draft / "figures").mkdir(exist_ok=True)
            for ending, content in (("png", style.png(section.figure)), ("svg", style.svg(section.figure))):
                names.append(f"figures/{section.slug}.{ending}")
                (draft / names[-1]).write_bytes(content)
        if section.table is not None:
            (draft / "data").mkdir(exist_ok=True)
            names.append(f"data/{section.slug}.csv")
            _write_csv(section.table, draft / names[-1])
    return names


def _write_csv(table: Table, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(table.columns)
        writer.writerows(_safe(row) for row in table.rows)


def _safe(row: Iterable[object]) -> list[object]:
    """Text that a spreadsheet would run as a formula gets a quote before it, as no SMILES or name begins with one."""
    return [f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value for value in row]


def _is_report(directory: Path) -> bool:
    try:
        manifest = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
        own = {MANIFEST, *manifest["files"]} if manifest["format"] == _FORMAT else set()
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*") if not path.is_dir()} <= own
