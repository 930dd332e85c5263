"""What guards the pages: who may ask from where, how much and how often, and what a page may load."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import threading
import time
from collections import OrderedDict
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ildb.web.settings import WebSettings

COOKIE = "ildb_session"
SESSION_S = 8 * 3600
MAX_SESSIONS = 1_000
_MAX_ADDRESSES = 10_000

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self';"
    " frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# The drawing box compiles its code at run time and works in a frame inside its own, which needs this server's origin.
# It has a page of its own that holds nothing else, sends nothing, and is given only characters that SMARTS has.
DRAW_CSP = (
    "sandbox allow-scripts allow-same-origin; default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval';"
    " style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; form-action 'none';"
    " base-uri 'none'; frame-src 'self'; frame-ancestors 'self'"
)
SVG_CSP = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
_HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_LOOPBACK_NAMES = {"localhost", "127.0.0.1", "[::1]"}


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Limiter:
    """So many requests an address may make: a bucket that fills at a steady rate.

    Args:
        per_s: requests a second.
        burst: requests at once.
    """

    def __init__(self, per_s: float, burst: int) -> None:
        self._per_s, self._burst = per_s, float(burst)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, address: str) -> float:
        """Seconds to wait before this request may be made; 0 when it may be made now."""
        now = time.monotonic()
        with self._lock:
            left, at = self._buckets.pop(address, (self._burst, now))
            left = min(self._burst, left + (now - at) * self._per_s)
            wait = 0.0 if left >= 1 else (1 - left) / self._per_s
            self._buckets[address] = (left - 1 if wait == 0 else left, now)
            if len(self._buckets) > _MAX_ADDRESSES:
                self._buckets.popitem(last=False)
        return wait


class Guard:
    """Middleware: refuses requests that are too large, too many or for another host, and sets the headers."""

    def __init__(self, app: ASGIApp, settings: WebSettings) -> None:
        self._app = app
        self._settings = settings
        self._limiter = Limiter(settings.requests_per_s, settings.burst)
        self._only_loopback = is_loopback(settings.host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if "content-security-policy" in headers and headers["content-security-policy"] == CSP:
                    headers.setdefault("x-frame-options", "DENY")
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, sending)
            return
        await self._app(scope, _Limited(receive, self._settings.max_body_bytes), sending)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        if self._only_loopback and _host_name(headers.get("host", "")) not in _LOOPBACK_NAMES:
            return PlainTextResponse("This server answers on this machine only.\n", 421)
        if len(scope["query_string"]) > self._settings.max_query_bytes:
            return PlainTextResponse("This address is too long. Make the search shorter.\n", 414)
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > self._settings.max_body_bytes:
            return PlainTextResponse(f"At most {self._settings.max_body_bytes:,} bytes can be sent.\n", 413)
        if scope["path"].startswith(("/static/", "/structure.svg")):
            return None
        wait = self._limiter.take(scope["client"][0] if scope.get("client") else "")
        if wait:
            return PlainTextResponse(
                "Too many requests from this address. Try again in a moment.\n",
                429,
                headers={"retry-after": str(max(1, round(wait)))},
            )
        return None


class _Limited:
    """A body that ends when more comes than is allowed, whatever its headers promised."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive, self._left = receive, limit
        self._said = f"At most {limit:,} bytes can be sent"

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise HTTPException(413, self._said)
        return message


def _host_name(host: str) -> str:
    return (host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host.partition(":")[0]).lower()


class Sessions:
    """Who has shown the token. Sessions are kept in memory: a restart signs everybody out.

    Args:
        token: the secret; None when nobody may sign in.
    """

    def __init__(self, token: str | None) -> None:
        self._token = token
        self._key = secrets.token_bytes(32)
        self._ends: OrderedDict[str, float] = OrderedDict()
        # Guessing is slow from anywhere: ten attempts, then one in ten seconds.
        self._attempts = Limiter(0.1, 10)
        self._new_drawings = Limiter(50.0, 1_000)

    @property
    def can_sign_in(self) -> bool:
        """Whether there is a token at all."""
        return self._token is not None

    def knows(self, token: str) -> bool:
        """Whether this is the token."""
        return self._token is not None and hmac.compare_digest(token.encode(), self._token.encode())

    def wait_s(self, request: Request) -> float:
        """Seconds before this address may try a token again."""
        return self._attempts.take(request.client.host if request.client else "")

    def drawing_wait_s(self, request: Request) -> float:
        """Seconds before this address may have another structure drawn that nobody has asked for before."""
        return self._new_drawings.take(request.client.host if request.client else "")

    def begin(self) -> str:
        """A new session's name, for the cookie."""
        name = secrets.token_urlsafe(32)
        self._ends[name] = time.monotonic() + SESSION_S
        if len(self._ends) > MAX_SESSIONS:
            self._ends.popitem(last=False)
        return name

    def end(self, request: Request) -> None:
        """Sign out."""
        self._ends.pop(request.cookies.get(COOKIE, ""), None)

    def is_signed_in(self, request: Request) -> bool:
        """Whether the request belongs to a session."""
        return self._ends.get(request.cookies.get(COOKIE, ""), float("-inf")) > time.monotonic()

    def csrf(self, request: Request) -> str:
        """A word that only a page of this session can know; another each time, so that compression tells nothing."""
        salt = secrets.token_hex(8)
        return f"{salt}.{self._sign(salt, request)}"

    def is_own_form(self, request: Request, word: str) -> bool:
        """Whether a form came from a page of this session."""
        salt, _, signature = word.partition(".")
        return hmac.compare_digest(signature.encode(), self._sign(salt, request).encode())

    def _sign(self, salt: str, request: Request) -> str:
        message = f"{salt} {request.cookies.get(COOKIE, '')}"
        return hmac.new(self._key, message.encode(), hashlib.sha256).hexdigest()


def is_same_site(request: Request) -> bool:
    """Whether a form was sent by a page of this server, by what the browser says."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host", "")
