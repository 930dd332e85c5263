"""The pages at size: 10 clients at once over 2 million pairings of which 300,000 are scored.

The last line is one JSON object:

``page_kb``: the search page with everything it loads, compressed, kB (1,000 bytes); ``page_with_box_kb``: the same with
the drawing box opened. ``page_p95_ms``: a page of 24 results, wall time at 10 concurrent clients: 40 patterns with 6
filters as chemists ask, each question twice, each pattern new to the server at first; no page is taken from memory, but
what questions have in common is (``ildb.search.windows``), as long as nobody writes. ``page_writing_p95_ms``: the same
questions again while somebody commits once a second, as a running pipeline does. ``page_alone_p95_ms``: at one client,
the patterns known. ``svg_p95_ms``: a structure that was drawn before, one client; ``svg_10_p95_ms``: 10 clients.
``page_cpu_ms``, ``svg_cpu_ms``: the web server's CPU time for one (without PostgreSQL's and that of matching), which
does not depend on what else the machine does.
``axe_violations``: what axe-core finds in the pages, light and dark, desktop and phone; null without a Chromium.

``--database NAME`` keeps the database for the next run. Clients and server share the machine's processors.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
import requests
import uvicorn
from sqlalchemy import URL, make_url, text

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.search import SMARTS, cpu_of, p95
from benchmarks.support.database import (
    PAIRING,
    drop_database,
    exists,
    fill_ions,
    fill_scores,
    new_database,
    pairs,
    server_url,
)
from ildb.db import engine as engines
from ildb.db.copy import copy_rows
from ildb.web.app import create_app
from ildb.web.settings import WebSettings
from ildb.web.static_files import Assets
from tests.web.axe import violations
from tests.web.conftest import chromium

N_CLIENTS = 10
_FILTERS: list[dict[str, str]] = [
    {}, {"decision": "passed"}, {"evidence": "known"}, {"tm_below": "320"}, {"min_p373": "0.8"},
    {"decision": "refused"},
]  # fmt: skip


def fill(url: URL, n_ions: int, n_pairings: int, n_scored: int, ions_file: Path | None) -> None:
    """Fill a database."""
    engine = engines.create(url)
    with engine.begin() as connection:
        rows = list(pairs(fill_ions(connection, n_ions, ions_file), n_pairings))
        copy_rows(connection, "pairing", PAIRING, rows)
        fill_scores(connection, n_scored, n_scored // 10)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    engine.dispose()


def serve(url: str, port: int) -> None:
    """The pages without a limit for one address."""
    app = create_app(WebSettings(requests_per_s=1e9, burst=10**9), make_url(url))
    # Every page is made anew, as if nobody had asked for it before.
    app.state.context.database.once = lambda _connection, _key, work: work()
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error")


def addresses(n: int) -> list[str]:
    """Searches as people ask them."""
    asked = [
        {"smarts" if side == "either" else side: pattern, **more}
        for more in _FILTERS
        for side, pattern in SMARTS
    ]  # fmt: skip
    return ["/search?" + urlencode(values) for values in islice(cycle(asked), n)]


def times(site: str, paths: Sequence[str], n_clients: int) -> list[float]:
    """Wall time of each request, ms, shared out among clients that ask one after the other."""
    found: list[float] = []

    def ask(own: Sequence[str]) -> None:
        with requests.Session() as session:
            for path in own:
                began = time.perf_counter()
                answer = session.get(site + path, timeout=60)
                found.append((time.perf_counter() - began) * 1000)
                if answer.status_code != 200:
                    raise SystemExit(f"{path}: {answer.status_code} {answer.text[:300]}")

    threads = [threading.Thread(target=ask, args=(paths[i::n_clients],)) for i in range(n_clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(found) != len(paths):
        raise SystemExit("some requests failed")
    return found


@contextmanager
def writing(url: URL) -> Iterator[None]:
    """Commits something once a second."""
    end = threading.Event()

    def write() -> None:
        with psycopg.connect(engines.libpq_url(url), autocommit=True) as connection:
            while not end.wait(1.0):
                connection.execute("UPDATE ildb.run SET heartbeat_at = now()")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        end.set()
        writer.join()


def page_kb(site: str) -> tuple[float, float]:
    """The search page and the same with the drawing box, compressed, kB."""
    page = requests.get(f"{site}/search", timeout=60)
    size = len(gzip.compress(page.content, 5))
    for address in set(re.findall(r'(?:src|href)="(/(?:static|structure)[^"]+)"', page.text)):
        answer = requests.get(site + address.replace("&amp;", "&"), timeout=60, stream=True)
        size += len(answer.raw.read(decode_content=False))
    files = Assets()._files
    # What one browser fetches of the box: its own build (Chromium's and Safari's here), the loader and the style.
    names = ("jsme/jsme.nocache.js", "jsme/jsa.css", "draw.css", "draw.js")
    box = [
        asset for name, asset in files.items() if name in names or name.startswith(("jsme/D44A", "jsme/gwt/chrome/c"))
    ]
    return size / 1e3, (size + sum(len(asset.compressed or asset.content) for asset in box)) / 1e3


def axe_violations(site: str, paths: Sequence[str]) -> int | None:
    """How much axe finds in all pages; None without a browser."""
    path = chromium()
    if path is None:
        return None
    from playwright.sync_api import sync_playwright

    n = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(path), args=["--no-sandbox", "--disable-gpu"])
        for scheme, width in (("light", 1280), ("dark", 360)):
            page = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme).new_page()
            for address in paths:
                page.goto(site + address)
                found = violations(page)
                n += len(found)
                for line in found:
                    print(f"{address} ({scheme}): {line}", flush=True)
        browser.close()
    return n


def measure(site: str, pid: int, n_requests: int, url: URL) -> dict[str, Any]:
    """All figures."""
    times(site, ["/", "/search?cation=C"], 1)  # the ions are loaded
    began = cpu_of(pid)
    pages = times(site, addresses(n_requests), N_CLIENTS)
    page_cpu_ms = 1000 * (cpu_of(pid) - began) / n_requests
    with writing(url):
        disturbed = times(site, addresses(n_requests // 2), N_CLIENTS)
    alone = times(site, addresses(max(20, n_requests // 4)), 1)
    hits = requests.get(f"{site}/api/search?limit=100", timeout=60).json()["pairings"]
    drawings = [f"/structure.svg?smiles={quote(hit['cation_smiles'], safe='')}" for hit in hits]
    times(site, drawings, 1)
    began = cpu_of(pid)
    svgs = times(site, drawings * 5, 1)
    svg_cpu_ms = 1000 * (cpu_of(pid) - began) / len(svgs)
    kb, with_box = page_kb(site)
    one = hits[0]["pairing_id"]
    shown = [
        "/",
        "/search?cation=C",
        "/search?cation=((",
        f"/pairings/{one}",
        "/ions/1",
        "/runs",
        "/runs/1",
        "/quarantine",
    ]
    return {
        "page_kb": round(kb, 1),
        "page_with_box_kb": round(with_box, 1),
        "page_p95_ms": round(p95(pages), 1),
        "page_p50_ms": round(sorted(pages)[len(pages) // 2], 1),
        "page_writing_p95_ms": round(p95(disturbed), 1),
        "page_alone_p95_ms": round(p95(alone), 1),
        "svg_p95_ms": round(p95(svgs), 2),
        "svg_10_p95_ms": round(p95(times(site, drawings * 10, N_CLIENTS)), 2),
        "page_cpu_ms": round(page_cpu_ms, 1),
        "svg_cpu_ms": round(svg_cpu_ms, 2),
        "axe_violations": axe_violations(site, shown),
    }


def _started(url: str, port: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, __file__, "--serve", url, "--port", str(port)])
    for _ in range(600):
        try:
            requests.get(f"http://127.0.0.1:{port}/static/style.css", timeout=1)
        except requests.ConnectionError:
            if process.poll() is not None:
                raise SystemExit("the server did not start") from None
            time.sleep(0.1)
        else:
            return process
    raise SystemExit("the server does not answer")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the smoke form: 5,000 pairings")
    parser.add_argument("--pairings", type=int, default=2_000_000)
    parser.add_argument("--ions", type=int, default=100_000)
    parser.add_argument("--ions-file", type=Path, help="keep the ions here")
    parser.add_argument("--requests", type=int, default=480)
    parser.add_argument("--database", help="keep the database under this name")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=8765)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.port)
        return
    n_pairings, n_ions, n_requests = (
        (5_000, 400, 60) if options.quick else (options.pairings, options.ions, options.requests)
    )
    name = options.database or f"ildb_bench_web_{os.getpid()}"
    server = server_url()
    try:
        if not exists(server, name):
            fill(new_database(server, name), n_ions, n_pairings, int(0.15 * n_pairings), options.ions_file)
        url = server.set(database=name)
        process = _started(url.render_as_string(hide_password=False), options.port)
        try:
            figures = measure(f"http://127.0.0.1:{options.port}", process.pid, n_requests, url)
        finally:
            process.terminate()
            process.wait(30)
    finally:
        if options.database is None:
            drop_database(server, name)
    print(json.dumps({"pairings": n_pairings, "ions": n_ions, "clients": N_CLIENTS, **figures}))


if __name__ == "__main__":
    main()
