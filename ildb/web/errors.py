"""Every failure as a message that says what to do, as a page or as JSON; never a traceback."""

from __future__ import annotations

import logging
from http import HTTPStatus

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ildb.errors import DatabaseUnreachableError, IldbError, InputError, NotFoundError, SchemaRevisionError
from ildb.pipeline import trouble
from ildb.web import context
from ildb.web.database import BusyError, was_cancelled

_log = logging.getLogger("ildb.web")

_STATUS: tuple[tuple[type[IldbError], HTTPStatus], ...] = (
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (InputError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (BusyError, HTTPStatus.SERVICE_UNAVAILABLE),
    (DatabaseUnreachableError, HTTPStatus.SERVICE_UNAVAILABLE),
    (SchemaRevisionError, HTTPStatus.SERVICE_UNAVAILABLE),
)
_HINTS = {
    HTTPStatus.NOT_FOUND: "Check the address, or start from the search.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This address takes another kind of request.",
}


class ForbiddenError(IldbError):
    """Somebody may not do that."""


def say(request: Request, status: int, what: str, hint: str = "", **more: object) -> Response:
    """An error as a page, or as JSON for the API."""
    headers = {"retry-after": "5"} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": what, "hint": hint, **more}, status, headers)
    values = {"status": status, "what": what, "hint": hint, "title": HTTPStatus(status).phrase}
    page = context.of(request).page(request, "error.html", values, status)
    page.headers.update(headers or {})
    return page


def _ildb(request: Request, error: Exception) -> Response:
    if not isinstance(error, IldbError):
        raise error
    if isinstance(error, ForbiddenError):
        return say(request, HTTPStatus.FORBIDDEN, error.what, error.hint)
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)
    if status == HTTPStatus.SERVICE_UNAVAILABLE and not isinstance(error, BusyError):
        # Where the server is, is not for everybody to read.
        _log.warning("%s", error)
        return say(request, status, "The database does not answer at the moment.", "Try again in a few seconds.")
    return say(request, status, error.what, error.hint)


def _database(request: Request, error: Exception) -> Response:
    if isinstance(error, DBAPIError) and was_cancelled(error):
        return say(
            request,
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The question took longer than a page may.",
            "Make it narrower, or use the command line: ildb search substructure.",
        )
    _log.exception("the database refused a query of %s", request.url.path)
    if trouble.of_server(error) is not None:
        return say(request, HTTPStatus.SERVICE_UNAVAILABLE, "The database does not answer at the moment.", "Try again.")
    return _bug(request, error)


def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    hint = _HINTS.get(HTTPStatus(error.status_code), "")
    return say(request, error.status_code, f"{error.detail}.".replace("..", "."), hint)


def _validation(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    if request.method == "GET" and not request.url.path.startswith("/api/"):
        return say(request, HTTPStatus.NOT_FOUND, "There is no such page.", "Check the address.")
    fields = {
        "body" if item["type"] == "json_invalid" else ".".join(map(str, item["loc"][1:])) or "body": item["msg"]
        for item in error.errors()
    }
    what = "; ".join(f"{name}: {message}" for name, message in fields.items())
    return say(request, HTTPStatus.UNPROCESSABLE_ENTITY, what, "Correct these fields.", fields=fields)


def _bug(request: Request, error: Exception) -> Response:
    _log.error("internal error at %s", request.url.path, exc_info=error)
    return say(request, HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong here.", "The server's log says more.")


def install(app: FastAPI) -> None:
    """Answer every error of an application."""
    app.add_exception_handler(IldbError, _ildb)
    app.add_exception_handler(DBAPIError, _database)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(Exception, _bug)
