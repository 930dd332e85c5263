"""A sequence model beside shuffling, enumeration and an n-gram: the same questions, the same draws, the same judge."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from rdkit import Chem

from ildb.chem.standardize import ResolvedIon
from ildb.errors import InputError
from ildb.generate.contestants import Around, FromPrior, Generator, Ranked, WithoutRepeats
from ildb.generate.enumerate import Enumerator
from ildb.generate.filters import Filters
from ildb.generate.fragments import learn_fragments
from ildb.generate.intervals import Interval
from ildb.generate.ngram import NGram
from ildb.generate.outcomes import Judge
from ildb.generate.quick import examine_quickly
from ildb.generate.ranked import RankedEnumerator
from ildb.generate.sampling import known_anchors
from ildb.generate.sequence import Mask, SequenceVAE
from ildb.generate.shuffle import Shuffle
from ildb.generate.steer import N_BEGIN, Score, steered_draws
from ildb.generate.strict import DrawnSet, cores_of, rediscovered, rediscovery_ratio, set_figures, unseen_core

PASSES_FROM: Final = 0.5
"""Mean P(Tm < 373 K) from which an ion passes the melting screen, as in the default of ``screen.decide``."""
_OVER: Final = {
    "rediscovery_ratio": "baselines.enumeration.",
    "rediscovery_ratio_over_new": "baselines.enumeration_new.",
    "rediscovery_ratio_over_root": "baselines.enumeration_root.",
}
_TOLD: Final = ("novel_sane_per_10k", "novel_core_per_10k", "pair_novel_ion_share", "pair_both_novel_share")
_NO_FILTERS: Final = Filters(groups=False, rings=False, max_sa_score=None, min_similarity=None, max_heavy_atoms=None)
_HIGH: Final = 0.8
"""A bar that tells generators apart: of plain enumeration more than half pass the other one."""
_SCREENED: Final = ("ranked.", "baselines.enumeration.")
_IMPORTANCE: Final = 64
Ion = tuple[str, int]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Settings:
    """How the model is drawn from, and how much.

    Attributes:
        n: draws of each generator and seed, in which held-out ions are looked for.
        n_judged: the first so many of them go through the filters too, which take most of the time.
        seeds: one set of draws each.
        anion_share: share of the draws that are anions.
        temperature: of the decoder.
        scale: standard deviation of the prior.
        rounds: of the steered search.
        spread: of the steered search.
        around_spread: of draws around known ions.
        ranked_temperature: of the noise in ranked enumeration.
        n_screened: new ions of each generator to send through the melting screen.
        filters: limits of a sane ion.
    """

    n: int = 20_000
    n_judged: int = 5_000
    seeds: tuple[int, ...] = (11, 12, 13)
    anion_share: float = 0.35
    temperature: float = 0.5
    scale: float = 0.8
    rounds: int = 12
    spread: float = 0.5
    around_spread: float = 0.35
    ranked_temperature: float = 0.3
    n_screened: int = 1_000
    filters: Filters = Filters()  # noqa: RUF009 - frozen


def _silent(text: str) -> None:
    del text


def identified(ions: Sequence[Ion]) -> dict[str, str]:
    """SMILES by InChIKey as `examine_quickly` has them; what it refuses is left out."""
    found = {smiles: examine_quickly(smiles) for smiles, _ in ions}
    return {one.ion.inchikey: one.ion.smiles for one in found.values() if isinstance(one, ResolvedIon)}


def contest(
    model: SequenceVAE,
    train: Sequence[Ion],
    heldout: Sequence[Ion],
    settings: Settings,
    *,
    mask: Mask[Any] | None,
    score: Score | None = None,
    say: Say | None = None,
) -> dict[str, float]:
    """Figures of a model, with those of the baselines under ``baselines.NAME.``

    Args:
        model: of ions, trained on ``train``.
        train: SMILES and charges of the ions every generator may know.
        heldout: ions that none may know.
        settings: how to draw.
        mask: for the model.
        score: melting score of ions, for the screen; None to leave that out.
        say: is told what is going on.

    Returns:
        Medians over the seeds of `ildb.generate.strict.set_figures` of the judged draws from the prior; those of the
        others under their names: ``ranked.`` (`RankedEnumerator`), ``around.`` (the model around the training ions,
        new ions only), ``baselines.enumeration.`` (by frequency), ``baselines.enumeration_new.`` (the same, new ions
        only), ``baselines.enumeration_root.``, ``baselines.ngram.``, ``baselines.shuffle.``. Of each but the last:
        ``rediscovered``, held-out cations found, and with ``_low`` and ``_high`` (95 %) ``rediscovery_ratio`` over
        ``baselines.enumeration.``, ``rediscovery_ratio_over_new`` and ``rediscovery_ratio_over_root`` over the other
        two; all of them with ``_anions`` and ``_unseen_core`` (any sign, cores no training ion has) too.
        ``raw_draws``: strings drawn for each that counts, where repeats are drawn again. ``nats_heldout``: mean of
        -log p of a held-out ion, a bound for the model. The screened yields.
    """
    say = say or _silent
    known = identified(train)
    judge, reader = (
        Judge(known, filters=filters, examine=examine_quickly) for filters in (settings.filters, _NO_FILTERS)
    )
    known_cores = cores_of([smiles for smiles, _ in train])
    targets = identified(heldout)
    charge_of = {key: charge for (smiles, charge) in heldout for key in identified([(smiles, charge)])}
    charges = _charges(model, train, settings)
    rules = learn_fragments(smiles for smiles, _ in train)
    signs = {np.sign(charge) for _, charge in train}
    # Few ions have no bond that three of them share.
    min_bonds = next((n for n in (3, 2) if {np.sign(q) for q in Enumerator(rules, min_bonds=n).charges} >= signs), 1)
    enumeration = Enumerator(rules, min_bonds=min_bonds, power=1.0)
    generators: dict[str, Generator] = {
        "": FromPrior(model, mask, settings.temperature, settings.scale),
        "baselines.enumeration.": enumeration,
        "baselines.enumeration_new.": WithoutRepeats(enumeration, reader),
        "baselines.enumeration_root.": Enumerator(rules, min_bonds=min_bonds),
        "around.": WithoutRepeats(Around(model, train, mask, settings.temperature, settings.around_spread), reader),
        "baselines.ngram.": NGram(train),
        "baselines.shuffle.": Shuffle(train),
    }
    try:
        ranked = RankedEnumerator([smiles for smiles, _ in train], min_bonds=min_bonds)
        generators = {"ranked.": Ranked(ranked, settings.ranked_temperature), **generators}
    except InputError as error:
        say(f"ranked enumeration is left out: {error}")
    charges = {seed: _possible(own, enumeration.charges) for seed, own in charges.items()}
    parts = {
        "": [key for key in targets if charge_of[key] > 0],
        "_anions": [key for key in targets if charge_of[key] < 0],
        "_unseen_core": unseen_core(targets, [smiles for smiles, _ in train]),
    }
    figures: dict[str, float] = _likelihoods(model, train, heldout)
    drawn: dict[str, list[DrawnSet]] = {}
    judged: dict[str, list[DrawnSet]] = {}
    for name, generator in generators.items():
        start = time.process_time()
        drawn[name] = [
            DrawnSet.of(generator.draw(charges[seed], seed), charges[seed], reader) for seed in settings.seeds
        ]
        judged[name] = [
            DrawnSet.of(one.raw[: settings.n_judged], one.charges[: settings.n_judged], judge) for one in drawn[name]
        ]
        sets = [set_figures(one, known_cores, list(targets.values())) for one in judged[name]]
        figures |= {f"{name}{key}": float(np.median([one[key] for one in sets])) for key in sets[0]}
        if isinstance(generator, WithoutRepeats):
            figures[f"{name}raw_draws"] = generator.n_raw / (settings.n * len(settings.seeds))
        say(
            f"{name or 'model.'} {settings.n} draws x {len(settings.seeds)}, {time.process_time() - start:.0f} CPU s; "
            + "; ".join(
                f"found{part} {[int(rediscovered(one, keys).sum()) for one in drawn[name]]} of {len(keys)}"
                for part, keys in parts.items()
            )
            + "; "
            + ", ".join(f"{key} {figures[name + key]:.3f}" for key in _TOLD)
        )
    for part, keys in parts.items():
        if keys:
            figures[f"n_heldout{part}"] = float(len(keys))
            figures |= _rediscovery(drawn, keys, part)
    if score is not None:
        figures |= _screened(model, train, charges, judge, judged, score, settings, mask, say)
    return figures


def _possible(charges: Sequence[int], possible: Sequence[int]) -> list[int]:
    """Charges that every generator can draw: the smallest of the sign where one cannot be."""
    there = sorted(possible, key=abs)
    return [q if q in there else next((other for other in there if other * q > 0), there[0]) for q in charges]


def _rediscovery(drawn: dict[str, list[DrawnSet]], keys: list[str], part: str) -> dict[str, float]:
    figures: dict[str, float] = {}
    for name, sets in drawn.items():
        if name == "baselines.shuffle.":
            continue
        figures[f"{name}rediscovered{part}"] = float(np.mean([rediscovered(one, keys).sum() for one in sets]))
        for ratio, other in _OVER.items():
            if name != other:
                figures |= _named(f"{name}{ratio}{part}", rediscovery_ratio(sets, drawn[other], keys))
    return figures


def _likelihoods(model: SequenceVAE, train: Sequence[Ion], heldout: Sequence[Ion]) -> dict[str, float]:
    """Cost of the held-out ions that the model can read, nats an ion, beside that of the n-gram."""
    able = [ion for ion in heldout if model.vocabulary.knows(ion[0]) and ion[1] in model.vocabulary.charges]
    if not able:
        return {}
    bound = model.log_likelihood([text for text, _ in able], [q for _, q in able], samples=_IMPORTANCE)
    return {
        "nats_heldout": -float(bound.mean()),
        "baselines.ngram.nats_heldout": -float(np.mean(NGram(train).log_likelihood(able))),
    }


def _screened(
    model: SequenceVAE,
    train: Sequence[Ion],
    charges: dict[int, list[int]],
    judge: Judge,
    drawn: dict[str, list[DrawnSet]],
    score: Score,
    settings: Settings,
    mask: Mask[Any] | None,
    say: Say,
) -> dict[str, float]:
    """Share of new sane ions that pass the melting screen, each evaluated once, equally many of each generator."""
    passed: dict[str, list[float]] = {}
    for seed, model_set in zip(settings.seeds, drawn[""], strict=True):
        # Draws enough for n_screened new ions of the model, by its own yield from the prior.
        n = min(len(charges[seed]), int(1.3 * settings.n_screened * len(model_set) / max(1, len(model_set.sane_new()))))
        steered = steered_draws(
            model, charges[seed][:n], judge, score, rounds=settings.rounds, spread=settings.spread,
            scale=settings.scale, temperature=settings.temperature, mask=mask, seed=seed,
            begin=known_anchors(model, train, N_BEGIN, settings.anion_share, seed),
        )  # fmt: skip
        own = DrawnSet.of([draw.raw for draw in steered], [draw.charge for draw in steered], judge)
        sets = {"": own, "prior.": model_set}
        sets |= {name: drawn[name][settings.seeds.index(seed)] for name in _SCREENED if name in drawn}
        for name, one in sets.items():
            ions = list(one.sane_new().values())[: settings.n_screened]
            values = np.nan_to_num(score(ions))
            cations = np.array([Chem.GetFormalCharge(Chem.MolFromSmiles(ion)) > 0 for ion in ions], dtype=np.bool_)
            for key, bar in (("screened_yield", PASSES_FROM), ("screened_yield_at80", _HIGH)):
                passed.setdefault(f"{name}{key}", []).append(_share_from(values, bar))
                passed.setdefault(f"{name}{key}_cations", []).append(_share_from(values[cations], bar))
            told = {key: round(each[-1], 3) for key, each in passed.items() if key.startswith(f"{name}screened")}
            say(f"screened {len(ions)} of {name or 'steered.'}: {told}")
    figures = {key: float(np.median(values)) for key, values in passed.items()}
    for key in ("", "_cations", "_at80", "_at80_cations"):
        base = passed[f"baselines.enumeration.screened_yield{key}"]
        ratios = np.array(passed[f"screened_yield{key}"]) / np.maximum(base, 1e-9)
        spread = Interval(float(np.median(ratios)), float(ratios.min()), float(ratios.max()))
        figures |= _named(f"screened_yield_ratio{key}", spread)
    return figures


def _share_from(values: npt.NDArray[np.float64], bar: float) -> float:
    return float((values >= bar).mean()) if len(values) else 0.0


def _named(name: str, interval: Interval) -> dict[str, float]:
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}


def _charges(model: SequenceVAE, train: Sequence[Ion], settings: Settings) -> dict[int, list[int]]:
    """Charges to ask for, by seed: as often as among the training ions of the sign."""
    there = np.array([charge for _, charge in train if charge in model.vocabulary.charges], dtype=np.int64)
    found: dict[int, list[int]] = {}
    for seed in settings.seeds:
        rng = np.random.default_rng([seed, 1])
        negative = rng.random(settings.n) < settings.anion_share
        drawn = np.where(
            negative, rng.choice(there[there < 0], size=settings.n), rng.choice(there[there > 0], size=settings.n)
        )
        found[seed] = [int(charge) for charge in drawn]
    return found
