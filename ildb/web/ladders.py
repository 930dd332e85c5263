"""Simulated ladders of a pairing as its page shows them, with a picture of D over 1/T."""

from __future__ import annotations

import threading
from typing import Any

from sqlalchemy import Connection

from ildb.db import query
from ildb.errors import NotFoundError
from ildb.web.drawings import Drawing, Drawings

Row = dict[str, Any]
_MAX_KEPT = 256


def of_pairing(connection: Connection, simulations: list[Row]) -> list[Row]:
    """Ladders with their ``points``, what the fit says (``said``) and how to read the picture (``note``).

    Args:
        connection: an open transaction.
        simulations: of ``pairing/simulations``.
    """
    if not simulations:
        return []
    # matplotlib takes a second to import; most pages do without.
    from ildb.md.fit_lines import said_of
    from ildb.report.figures.diffusion import OF_BREAK, OF_MARKS

    points = query.rows(connection, "md/points", ids=[row["id"] for row in simulations])
    return [
        {
            **row,
            "points": [point for point in points if point["simulation_id"] == row["id"]],
            "said": said_of(row),
            "note": OF_MARKS if row["tm_k"] is None else f"{OF_BREAK} {OF_MARKS}",
        }
        for row in simulations
    ]


class Ladders:
    """Pictures of ladders; a new point or fit makes a new one."""

    def __init__(self) -> None:
        self._drawings = Drawings(_MAX_KEPT)
        # matplotlib's settings are those of the whole process while a picture is made.
        self._lock = threading.Lock()

    def picture(self, connection: Connection, pairing_id: int, simulation_id: int) -> Drawing:
        """D of both ions over 1/T with the fit.

        Raises:
            NotFoundError: the pairing has no such simulation, or it has no finished temperature.
        """
        simulations = query.rows(connection, "pairing/simulations", pairing_id=pairing_id)
        simulation = next((row for row in simulations if row["id"] == simulation_id), None)
        if simulation is None or not simulation["n_points"]:
            raise NotFoundError("There is no such picture.", "See the pairing's page.")
        key = simulation_id, simulation["fit_id"], simulation["n_points"]
        return self._drawings.kept(*key) or self._make(connection, simulation, key)

    def _make(self, connection: Connection, simulation: Row, key: tuple[int, int | None, int]) -> Drawing:
        from ildb.report import style
        from ildb.report.figures import diffusion

        points = [p for p in query.rows(connection, "md/points", ids=[simulation["id"]]) if p["status"] == "done"]
        if not points:
            raise NotFoundError("There is no such picture.", "See the pairing's page.")
        with self._lock:
            text = style.themed_svg(diffusion.ladder(simulation, points))
        return self._drawings.keep(text, *key)
