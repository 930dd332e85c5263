"""Tables for people: whatever the terminal's width, no number may be cut."""

from __future__ import annotations

import pytest
from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from ildb.cli import candidates, lineage, output, show

ANION = "O=S(=O)([N-]S(=O)(=O)C(F)(F)F)C(F)(F)F"
POINT = {
    "temperature_k": 650.0, "direction": "cooling", "status": "done", "density_g_cm3": 1.09, "d_anion_m2_s": 8.372e-10,
    "is_subdiffusive": True, "coordination": 5.662, "strong_hydrogen_bonds": 0.0, "weak_hydrogen_bonds": 0.4675,
    "n_resumed": 0,
}  # fmt: skip


def _printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int, row: dict[str, object]
) -> list[str]:
    monkeypatch.setattr(output, "console", Console(width=width, highlight=False))
    output.print_table([row, row], list(row), title="Points")
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_no_number_or_header_word_is_broken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int
) -> None:
    lines = _printed(monkeypatch, capsys, width, POINT)
    words = " ".join(lines).split()
    for value in ("650", "8.372e-10", "0.4675", "cooling"):
        assert words.count(value) == 2
    assert {"temperature", "subdiffusive", "coordination"} <= set(words)
    assert max(map(len, lines)) <= width


def test_what_is_too_wide_becomes_lines_of_name_and_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = _printed(monkeypatch, capsys, 80, POINT)
    assert lines[:2] == ["Points", "temperature k          650"]
    assert lines.count("d anion m2 s           8.372e-10") == lines.count("") + 1 == 2


def test_long_text_is_folded_and_the_columns_beside_it_are_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = _printed(
        monkeypatch, capsys, 60, {"smiles": ANION, "tm_k": 317.6, "similarity": 0.9362, "kind": "predicted"}
    )
    assert lines[1].split() == ["smiles", "tm", "k", "similarity", "kind"]
    assert lines[2].split()[1:] == ["317.6", "0.9362", "predicted"]
    assert lines[2].split()[0] + lines[3] == ANION


def test_markup_and_lines_of_a_cell_come_out_as_they_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"pairing": "[Na+].[Cl-]\nsalt [bold]", **{f"column_number_{n}": "figure" for n in range(9)}}
    lines = _printed(monkeypatch, capsys, 80, row)
    assert lines[1:3] == ["pairing          [Na+].[Cl-]", "                 salt [bold]"]


@pytest.mark.parametrize("on_a_terminal", [True, False])
def test_a_tree_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], on_a_terminal: bool
) -> None:
    said = [f"word{n}" for n in range(100)]
    tree = Tree("root")
    tree.add(Text(" ".join(said)))
    monkeypatch.setattr(lineage, "console", Console(width=80, force_terminal=on_a_terminal, color_system=None))
    lineage.print_tree(tree)
    lines = capsys.readouterr().out.splitlines()
    assert [word for line in lines for word in line.split() if word.startswith("word")] == said
    assert len(lines) == 2 if not on_a_terminal else max(map(len, lines)) <= 80


def test_what_is_for_the_record_is_no_reason_for_a_candidate() -> None:
    reasons = [{"code": "nearest_known", "ok": True}, {"code": "alerts", "ok": True}, {"code": "alerts", "ok": False}]
    assert [show._side(reason) for reason in reasons] == ["note", "for", "against"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1.00"),
        (0.9959, "> 0.99"),
        (0.994, "0.99"),
        (0.5, "0.50"),
        (0.005, "0.01"),
        (0.004, "< 0.01"),
        (0.0, "0.00"),
    ],
)
def test_a_candidate_is_never_called_certain(capsys: pytest.CaptureFixture[str], value: float, text: str) -> None:
    ions = {"cation_smiles": "C[NH3+]", "anion_smiles": "[Cl-]", "n_cation": 1, "n_anion": 1}
    scores = {"link_probability": value, "p_below_373_k": value, "tm_k": 300.0, "tm_low_k": 280.0, "tm_high_k": 320.0}
    candidates._print(
        {
            **ions,
            **scores,
            "pairing_id": 7,
            "pick_order": 1,
            "rank": 1,
            "pareto_rank": None,
            "link_reasons": [],
            "nearest": [],
        }
    )
    assert f"link {text}, P(Tm < 373 K) {text}, Tm 300 K" in capsys.readouterr().out
