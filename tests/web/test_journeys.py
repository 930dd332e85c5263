"""What people do, in a real browser: draw, restrict, filter, open, follow, download; review; watch."""

from __future__ import annotations

import csv
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
from tests.integration.populate import Populated
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


def test_review_a_refused_record(page: Any, site: str, engine: Engine, populated: Populated) -> None:
    with engine.begin() as connection:
        record_id = connection.execute(
            text(
                "INSERT INTO ildb.quarantine (source_id, record, record_sha256, reasons, findings) VALUES"
                " (:source, CAST(:record AS jsonb), repeat('7', 64), '{unparsable}', CAST(:findings AS jsonb))"
                " RETURNING id"
            ),
            {
                "source": populated.sources["catalogue"],
                "record": '{"source_key": "web-1", "salt_smiles": "CC[N](C)(C)C.[Cl-]", "name": "a salt"}',
                "findings": '[{"code": "unparsable", "message": "valence of N"}]',
            },
        ).scalar_one()
    page.goto(f"{site}/quarantine/{record_id}")
    page.get_by_role("link", name="Sign in to decide").click()
    page.fill("#token", "wrong")
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    assert "not the token" in page.locator("#token-error").inner_text()
    page.fill("#token", TOKEN)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**/quarantine/{record_id}")

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
        f"/pairings/{populated.passed[0]}", f"/pairings/{populated.known[0]}", f"/ions/{populated.anions['chloride']}",
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


def test_without_a_mouse(page: Any, site: str) -> None:
    page.goto(f"{site}/search")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.focus("#smarts")
    page.keyboard.type("C#N")
    page.keyboard.press("Enter")
    page.wait_for_url("**smarts=C%23N*")
    assert page.locator("#results .card").count() > 0
