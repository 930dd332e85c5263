"""Molecular dynamics: what the ladder's driver costs, and what its fits, densities and force fields are worth.

The last line is one JSON object:

``fit_*``: ladders made up with another seed than those the fit was tuned on: 12 temperatures from 500 to 200 K,
activation energies of 25 above and 70 kJ/mol below a break between 280 and 420 K, noise of 0.1 to 0.3 in ln D, a jump
by e to e^3. ``fit_kink_median_k``, ``fit_jump_median_k``: median absolute error of the apparent melting point, of
ladders with a kink and with a jump; ``fit_interval_coverage``: share of their 95 % intervals that hold the true one;
``false_transition_pct``: straight ladders taken for one with a transition. ``fit_intersection_jump_median_k`` is the
error of the peer, the crossing of two lines, where D jumps.

``driver_ratio``: speed of ``ildb.md.simulate`` (frames, energies, checkpoints) over that of a bare loop of OpenMM
steps on the same system, in turns in one process, by CPU time; ``ns_per_day`` is the driver's (on one thread).

``ladder_ratio``: with ``--ladder PS``, CPU time of a bare script over that of a ladder through the runner, with its
rows, files and analysis, at so many picoseconds a point; ``ladder_overhead_s`` is what a point costs more.

``density_*`` and ``coverage_pct``: see ``benchmarks/support/md_density.py`` and ``md_coverage.py``; up to hours of
work, so they are measured with ``--density FOLDER`` and ``--coverage FILE``, which keep what is done; the latter needs
``ILDB_ILGEN_DIR``.

``chaos_lost``, ``chaos_doubled``: with ``--chaos``, points or frames missing and rows there twice after 20 random
kill -9 of runners and workers during a ladder of 40 points.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from ildb.db import engine as engines
from ildb.md.bootstrap import interval
from ildb.md.melting_fit import GAS_CONSTANT_KJ_MOL_K, Design, Shape, fit, fit_shape

Floats = npt.NDArray[np.float64]

REPORTED_SEED = 20_261_122
"""Not among those tuned on (1 to 5)."""
T_K = np.linspace(500, 200, 12)
KINDS = ("line", "kink", "jump")


@dataclass(frozen=True)
class Judged:
    """One made-up ladder: the true break, what was found, and whether the interval holds it."""

    error_k: float | None
    covered: bool
    intersection_error_k: float
    shape: Shape


def ladder(kind: str, rng: np.random.Generator) -> tuple[Floats, float]:
    """ln D at ``T_K`` and the true break, K."""
    tm_k, noise, jump = rng.uniform(280, 420), rng.uniform(0.1, 0.3), rng.uniform(1, 3)
    x, at = 1 / (GAS_CONSTANT_KJ_MOL_K * T_K), 1 / (GAS_CONSTANT_KJ_MOL_K * tm_k)
    ln_d = -22 - 25 * (x - x[0])
    if kind != "line":
        ln_d = ln_d - np.where(x > at, 45 * (x - at) + (jump if kind == "jump" else 0.0), 0.0)
    return ln_d + noise * rng.standard_normal(len(T_K)), tm_k


def judge(kind: str, n: int) -> list[Judged]:
    """Fit so many ladders of a kind."""
    design = Design(T_K, np.ones(len(T_K)))
    judged = []
    for i in range(n):
        ln_d, tm_k = ladder(kind, np.random.default_rng([REPORTED_SEED, KINDS.index(kind), i]))
        found = fit(design, ln_d)
        covered = False
        if found.tm_k is not None:
            around = interval(design, ln_d, found, n=400, seed=i)
            covered = min(around.low_k, found.tm_k) <= tm_k <= max(around.high_k, found.tm_k)
        crossing = fit_shape(design, ln_d, Shape.KINK).tm_k or np.nan
        error = None if found.tm_k is None else abs(found.tm_k - tm_k)
        judged.append(Judged(error, covered, abs(crossing - tm_k), found.shape))
    return judged


def fits(n: int) -> dict[str, float]:
    """Figures of the fit."""
    kinks, jumps, lines = judge("kink", n), judge("jump", n), judge("line", 4 * n)
    found = [one for one in (*kinks, *jumps) if one.error_k is not None]

    def median(judged: Sequence[Judged]) -> float:
        return statistics.median(one.error_k for one in judged if one.error_k is not None)

    return {
        "fit_kink_median_k": round(median(kinks), 2),
        "fit_jump_median_k": round(median(jumps), 2),
        "fit_intersection_jump_median_k": round(statistics.median(one.intersection_error_k for one in jumps), 2),
        "fit_interval_coverage": round(sum(one.covered for one in found) / len(found), 3),
        "false_transition_pct": round(100 * sum(one.error_k is not None for one in lines) / len(lines), 2),
        "fit_missed_pct": round(100 * (2 * n - len(found)) / (2 * n), 2),
        "n_ladders": 6 * n,
    }


def driver(rounds: int, frames: int) -> dict[str, float]:
    """Our driver and a bare loop, in turns, on 32 pairs of [EMIM][BF4], frames and checkpoints as in the preset cpu."""
    import openmm

    from ildb.md.checkpoint import CheckpointFolder
    from ildb.md.driver import Driver, Start
    from ildb.md.forcefield import parametrise
    from ildb.md.ladder import build, plan_of
    from ildb.md.presets import PRESETS
    from ildb.md.settings import ForceFieldSettings
    from ildb.md.simulate import simulate

    preset = PRESETS["cpu"]
    settings = ForceFieldSettings(charges="gfn2")
    unit = [(parametrise(smiles, settings), 1) for smiles in ("CCn1cc[n+](C)c1", "F[B-](F)(F)F")]
    built = build(unit, preset)
    plan = plan_of(preset, 0, 1, packed=True, threads=1)
    steps = round(1000 * preset.frame_ps / preset.timestep_fs)
    with tempfile.TemporaryDirectory() as name:
        outcome = simulate(
            built.system_xml,
            Start(positions_nm=built.starts[0], box_nm=built.box_nm),
            replace(plan, melt_frames=20, equilibrate_frames=10, produce_frames=1),
            Path(name) / "liquid",
        )
        system = openmm.XmlSerializer.deserialize(built.system_xml)
        ours, bare = (Driver(system, plan, CheckpointFolder(Path(name) / kind, "0" * 64)) for kind in ("ours", "bare"))
        for one in (ours, bare):
            one.begin(Start(state_xml=outcome.state_xml))
        spent: dict[str, list[float]] = {"ours": [], "bare": []}
        for block in range(rounds + 1):
            took = {"ours": 0.0, "bare": 0.0}
            for _ in range(frames):  # in turns frame by frame, so that a noisy neighbour hits both
                took["bare"] += _cpu_s(lambda: bare.integrator.step(steps))
                took["ours"] += _cpu_s(lambda: ours.frame(10**9, record=True))
            if block:  # the first one warms up
                for kind, seconds in took.items():
                    spent[kind].append(seconds)
    ratios = [b / o for o, b in zip(spent["ours"], spent["bare"], strict=True)]
    ns = frames * preset.frame_ps / 1000
    return {
        "driver_ratio": round(statistics.median(ratios), 4),
        "driver_ratio_spread": round(max(ratios) - min(ratios), 4),
        "ns_per_day": round(86_400 * ns / statistics.median(spent["ours"]), 1),
        "n_atoms": len(built.starts[0]),
    }


def _cpu_s(work: Callable[[], None]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


def chaos(kills: int) -> dict[str, float]:
    """Kill a ladder's runners and workers, on a database of its own."""
    from sqlalchemy import make_url

    from benchmarks.support.database import new_database
    from tests.integration.md_chaos import add_toy, under_fire

    url = new_database(engines.database_url(), "benchmark_md")
    engine = engines.create(url)
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        add_toy(engine, home)
        libpq = make_url(engines.libpq_url(url)).render_as_string(hide_password=False)
        damage = under_fire(
            engine, libpq, home, kills, seed=REPORTED_SEED, workers=2, spread_s=3.0, n_seeds=2,
            temperatures_k=[1300.0 - 50 * i for i in range(10)],
        )  # fmt: skip
    engine.dispose()
    return {
        "chaos_lost": damage.lost,
        "chaos_doubled": damage.doubled,
        "chaos_kills": damage.kills,
        "chaos_resumes": damage.resumes,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the smoke form: few ladders, a short driver")
    parser.add_argument("--only", choices=["fits", "driver", "none"], help="of these two, one part or none")
    parser.add_argument("--density", type=Path, metavar="FOLDER", help="densities; FOLDER keeps what is done")
    parser.add_argument("--coverage", type=Path, metavar="FILE", help="coverage; FILE keeps what is done")
    parser.add_argument("--ladder", type=float, metavar="PS", help="a ladder of two points of PS picoseconds each")
    parser.add_argument("--chaos", action="store_true", help="20 random kill -9 during a ladder")
    options = parser.parse_args()
    figures: dict[str, float] = {}
    if options.only in {None, "fits"}:
        figures |= fits(40 if options.quick else 500)
        print(json.dumps(figures), flush=True)
    if options.only in {None, "driver"}:
        figures |= driver(*((1, 4) if options.quick else (6, 25)))
        print(json.dumps(figures), flush=True)
    if options.ladder:
        from benchmarks.support import md_ladder_ratio

        figures |= md_ladder_ratio.measure(engines.database_url(), options.ladder)
        print(json.dumps(figures), flush=True)
    if options.density:
        from benchmarks.support import md_density

        figures |= md_density.figures(md_density.run(engines.database_url(), options.density))
        print(json.dumps(figures), flush=True)
    if options.coverage:
        from benchmarks.support import md_coverage

        collected = Path(os.environ["ILDB_ILGEN_DIR"]) / "collected-ILs.csv"
        figures |= md_coverage.run(collected, options.coverage, 20 if options.quick else 300)
        print(json.dumps(figures), flush=True)
    if options.chaos:
        figures |= chaos(3 if options.quick else 20)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
