"""``ildb stats``."""

# ruff: noqa: F811 (fixtures are imported by name)
from __future__ import annotations

from collections.abc import Callable

from tests.integration.command import command  # noqa: F401
from tests.integration.populate import ANIONS, CATIONS, N_DECIDED, N_SCORED, Populated, populated  # noqa: F401


def test_counts(command, populated: Populated) -> None:
    assert command("stats", "--json").json() == {
        "ions": len(CATIONS) + len(ANIONS),
        "cations": len(CATIONS),
        "anions": len(ANIONS),
        "pairings": len(populated.pairings),
        "known_pairings": len(populated.known),
        "predicted_pairings": N_SCORED,
        "generated_pairings": 0,
        "measurements": populated.n_melting_points,
        "quarantined": 1,
        "runs": 1,
        "models": 2,
        "link_scores": N_SCORED,
        "generated_molecules": 3,
        "melting_scores": N_DECIDED,
        "screening_decisions": N_DECIDED,
        "md_simulations": 2,
        "md_melting_points": 1,
    }
    assert f"known pairings{len(populated.known):>18}" in command("stats").out


def test_an_empty_database_counts_zero(command, new_database: Callable[..., str]) -> None:
    assert set(command("stats", "--json", url=new_database()).json().values()) == {0}


def test_a_database_without_schema(command, new_database: Callable[..., str]) -> None:
    outcome = command("stats", url=new_database(empty=True))
    assert outcome.code == 5
    assert "ildb db upgrade" in outcome.err
