"""Force-field parameters of ions."""

from __future__ import annotations

from typing import Any

from sqlalchemy import REAL, CheckConstraint, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ildb.db.models.base import Base, BigId, CreatedAt, ref


class MdParameters(Base):
    """An ion's force field by one method: back end, grade and gate figures, or why it was refused.

    The parameters themselves are the artifact, JSON that ``ildb.md.parameters.IonParameters`` reads.
    """

    __tablename__ = "md_parameters"
    __table_args__ = (
        UniqueConstraint("ion_id", "method_key"),
        CheckConstraint("backend IN ('published', 'gaff2', 'uff')", name="backend"),
        CheckConstraint("grade IN ('A', 'B', 'C')", name="grade"),
        CheckConstraint("charge_method IN ('published', 'resp', 'am1bcc', 'gfn2', 'formal')", name="charge_method"),
        # Parameters or a reason, never both, never neither.
        CheckConstraint("num_nonnulls(backend, refusal) = 1", name="parameters_or_refusal"),
        CheckConstraint(
            "num_nonnulls(backend, grade, charge_method, n_atoms, content_sha256, artifact_id) IN (0, 6)",
            name="all_or_none",
        ),
        CheckConstraint("n_atoms > 0", name="n_atoms_positive"),
        CheckConstraint("gate_strain <= 1", name="passed_the_gate"),
        CheckConstraint(
            "num_nulls(gate_reference, gate_angle_deg, gate_distance_nm, gate_hot_distance_nm, gate_strain) IN (0, 5)",
            name="gate_all_or_none",
        ),
    )

    id: Mapped[BigId]
    run_id: Mapped[int] = ref("run", index=True)
    ion_id: Mapped[int] = ref("ion")
    method_key: Mapped[str] = mapped_column(comment="hash of the settings and of the method's version")
    charges_asked: Mapped[str] = mapped_column(comment="what charges were asked for: resp, am1bcc or gfn2")
    refusal: Mapped[str | None] = mapped_column(comment="why no back end can describe the ion")
    backend: Mapped[str | None]
    grade: Mapped[str | None]
    charge_method: Mapped[str | None] = mapped_column(comment="what the charges are, after any fallback")
    n_atoms: Mapped[int | None] = mapped_column(Integer)
    gate_reference: Mapped[str | None] = mapped_column(comment="what the shape was compared with; none for one atom")
    gate_angle_deg: Mapped[float | None] = mapped_column(REAL)
    gate_distance_nm: Mapped[float | None] = mapped_column(REAL)
    gate_hot_distance_nm: Mapped[float | None] = mapped_column(REAL, comment="the same after 3 ps at 500 K")
    gate_strain: Mapped[float | None] = mapped_column(REAL, comment="share of what the gate allows")
    max_penalty: Mapped[float | None] = mapped_column(REAL, comment="of parmchk2's analogies, GAFF2 only")
    provenance: Mapped[dict[str, Any]]
    content_sha256: Mapped[str | None] = mapped_column(comment="of what a simulation depends on")
    artifact_id: Mapped[int | None] = ref("artifact", index=True)
    cpu_s: Mapped[float] = mapped_column(REAL)
    created_at: Mapped[CreatedAt]
