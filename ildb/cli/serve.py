"""``ildb serve``: the database as web pages."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

TOKEN_VARIABLE = "ILDB_WEB_TOKEN"  # noqa: S105 (its name, not a token)
MIN_TOKEN = 16


def serve(
    host: Annotated[str, typer.Option(help="Address to listen at; the default is reached from this machine only.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8000,
    token_file: Annotated[
        Path | None,
        typer.Option(help=f"File with the token that lets people decide on refused records (or {TOKEN_VARIABLE})."),
    ] = None,
) -> None:
    """Search, browse and review in a browser; a JSON API lies under /api. Ctrl-C ends it."""
    from ildb.errors import IldbError
    from ildb.web.settings import WebSettings

    settings = WebSettings(host=host, token=_token(token_file))
    try:
        import uvicorn

        from ildb.web.app import create_app
        from ildb.web.security import is_loopback
    except ModuleNotFoundError as error:
        raise IldbError(f"The package '{error.name}' is missing.", "Install it: pip install 'ildb[web]'") from error
    app = create_app(settings)
    database = app.state.context.database
    if database.may_write:
        typer.echo(
            f"caution: connected as '{database.login}', which may write; pages only read, in read-only transactions."
            " Set ILDB_READER_URL to a login that only has GRANT ildb_reader.",
            err=True,
        )
    if not is_loopback(host):
        typer.echo(
            f"caution: everybody who reaches {host}:{port} can read the database. Put a proxy with TLS before it.",
            err=True,
        )
    server = uvicorn.Server(
        uvicorn.Config(app, host=host, port=port, log_level="warning", server_header=False, timeout_graceful_shutdown=5)
    )
    typer.echo(f"http://{f'[{host}]' if ':' in host else host}:{port}/  (Ctrl-C ends it)", err=True)
    server.run()


def _token(file: Path | None) -> str | None:
    from ildb.errors import InputError

    if file is None:
        token = os.environ.get(TOKEN_VARIABLE, "").strip()
        where = TOKEN_VARIABLE
        if not token:
            return None
    else:
        where = str(file)
        try:
            token = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"Cannot read the token in {file}: {error}.", "Give a text file.") from error
    if len(token) < MIN_TOKEN:
        raise InputError(
            f"The token of {where} has {len(token)} characters; at least {MIN_TOKEN} are needed.",
            "Make one with: openssl rand -hex 24",
        )
    return token
