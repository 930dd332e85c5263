"""How the pages are served."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WebSettings:
    """Limits and the token.

    Attributes:
        host: address that is bound; on a loopback address only requests to a loopback name are answered, so that a
            page elsewhere cannot reach this one through a name of its own.
        token: who knows it may decide on refused records; None and nobody may.
        statement_timeout_s: time for one query of a page, seconds.
        connections: queries at a time; the embedded server's reader may have 8 connections in all.
        requests_per_s: sustained requests of one address a second; drawings in the cache and assets are not counted.
        burst: requests of one address at once.
        max_body_bytes: largest form or JSON body.
        max_query_bytes: longest query string.
        max_rows: most rows of a CSV or Parquet download.
        max_drawn: most rows of an SDF download, each of which must be drawn.
        poll_s: seconds between two looks at a run that goes on.
    """

    host: str = "127.0.0.1"
    token: str | None = None
    statement_timeout_s: float = 20.0
    connections: int = 5
    requests_per_s: float = 20.0
    burst: int = 200
    max_body_bytes: int = 64 * 1024
    max_query_bytes: int = 12 * 1024
    max_rows: int = 500_000
    max_drawn: int = 20_000
    poll_s: float = 2.0
