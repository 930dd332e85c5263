"""``ildb db``: the server and its schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ildb.cli import gc
from ildb.cli.output import JsonOption, YesOption, print_json
from ildb.config import get_settings

if TYPE_CHECKING:
    from ildb.db.server import ServerStatus

app = typer.Typer(help="The database server and its schema.", no_args_is_help=True, rich_markup_mode=None)
app.command("gc")(gc.gc)


def _refuse_own_server(action: str) -> None:
    from ildb.errors import InputError

    if get_settings().database_url is not None:
        raise InputError(
            f"ILDB_DATABASE_URL names a server of your own, which ildb does not {action}.",
            "Unset it to use the embedded server.",
        )


@app.command()
def up(as_json: JsonOption = False) -> None:
    """Start the embedded server (the first time: fetch and set it up, about a minute)."""
    from ildb.db import server

    _refuse_own_server("start")
    status = server.up(get_settings().home_dir, progress=lambda line: typer.echo(line, err=True))
    _print_status(status, as_json=as_json)


@app.command()
def down() -> None:
    """Stop the embedded server."""
    from ildb.db import server

    _refuse_own_server("stop")
    stopped = server.down(get_settings().home_dir)
    typer.echo("Stopped." if stopped else "It was not running.")


@app.command()
def status(as_json: JsonOption = False) -> None:
    """Say whether the embedded server is set up and running; starts nothing."""
    from ildb.db import server

    _refuse_own_server("watch")
    _print_status(server.status(get_settings().home_dir), as_json=as_json)


def _print_status(status: ServerStatus, *, as_json: bool) -> None:
    from dataclasses import asdict
    from pathlib import Path

    fields = {key: str(value) if isinstance(value, Path) else value for key, value in asdict(status).items()}
    if as_json:
        print_json(fields)
        return
    for key, value in fields.items():
        typer.echo(f"{key:<12} {'' if value is None else value}")


@app.command()
def url() -> None:
    """Print the server's URL for psql and other clients; of a server of your own without the password."""
    from ildb.db import engine

    typer.echo(engine.libpq_url(engine.database_url()) if get_settings().database_url is None else _own_url())


def _own_url() -> str:
    from sqlalchemy import URL

    from ildb.db import engine

    # Left out rather than starred: psql then asks for it, or finds it in ~/.pgpass.
    own = engine.database_url().difference_update_query(["password"])
    return URL.create(
        "postgresql", username=own.username, host=own.host, port=own.port, database=own.database, query=own.query
    ).render_as_string()


@app.command()
def upgrade(revision: Annotated[str, typer.Argument(help="Target revision.")] = "head") -> None:
    """Bring the schema up to the newest (or the given) revision, never down; nothing else ever changes it."""
    from ildb.db import engine, schema
    from ildb.errors import InputError

    target = engine.database_url()
    with engine.reaching(target), engine.create(target).connect() as connection:
        before = schema.current(connection)
        schema.upgrade(connection, revision)
        after = schema.current(connection)
    target_revision = schema.head() if revision in {"head", "heads"} else revision
    if after != before:
        typer.echo(f"Schema: {before or 'none'} -> {after}")
    elif after == target_revision:
        typer.echo(f"Schema: {after} already.")
    else:
        raise InputError(
            f"The schema is at revision {after}, past {revision}, and `upgrade` never goes down: nothing was changed.",
            "See: ildb db current",
        )


@app.command()
def current() -> None:
    """Print the schema's revision and the one this ildb needs."""
    from ildb.db import engine, schema

    target = engine.database_url()
    with engine.reaching(target), engine.create(target).connect() as connection:
        typer.echo(f"database {schema.current(connection) or 'none'}, ildb needs {schema.head()}")


@app.command()
def check(as_json: JsonOption = False) -> None:
    """Run the checks of sql/checks; each must find no offending row (exit status 1 otherwise)."""
    from ildb.db import checks, engine

    database = engine.open_engine()
    with database.connect() as connection:
        findings = checks.run_checks(connection)
    database.dispose()
    if as_json:
        print_json([{"check": f.name, "n_rows": f.n_rows, "sample": f.sample} for f in findings])
    else:
        for finding in findings:
            typer.echo(f"{'ok  ' if not finding.n_rows else 'FAIL'} {finding.name}: {finding.n_rows} rows")
    if any(finding.n_rows for finding in findings):
        raise typer.Exit(1)


@app.command("rebuild-structures")
def rebuild_structures() -> None:
    """Make the ions' cartridge structures and fingerprints anew from their SMILES."""
    from ildb.db import engine, structures

    with engine.open_engine().begin() as connection:
        made = structures.rebuild_structures(connection)
    typer.echo(f"{made} structures.")


@app.command()
def reset(yes: YesOption = False) -> None:
    """Delete the embedded database with everything in it."""
    from ildb.db import server

    _refuse_own_server("delete")
    home = get_settings().home_dir
    if not yes:
        typer.confirm(f"Delete the database in {home}?", abort=True)
    server.destroy(home)
    typer.echo("Deleted.")
