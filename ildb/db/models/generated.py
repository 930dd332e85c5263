"""What generators wrote, string by string."""

from __future__ import annotations

from sqlalchemy import REAL, CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from ildb.db.models.base import Base, Small, ref

_FOUND = "outcome IN ('novel', 'duplicate', 'known')"


class GeneratedMolecule(Base):
    """One string that a generator drew, and what became of it; no draw is left out.

    ``position`` counts the draws of a stage. ``charge`` is what was asked for, 0 for a whole ionic liquid. An ion-level
    draw that the curation door let in leads to its ion, a pair-level one to its pairing. ``similarity`` is to the
    nearest known ion.
    """

    __tablename__ = "generated_molecule"
    __table_args__ = (
        CheckConstraint(
            "outcome IN ('novel', 'duplicate', 'known', 'rejected', 'empty', 'unfinished', 'unparsable',"
            " 'too_few_parts', 'too_many_parts', 'radical', 'wrong_charge', 'too_large', 'refused')",
            name="outcome",
        ),
        CheckConstraint("method IN ('enumeration', 'prior', 'around', 'between', 'steered', 'ngram')", name="method"),
        CheckConstraint(f"({_FOUND}) = (num_nonnulls(ion_id, pairing_id) = 1)", name="found_leads_on"),
        CheckConstraint(f"{_FOUND} OR cardinality(reasons) > 0", name="refusal_has_reason"),
        CheckConstraint("num_nonnulls(ion_id, pairing_id) <= 1", name="one_target"),
        CheckConstraint("temperature >= 0", name="temperature"),
        CheckConstraint("similarity BETWEEN 0 AND 1", name="similarity"),
        Index("ix_generated_molecule_ion_id", "ion_id", postgresql_where=text("ion_id IS NOT NULL")),
        Index("ix_generated_molecule_pairing_id", "pairing_id", postgresql_where=text("pairing_id IS NOT NULL")),
        Index("ix_generated_molecule_run_outcome", "run_id", "outcome"),
    )

    stage_run_id: Mapped[int] = ref("stage_run", primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    run_id: Mapped[int] = ref("run")
    model_id: Mapped[int] = ref("model", index=True)
    raw: Mapped[str]
    charge: Mapped[Small]
    outcome: Mapped[str]
    reasons: Mapped[list[str]]
    ion_id: Mapped[int | None] = ref("ion")
    pairing_id: Mapped[int | None] = ref("pairing")
    method: Mapped[str]
    seed: Mapped[int]
    temperature: Mapped[float | None] = mapped_column(REAL)
    round: Mapped[Small]
    sa_score: Mapped[float | None] = mapped_column(REAL)
    similarity: Mapped[float | None] = mapped_column(REAL)
