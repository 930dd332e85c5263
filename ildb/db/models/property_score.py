"""What models say about properties other than the melting point."""

from __future__ import annotations

from typing import Any

from sqlalchemy import REAL, Boolean, CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from ildb.db.models.base import Base, ref


class PropertyScore(Base):
    """A property's value with its interval, in its canonical unit, and whether the model has seen anything like it.

    At which temperature and pressure, the model's parameters say.
    """

    __tablename__ = "property_score"
    __table_args__ = (
        CheckConstraint("p_below BETWEEN 0 AND 1", name="p_below"),
        CheckConstraint("low <= value AND value <= high", name="interval"),
        # An ion the model cannot describe gets a row that says so, never a silent number.
        CheckConstraint("num_nulls(value, low, high) IN (0, 3)", name="all_or_none"),
        CheckConstraint("value IS NOT NULL OR NOT in_domain", name="no_number_no_domain"),
        Index("ix_property_score_pairing_id", "pairing_id", "property"),
        Index("ix_property_score_value", "property", "value"),
    )

    model_id: Mapped[int] = ref("model", primary_key=True)
    pairing_id: Mapped[int] = ref("pairing", primary_key=True)
    run_id: Mapped[int] = ref("run", index=True)
    property: Mapped[str]
    p_below: Mapped[float | None] = mapped_column(REAL)
    value: Mapped[float | None] = mapped_column(REAL)
    low: Mapped[float | None] = mapped_column(REAL)
    high: Mapped[float | None] = mapped_column(REAL)
    in_domain: Mapped[bool] = mapped_column(Boolean)
    domain_reasons: Mapped[list[str]]
    nearest: Mapped[list[dict[str, Any]]]
