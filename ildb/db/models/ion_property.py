"""Thermodynamic properties of ions, computed once per ion."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from ildb.db.models.base import Base, CreatedAt, ref


class IonProperty(Base):
    """What volume-based thermodynamics needs of an ion (``ildb.melting.ion_properties``), and what could not be had."""

    __tablename__ = "ion_property"
    __table_args__ = (
        CheckConstraint("volume_nm3 > 0", name="volume_positive"),
        CheckConstraint("sasa_a2 > 0", name="sasa_positive"),
        CheckConstraint("skeleton_surface_a2 > 0", name="skeleton_surface_positive"),
        CheckConstraint("effective_torsions >= 0", name="torsions_not_negative"),
        CheckConstraint("freedom IN (3, 5, 6)", name="freedom"),
        # A figure that is missing has a reason, never a silent gap.
        CheckConstraint(
            "num_nulls(volume_nm3, sasa_a2, skeleton_surface_a2, gas_entropy_j_mol_k, freedom, effective_torsions,"
            " kier_flexibility) = 0 OR cardinality(problems) > 0",
            name="missing_has_reason",
        ),
    )

    ion_id: Mapped[int] = ref("ion", cascade=True, primary_key=True)
    version: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    run_id: Mapped[int] = ref("run", index=True)
    volume_nm3: Mapped[float | None]
    sasa_a2: Mapped[float | None]
    skeleton_surface_a2: Mapped[float | None]
    gas_entropy_j_mol_k: Mapped[float | None]
    freedom: Mapped[int | None] = mapped_column(SmallInteger)
    effective_torsions: Mapped[float | None]
    kier_flexibility: Mapped[float | None]
    problems: Mapped[list[str]]
    rdkit_version: Mapped[str]
    created_at: Mapped[CreatedAt]
