"""A server of ``ildb serve`` from Python, without a database of one's own.

from ildb.web.client import WebClient

with WebClient("http://127.0.0.1:8000") as ildb:
    for hit in ildb.pairings(cation="c1c[n+]cn1", decision="passed"):
        print(hit["pairing_id"], hit["tm_predicted_k"])
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import requests

from ildb.errors import DatabaseUnreachableError, IldbError, InputError, NotFoundError

Json = dict[str, Any]
_TIMEOUT_S = 120.0
_CHUNK = 1 << 16


class WebClient:
    """A connection to a server.

    Args:
        address: as in ``http://127.0.0.1:8000``.
        token: the server's token, for decisions.
    """

    def __init__(self, address: str = "http://127.0.0.1:8000", token: str | None = None) -> None:
        self._address = address.rstrip("/")
        self._session = requests.Session()
        if token is not None:
            self._session.headers["authorization"] = f"Bearer {token}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._session.close()

    def stats(self) -> Json:
        """Counts of everything."""
        return self._get("/api/stats")

    def pairings(self, *, limit: int | None = 100, **asked: Any) -> Iterator[Json]:
        """Pairings of a search, best first, fetched page by page.

        Args:
            limit: at most so many; None for all.
            **asked: the fields of the form: ``cation``, ``cation_how``, ``anion``, ``tm_below``, ``decision`` ...

        Raises:
            InputError: a field is wrong.
        """
        after: str | None = None
        while limit is None or limit > 0:
            size = 1_000 if limit is None else min(limit, 1_000)
            page = self._get("/api/search", **asked, limit=size, after=after)
            yield from page["pairings"]
            after = page["next"]
            if after is None:
                return
            limit = None if limit is None else limit - len(page["pairings"])

    def count(self, **asked: Any) -> int:
        """How many pairings a search has."""
        return int(self._get("/api/count", **asked)["count"])

    def pairing(self, key: int | str) -> Json:
        """Everything known about a pairing, by id or SMILES."""
        return self._get(f"/api/pairings/{quote(str(key), safe='')}")

    def lineage(self, key: int | str) -> Json:
        """Where a pairing's rows come from."""
        return self._get(f"/api/pairings/{quote(str(key), safe='')}/lineage")

    def ion(self, key: int | str) -> Json:
        """Everything known about an ion, by id, InChIKey or SMILES."""
        return self._get(f"/api/ions/{quote(str(key), safe='')}")

    def run(self, run_id: int) -> Json:
        """A run with its stages."""
        return self._get(f"/api/runs/{run_id}")

    def download(self, path: str | Path, **asked: Any) -> int:
        """Write a search's answer to a ``.csv``, ``.parquet``, ``.sdf`` or ``.json`` file; how many rows it has."""
        path = Path(path)
        with self._ask("GET", f"/search/download{path.suffix.lower()}", params=asked, stream=True) as answer:
            with path.open("wb") as stream:
                for part in answer.iter_content(_CHUNK):
                    stream.write(part)
            return int(answer.headers["x-ildb-rows"])

    def accept(self, record_id: int, **correction: Any) -> Json:
        """Bring a refused record in as corrected: ``smiles``, or ``cation`` and ``anion``; ``values``; ``note``."""
        found: Json = self._ask("POST", f"/api/quarantine/{record_id}/accept", json=correction).json()
        return found

    def reject(self, record_id: int, note: str = "") -> Json:
        """Refuse a record for good."""
        found: Json = self._ask("POST", f"/api/quarantine/{record_id}/reject", json={"note": note}).json()
        return found

    def _get(self, path: str, **parameters: Any) -> Json:
        found: Json = self._ask("GET", path, params=parameters).json()
        return found

    def _ask(self, method: str, path: str, **more: Any) -> requests.Response:
        try:
            answer = self._session.request(method, self._address + path, timeout=_TIMEOUT_S, **more)
        except requests.ConnectionError as error:
            raise DatabaseUnreachableError(
                f"No ildb answers at {self._address}.", "Start one with: ildb serve"
            ) from error
        if answer.ok:
            return answer
        try:
            said = answer.json()
        except requests.JSONDecodeError:
            said = {"error": answer.text.strip() if answer.headers.get("content-type", "").startswith("text/plain")
                    else f"{answer.status_code} {answer.reason}."}  # fmt: skip
        kind = {404: NotFoundError, 422: InputError, 403: InputError}.get(answer.status_code, IldbError)
        raise kind(said.get("error", ""), said.get("hint", ""))
