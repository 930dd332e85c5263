"""Trained models: file, data, figures."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped

from ildb.db.models.base import Base, BigId, CreatedAt, ref


class Model(Base):
    """A trained model with the snapshot it saw and the versions that can load it."""

    __tablename__ = "model"
    __table_args__ = (
        CheckConstraint("kind IN ('links', 'vae', 'melting', 'property', 'fragments', 'md_calibration')", name="kind"),
    )

    id: Mapped[BigId]
    run_id: Mapped[int] = ref("run", index=True)
    stage_run_id: Mapped[int] = ref("stage_run")
    kind: Mapped[str]
    artifact_id: Mapped[int] = ref("artifact")
    snapshot_id: Mapped[int] = ref("dataset_snapshot")
    params: Mapped[dict[str, Any]]
    metrics: Mapped[dict[str, Any]]
    seed: Mapped[int]
    versions: Mapped[dict[str, Any]]
    created_at: Mapped[CreatedAt]
