"""What models and screens say about pairings."""

from __future__ import annotations

from typing import Any

from sqlalchemy import REAL, Boolean, CheckConstraint, ForeignKey, Index, Integer, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from ildb.db.models.base import SCHEMA, Base, ref


def _probability(column: str) -> CheckConstraint:
    return CheckConstraint(f"{column} BETWEEN 0 AND 1", name=column)


class LinkScore(Base):
    """Probability that an unmade pairing is an ionic liquid; only retained pairs are stored."""

    __tablename__ = "link_score"
    __table_args__ = (
        _probability("probability"),
        Index("ix_link_score_pairing_id", "pairing_id"),
        Index("ix_link_score_run_probability", "run_id", "round", "probability"),
    )

    run_id: Mapped[int] = ref("run", primary_key=True)
    round: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    pairing_id: Mapped[int] = ref("pairing", primary_key=True)
    model_id: Mapped[int] = ref("model", index=True)
    probability: Mapped[float] = mapped_column(REAL)
    accepted: Mapped[bool] = mapped_column(Boolean)
    reasons: Mapped[list[str]]


class MeltingScore(Base):
    """P(Tm < 373.15 K) and Tm with its 90 % interval, and whether the model has seen anything like it."""

    __tablename__ = "melting_score"
    __table_args__ = (
        _probability("p_below_373_k"),
        CheckConstraint("tm_low_k <= tm_k AND tm_k <= tm_high_k", name="interval"),
        # An ion the model cannot describe gets a row that says so, never a silent number.
        CheckConstraint("num_nulls(p_below_373_k, tm_k, tm_low_k, tm_high_k) IN (0, 4)", name="all_or_none"),
        CheckConstraint("tm_k IS NOT NULL OR NOT in_domain", name="no_number_no_domain"),
        Index("ix_melting_score_pairing_id", "pairing_id"),
        Index("ix_melting_score_tm_k", "tm_k"),
    )

    model_id: Mapped[int] = ref("model", primary_key=True)
    pairing_id: Mapped[int] = ref("pairing", primary_key=True)
    run_id: Mapped[int] = ref("run", index=True)
    p_below_373_k: Mapped[float | None] = mapped_column(REAL)
    tm_k: Mapped[float | None] = mapped_column(REAL)
    tm_low_k: Mapped[float | None] = mapped_column(REAL)
    tm_high_k: Mapped[float | None] = mapped_column(REAL)
    in_domain: Mapped[bool] = mapped_column(Boolean)
    domain_reasons: Mapped[list[str]]
    nearest: Mapped[list[dict[str, Any]]]


class ScreeningDecision(Base):
    """Passed or not, its place among the passed, and every reason for and against.

    ``rank`` goes by score, ``pareto_rank`` is the front of candidates that none beats in everything, ``pick_order`` the
    place in a budgeted pick of different ones.
    """

    __tablename__ = "screening_decision"
    __table_args__ = (
        CheckConstraint("(rank IS NOT NULL) = passed", name="rank_of_passed"),
        CheckConstraint("passed OR num_nonnulls(pareto_rank, crowding, pick_order) = 0", name="place_of_passed"),
        Index("ix_screening_decision_pairing_id", "pairing_id"),
        Index("ix_screening_decision_rank", "run_id", "rank"),
        # Passed candidates of all runs in the order in which a search shows them.
        Index("ix_screening_decision_passed", "rank", "pairing_id", postgresql_where=text("passed")),
        Index(
            "ix_screening_decision_pick", "run_id", "pick_order", unique=True,
            postgresql_where=text("pick_order IS NOT NULL"),
        ),
    )  # fmt: skip

    run_id: Mapped[int] = ref("run", primary_key=True)
    pairing_id: Mapped[int] = ref("pairing", primary_key=True)
    link_run_id: Mapped[int | None] = mapped_column(ForeignKey(f"{SCHEMA}.run.id"))
    melting_model_id: Mapped[int] = ref("model")
    passed: Mapped[bool] = mapped_column(Boolean)
    rank: Mapped[int | None] = mapped_column(Integer)
    score: Mapped[float] = mapped_column(REAL)
    reasons: Mapped[list[dict[str, Any]]]
    # Null also where a run of before these columns decided.
    sa_score: Mapped[float | None] = mapped_column(REAL)
    pareto_rank: Mapped[int | None] = mapped_column(Integer)
    crowding: Mapped[float | None] = mapped_column(REAL)
    pick_order: Mapped[int | None] = mapped_column(Integer)
