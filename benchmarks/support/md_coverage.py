"""How many of the collected ionic liquids get force-field parameters, by back end and grade.

A seeded sample of the list's rows, so that frequent ions weigh as much as they occur. Charges are the cheap GFN2 ones:
whether an ion is typed and passes the gate hardly depends on them. Every ion is a line of a checkpoint file.
"""

from __future__ import annotations

import csv
import json
import math
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ildb.chem.findings import RefusedError
from ildb.chem.standardize import Salt, split_salt
from ildb.md.forcefield import parametrise
from ildb.md.settings import ForceFieldSettings
from ildb.md.trouble import IonRefusedError

SETTINGS = ForceFieldSettings(charges="gfn2")
_ORDER = ("published", "gaff2", "uff", "refused")


def sample(file: Path, n: int, *, seed: int = 1) -> list[str]:
    """``n`` rows of the paper's list of collected ionic liquids, without replacement; a larger n adds to a smaller."""
    with file.open(encoding="utf-8") as stream:
        rows = [row["smiles"] for row in csv.DictReader(stream)]
    random.Random(seed).shuffle(rows)
    return rows[:n]


def outcome(smiles: str) -> dict[str, Any]:
    """Back end and grade of an ion, or why it was refused."""
    began = time.process_time()
    row: dict[str, Any] = {"smiles": smiles}
    try:
        ion = parametrise(smiles, SETTINGS)
        row |= {"backend": ion.backend, "grade": ion.grade, "strain": ion.gate and ion.gate.strain}
        row |= {"penalty": ion.provenance.get("max_penalty"), "tried": ion.provenance.get("tried", [])}
    except IonRefusedError as error:
        row |= {"backend": "refused", "grade": None, "tried": list(error.reasons)}
    return {**row, "cpu_s": round(time.process_time() - began, 2)}


def run(file: Path, checkpoint: Path, n: int, *, seed: int = 1) -> dict[str, Any]:
    """Figures of a sample; ions that the checkpoint knows are not done again."""
    known: dict[str, dict[str, Any]] = {}
    if checkpoint.exists():
        known = {row["smiles"]: row for row in map(json.loads, checkpoint.read_text().splitlines())}
    salts: list[Salt | None] = []
    for row in sample(file, n, seed=seed):
        try:
            salts.append(split_salt(row, derive_stoichiometry=True))
        except RefusedError:
            salts.append(None)
            continue
        for ion in (salts[-1].cation.smiles, salts[-1].anion.smiles):
            if ion not in known:
                known[ion] = outcome(ion)
                with checkpoint.open("a") as stream:
                    stream.write(json.dumps(known[ion]) + "\n")
    return figures(salts, known)


def figures(salts: Sequence[Salt | None], known: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Share of ionic liquids both of whose ions have parameters, with its 95 % interval, and shares by back end."""
    n = len(salts)
    sides = {"cation": Counter[str](), "anion": Counter[str]()}
    worst: Counter[str] = Counter()
    for salt in salts:
        if salt is None:
            worst["unreadable"] += 1
            continue
        backends = [known[salt.cation.smiles]["backend"], known[salt.anion.smiles]["backend"]]
        for side, backend in zip(sides.values(), backends, strict=True):
            side[backend] += 1
        worst[max(backends, key=_ORDER.index)] += 1
    covered = n - worst["unreadable"] - worst["refused"]
    low, high = wilson(covered, n)
    by_side = {f"{side}_{name}": count for side, counts in sides.items() for name, count in sorted(counts.items())}
    by_worst = {f"worst_{name}": count for name, count in sorted(worst.items())}
    return {
        "coverage_pct": round(100 * covered / n, 2),
        "coverage_low_pct": round(100 * low, 2),
        "coverage_high_pct": round(100 * high, 2),
        "coverage_n": n,
        "coverage_ions": len({ion.smiles for salt in salts if salt for ion in (salt.cation, salt.anion)}),
        **{f"{name}_pct": round(100 * count / n, 1) for name, count in {**by_side, **by_worst}.items()},
    }


def wilson(successes: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a share (Wilson, J. Am. Stat. Assoc. 1927, 22, 209)."""
    share = successes / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return middle - half, middle + half


def main() -> None:
    """``python -m benchmarks.support.md_coverage COLLECTED_CSV CHECKPOINT [N]``."""
    file, checkpoint, *rest = sys.argv[1:]
    print(json.dumps(run(Path(file), Path(checkpoint), int(rest[0]) if rest else 300)))


if __name__ == "__main__":
    main()
