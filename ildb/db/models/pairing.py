"""Pairings of a cation and an anion, and the evidence for them."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from ildb.db.models.base import SCHEMA, Base, BigId, CreatedAt, Small, ref


class Pairing(Base):
    """A cation, an anion and their stoichiometry: neutral and in lowest terms by constraint."""

    __tablename__ = "pairing"
    __table_args__ = (
        UniqueConstraint("cation_id", "anion_id"),
        ForeignKeyConstraint(["cation_id", "cation_charge"], [f"{SCHEMA}.ion.id", f"{SCHEMA}.ion.charge"]),
        ForeignKeyConstraint(["anion_id", "anion_charge"], [f"{SCHEMA}.ion.id", f"{SCHEMA}.ion.charge"]),
        CheckConstraint("cation_charge > 0 AND anion_charge < 0", name="charges"),
        CheckConstraint("n_cation * cation_charge + n_anion * anion_charge = 0", name="neutral"),
        CheckConstraint("n_cation > 0 AND n_anion > 0 AND gcd(n_cation::int, n_anion::int) = 1", name="lowest_terms"),
        Index("ix_pairing_anion_id", "anion_id"),
    )

    id: Mapped[BigId]
    cation_id: Mapped[int]
    anion_id: Mapped[int]
    cation_charge: Mapped[Small]
    anion_charge: Mapped[Small]
    n_cation: Mapped[Small]
    n_anion: Mapped[Small]


class PairingEvidence(Base):
    """One claim that a pairing exists or should: ``known`` by a source, else by a run. Never overwritten."""

    __tablename__ = "pairing_evidence"
    __table_args__ = (
        UniqueConstraint(
            "pairing_id", "kind", "source_id", "run_id", "reference", "source_key", postgresql_nulls_not_distinct=True
        ),
        CheckConstraint("kind IN ('known', 'predicted', 'generated')", name="kind"),
        CheckConstraint(
            "(kind = 'known' AND source_id IS NOT NULL AND run_id IS NULL)"
            " OR (kind <> 'known' AND run_id IS NOT NULL AND source_id IS NULL)",
            name="origin",
        ),
        Index("ix_pairing_evidence_kind", "kind", "pairing_id"),
    )

    id: Mapped[BigId]
    pairing_id: Mapped[int] = ref("pairing")
    kind: Mapped[str]
    source_id: Mapped[int | None] = ref("source", index=True)
    run_id: Mapped[int | None] = ref("run", index=True)
    source_key: Mapped[str | None]
    name: Mapped[str | None]
    reference: Mapped[str | None]
    created_at: Mapped[CreatedAt]
