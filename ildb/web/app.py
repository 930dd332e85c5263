"""The application: routes, guard and error messages put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import URL
from starlette.middleware.gzip import GZipMiddleware

from ildb import __version__
from ildb.web import api, api_review, downloads, errors
from ildb.web.context import Context
from ildb.web.database import Database
from ildb.web.pages import assets, home, ion, pairing, review, runs, search, session
from ildb.web.security import Guard, Sessions
from ildb.web.settings import WebSettings


def create_app(settings: WebSettings | None = None, url: URL | None = None) -> FastAPI:
    """The pages over a database.

    Args:
        settings: limits and the token.
        url: the server; None for the one in use.

    Raises:
        DatabaseUnreachableError: no server answers.
        SchemaRevisionError: the schema is of another revision.
    """
    settings = settings or WebSettings()
    database = Database(url, statement_timeout_s=settings.statement_timeout_s, connections=settings.connections)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        database.close()

    app = FastAPI(
        title="ildb",
        version=__version__,
        summary="Ionic liquids with the origin of every row.",
        openapi_url="/api/openapi.json",
        # The usual pages of FastAPI load their scripts from elsewhere; /api describes the same.
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.context = Context(settings, database, Sessions(settings.token))
    for router in (
        home.router, search.router, pairing.router, ion.router, runs.router, review.router, session.router,
        assets.router, downloads.router,
    ):  # fmt: skip
        app.include_router(router, include_in_schema=False)
    app.include_router(api.router)
    app.include_router(api_review.router)
    errors.install(app)
    app.add_middleware(GZipMiddleware, minimum_size=1_000, compresslevel=5)
    app.add_middleware(Guard, settings=settings)
    return app
