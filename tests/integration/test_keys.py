"""Names where a structure is asked for: the error says how they are looked up, and that works."""

# ruff: noqa: F811 (fixtures are imported by name)
from __future__ import annotations

import shlex

import pytest

from tests.integration.command import command  # noqa: F401
from tests.integration.populate import Populated, populated  # noqa: F401


@pytest.mark.parametrize(
    ("arguments", "form"),
    [
        (("show", "pairing"), "id or as SMILES, 'cation.anion'"),
        (("show", "ion"), "id, InChIKey or SMILES"),
        (("lineage", "pairing"), "id or as SMILES, 'cation.anion'"),
        (("model", "explain", "1"), "id or as SMILES, 'cation.anion'"),
    ],
)
@pytest.mark.parametrize("name", ["1-butyl-3-methylimidazolium chloride", "bmimCl"])
def test_a_name_is_no_structure_and_can_be_looked_up(command, arguments: tuple[str, ...], form: str, name: str) -> None:
    outcome = command(*arguments, name)
    assert outcome.code == 3
    assert form in outcome.err
    assert f"ildb search name '{name}'" in outcome.err


def test_the_command_that_is_named_finds_the_name(command, populated: Populated) -> None:
    name = command("show", "pairing", str(populated.known[0]), "--json").json()["names"][0]
    said = command("show", "pairing", name).err.partition("looked up so: ")[2]
    found = command(*shlex.split(said)[1:], "--json").json()
    assert populated.known[0] in [row["pairing_id"] for row in found]


@pytest.mark.parametrize("text", ["$(id) x", "a'b", 'a"b c', "`id` x", "a\nb"])
def test_what_a_shell_would_read_is_not_repeated(command, text: str) -> None:
    outcome = command("show", "pairing", text)
    assert outcome.code == 3
    assert "ildb search name 'NAME'" in outcome.err


def test_a_bad_structure_is_still_said_to_be_one(command) -> None:
    assert "search name" not in command("show", "pairing", "CCCCn1cc[n+](C)c1").err
    assert "search name" not in command("show", "ion", "C(C)(C)(C)(C)C").err
