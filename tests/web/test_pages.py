"""What the server answers: searches as the command line's, guards, messages for bad input, hostile text."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from rdkit import Chem
from sqlalchemy import Engine, make_url, text

from ildb.client import Client
from ildb.errors import InputError, NotFoundError
from ildb.web.app import create_app
from ildb.web.client import WebClient
from ildb.web.security import CSP, SVG_CSP
from ildb.web.settings import WebSettings
from ildb.web.static_files import FOLDER
from tests.integration.populate import SHA, Populated
from tests.web.conftest import TOKEN, Visitor, serving

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def api(site: str) -> Iterator[WebClient]:
    with WebClient(site, TOKEN) as made:
        yield made


# --- the same answers as the command line ---


def test_search_pages_and_filters(api: WebClient, database_url: str, populated: Populated) -> None:
    with Client(database_url) as db:
        for asked, filters in [
            ({"cation": "c1c[n+]cn1", "anion": "F"}, {}),
            ({"smarts": "C#N", "without": "cation:[P+]"}, {"evidence": "known"}),
            ({"decision": "passed", "min_p373": 0.5, "tm_below": 305}, {}),
            ({"run": populated.run_id, "source": "catalogue"}, {}),
        ]:
            same = db.pairings(
                cation=asked.get("cation", ()), anion=asked.get("anion", ()), either=asked.get("smarts", ()),
                none_of=asked.get("without", ()), limit=None, passed=asked.get("decision") == "passed",
                min_p_below_373_k=asked.get("min_p373"), tm_below_k=asked.get("tm_below"), run_id=asked.get("run"),
                source=asked.get("source"), **filters,
            )["pairing_id"].to_pylist()  # fmt: skip
            assert [hit["pairing_id"] for hit in api.pairings(limit=None, **asked, **filters)] == same
            assert api.count(**asked, **filters) == len(same)
    refused = {hit["pairing_id"] for hit in api.pairings(decision="refused", limit=None)}
    assert refused == set(populated.predicted[len(populated.passed) : 30])


def test_pages_follow_one_another(visitor: Visitor) -> None:
    seen: list[str] = []
    path: str | None = "/search"
    while path:
        answer = visitor.get(path)
        assert answer.status_code == 200
        seen += re.findall(r'<h3><a href="/pairings/(\d+)"', answer.text)
        found = re.search(r'rel="next" href="([^"#]+)', answer.text)
        path = found[1].replace("&amp;", "&") if found else None
    assert len(seen) == len(set(seen)) == 111


def test_downloads(visitor: Visitor, api: WebClient, populated: Populated, tmp_path: Path) -> None:
    query = "decision=passed"
    table = pq.read_table(io.BytesIO(visitor.get(f"/search/download.parquet?{query}").content))
    assert table["pairing_id"].to_pylist() == populated.passed
    sdf = visitor.get(f"/search/download.sdf?{query}").text
    supplier = Chem.SDMolSupplier()
    supplier.SetData(sdf)
    assert [int(mol.GetProp("pairing_id")) for mol in supplier] == populated.passed
    assert api.download(tmp_path / "all.csv") == 111
    assert visitor.get(f"/pairings/{populated.passed[0]}/download.csv").text.count("\n") == 2
    assert "wasDerivedFrom" in visitor.get(f"/pairings/{populated.passed[0]}/lineage.prov.json").json()
    assert visitor.get("/search/download.exe").status_code == 404
    assert visitor.get("/search/download.csv?cation=((").status_code == 422


def test_api(api: WebClient, visitor: Visitor, populated: Populated) -> None:
    assert api.stats()["pairings"] == 111
    assert api.pairing(populated.passed[0])["decisions"][0]["passed"]
    assert api.pairing("CCn1cc[n+](C)c1.F[B-](F)(F)F")["names"] == ["1-ethyl-3-methylimidazolium tetrafluoroborate"]
    assert api.lineage(populated.passed[0])["link_scores"][0]["model"]["snapshot"]["origins"]
    assert api.ion("[Cl-]")["id"] == populated.anions["chloride"]
    assert api.run(populated.run_id)["status"] == "succeeded"
    near = visitor.get("/api/similar?smiles=CCCCn1cc[n%2B](C)c1&ion=cation&top=3").json()
    assert near[0]["id"] == populated.cations["1-butyl-3-methylimidazolium"]
    with pytest.raises(NotFoundError):
        api.ion("999999")
    with pytest.raises(InputError, match="not a SMARTS"):
        list(api.pairings(cation="c1c("))
    schema = visitor.get("/api/openapi.json").json()
    assert {"/api/search", "/api/count", "/api/pairings/{key}", "/api/quarantine/{record_id}/accept"} <= set(
        schema["paths"]
    )


# --- bad and hostile input ---

BAD = [
    ("/search?min_p373=1.5", "min_p373"), ("/search?tm_below=cold", "tm_below"), ("/search?cation=c1c(", "cation"),
    ("/search?anion=xyz&anion_how=is", "anion"), ("/search?cation_how=resembles&cation=C.C", "cation"),
    ("/search?tm_below=200&tm_above=300", "tm_below"), ("/search?run=x", "run"), ("/search?run=1e300", "run"),
    ("/search?threshold=nan", "threshold"), ("/search?property=sparkle", "property"), ("/search?source=%00", "source"),
    ("/search?decision=maybe", "decision"), ("/search?without=%5B", "without"),
    ("/search?smarts=" + ".".join(["*"] * 12 + ["[X0]"] * 2), "smarts"),  # would take for ever
]  # fmt: skip


@pytest.mark.parametrize(("path", "field"), BAD)
def test_bad_input_is_told_at_the_field(visitor: Visitor, path: str, field: str) -> None:
    answer = visitor.get(path)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    # The field is told to be wrong, points at the message, and keeps what was typed.
    tag = re.search(rf'<(input|select) id="{field}"[^>]*>', answer.text)
    assert tag is not None
    assert 'aria-invalid="true"' in tag[0]
    assert f"{field}-error" in tag[0]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/pairings/999999999", 404), ("/pairings/99999999999999999999999", 404), ("/pairings/-1", 404),
        ("/pairings/x", 404), ("/ions/0", 404), ("/runs/99999999999999999999", 404), ("/quarantine/" + "9" * 30, 404),
        ("/structure.svg?smiles=nonsense", 422), ("/structure.svg?smiles=" + "C" * 3_000, 404), ("/nothing", 404),
        ("/static/../app.py", 404), ("/static/%2e%2e/app.py", 404), ("/api/search?limit=0", 422),
        ("/api/ions/%00", 422), ("/ions?key=%00", 422), ("/search?after=xyz", 422), ("/quarantine?status=odd", 404),
        ("/quarantine?reason=%00&source=%00", 200), ("/search?smarts=" + "C" * 11_000, 422),
    ],
)  # fmt: skip
def test_odd_addresses(visitor: Visitor, path: str, status: int) -> None:
    answer = visitor.get(path)
    assert answer.status_code == status
    assert "Traceback" not in answer.text
    assert "sqlalchemy" not in answer.text.lower()


def test_hostile_text_stays_text(visitor: Visitor, engine: Engine, populated: Populated) -> None:
    reference = f'{SCRIPT} 10.1000/x"onmouseover=alert(1)'
    with engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE ildb.pairing_evidence SET name = :name, reference = :reference WHERE id ="
                " (SELECT min(id) FROM ildb.pairing_evidence WHERE pairing_id = :pairing)"
            ),
            {"name": f"=1+{SCRIPT}", "reference": reference, "pairing": populated.known[-1]},
        )
        connection.execute(
            text(
                "UPDATE ildb.quarantine SET record = CAST(:record AS jsonb) WHERE record_sha256 = :sha"
            ),
            {"record": json.dumps({"source_key": "x", "name": SCRIPT, "salt_smiles": SCRIPT, SCRIPT: [SCRIPT]}),
             "sha": SHA},
        )  # fmt: skip
    for path in (
        f"/pairings/{populated.known[-1]}", "/quarantine", "/quarantine/1", f"/search?source={SCRIPT}&smarts={SCRIPT}",
        f"/sign-in?to={SCRIPT}", f"/search?run={populated.known[-1]}", f"/{SCRIPT}",
    ):  # fmt: skip
        answer = visitor.get(path)
        assert SCRIPT not in answer.text
        assert 'x"onmouseover' not in answer.text
    named = visitor.get(f"/pairings/{populated.known[-1]}/download.csv").text
    assert ",'=1+" in named


# --- guards ---


def test_headers(visitor: Visitor, populated: Populated) -> None:
    page = visitor.get("/")
    assert page.headers["content-security-policy"] == CSP
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["x-frame-options"] == "DENY"
    assert "unsafe" not in CSP
    assert "unsafe-eval" in visitor.get("/draw").headers["content-security-policy"]
    for path in ("/", "/search", f"/pairings/{populated.passed[0]}"):
        body = visitor.get(path).text
        assert not re.search(r"<script(?![^>]*\ssrc=)|\sstyle=|<style|\son\w+=", body)


def test_structures_are_kept_by_the_browser(visitor: Visitor) -> None:
    path = "/structure.svg?smiles=CCn1cc[n%2B](C)c1"
    first = visitor.get(path)
    assert first.headers["content-type"] == "image/svg+xml"
    assert first.headers["content-security-policy"] == SVG_CSP
    assert "prefers-color-scheme:dark" in first.text
    assert "#000000" not in first.text
    assert visitor.get(path, headers={"if-none-match": first.headers["etag"]}).status_code == 304


def test_other_hosts_and_large_requests_are_refused(visitor: Visitor) -> None:
    assert visitor.get("/", headers={"host": "evil.example"}).status_code == 421
    assert visitor.get("/search?smarts=" + "C" * 20_000).status_code == 414
    assert visitor.post("/sign-in", data={"token": "x" * 100_000}).status_code == 413

    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield b"token=" + b"x" * 10_000

    assert visitor.post("/sign-in", data=endless()).status_code >= 400


def test_too_many_requests(database_url: str, populated: Populated) -> None:
    url = make_url(database_url).set(drivername="postgresql+psycopg")
    with serving(create_app(WebSettings(burst=5, requests_per_s=0.01), url)) as address:
        visitor = Visitor(address)
        answers = [visitor.get("/runs") for _ in range(8)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 3
        assert int(answers[-1].headers["retry-after"]) > 0
        # Without a token nobody signs in, whatever is sent.
        assert visitor.get("/static/style.css").status_code == 200


def test_decisions_need_token_and_own_form(visitor: Visitor, api: WebClient, site: str) -> None:
    accept = {"decision": "reject", "note": "x"}
    assert visitor.post("/quarantine/1", data=accept).status_code == 403
    assert visitor.post("/sign-in", data={"token": "guess"}).status_code == 422
    elsewhere = visitor.post("/sign-in", data={"token": TOKEN}, headers={"origin": "https://evil.example"})
    assert elsewhere.status_code == 403
    signed = visitor.post("/sign-in", data={"token": TOKEN, "to": "//evil.example"})
    assert signed.headers["location"] == "/"
    assert "HttpOnly" in signed.headers["set-cookie"]
    assert "SameSite=strict" in signed.headers["set-cookie"]
    assert visitor.post("/quarantine/1", data=accept).status_code == 403
    assert visitor.post("/quarantine/1", data={**accept, "csrf": "a.b"}).status_code == 403
    assert 'value="open"' not in visitor.get("/quarantine/1").text
    with WebClient(site) as stranger, pytest.raises(InputError, match="token"):
        stranger.reject(1)
    with WebClient(site, "some other token") as guesser, pytest.raises(InputError, match="not the server's token"):
        guesser.reject(1)
    with pytest.raises(InputError):
        api.accept(1, smiles="C[N](C)(C)(C)C.[Cl-]")
    assert api.reject(1, "no such salt")["status"] == "rejected"
    with pytest.raises(InputError, match="was rejected"):
        api.reject(1)


def test_pages_read_as_reader(app: object, visitor: Visitor) -> None:
    database = app.state.context.database  # type: ignore[attr-defined]
    assert database.login == "ildb_reader"
    with database.writer().connect() as connection:
        assert connection.execute(text("SELECT current_user")).scalar_one() == "ildb_curator"


# --- what ships ---


@pytest.mark.parametrize("folder", [FOLDER, ROOT / "tests" / "web" / "vendor"])
def test_vendored_files_are_what_their_packages_hold(folder: Path) -> None:
    listed: dict[str, str] = {}
    for package in json.loads((folder / "vendor.json").read_text(encoding="utf-8")):
        assert package["integrity"].startswith("sha512-")
        assert any(name.endswith("LICENSE") for name in package["files"])
        listed |= package["files"]
    for name, digest in listed.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    own = {"vendor.json", "icon.svg", "style.css", "draw.css", "draw.js", "pages.js"}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert there - own == set(listed)


def test_search_page_is_small(visitor: Visitor) -> None:
    page = visitor.get("/search", headers={"accept-encoding": "gzip"}).text
    sizes = [len(gzip.compress(page.encode()))]
    for address in re.findall(r'(?:src|href)="(/(?:static|structure)[^"]+)"', page):
        answer = visitor.get(address.replace("&amp;", "&"), headers={"accept-encoding": "gzip"}, stream=True)
        sizes.append(len(answer.raw.read(decode_content=False)))
    assert sum(sizes) <= 200_000
