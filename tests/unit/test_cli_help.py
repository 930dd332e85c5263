"""What ``--help`` shows can be typed as it stands."""

from __future__ import annotations

from typer.testing import CliRunner

from ildb.cli.app import app


def test_brackets_of_smarts_stay_in_the_help() -> None:
    shown = CliRunner().invoke(app, ["search", "substructure", "--help"]).output
    assert "c1cc[nH+]cc1" in shown
    assert "c1c[n+]cn1" in CliRunner().invoke(app, ["search", "sql", "--help"]).output
