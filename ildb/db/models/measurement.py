"""Measured (and later simulated) properties of pairings; conflicting values stand side by side."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from ildb.db.models.base import Base, BigId, CreatedAt, ref

_FINITE = "value > '-Infinity' AND value < 'Infinity'"


class Measurement(Base):
    """A value of a property in its canonical unit, with the reference that reports it."""

    __tablename__ = "measurement"
    __table_args__ = (
        UniqueConstraint(
            "pairing_id", "property", "qualifier", "value", "unit", "temperature_k", "pressure_kpa",
            "source_id", "run_id", "reference", "source_key",
            name="uq_measurement_claim", postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint("qualifier IN ('=', '<', '>', '~')", name="qualifier"),
        CheckConstraint(_FINITE, name="finite"),
        CheckConstraint("uncertainty >= 0", name="uncertainty_not_negative"),
        CheckConstraint(
            "property <> 'melting_point' OR (unit = 'K' AND value BETWEEN 1 AND 3000)", name="melting_point"
        ),
        CheckConstraint("num_nonnulls(source_id, run_id) = 1", name="one_origin"),
        Index("ix_measurement_property", "property", "value"),
    )  # fmt: skip

    id: Mapped[BigId]
    pairing_id: Mapped[int] = ref("pairing")
    property: Mapped[str]
    qualifier: Mapped[str] = mapped_column(server_default=text("'='"))
    value: Mapped[float]
    unit: Mapped[str]
    uncertainty: Mapped[float | None]
    temperature_k: Mapped[float | None]
    pressure_kpa: Mapped[float | None]
    method: Mapped[str | None]
    source_id: Mapped[int | None] = ref("source", index=True)
    run_id: Mapped[int | None] = ref("run")
    source_key: Mapped[str | None]
    reference: Mapped[str | None]
    raw: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    created_at: Mapped[CreatedAt]
