"""A mistyped name in an option is an error that names what there is, not an answer without hits."""

# ruff: noqa: F811 (fixtures are imported by name)
from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.command import command  # noqa: F401
from tests.integration.populate import Populated, populated  # noqa: F401

SEARCH = ("search", "substructure", "C")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*SEARCH, "--property", "vicosity<0.1"), "There is no property 'vicosity'. Did you mean viscosity?"),
        ((*SEARCH, "--source", "nope"), "There is no source 'nope'. Sources: catalogue, melting table."),
        ((*SEARCH, "--run", "77"), "There is no run 77. See: ildb pipeline list"),
        (("curate", "quarantine", "list", "--source", "nope"), "There is no source 'nope'."),
        (("md", "parity", "--run", "77"), "There is no run 77."),
        (("md", "density", "--run", "77"), "There is no run 77."),
    ],
)
def test_an_unknown_name_is_an_error(command, populated: Populated, arguments: tuple[str, ...], said: str) -> None:
    outcome = command(*arguments, "--json")
    assert (outcome.code, outcome.out) == (3, "")
    assert said in outcome.err


def test_known_names_are_taken(command, populated: Populated) -> None:
    assert command(*SEARCH, "--source", "catalogue", "--json").json()
    assert command(*SEARCH, "--run", str(populated.run_id), "--json").json()
    assert command(*SEARCH, "--property", "viscosity<0.1", "--json").json() == []


def test_no_file_is_written_for_an_unknown_run(command, populated: Populated, tmp_path: Path) -> None:
    file = tmp_path / "z.csv"
    outcome = command("export", "candidates", str(file), "--run", "77")
    assert outcome.code == 3
    assert "There is no run 77." in outcome.err
    assert not file.exists()
