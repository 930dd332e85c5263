"""Known pairings by name."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.integration.command import Outcome, command
from tests.integration.populate import Populated, populated

__all__ = ["command", "populated"]


def test_words_in_any_order_and_case(command: Callable[..., Outcome], populated: Populated) -> None:
    found = command("search", "name", "BUTYL", "3-methylimid", "1- tetra", "--json").json()
    assert found
    for row in found:
        assert all(word in row["name"].lower() for word in ("butyl", "3-methylimid", "1-", "tetra"))
        assert row["cation_smiles"] == "CCCC[n+]1ccn(C)c1"
        assert row["sources"]
    lengths = [len(row["name"]) for row in command("search", "name", "ium", "--top", "7", "--json").json()]
    assert len(lengths) == 7
    assert lengths == sorted(lengths)


@pytest.mark.parametrize("text", ["%", "_", "\\", "'; DROP TABLE ion; --", "no such name"])
def test_wildcards_mean_themselves(command: Callable[..., Outcome], populated: Populated, text: str) -> None:
    assert command("search", "name", text, "--json").json() == []
    assert "No source names a salt so" in command("search", "name", text).err
