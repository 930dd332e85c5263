"""What every page and every part of the API is made with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from ildb import __version__
from ildb.web import drawings, formats
from ildb.web.database import Database
from ildb.web.drawings import Drawings
from ildb.web.ladders import Ladders
from ildb.web.security import Sessions
from ildb.web.settings import WebSettings
from ildb.web.static_files import Assets

_TEMPLATES = Path(__file__).resolve().parent / "templates"


@dataclass
class Context:
    """The parts of a running server.

    Attributes:
        settings: limits and the token.
        database: connections.
        sessions: who is signed in.
        assets: style and scripts.
        drawings: structures drawn so far.
        ladders: pictures of simulations made so far.
    """

    settings: WebSettings
    database: Database
    sessions: Sessions
    assets: Assets = field(default_factory=Assets)
    drawings: Drawings = field(default_factory=Drawings)
    ladders: Ladders = field(default_factory=Ladders)

    def __post_init__(self) -> None:
        """Prepare the templates: everything put into a page is escaped."""
        # Autoescaping is on for every template, whatever its name.
        self._templates = Environment(
            loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True,
        )  # fmt: skip
        self._templates.filters.update(formats.FILTERS)
        self._templates.globals.update(asset=self.assets.address, drawing=drawings.address, version=__version__)

    def page(self, request: Request, name: str, values: Mapping[str, Any], status: int = 200) -> HTMLResponse:
        """A page from a template; never kept by a cache, for the database goes on."""
        text = self._templates.get_template(name).render(
            **values,
            path=request.url.path,
            can_sign_in=self.sessions.can_sign_in,
            signed_in=self.sessions.is_signed_in(request),
            csrf=lambda: self.sessions.csrf(request),
        )
        return HTMLResponse(text, status, headers={"cache-control": "no-store"})


def of(request: Request) -> Context:
    """The context of the server that answers a request."""
    context = request.app.state.context
    if not isinstance(context, Context):
        raise TypeError("the application was not made by ildb.web.app")
    return context
