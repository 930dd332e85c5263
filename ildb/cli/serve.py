"""``ildb serve``: the database as web pages."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

TOKEN_VARIABLE = "ILDB_WEB_TOKEN"  # noqa: S105 (its name, not a token)
MIN_TOKEN = 16


def serve(
    host: Annotated[str, typer.Option(help="Address to listen at; the default is reached from this machine only.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free.")] = 8000,
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
            f"caution: everybody who reaches {_named(host)} can read the database. Put a proxy with TLS before it.",
            err=True,
        )
    with _listening(host, port) as listener, suppress(KeyboardInterrupt):
        typer.echo(f"http://{_named(host)}:{listener.getsockname()[1]}/  (Ctrl-C ends it)", err=True)
        config = uvicorn.Config(app, log_level="warning", server_header=False, timeout_graceful_shutdown=5)
        uvicorn.Server(config).run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    from ildb.errors import InputError

    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"Cannot listen at {_named(host)}:{port}: {reason}.", "Choose another --port.") from error


def _named(host: str) -> str:
    return f"[{host}]" if ":" in host else host


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
