"""Simulated ladders of temperature, their points and what they say about melting."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Float, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from ildb.db.models.base import Base, BigId, CreatedAt, Small, ref

_SYSTEM = "num_nulls(system_sha256, system_artifact_id, n_units, n_atoms, cation_parameters_id, anion_parameters_id)"
_FIGURES = (
    "num_nulls(density_g_cm3, density_error_g_cm3, enthalpy_kj_mol, enthalpy_error_kj_mol, box_nm, d_cation_m2_s,"
    " d_cation_error_m2_s, d_cation_infinite_m2_s, cation_slope, d_anion_m2_s, d_anion_error_m2_s,"
    " d_anion_infinite_m2_s, anion_slope, is_subdiffusive, rdf_peak_nm, coordination, strong_hydrogen_bonds,"
    " weak_hydrogen_bonds, cation_gyration_nm, anion_gyration_nm, trajectory_artifact_id, thermo_artifact_id)"
)


class MdSimulation(Base):
    """A pairing in a box with the ladder it is to go through, or the reason why it cannot be simulated."""

    __tablename__ = "md_simulation"
    __table_args__ = (
        UniqueConstraint("stage_run_id", "pairing_id"),
        CheckConstraint(f"{_SYSTEM} = CASE WHEN refusal IS NULL THEN 0 ELSE 6 END", name="system_or_refusal"),
        CheckConstraint("grade IN ('A', 'B', 'C')", name="grade"),
        CheckConstraint("cardinality(temperatures_k) >= 2 AND cardinality(passes) >= 1", name="ladder_not_empty"),
        CheckConstraint("n_seeds >= 1 AND n_units >= 1", name="counts_positive"),
        CheckConstraint("equilibrate_ps > 0 AND produce_ps > 0 AND melt_ps >= 0", name="times_positive"),
    )

    id: Mapped[BigId]
    run_id: Mapped[int] = ref("run", index=True)
    stage_run_id: Mapped[int] = ref("stage_run")
    pairing_id: Mapped[int] = ref("pairing", index=True)
    preset: Mapped[str]
    refusal: Mapped[str | None]
    grade: Mapped[str | None]
    cation_parameters_id: Mapped[int | None] = ref("md_parameters")
    anion_parameters_id: Mapped[int | None] = ref("md_parameters")
    n_units: Mapped[int | None]
    n_atoms: Mapped[int | None]
    charge_scale: Mapped[float]
    cutoff_nm: Mapped[float]
    pressure_bar: Mapped[float]
    timestep_fs: Mapped[float]
    temperatures_k: Mapped[list[float]] = mapped_column(ARRAY(Float))
    passes: Mapped[list[str]]
    n_seeds: Mapped[Small]
    melt_ps: Mapped[float]
    equilibrate_ps: Mapped[float]
    produce_ps: Mapped[float]
    system_sha256: Mapped[str | None]
    system_artifact_id: Mapped[int | None] = ref("artifact")
    created_at: Mapped[CreatedAt]


class MdPoint(Base):
    """One temperature of a ladder. Errors are standard errors; where ``is_subdiffusive`` both D are upper bounds."""

    __tablename__ = "md_point"
    __table_args__ = (
        UniqueConstraint("simulation_id", "temperature_k", "direction", "seed"),
        CheckConstraint("status IN ('done', 'unstable')", name="status"),
        CheckConstraint("direction IN ('cooling', 'heating')", name="direction"),
        CheckConstraint(f"{_FIGURES} = CASE status WHEN 'done' THEN 0 ELSE 22 END", name="figures_when_done"),
        CheckConstraint("temperature_k > 0", name="temperature_positive"),
        CheckConstraint("density_g_cm3 > 0", name="density_positive"),
    )

    id: Mapped[BigId]
    run_id: Mapped[int] = ref("run", index=True)
    simulation_id: Mapped[int] = ref("md_simulation")
    temperature_k: Mapped[float]
    direction: Mapped[str]
    seed: Mapped[Small]
    status: Mapped[str]
    density_g_cm3: Mapped[float | None]
    density_error_g_cm3: Mapped[float | None]
    enthalpy_kj_mol: Mapped[float | None]
    enthalpy_error_kj_mol: Mapped[float | None]
    box_nm: Mapped[float | None]
    d_cation_m2_s: Mapped[float | None]
    d_cation_error_m2_s: Mapped[float | None]
    d_cation_infinite_m2_s: Mapped[float | None]
    cation_slope: Mapped[float | None]
    d_anion_m2_s: Mapped[float | None]
    d_anion_error_m2_s: Mapped[float | None]
    d_anion_infinite_m2_s: Mapped[float | None]
    anion_slope: Mapped[float | None]
    is_subdiffusive: Mapped[bool | None] = mapped_column(Boolean)
    rdf_peak_nm: Mapped[float | None]
    coordination: Mapped[float | None]
    strong_hydrogen_bonds: Mapped[float | None]
    weak_hydrogen_bonds: Mapped[float | None]
    cation_gyration_nm: Mapped[float | None]
    anion_gyration_nm: Mapped[float | None]
    timestep_fs: Mapped[float]
    n_resumed: Mapped[int]
    n_unstable: Mapped[int]
    simulated_ps: Mapped[float]
    ns_per_day: Mapped[float | None]
    platform: Mapped[str]
    trajectory_artifact_id: Mapped[int | None] = ref("artifact")
    thermo_artifact_id: Mapped[int | None] = ref("artifact")
    state_artifact_id: Mapped[int | None] = ref("artifact")
    created_at: Mapped[CreatedAt]


class MdMeltingPoint(Base):
    """What a ladder says about melting: the shape of ln D over 1/T and the apparent melting point with a 95 % interval.

    ``direction`` is 'all' or one pass. ``gain`` is the BIC of one line less that of the best break; a straight line's
    noise reaches ``gain_needed`` at the rate of false alarms asked for, and a mere curve ``curve_gain``.
    """

    __tablename__ = "md_melting_point"
    __table_args__ = (
        UniqueConstraint("run_id", "simulation_id", "direction"),
        CheckConstraint("shape IN ('line', 'kink', 'jump', 'undetermined')", name="shape"),
        CheckConstraint("direction IN ('all', 'cooling', 'heating')", name="direction"),
        CheckConstraint(
            "num_nulls(tm_k, tm_low_k, tm_high_k) = CASE WHEN shape IN ('kink', 'jump') THEN 0 ELSE 3 END",
            name="tm_of_a_break",
        ),
        CheckConstraint("tm_low_k <= tm_k AND tm_k <= tm_high_k", name="interval"),
        CheckConstraint("shape IN ('kink', 'jump') OR reason <> ''", name="reason"),
        CheckConstraint(
            "num_nulls(calibration_model_id, calibrated_tm_k, calibrated_low_k, calibrated_high_k) IN (0, 4)",
            name="calibrated",
        ),
    )

    id: Mapped[BigId]
    run_id: Mapped[int] = ref("run")
    simulation_id: Mapped[int] = ref("md_simulation", index=True)
    direction: Mapped[str]
    shape: Mapped[str]
    tm_k: Mapped[float | None]
    tm_low_k: Mapped[float | None]
    tm_high_k: Mapped[float | None]
    calibration_model_id: Mapped[int | None] = ref("model")
    calibrated_tm_k: Mapped[float | None]
    calibrated_low_k: Mapped[float | None]
    calibrated_high_k: Mapped[float | None]
    hysteresis_k: Mapped[float | None]
    gain: Mapped[float | None]
    gain_needed: Mapped[float | None]
    curve_gain: Mapped[float | None]
    ea_hot_kj_mol: Mapped[float | None]
    ea_cold_kj_mol: Mapped[float | None]
    jump_ln_d: Mapped[float | None]
    n_points: Mapped[int]
    n_bounds: Mapped[int]
    n_unstable: Mapped[int]
    reason: Mapped[str]
    created_at: Mapped[CreatedAt]
