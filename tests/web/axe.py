"""Accessibility by axe-core, which lies beside the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_AXE = Path(__file__).resolve().parent / "vendor" / "axe.min.js"


def violations(page: Any) -> list[str]:
    """What axe finds wrong in a page, one line each; frames without an origin are left out, axe cannot see them."""
    page.evaluate(_AXE.read_text(encoding="utf-8") + "; undefined")
    found = page.evaluate("axe.run({exclude: [['iframe']]})")
    return [f"{v['id']}: {v['help']} {[n['target'] for n in v['nodes']][:3]}" for v in found["violations"]]
