"""What became of a generated string: every one gets exactly one outcome, with the reasons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from rdkit import Chem

from ildb.chem.findings import Finding, RefusedError
from ildb.chem.identity import Ion
from ildb.chem.standardize import Resolution, ResolvedIon, examine_ion, make_salt
from ildb.errors import InputError
from ildb.generate.filters import Filters, IonFilter

Outcome = Literal[
    "novel",
    "duplicate",
    "known",
    "rejected",
    "empty",
    "unfinished",
    "unparsable",
    "too_few_parts",
    "too_many_parts",
    "radical",
    "wrong_charge",
    "too_large",
    "refused",
]
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
"""``novel``: a sane ion, or ionic liquid, that nobody has reported, the first time it is drawn. ``duplicate``: the
same again. ``known``: reported. ``rejected``: new and readable, but a filter speaks against it. ``refused``: any other
reason of the curation door. The rest say what is wrong with the string."""

_OF_CODE: Final[Mapping[str, Outcome]] = {
    "empty": "empty",
    "syntax": "unparsable",
    "valence": "unparsable",
    "kekulize": "unparsable",
    "chemistry": "unparsable",
    "not_ascii": "unparsable",
    "white_space": "unparsable",
    "not_writable": "unparsable",
    "not_one_fragment": "too_many_parts",
    "radical": "radical",
    "charge_zero": "wrong_charge",
    "charge_too_large": "wrong_charge",
    "no_cation": "wrong_charge",
    "no_anion": "wrong_charge",
    "too_large": "too_large",
    "too_long": "too_large",
    "too_many_atoms": "too_large",
}
# Of several findings the first in this order names the outcome.
_PRECEDENCE: Final = ("empty", "unparsable", "too_few_parts", "too_many_parts", "radical", "wrong_charge", "too_large")


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict on one string.

    Attributes:
        outcome: see `OUTCOMES`; never ``duplicate``, which only the whole set of draws can tell.
        reasons: machine-readable codes, most of them with a colon and what was found.
        ions: what the door made of it: one ion, or cation and anion of a pair; empty where it was refused.
        sa_score: synthetic accessibility of the harder new ion, 1 (easy) to 10; None where the score means nothing.
        same_as: InChIKeys of the known ions that it is without stereochemistry, where those differ from its own.
        similarity: Tanimoto similarity (ECFP4) to the nearest known ion of its sign, 0..1; of a pair the lower one.
    """

    outcome: Outcome
    reasons: tuple[str, ...] = ()
    ions: tuple[ResolvedIon, ...] = ()
    sa_score: float | None = None
    similarity: float | None = None
    same_as: tuple[str, ...] = ()

    @property
    def ion(self) -> Ion:
        """The ion of an ion-level draw that the door let in."""
        return self.ions[0].ion

    @property
    def key(self) -> tuple[str, ...]:
        """What makes two draws the same: InChIKeys, of known ions their own; empty where the door refused."""
        return self.same_as or tuple(found.ion.inchikey for found in self.ions)


