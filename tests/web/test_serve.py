"""``ildb serve`` as a user starts and ends it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import requests

from tests.web.conftest import TOKEN


def test_serve_answers_and_ends(database_url: str, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "ildb.cli.app", "serve", "--port", "0", "--token-file", str(token)],
        env={**os.environ, "ILDB_DATABASE_URL": database_url}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        found = re.match(r"(http://127\.0\.0\.1:\d+)/", process.stderr.readline())
        assert found is not None
        # An empty database has pages too.
        for path in ("/", "/search", "/runs", "/quarantine"):
            answer = requests.get(found[1] + path, timeout=60)
            assert answer.status_code == 200
            assert "server" not in answer.headers
        assert "ildb ingest" in requests.get(found[1], timeout=60).text
        assert requests.post(f"{found[1]}/sign-in", data={"token": TOKEN}, timeout=60).status_code == 200
    finally:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0
    assert said == ""


def test_what_cannot_be_served_is_said(database_url: str, tmp_path: Path, ildb) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = ildb("serve", "--port", port, url=database_url)
    assert refused.returncode == 3
    assert "Choose another --port" in refused.stderr
    (tmp_path / "token").write_text("short")
    refused = ildb("serve", "--token-file", str(tmp_path / "token"), url=database_url)
    assert refused.returncode == 3
    assert "openssl rand" in refused.stderr
