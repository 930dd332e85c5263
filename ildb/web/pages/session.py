"""Signing in with the server's token, and out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ildb.web import context
from ildb.web.errors import ForbiddenError
from ildb.web.security import COOKIE, SESSION_S, is_same_site

router = APIRouter()


@router.get("/sign-in")
def show(request: Request, to: str = "/quarantine") -> Response:
    """The form."""
    return context.of(request).page(request, "sign_in.html", {"to": _own_path(to), "error": None})


@router.post("/sign-in")
def sign_in(request: Request, token: Annotated[str, Form()] = "", to: Annotated[str, Form()] = "/") -> Response:
    """Begin a session for whoever knows the token."""
    here = context.of(request)
    if not is_same_site(request):
        raise ForbiddenError("This form came from another site.", "Open it from this server's own page.")
    wait = here.sessions.wait_s(request)
    if wait or not here.sessions.knows(token.strip()):
        error = (
            f"Too many attempts. Try again in {wait:.0f} s."
            if wait
            else "This is not the token that the server was started with."
        )
        values = {"to": _own_path(to), "error": error}
        return here.page(request, "sign_in.html", values, 429 if wait else 422)
    answer = RedirectResponse(_own_path(to), 303)
    answer.set_cookie(
        COOKIE, here.sessions.begin(), max_age=SESSION_S, httponly=True, samesite="strict",
        secure=request.url.scheme == "https",
    )  # fmt: skip
    return answer


@router.post("/sign-out")
def sign_out(request: Request, csrf: Annotated[str, Form()] = "") -> Response:
    """End the session."""
    here = context.of(request)
    if here.sessions.is_own_form(request, csrf):
        here.sessions.end(request)
    answer = RedirectResponse("/", 303)
    answer.delete_cookie(COOKIE)
    return answer


def _own_path(to: str) -> str:
    """A path of this server; anything else would lead people away."""
    return to if to.startswith("/") and not to.startswith("//") and "\\" not in to and to.isprintable() else "/"
