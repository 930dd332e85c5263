"""What people do, in a real browser: draw, restrict, filter, open, follow, download; review; watch."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import Engine, text

from ildb.config import Settings
from ildb.pipeline import recipe as recipes
from ildb.pipeline import registry
from ildb.pipeline.runner import Runner
from tests.integration.populate import Populated, drawn_pairing
from tests.integration.squares import TABLE, TEST_STAGES
from tests.web.axe import violations
from tests.web.conftest import TOKEN

DESK = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 740}


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page that may load nothing from elsewhere and must report no error of script or policy."""
    context = browser.new_context(viewport=DESK, accept_downloads=True)
    made = context.new_page()
    troubles: list[str] = []
    made.on("pageerror", lambda error: troubles.append(str(error)))
    made.on("console", lambda said: troubles.append(said.text) if "Content Security" in said.text else None)
    made.on("request", lambda sent: troubles.append(sent.url) if "//127.0.0.1:" not in sent.url else None)
    yield made
    context.close()
    assert not troubles


def test_draw_restrict_filter_open_follow_download(page: Any, site: str, populated: Populated, tmp_path: Path) -> None:
    page.goto(f"{site}/search")
    page.get_by_text("Draw the cation").click()
    frame = page.frame_locator("iframe[title='Drawing box for the cation']")
    frame.locator("body[data-ready=yes]").wait_for(timeout=60_000)
    # The bond tool is chosen; a click in the middle draws one bond.
    page.locator("iframe").click(position={"x": 350, "y": 220})
    page.wait_for_function("document.getElementById('cation').value !== ''")
    assert page.input_value("#cation") == "CC"

    page.fill("#anion", "S(=O)(=O)[O-]")
    page.select_option("#decision", "passed")
    page.fill("#tm_below", "373")
    page.click("#go")
    page.wait_for_url("**/search?*")
    # The address says what was asked and no more, so it can be sent to somebody.
    assert set(re.findall(r"[?&](\w+)=", page.url)) == {"cation", "anion", "decision", "tm_below"}
    cards = page.locator("#results .card")
    assert cards.count() == 2
    assert cards.first.locator("img").first.get_attribute("alt").startswith("Structure of the cation, ")

    with page.expect_download() as waiting:
        page.get_by_role("link", name="CSV").click()
    waiting.value.save_as(tmp_path / "found.csv")
    with (tmp_path / "found.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 2
    assert {int(row["pairing_id"]) for row in rows} <= set(populated.passed)

    cards.first.get_by_role("link").click()
    page.wait_for_url("**/pairings/*")
    doi = page.locator(".tree a[href^='https://doi.org/']").first
    assert doi.get_attribute("href") == "https://doi.org/10.1000/table"
    assert "Data snapshot" in page.locator(".tree li.model li.data").first.inner_text()


def refused(engine: Engine, populated: Populated, record: dict[str, str]) -> int:
    """A record in quarantine."""
    with engine.begin() as connection:
        record_id: int = connection.execute(
            text(
                "INSERT INTO ildb.quarantine (source_id, record, record_sha256, reasons, findings) VALUES"
                " (:source, CAST(:record AS jsonb), :sha256, '{unparsable}', CAST(:findings AS jsonb))"
                " RETURNING id"
            ),
            {
                "source": populated.sources["catalogue"], "record": json.dumps(record),
                "sha256": hashlib.sha256(json.dumps(record).encode()).hexdigest(),
                "findings": '[{"code": "unparsable", "message": "valence of N"}]',
            },
        ).scalar_one()  # fmt: skip
    return record_id


def test_review_a_refused_record(page: Any, site: str, engine: Engine, populated: Populated) -> None:
    record = {"source_key": "web-1", "salt_smiles": "CC[N](C)(C)C.[Cl-]", "name": "a salt"}
    record_id = refused(engine, populated, record)
    page.goto(f"{site}/quarantine/{record_id}")
    page.get_by_role("link", name="Sign in to decide").click()
    page.fill("#token", "wrong")
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    assert "not the token" in page.locator("#token-error").inner_text()
    page.fill("#token", TOKEN)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{site}/quarantine/{record_id}")

    page.fill("#smiles", "CC[N](C)(C)C.[Cl-]")
    page.get_by_role("button", name="Accept as corrected").click()
    page.locator("#smiles-error").wait_for()
    assert page.locator("#smiles").get_attribute("aria-invalid") == "true"
    assert page.evaluate("document.activeElement.id") == "smiles"
    assert page.input_value("#smiles") == "CC[N](C)(C)C.[Cl-]"
    assert not violations(page)

    page.fill("#smiles", "CC[N+](C)(C)C.[Cl-]")
    page.fill("#note", "the charge was lost")
    page.get_by_role("button", name="Accept as corrected").click()
    page.locator("a[href^='/pairings/']").click()
    page.wait_for_url("**/pairings/*")
    assert "a salt" in page.locator("h1").inner_text()


def test_watch_a_run_that_goes_on(page: Any, site: str, engine: Engine, tmp_path: Path) -> None:
    registry.STAGES.update(TEST_STAGES)
    with engine.begin() as connection:
        connection.execute(text(TABLE))
    log = tmp_path / "log"
    stages = [{"name": "squares", "uses": "test.squares", "params": {"log": str(log), "n": 5, "sleep_s": 1.0}}]
    recipe = recipes.from_dict({"name": "watched", "stage": stages}, where="test")
    begun: Queue[int] = Queue()
    runner = Runner(engine, settings=Settings(home=tmp_path), workers=1)
    running = Thread(target=runner.run, args=(recipe,), kwargs={"started": begun.put})
    running.start()
    try:
        page.goto(f"{site}/runs/{begun.get(timeout=60)}")
        # The page follows by itself, from one count to the next, to the end.
        page.get_by_text(re.compile("[1-4] of 5 tasks done")).wait_for(timeout=60_000)
        page.get_by_text("5 of 5 tasks done").wait_for(timeout=60_000)
        page.locator("#progress:not([hx-get])").wait_for(timeout=60_000)
        assert "succeeded" in page.locator("#progress p[role=status]").inner_text()
    finally:
        running.join(120)
        for name in TEST_STAGES:
            del registry.STAGES[name]


def pages(populated: Populated) -> list[str]:
    return [
        "/", "/search", "/search?cation=c1c(&min_p373=seven&threshold=2", "/search?smarts=[Au]",
        f"/pairings/{populated.passed[0]}", f"/pairings/{populated.known[0]}", f"/pairings/{drawn_pairing(populated)}",
        f"/ions/{populated.anions['chloride']}", f"/ions/{populated.anions['lactate']}",
        "/runs", f"/runs/{populated.run_id}", "/quarantine", "/quarantine/1", "/api", "/sign-in", "/nothing",
    ]  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible_and_fit_a_phone(browser: Any, site: str, populated: Populated, scheme: str) -> None:
    context = browser.new_context(viewport=PHONE, color_scheme=scheme)
    page = context.new_page()
    found = {}
    for path in pages(populated):
        page.goto(site + path)
        wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        wrong = violations(page) + (["wider than the screen"] if wide else [])
        if wrong:
            found[path] = wrong
    context.close()
    assert not found


def focus_by_tab(page: Any, selector: str, most: int = 120) -> None:
    """Press the tabulator until an element has the focus, as who has no mouse does."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"{selector} is not reached in {most} steps")


def test_the_whole_way_by_keyboard(page: Any, site: str) -> None:
    page.goto(site)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    focus_by_tab(page, "#smarts")
    page.keyboard.type("C#N")
    page.keyboard.press("Enter")
    page.wait_for_url("**smarts=C%23N*")
    focus_by_tab(page, "#evidence")
    page.keyboard.type("known")
    focus_by_tab(page, "#go")
    page.keyboard.press("Enter")
    page.wait_for_url("**evidence=known*")
    focus_by_tab(page, "#results .card h3 a")
    page.keyboard.press("Enter")
    page.wait_for_url("**/pairings/*")
    focus_by_tab(page, ".tree a[href^='https://doi.org/']")
    # What a tool that reads the page aloud has to say of it.
    said = page.locator("body").aria_snapshot()
    for name in (
        'navigation "Main"', 'region "Decisions"', 'region "Simulated (molecular dynamics)"', 'region "Lineage"',
        'img "Structure of the cation ', 'img "Structure of the anion ', 'link "CSV"',
    ):  # fmt: skip
        assert name in said


def test_decide_by_keyboard(page: Any, site: str, engine: Engine, populated: Populated) -> None:
    record_id = refused(engine, populated, {"source_key": "web-2", "salt_smiles": "C"})
    page.goto(f"{site}/sign-in?to=/quarantine/{record_id}")
    focus_by_tab(page, "#token")
    page.keyboard.type(TOKEN)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site}/quarantine/{record_id}")
    focus_by_tab(page, "#note")
    page.keyboard.type("no salt at all")
    focus_by_tab(page, "button[value=reject]")
    page.keyboard.press("Space")
    page.get_by_text("no salt at all").wait_for()
    assert "rejected" in page.locator("p[role=status]").inner_text()
