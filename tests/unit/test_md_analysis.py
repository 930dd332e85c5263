"""Diffusion, structure and thermodynamics on trajectories whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from ildb.errors import InputError
from ildb.md import hydrogen_bonds, ion_size
from ildb.md.box import Box, Frame, unwrapped
from ildb.md.calibrate import calibrate
from ildb.md.diffusion import diffusion, yeh_hummer
from ildb.md.msd import squared_displacements, without_drift
from ildb.md.rdf import RadialDistribution
from ildb.md.thermo import block_mean, density_g_cm3, enthalpy_kj_mol
from tests.unit.md_toy import ANION, BOX, CATION, N_PAIRS


def walk(n_frames: int, n_ions: int, step_nm: float, seed: int = 0) -> np.ndarray:
    steps = np.random.default_rng(seed).normal(0, step_nm, (n_frames, n_ions, 3))
    return np.cumsum(steps, axis=0)


def test_a_random_walk_has_the_diffusion_coefficient_of_its_steps() -> None:
    """MSD = 3 s² per frame of 1 ps, so D = s² / 2 nm²/ps."""
    msd = squared_displacements(walk(2000, 60, 0.02))
    found = diffusion(msd, 1.0, box_nm=3.0, radius_nm=0.3)
    truth = 0.02**2 / 2 * 1e-6
    assert found.d_m2_s == pytest.approx(truth, rel=0.15)
    assert abs(found.d_m2_s - truth) < 4 * found.error_m2_s
    assert not found.is_bound
    assert found.slope == pytest.approx(1, abs=0.1)
    assert found.d_infinite_m2_s == pytest.approx(found.d_m2_s / (1 - 2.837297 * 0.1))


def test_few_ions_are_no_cage_but_have_a_wide_error() -> None:
    truth = 0.02**2 / 2 * 1e-6
    found = [
        diffusion(squared_displacements(walk(200, 10, 0.02, seed=seed)), 1.0, box_nm=3.0, radius_nm=0.3)
        for seed in range(60)
    ]
    fast = [one for one in found if one.slope > 1.1]
    assert len(fast) > 5
    assert not any(one.is_bound for one in fast)
    assert np.mean([abs(one.d_m2_s - truth) < 2 * one.error_m2_s for one in fast]) > 0.8


def test_msd_by_fft_is_the_mean_over_all_origins() -> None:
    path = walk(50, 2, 0.1) + 40.0  # far from the origin, where differences of squares lose digits
    found = squared_displacements(path)
    for lag in (1, 7, 30):
        direct = ((path[lag:] - path[:-lag]) ** 2).sum(axis=2).mean(axis=0)
        np.testing.assert_allclose(found[:, lag], direct, rtol=1e-6)


def test_rattling_in_a_cage_is_a_bound() -> None:
    cages = np.random.default_rng(3).normal(0, 0.05, (400, 30, 3))
    found = diffusion(squared_displacements(cages), 1.0, box_nm=3.0, radius_nm=0.3)
    assert found.is_bound
    assert found.slope < 0.5
    # No more than the plateau over the longest lag.
    assert found.d_m2_s <= 1.1 * (6 * 0.05**2) / (6 * 200) * 1e-6


def test_drift_and_periodic_images_leave_no_trace() -> None:
    masses = np.array([1.0, 3.0, 5.0, 7.0])
    path = without_drift(walk(300, 4, 0.01) + 1.0, masses)
    drifting = path + 0.02 * np.arange(300)[:, None, None]
    boxes = np.full((300, 3), 2.0)
    back = without_drift(unwrapped(drifting % 2.0, boxes), masses)
    np.testing.assert_allclose(back - back[0], path - path[0], atol=1e-9)


def test_too_short_a_run_is_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        diffusion(np.ones((3, 10)), 1.0, box_nm=3.0, radius_nm=0.3)


def test_a_box_smaller_than_the_correction_has_no_infinite_limit() -> None:
    assert yeh_hummer(1e-10, box_nm=0.5, radius_nm=0.3) == np.inf


def test_density_enthalpy_and_their_errors() -> None:
    volume = np.full(100, 2.0)
    density = density_g_cm3(volume, 3e-21)
    assert (density.value, density.error) == (pytest.approx(1.5), 0)
    enthalpy = enthalpy_kj_mol(np.full(100, -50.0), np.full(100, 30.0), volume, pressure_bar=1.0, n_units=10)
    assert enthalpy.value == pytest.approx((-20 + 2 * 0.0602214) / 10)
    slow = np.repeat(np.random.default_rng(0).normal(size=10), 100)  # 1,000 values that say as much as ten
    assert block_mean(slow).error > 5 * slow.std() / np.sqrt(1000)


def test_mass_and_centres_of_a_box() -> None:
    assert BOX.mass_g == pytest.approx(N_PAIRS * (42.016 + 35.45) / 6.02214076e23, rel=1e-6)
    positions = np.concatenate([np.tile(CATION.positions_nm, (N_PAIRS, 1)), np.ones((N_PAIRS, 3))])
    centres = BOX.centres(positions)
    weights = np.array([40.0, 1.008, 1.008])
    np.testing.assert_allclose(centres[0], weights @ CATION.positions_nm / weights.sum())
    np.testing.assert_allclose(centres[-1], 1)


def test_rdf_of_anions_at_random_is_one_and_a_shell_shows() -> None:
    rng = np.random.default_rng(5)
    box = np.full(3, 4.0)
    at_random, shells = RadialDistribution(2.0), RadialDistribution(2.0)
    for _ in range(20):
        cations = rng.uniform(0, 4, (40, 3))
        at_random.add(cations, rng.uniform(0, 4, (40, 3)), box)
        away = rng.normal(size=(40, 3))
        shells.add(cations, cations + 0.5 * away / np.linalg.norm(away, axis=1)[:, None], box)
    assert at_random.shell().g[30:].mean() == pytest.approx(1, abs=0.05)
    assert shells.shell().peak_nm == pytest.approx(0.5, abs=0.02)


def test_hydrogen_bonds_need_a_short_distance_and_a_straight_angle() -> None:
    box = Box([(CATION, 1), (ANION, 1)])
    donors = hydrogen_bonds.find_donors(box)
    assert len(donors.hydrogen) == 2
    assert donors.is_strong.all()

    def bonds(anion_nm: tuple[float, float, float]) -> tuple[float, float]:
        positions = np.vstack([CATION.positions_nm, np.array(anion_nm)])
        return hydrogen_bonds.count(donors, Frame(positions, np.full(3, 3.0)))

    assert bonds((0.3, 0, 0)) == (1, 0)  # N-H...Cl in a line
    assert bonds((-2.7, 0, 0)) == (1, 0)  # the same through the wall
    assert bonds((0.4, 0, 0)) == (0, 0)  # too far
    assert bonds((0.1, 0.2, 0)) == (0, 0)  # at a right angle


def test_ion_sizes() -> None:
    assert ion_size.radius_nm(ANION) == pytest.approx(0.175, rel=0.03)
    assert ion_size.volume_nm3(CATION) > 4 / 3 * np.pi * 0.155**3
    apart = np.array([[[0.0, 0, 0], [0.2, 0, 0]]])
    assert ion_size.gyration_nm(apart, np.array([1.0, 1.0])) == pytest.approx(0.1)


def test_calibration_recovers_a_line_and_one_bad_ladder_does_not_move_it() -> None:
    rng = np.random.default_rng(2)
    apparent = np.linspace(280, 420, 20)
    measured = 60 + 0.8 * apparent + rng.normal(0, 4, 20)
    measured[7] += 150
    found = calibrate(apparent, measured)
    assert found.slope == pytest.approx(0.8, abs=0.1)
    estimate, low, high = found.measured_k(350.0)
    assert estimate == pytest.approx(340, abs=8)
    assert low < estimate < high
    assert found.mae_k < found.mae_mean_k
    with pytest.raises(InputError, match="4 liquids"):
        calibrate(apparent[:4], measured[:4])
