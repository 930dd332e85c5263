"""A server of the pages on a real database, and a real browser."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine, make_url

from ildb.web.app import create_app
from ildb.web.settings import WebSettings
from tests.integration.populate import Populated, fill

TOKEN = "a-token-for-the-tests-only"


@pytest.fixture(scope="module")
def populated(engine: Engine) -> Populated:
    with engine.begin() as connection:
        return fill(connection)


@pytest.fixture(scope="module")
def app(database_url: str, populated: Populated) -> FastAPI:
    url = make_url(database_url).set(drivername="postgresql+psycopg")
    return create_app(WebSettings(token=TOKEN, poll_s=0.3, burst=100_000), url)


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """The application at an address, served as ``ildb serve`` does."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def site(app: FastAPI) -> Iterator[str]:
    with serving(app) as address:
        yield address


class Visitor:
    """Asks the server as a program does; redirects are not followed."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.session = requests.Session()

    def get(self, path: str, **more: Any) -> requests.Response:
        return self.session.get(self.address + path, allow_redirects=False, timeout=30, **more)

    def post(self, path: str, **more: Any) -> requests.Response:
        return self.session.post(self.address + path, allow_redirects=False, timeout=30, **more)


@pytest.fixture
def visitor(site: str) -> Iterator[Visitor]:
    made = Visitor(site)
    yield made
    made.session.close()


def chromium() -> Path | None:
    """The system's Chromium; ``ILDB_CHROMIUM`` names another."""
    found = os.environ.get("ILDB_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    return None if found is None else Path(found)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium; without one the journeys are skipped, unless ``ILDB_REQUIRE_BROWSER=1``."""
    path = chromium()
    if path is None:
        message = "no Chromium: apt-get install chromium, or set ILDB_CHROMIUM"
        if os.environ.get("ILDB_REQUIRE_BROWSER") == "1":
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        made = playwright.chromium.launch(
            executable_path=str(path), args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        yield made
        made.close()
