"""What makes a stage that reads the known pairings start anew."""

# ruff: noqa: F811 (fixtures are imported by name)
from __future__ import annotations

from sqlalchemy import Engine, text

from ildb.db import query
from tests.integration.populate import Populated, populated  # noqa: F401


def test_another_source_of_a_known_pairing_matters_only_where_sources_do(engine: Engine, populated: Populated) -> None:
    with engine.connect() as connection:

        def hashes() -> list[str]:
            return [
                query.execute(connection, "links/fingerprint", sources=sources).scalar_one()
                for sources in (True, False)
            ]

        with_sources, without = hashes()
        connection.execute(
            text(
                "INSERT INTO ildb.pairing_evidence (pairing_id, kind, source_id, source_key, reference)"
                " SELECT e.pairing_id, e.kind, s.id, 'again', '' FROM ildb.pairing_evidence AS e, ildb.source AS s"
                " WHERE e.kind = 'known' AND NOT EXISTS (SELECT FROM ildb.pairing_evidence AS o"
                " WHERE o.pairing_id = e.pairing_id AND o.source_id = s.id) ORDER BY e.id LIMIT 1"
            )
        )
        after = hashes()
        assert after[0] != with_sources
        assert after[1] == without
        connection.execute(text("UPDATE ildb.ion SET flags = '{metal}' WHERE id = (SELECT min(id) FROM ildb.ion)"))
        assert hashes()[1] != without
        connection.rollback()
