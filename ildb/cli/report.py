"""``ildb report``: the figures of a run as a page to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ildb.cli.output import JsonOption, print_json

app = typer.Typer(help="Show a run's figures as a page.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _group() -> None:
    """Keeps ``build`` a command of its own."""


@app.command()
def build(
    directory: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to make.")],
    run_id: Annotated[
        int | None, typer.Argument(metavar="[RUN]", help="Number of a run; default: the latest that decided.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier report.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write DIR/report.html, one file that opens without a network, and its figures as PNG and SVG beside it."""
    from ildb.config import get_settings
    from ildb.pipeline.artifacts import ArtifactStore
    from ildb.report.build import check_directory, write
    from ildb.report.collect import collect
    from ildb.search.session import reading

    check_directory(directory, force=force)
    with reading() as connection:
        report = collect(connection, ArtifactStore(get_settings().artifacts_dir), run_id)
    written = write(report, directory, force=force)
    if as_json:
        print_json(
            {
                "page": str(written.page),
                "run": report.run.id,
                "figures": written.n_figures,
                "page_bytes": written.n_bytes,
                "left_out": {section.slug: section.message for section in written.left_out},
            }
        )
        return
    typer.echo(f"Report of run {report.run.id} with {written.n_figures} figures: {written.page}")
    for section in written.left_out:
        typer.echo(f"  without '{section.title}': {section.message}", err=True)