class Judge:
    """Judges strings one by one, against what is known; the same string twice costs nothing.

    Args:
        known: SMILES of the known ions by InChIKey.
        known_pairs: known (cation, anion) InChIKeys, for pair-level strings.
        filters: limits beyond which a new ion is rejected.
        examine: the curation door; `ildb.generate.quick.examine_quickly` for figures.
    """

    def __init__(
        self,
        known: Mapping[str, str],
        known_pairs: frozenset[tuple[str, str]] = frozenset(),
        filters: Filters | None = None,
        examine: Callable[[str], Resolution] = examine_ion,
    ) -> None:
        self._examine = examine
        self._known = {key: key for key in known} | _flat_keys(known, examine)
        self._known_pairs = known_pairs
        self._filter = IonFilter(known.values(), filters or Filters())
        self._seen: dict[tuple[str, int], Judged] = {}

    def judge(self, raw: str, charge: int, *, finished: bool = True) -> Judged:
        """The verdict on a string.

        Args:
            raw: as the generator wrote it.
            charge: net charge it was asked for, e; 0 for a whole ionic liquid.
            finished: False where the generator was cut off at its longest length.
        """
        if not finished:
            return Judged("unfinished", ("longest_length",))
        asked = raw, charge
        if asked not in self._seen:
            self._seen[asked] = self._pair(raw) if charge == 0 else self._ion(raw, charge)
        return self._seen[asked]

    def _ion(self, raw: str, charge: int) -> Judged:
        found = self._examine(raw)
        if not isinstance(found, ResolvedIon):
            return _refused(found)
        if found.ion.charge != charge:
            return Judged("wrong_charge", (f"charge:{found.ion.charge:+d}",))
        if found.ion.inchikey in self._known:
            return Judged("known", (), (found,), same_as=(self._known[found.ion.inchikey],))
        return self._new((found,))

    def _pair(self, raw: str) -> Judged:
        parts = raw.split(".")
        if len(parts) == 1:
            findings = self._examine(raw)
            if isinstance(findings, ResolvedIon) or _refused(findings).outcome == "wrong_charge":
                return Judged("too_few_parts", ("one_part",))
            return _refused(findings)
        if len(set(parts)) > 2:
            return Judged("too_many_parts", (f"parts:{len(set(parts))}",))
        found = [self._examine(part) for part in dict.fromkeys(parts)]
        refused = [finding for one in found if not isinstance(one, ResolvedIon) for finding in one]
        if refused:
            return _refused(tuple(refused))
        ions = [one for one in found if isinstance(one, ResolvedIon)]
        try:
            make_salt(ions[0], ions[-1])
        except RefusedError as error:
            return _refused(tuple(error.findings))
        written = sum(one.ion.charge * parts.count(part) for one, part in zip(found, dict.fromkeys(parts), strict=True)
                      if isinstance(one, ResolvedIon))  # fmt: skip
        if written:
            return Judged("wrong_charge", (f"charge:{written:+d}",))
        both = tuple(sorted(ions, key=lambda one: -one.ion.charge))
        keys = tuple(self._known.get(one.ion.inchikey, one.ion.inchikey) for one in both)
        if keys in self._known_pairs:
            return Judged("known", (), both, same_as=keys)
        return self._new(both)

    def _new(self, ions: tuple[ResolvedIon, ...]) -> Judged:
        reasons: list[str] = []
        scores: list[float] = []
        similarities: list[float] = []
        for found in ions:
            if found.ion.inchikey in self._known:
                continue
            checked = self._filter.check(found.ion)
            reasons += checked.reasons
            scores += [checked.sa_score] if checked.sa_score is not None else []
            similarities += [checked.similarity] if checked.similarity is not None else []
        return Judged(
            "rejected" if reasons else "novel",
            tuple(dict.fromkeys(reasons)),
            ions,
            max(scores, default=None),
            min(similarities, default=None),
        )


def _flat_keys(known: Mapping[str, str], examine: Callable[[str], Resolution]) -> dict[str, str]:
    """Keys of the known ions without their stereochemistry: generators write none."""
    flat: dict[str, str] = {}
    for key, smiles in known.items():
        if any(mark in smiles for mark in "@/\\"):
            mol = Chem.MolFromSmiles(smiles)
            Chem.RemoveStereochemistry(mol)
            found = examine(str(Chem.MolToSmiles(mol)))
            if isinstance(found, ResolvedIon):
                flat[found.ion.inchikey] = key
    return flat


def _refused(findings: tuple[Finding, ...]) -> Judged:
    codes = tuple(dict.fromkeys(finding.code for finding in findings if finding.severity == "refuse"))
    if not codes:
        raise InputError("A refusal without a reason cannot be counted.")
    outcomes = {_OF_CODE.get(code, "refused") for code in codes}
    first = next((name for name in _PRECEDENCE if name in outcomes), "refused")
    return Judged(next(name for name in OUTCOMES if name == first), codes)
