"""Input that is meant badly or typed by mistake: a message at the field, never a failure of the server."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from ildb.search import page_token
from ildb.search.pairings import Question
from tests.integration.populate import Populated
from tests.web.conftest import TOKEN, Visitor
from tests.web.test_journeys import refused

RIGHT_TO_LEFT = "%E2%80%AE"  # turns what is written after it round
SALT = "C[N+](C)(C)C.[Cl-]"


def _token(content: Any) -> str:
    text = content if isinstance(content, str) else json.dumps(content)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


OWN = page_token._digest(Question())

FIELDS = [
    ("source=nobody", "source", "no source"), ("run=424242", "run", "no run 424242"),
    (f"source={RIGHT_TO_LEFT}x", "source", r"\u202e"), (f"cation=C{RIGHT_TO_LEFT}N", "cation", "plain ASCII"),
    ("cation=%ff%fe", "cation", "plain ASCII"),
    ("property=viscosity%3C1e999", "property", "not a limit"), ("property=" + "x" * 9_000, "property", "characters)"),
    ("run=1.5", "run", "whole number"), ("smarts=C%3E%3EC", "smarts", "reaction"),
    ("smarts=C%20%7C$x$%7C", "smarts", "white space"), ("without=cation:", "without", "empty"),
    ("threshold=0", "threshold", "from 0.01 to 1"), ("evidence=known%00", "evidence", "Choose one of"),
    ("anion_how=is&anion=" + "C" * 5_000, "anion", "longer than"), ("tm_below=1e400", "tm_below", "makes no sense"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "field", "says"), FIELDS)
def test_the_message_is_at_the_field(visitor: Visitor, query: str, field: str, says: str) -> None:
    answer = visitor.get(f"/search?{query}")
    assert answer.status_code == 422
    found = re.search(rf'id="{field}-error"><strong>Error:</strong> ([^<]*)', answer.text)
    assert found is not None
    assert says in found[1]
    # The same is refused as a download, a count and by the API, in words.
    for path in ("/search/download.csv", "/search/count", "/api/search"):
        other = visitor.get(f"{path}?{query}")
        assert other.status_code == 422
        assert field in other.text


@pytest.mark.parametrize(
    "token",
    [
        _token(f'["{OWN}", 0, 1, 1e400]'), _token([OWN, 2, 0, 10**30]), _token([OWN, 0, 10**12, 1]),
        _token("[" * 6_000), _token(["other", 0, 1, 1]), "%C3%A9", "%00",
    ],
)  # fmt: skip
def test_a_page_token_that_is_none(visitor: Visitor, token: str) -> None:
    assert visitor.get(f"/search?after={token}").status_code == 422
    answer = visitor.get(f"/api/search?after={token}")
    assert answer.status_code == 422
    assert "page" in answer.json()["error"]


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/api/similar?smiles=%00", 422, "control character"), ("/api/search?tm_bellow=300", 422, "tm_bellow"),
        ("/api/search?limit=-1", 422, "limit"), ("/api/similar?smiles=C&threshold=nan", 422, "threshold"),
        ("/api/similar", 422, "smiles"), ("/api/runs/-1", 404, "no run"), ("/api/runs/abc", 422, "run_id"),
        ("/runs?limit=-5", 404, "no such page"), ("/quarantine?after=-1", 404, "no such page"),
        ("/ions?key=", 422, "empty"), ("/pairings?key=C.C", 422, "neutral"),
        ("/pairings/-1/download.csv", 422, "SMILES"),
        ("/structure.svg?smiles=%3Csvg%20onload=alert(1)%3E", 422, "white space"),
    ],
)  # fmt: skip
def test_addresses_typed_by_hand(visitor: Visitor, path: str, status: int, says: str) -> None:
    answer = visitor.get(path)
    assert answer.status_code == status
    assert says in answer.text


@pytest.fixture(scope="module")
def record_id(engine: Engine, populated: Populated) -> int:
    return refused(engine, populated, {"source_key": "hostile", "salt_smiles": "CC[N](C)(C)C.[Cl-]"})


DECISIONS = [
    ({"decision": "accept", "smiles": "((("}, "smiles"), ({"decision": "accept", "smiles": "\0"}, "smiles"),
    ({"decision": "accept", "smiles": "\u202e"}, "smiles"), ({"decision": "accept", "smiles": "C" * 5_000}, "smiles"),
    ({"decision": "accept", "cation": "C[N+](C)(C)C"}, "anion"),
    ({"decision": "accept", "cation": "C[N+](C)(C)C", "anion": "C"}, "anion"),
    ({"decision": "accept", "cation": "C", "anion": "[Cl-]"}, "cation"),
    ({"decision": "accept", "smiles": SALT, "values": "melting_point=1e999 K"}, "values"),
    ({"decision": "accept", "smiles": SALT, "values": "melting_point=350 bananas"}, "values"),
    ({"decision": "accept", "smiles": SALT, "values": "density=1.2 g/cm3 @ nan K, 101 kPa"}, "values"),
    ({"decision": "accept", "smiles": SALT, "values": "x\n" * 9_000}, "values"),
    ({"decision": "reject", "note": "x" * 2_001}, "note"), ({"decision": "reject", "note": "\0"}, "note"),
    ({"decision": "drop"}, None),
]  # fmt: skip


@pytest.fixture(scope="module")
def curator(site: str) -> Iterator[Visitor]:
    """Signed in once: whoever tries too often has to wait."""
    made = Visitor(site)
    assert made.post("/sign-in", data={"token": TOKEN}).status_code == 303
    yield made
    made.session.close()


@pytest.mark.parametrize(("sent", "field"), DECISIONS)
def test_a_decision_that_makes_no_sense(
    curator: Visitor, record_id: int, sent: dict[str, str], field: str | None
) -> None:
    words = re.findall(r'name="csrf" value="([^"]+)"', curator.get(f"/quarantine/{record_id}").text)
    answer = curator.post(f"/quarantine/{record_id}", data={**sent, "csrf": words[-1]})
    assert answer.status_code == 422
    assert "Nothing was changed" in answer.text
    if field is not None:
        assert f'id="{field}-error"' in answer.text
    # The word of another session, or none, decides nothing.
    for word in ("", "ä.ä", "a" * 16 + "." + "0" * 64):
        assert curator.post(f"/quarantine/{record_id}", data={**sent, "csrf": word}).status_code == 403


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"", 422, "body: "), (b"{", 422, "body: JSON"), (b"[]", 422, "body: "), (b"[" * 60_000, 400, "body"),
        (b'{"smiles": 5}', 422, "smiles: "), (b'{"values": "x"}', 422, "values: "), (b"\xff\xfe", 422, "body: JSON"),
        (b'{"note": "\\ud800", "smiles": "C"}', 422, "note: "), (b'{"smiles": "\\ud800"}', 422, "smiles: "),
    ],
)  # fmt: skip
def test_a_body_that_is_no_decision(visitor: Visitor, record_id: int, body: bytes, status: int, says: str) -> None:
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
    answer = visitor.post(f"/api/quarantine/{record_id}/accept", data=body, headers=headers)
    assert answer.status_code == status
    assert says in answer.json()["error"]
    for token in ("Bearer nope", "Basic abc", ""):
        refusal = visitor.post(
            f"/api/quarantine/{record_id}/reject", data=b"{}", headers={**headers, "authorization": token}
        )
        assert refusal.status_code == 403


@pytest.mark.parametrize("path", ["/quarantine/1", "/api/quarantine/1/reject", "/sign-in"])
def test_a_body_of_ten_megabytes(visitor: Visitor, path: str) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(1_000):
            yield b"note=" + b"x" * 10_000

    kind = "application/json" if path.startswith("/api") else "application/x-www-form-urlencoded"
    answer = visitor.post(path, data=chunks(), headers={"content-type": kind})
    assert answer.status_code == 413
    assert "At most 65,536 bytes" in answer.text


def test_drawings_for_who_cannot_unpack(visitor: Visitor) -> None:
    answer = visitor.get("/structure.svg?smiles=CCO", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in answer.headers
    assert answer.text.startswith("<?xml")
    assert "accept-encoding" in answer.headers["vary"].lower()
