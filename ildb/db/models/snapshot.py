"""Immutable sets of rows that models were trained and judged on."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped

from ildb.db.models.base import Base, BigId, CreatedAt, ref


class DatasetSnapshot(Base):
    """A hashed set of rows: structures, values and splits, and the ids of the rows they came from."""

    __tablename__ = "dataset_snapshot"
    __table_args__ = (UniqueConstraint("kind", "sha256"), CheckConstraint("n_rows > 0", name="not_empty"))

    id: Mapped[BigId]
    run_id: Mapped[int] = ref("run")
    kind: Mapped[str]
    sha256: Mapped[str]
    n_rows: Mapped[int]
    created_at: Mapped[CreatedAt]


class SnapshotRow(Base):
    """One member of a snapshot: a claim or a measurement, and its side of the split."""

    __tablename__ = "snapshot_row"
    __table_args__ = (
        UniqueConstraint("snapshot_id", "evidence_id", "measurement_id", postgresql_nulls_not_distinct=True),
        CheckConstraint("num_nonnulls(evidence_id, measurement_id) = 1", name="one_member"),
    )

    id: Mapped[BigId]
    snapshot_id: Mapped[int] = ref("dataset_snapshot")
    evidence_id: Mapped[int | None] = ref("pairing_evidence", index=True)
    measurement_id: Mapped[int | None] = ref("measurement", index=True)
    split: Mapped[str]
