"""Which pairings are simulated: the picked, the informative, the well-measured, the named."""

# ruff: noqa: F811 (fixtures are imported by name)
from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import ValidationError
from sqlalchemy import Connection, Engine, text

from ildb.errors import InputError
from ildb.pipeline.stage import Upstream
from ildb.pipeline.stages.md_select import SelectParams, choose, fingerprint
from tests.integration.populate import Populated, populated  # noqa: F401


@pytest.fixture
def connection(engine: Engine, populated: Populated) -> Iterator[Connection]:
    with engine.connect() as connection:
        yield connection
        connection.rollback()


def screen(populated: Populated) -> list[Upstream]:
    return [Upstream("decide", "screen.decide", 1, populated.run_id, "0" * 64, {})]


def select(**values: object) -> SelectParams:
    return SelectParams.model_validate(values)


def test_passed_candidates_best_first(connection: Connection, populated: Populated) -> None:
    chosen = choose(connection, select(select="passed", top=3), screen(populated))
    assert [pairing.pairing_id for pairing in chosen] == populated.passed[:3]
    small = choose(connection, select(select="passed", top=50, heavy_atoms=12), screen(populated))
    assert {pairing.pairing_id for pairing in small} < set(populated.passed)


def test_informative_ones_are_uncertain_likely_and_not_simulated_yet(
    connection: Connection, populated: Populated
) -> None:
    wide = populated.passed[5]
    connection.execute(
        text("UPDATE ildb.melting_score SET tm_low_k = tm_k - 200, tm_high_k = tm_k + 200 WHERE pairing_id = :id"),
        {"id": wide},
    )
    before = fingerprint(connection, select(select="informative"))
    assert choose(connection, select(select="informative"), screen(populated))[0].pairing_id == wide
    connection.execute(
        text("UPDATE ildb.md_simulation SET pairing_id = :id WHERE id = :simulation"),
        {"id": wide, "simulation": populated.simulation_id},
    )
    assert choose(connection, select(select="informative"), screen(populated))[0].pairing_id != wide
    assert fingerprint(connection, select(select="informative")) != before  # the next round is another stage


def test_validation_takes_what_reports_agree_on_across_the_range(connection: Connection, populated: Populated) -> None:
    params = select(select="validation", top=4, reports=1, tm_low_k=250, tm_high_k=450, heavy_atoms=60)
    chosen = [pairing.pairing_id for pairing in choose(connection, params, [])]
    found = {
        row.pairing_id: row
        for row in connection.execute(text("SELECT * FROM ildb.consensus_measurement WHERE property = 'melting_point'"))
    }
    values = sorted(found[pairing_id].median for pairing_id in chosen)
    assert len(values) == 4
    assert values[-1] - values[0] > 75
    assert all(found[pairing_id].spread <= 5 for pairing_id in chosen)
    with pytest.raises(InputError, match="no pairing fits"):
        choose(connection, select(select="validation", reports=9), [])


def test_named_ones_are_found_in_any_spelling_or_said_to_be_missing(
    connection: Connection, populated: Populated
) -> None:
    known = populated.pairings["1-butyl-3-methylimidazolium", "tetrafluoroborate"]
    named = select(select="named", smiles=("F[B-](F)(F)F.Cn1cc[n+](CCCC)c1", str(known)))
    assert [pairing.pairing_id for pairing in choose(connection, named, [])] == [known]
    with pytest.raises(InputError, match="There is no pairing"):
        choose(connection, select(select="named", smiles=("[Na+].[Cl-]",)), [])


@pytest.mark.parametrize(
    "values", [{"select": "named"}, {"smiles": ("[Na+].[Cl-]",)}, {"select": "validation", "tm_low_k": 500}]
)
def test_contradictions_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        select(**values)
