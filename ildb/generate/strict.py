"""Figures that recombining known ions cannot win: what a set of draws, of whatever generator, is worth.

All are pure functions of draws and of what was known and held out. Ions are told apart by InChIKey.
`docs/generation.md` says why each is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rdkit import Chem

from ildb.generate.cores import charged_core
from ildb.generate.distributions import distances, is_degenerate
from ildb.generate.intervals import Interval, ratio_of_hits, share
from ildb.generate.outcomes import Judge, Judged

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class DrawnSet:
    """Draws of one generator with one seed.

    Attributes:
        charges: asked for, e.
        raw: as written.
        judged: the verdicts, in the same order; of a judge that knows the training ions alone, so that a held-out ion
            counts as new.
    """

    charges: tuple[int, ...]
    raw: tuple[str, ...]
    judged: tuple[Judged, ...]

    @classmethod
    def of(cls, raw: Sequence[str], charges: Sequence[int], judge: Judge) -> DrawnSet:
        """Judge the draws."""
        verdicts = (judge.judge(text, charge) for text, charge in zip(raw, charges, strict=True))
        return cls(tuple(charges), tuple(raw), tuple(verdicts))

    def __len__(self) -> int:
        return len(self.raw)

    def sane_new(self) -> dict[str, str]:
        """Distinct new ions that passed the filters: SMILES by InChIKey."""
        return {one.ion.inchikey: one.ion.smiles for one in self.judged if one.outcome == "novel"}

    def readable(self) -> int:
        """Draws that the curation door let in with the charge asked for."""
        return sum(bool(one.ions) for one in self.judged)


def rediscovered(drawn: DrawnSet, heldout: Sequence[str]) -> Bools:
    """Which of the held-out ions were drawn, shape (n,).

    Args:
        drawn: the draws.
        heldout: InChIKeys.
    """
    keys = {one.ions[0].ion.inchikey for one in drawn.judged if one.ions}
    return np.array([key in keys for key in heldout], dtype=np.bool_)


def rediscovery_ratio(ours: Sequence[DrawnSet], theirs: Sequence[DrawnSet], heldout: Sequence[str]) -> Interval:
    """Held-out ions found, over those that another generator finds with as many draws.

    Args:
        ours: one set a seed.
        theirs: likewise, of as many draws.
        heldout: InChIKeys of ions that neither was shown.

    Raises:
        ValueError: the numbers of draws differ.
    """
    if {len(drawn) for drawn in ours} != {len(drawn) for drawn in theirs}:
        raise ValueError("Rediscovery is compared at equal numbers of draws.")
    return ratio_of_hits(
        [rediscovered(drawn, heldout) for drawn in ours], [rediscovered(drawn, heldout) for drawn in theirs]
    )


def pair_shares(drawn: DrawnSet) -> dict[str, Interval]:
    """Draws taken two by two, a cation with the next anion, as one would make ionic liquids of them.

    Returns:
        ``pair_efficiency``: both readable and of the charges asked for, and the pair not drawn before, with a new ion;
        ``pair_novel_ion_share``: at least one ion new, every new ion sane; ``pair_both_novel_share``: both new and
        sane, each distinct ion counted once over the whole set. All of the pairs that could be taken.
    """
    sides: dict[bool, list[Judged]] = {True: [], False: []}
    for one, charge in zip(drawn.judged, drawn.charges, strict=True):
        sides[charge > 0].append(one)
    n = min(len(sides[True]), len(sides[False]))
    seen: set[tuple[str, ...]] = set()
    used: set[str] = set()
    counts = dict.fromkeys(("pair_efficiency", "pair_novel_ion_share", "pair_both_novel_share"), 0)
    for cation, anion in zip(sides[True][:n], sides[False][:n], strict=True):
        if not (cation.ions and anion.ions):
            continue
        key = cation.key + anion.key
        new = [one for one in (cation, anion) if one.outcome != "known"]
        if key in seen or not new:
            continue
        seen.add(key)
        counts["pair_efficiency"] += 1
        sane = all(one.outcome == "novel" for one in new)
        counts["pair_novel_ion_share"] += sane
        ions = {*cation.key, *anion.key}
        if sane and len(new) == 2 and not ions & used:
            counts["pair_both_novel_share"] += 1
            used |= ions
    return {name: share(count, n) for name, count in counts.items()}


def novel_cores(drawn: DrawnSet, known_cores: frozenset[str]) -> set[str]:
    """Cores of the sane new ions that no known ion has; see `ildb.generate.cores.charged_core`."""
    cores = {charged_core(Chem.MolFromSmiles(smiles)) for smiles in drawn.sane_new().values()}
    return cores - known_cores


def cores_of(smiles: Sequence[str]) -> frozenset[str]:
    """The cores of ions."""
    return frozenset(charged_core(Chem.MolFromSmiles(text)) for text in smiles)


def unseen_core(heldout: Mapping[str, str], train: Sequence[str]) -> list[str]:
    """Keys of the held-out ions whose core no training ion has: swapping substituents cannot reach them.

    Args:
        heldout: SMILES by InChIKey.
        train: SMILES.
    """
    known = cores_of(train)
    return [key for key, text in heldout.items() if charged_core(Chem.MolFromSmiles(text)) not in known]


def set_figures(drawn: DrawnSet, known_cores: frozenset[str], reference: Sequence[str]) -> dict[str, float]:
    """Figures of one set of draws.

    Args:
        drawn: the draws.
        known_cores: of all known ions.
        reference: SMILES of held-out ions, to compare distributions with.

    Returns:
        ``validity`` (readable, of the charge asked for), ``novel_sane_per_10k``, ``novel_core_per_10k``,
        ``degenerate_share``, the `pair_shares`, and ``distance.PROPERTY`` (`ildb.generate.distributions`).
    """
    n, new = len(drawn), drawn.sane_new()
    figures = {
        "validity": drawn.readable() / n,
        "novel_sane_per_10k": 1e4 * len(new) / n,
        "novel_core_per_10k": 1e4 * len(novel_cores(drawn, known_cores)) / n,
        "degenerate_share": sum(map(is_degenerate, drawn.raw)) / n,
        **{name: interval.value for name, interval in pair_shares(drawn).items()},
    }
    if new and reference:
        figures |= {f"distance.{name}": value for name, value in distances(list(new.values()), reference).items()}
    return figures
