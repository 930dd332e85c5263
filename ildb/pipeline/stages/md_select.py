"""Which pairings to simulate: candidates of a screen, well-measured ones, or those named. For every stage of md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Connection

from ildb.db import query
from ildb.errors import InputError
from ildb.hashing import sha256_json
from ildb.pipeline.stage import Upstream

DECIDE = "screen.decide"


class SelectParams(BaseModel):
    """Parameters that say which pairings; a recipe gives the same to each of its md stages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    select: Literal["passed", "informative", "validation", "named"] = Field(
        default="passed",
        description="passed, informative: candidates of screen.decide; validation: measured ones; named: see smiles",
    )
    top: int = Field(default=1, ge=1, description="how many pairings (of named ones: all)")
    smiles: tuple[str, ...] = Field(default=(), description="pairings to simulate, as SMILES of both ions, or ids")
    tm_low_k: float = Field(default=246.0, gt=0, description="validation: lowest measured melting point, K")
    tm_high_k: float = Field(default=421.0, gt=0, description="validation: highest, K")
    reports: int = Field(default=2, ge=1, description="validation: independent reports of it")
    spread_k: float = Field(default=5.0, ge=0, description="validation: by how much they may differ, K")
    heavy_atoms: int = Field(
        default=45, ge=2, description="largest pairing, both ions together; named ones may be larger"
    )

    @model_validator(mode="after")
    def _named(self) -> SelectParams:
        if (self.select == "named") != bool(self.smiles):
            raise ValueError('select = "named" and smiles = [...] go together')
        if self.tm_low_k >= self.tm_high_k:
            raise ValueError("tm_low_k must be below tm_high_k")
        return self

    def of_selection(self) -> SelectParams:
        """The parameters of the selection alone."""
        return SelectParams.model_validate(self.model_dump(include=set(SelectParams.model_fields)))


@dataclass(frozen=True)
class Chosen:
    """A pairing with its ions."""

    pairing_id: int
    n_cation: int
    n_anion: int
    cation_id: int
    cation_inchikey: str
    cation_smiles: str
    anion_id: int
    anion_inchikey: str
    anion_smiles: str

    @property
    def smiles(self) -> str:
        """Both ions."""
        return f"{self.cation_smiles}.{self.anion_smiles}"


def choose(connection: Connection, params: SelectParams, upstream: Sequence[Upstream]) -> list[Chosen]:
    """The pairings, best first.

    Raises:
        InputError: nothing fits, a named pairing is not in the database, or the recipe lacks the screen.
    """
    ids = _ids(connection, params, upstream)
    if not ids:
        raise InputError(f"no pairing fits select = '{params.select}'.", _HINTS[params.select])
    rows = {row["pairing_id"]: row for row in query.rows(connection, "md/pairings", ids=ids)}
    return [Chosen(**rows[pairing_id]) for pairing_id in ids]


def fingerprint(connection: Connection, params: SelectParams) -> str:
    """Hash of what the selection reads besides the needed stages."""
    if params.select in {"validation", "named"}:
        chosen = choose(connection, params, ())
        return sha256_json([[c.cation_inchikey, c.anion_inchikey, c.n_cation, c.n_anion] for c in chosen])
    if params.select == "informative":
        return sha256_json([row["pairing_id"] for row in query.rows(connection, "md/simulated")])
    return ""


_HINTS = {
    "passed": "Loosen the screen (screen.decide).",
    "informative": "Loosen the screen (screen.decide), or all candidates have been simulated.",
    "validation": "Ingest more measured melting points, or ask for fewer reports or a wider range.",
    "named": "Name some: smiles = [...].",
}


def _ids(connection: Connection, params: SelectParams, upstream: Sequence[Upstream]) -> list[int]:
    if params.select == "named":
        from ildb.search.facts import find_pairing

        return list(dict.fromkeys(int(find_pairing(connection, text)["id"]) for text in params.smiles))
    if params.select == "validation":
        limits: dict[str, Any] = params.model_dump(
            include={"top", "tm_low_k", "tm_high_k", "reports", "spread_k", "heavy_atoms"}
        )
        return [row["pairing_id"] for row in query.rows(connection, "md/validation", **limits)]
    decided = [up for up in upstream if up.uses == DECIDE]
    if len(decided) != 1:
        raise InputError(
            f"select = '{params.select}' takes candidates of a screen, and the recipe names none here.",
            f'Add needs = ["NAME"] with the name of the {DECIDE} stage, or use select = "validation" or "named".',
        )
    limits = params.model_dump(include={"top", "heavy_atoms"})
    rows = query.rows(connection, f"md/{params.select}", run_id=decided[0].run_id, **limits)
    return [row["pairing_id"] for row in rows]
