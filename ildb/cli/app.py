"""Entry point: collects the commands and turns errors into one line and an exit status."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Annotated

import typer

from ildb import __version__
from ildb.cli import (
    archive,
    candidates,
    curate,
    db,
    doctor,
    export,
    ingest,
    lineage,
    md,
    md_ladder,
    model,
    pipeline,
    report,
    search,
    search_name,
    search_sql,
    serve,
    show,
    stats,
)
from ildb.errors import IldbError

app = typer.Typer(
    help="Ionic liquids in one PostgreSQL + RDKit database, with the origin of every row.",
    no_args_is_help=True,
    rich_markup_mode=None,  # it takes the brackets of SMARTS for its own
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for name, group in {
    "db": db.app,
    "ingest": ingest.app,
    "curate": curate.app,
    "pipeline": pipeline.app,
    "search": search.app,
    "show": show.app,
    "lineage": lineage.app,
    "model": model.app,
    "md": md.app,
    "export": export.app,
    "report": report.app,
    "archive": archive.app,
}.items():
    app.add_typer(group, name=name)
search.app.command("candidates")(candidates.candidates)
search.app.command("name")(search_name.name)
search.app.command("sql")(search_sql.sql)
md.app.command("list")(md_ladder.list_simulations)
md.app.command("show")(md_ladder.show)
md.app.command("plot")(md_ladder.plot)
md.app.command("parity")(md_ladder.parity)
md.app.command("density")(md_ladder.density)
app.command("stats")(stats.stats)
app.command("serve")(serve.serve)
app.command("doctor")(doctor.doctor)

_EXIT_BUG = 1
_EXIT_INTERRUPTED = 130


def _version(show: bool) -> None:
    if show:
        typer.echo(f"ildb {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[
        bool, typer.Option("--debug", envvar="ILDB_DEBUG", help="Show the traceback of an error.")
    ] = False,
    version: Annotated[  # noqa: ARG001 (typer calls _version with it)
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    if debug:
        os.environ["ILDB_DEBUG"] = "1"


def main() -> None:
    """Run the command line; the exit status is documented in the README."""
    try:
        app()
    except IldbError as error:
        _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        _fail("Interrupted. What was finished is kept.", _EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader (`head`, say) has seen enough; point stdout at nothing so that the final flush is silent.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        status, line = _database_trouble(error) or (
            _EXIT_BUG,
            f"Internal error: {type(error).__name__}: {error}. Please report it with the output of --debug.",
        )
        _fail(line, status)


def _database_trouble(error: Exception) -> tuple[int, str] | None:
    """Exit status and message when the server went away or gave up in the middle of a command."""
    from psycopg.errors import InsufficientPrivilege, QueryCanceled

    from ildb.pipeline import trouble

    cause = getattr(error, "orig", error)
    if isinstance(cause, InsufficientPrivilege):
        # The server's own words name the table, or say that only an owner may do it.
        refusal = str(cause).splitlines()[0].rstrip(".")
        return 4, f"This login may not do that: {refusal}. Who may do what, and how to grant it: docs/dba.md."
    if isinstance(cause, QueryCanceled):
        return 3, "The query took longer than the limit (ILDB_STATEMENT_TIMEOUT_S seconds). Make it narrower."
    reason = trouble.of_server(error)
    if reason is not None:
        return 4, f"The database gave up: {reason.rstrip('.')}. Run the command again when it is back."
    return None


def _fail(message: str, status: int) -> None:
    if os.environ.get("ILDB_DEBUG") == "1":
        traceback.print_exc()
    typer.secho(f"error: {' '.join(message.split())}", err=True, fg=typer.colors.RED)
    sys.exit(status)


if __name__ == "__main__":
    main()
