"""A salt's SMILES taken apart: its two ions, ordered by charge, and how many of each.

Fragments are looked up one by one and remembered, so a table of a million salts of a few thousand ions costs a few
thousand parses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import gcd, lcm
from threading import Lock
from typing import Final

from rdkit import Chem

from ildb.chem.checks import check_ion
from ildb.chem.findings import Finding, RefusedError, refuse
from ildb.chem.identity import Ion, identify
from ildb.chem.normalize import normal_form
from ildb.chem.parse import MAX_SMILES_LENGTH, parse_smiles, shorten

__all__ = [
    "Resolution",
    "ResolvedIon",
    "Salt",
    "examine_ion",
    "is_remembered",
    "normal_form",
    "remember",
    "resolve_ion",
    "split_salt",
]

_CACHE_SIZE: Final = 65_536


@dataclass(frozen=True, slots=True)
class ResolvedIon:
    """An ion that passed every check, with its flags.

    Attributes:
        ion: its identity.
        flags: findings of severity ``flag``, for example ``metal``.
    """

    ion: Ion
    flags: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Salt:
    """Two ions and their stoichiometry in lowest terms; neutral.

    Attributes:
        cation: the ion with positive charge.
        anion: the ion with negative charge.
        n_cation: cations per formula unit.
        n_anion: anions per formula unit.
        notes: what was changed on the way, as codes: ``reduced`` (written as a multiple of the formula unit),
            ``stoichiometry_derived`` (written as another ratio than the charges demand).
        flags: flags of both ions.
    """

    cation: Ion
    anion: Ion
    n_cation: int
    n_anion: int
    notes: tuple[str, ...] = ()
    flags: tuple[Finding, ...] = ()


Resolution = ResolvedIon | tuple[Finding, ...]
"""An ion, or why it is refused."""

_memory: dict[str, Resolution] = {}
_memory_lock = Lock()


def remember(smiles: str, resolution: Resolution) -> None:
    """Keep what ``examine_ion`` said of a SMILES, here or in another process; the oldest of 65,536 is forgotten."""
    with _memory_lock:
        _memory[smiles] = resolution
        if len(_memory) > _CACHE_SIZE:
            del _memory[next(iter(_memory))]


def is_remembered(smiles: str) -> bool:
    """Whether ``resolve_ion`` need not compute anything."""
    return smiles in _memory


def _resolve(smiles: str) -> Resolution:
    resolution = _memory.get(smiles)
    if resolution is None:
        resolution = examine_ion(smiles)
        remember(smiles, resolution)
    return resolution


def examine_ion(smiles: str) -> Resolution:
    """One ion, checked and identified, without a look at what is remembered: the slow part of ``resolve_ion``.

    Returns:
        The ion, or every reason it is refused.
    """
    try:
        mol = parse_smiles(smiles)
        findings = check_ion(mol, smiles)
        refusals = tuple(f for f in findings if f.severity == "refuse")
        if refusals:
            return refusals
        return ResolvedIon(identify(mol), tuple(findings))
    except RefusedError as error:
        return tuple(error.findings)


def resolve_ion(smiles: str) -> ResolvedIon:
    """One ion, checked and identified; remembered by its SMILES.

    Args:
        smiles: the SMILES of one ion.

    Raises:
        RefusedError: with every reason, see ``ildb.chem.checks`` and ``ildb.chem.parse``.
    """
    result = _resolve(smiles)
    if isinstance(result, ResolvedIon):
        return result
    raise RefusedError(list(result))


def _fragments(smiles: str) -> list[str]:
    """The fragments of a salt as SMILES."""
    parts = smiles.split(".")
    if all(parts) and len(smiles) <= MAX_SMILES_LENGTH and all(_is_closed(part) for part in parts):
        return parts
    # Ring bonds or branches that run across a dot, or broken text: RDKit decides.
    mol = parse_smiles(smiles)
    return [str(Chem.MolToSmiles(fragment)) for fragment in Chem.GetMolFrags(mol, asMols=True)]


def _is_closed(part: str) -> bool:
    """Whether a part between dots is a SMILES by itself."""
    result = _resolve(part)
    return isinstance(result, ResolvedIon) or not any(f.code in {"syntax", "empty"} for f in result)


def _is_neutral(result: Resolution) -> bool:
    return not isinstance(result, ResolvedIon) and all(f.code == "charge_zero" for f in result)


def _refuse_single(fragment: str) -> RefusedError:
    mol = parse_smiles(fragment)
    if Chem.GetFormalCharge(mol):
        return refuse(
            "counter_ion_missing",
            f"{shorten(fragment)} is one ion ({Chem.GetFormalCharge(mol):+d}) without its partner.",
            hint="Give the cation and the anion separated by a dot.",
        )
    if any(a.GetFormalCharge() and not _is_paired(a) for a in mol.GetAtoms()):
        return refuse(
            "zwitterion",
            f"{shorten(fragment)} carries both charges in one molecule.",
            hint="A zwitterion is not a pairing of two ions.",
        )
    return refuse(
        "neutral_molecule",
        f"{shorten(fragment)} is a neutral molecule.",
        hint="Give the cation and the anion with their charges.",
    )


def _is_paired(atom: Chem.Atom) -> bool:
    """Whether a charge is cancelled by a neighbour's, as in a nitro group or an azide."""
    return any(n.GetFormalCharge() * atom.GetFormalCharge() < 0 for n in atom.GetNeighbors())


def _count_ions(counts: Mapping[str, int]) -> tuple[Counter[Ion], dict[Ion, tuple[Finding, ...]]]:
    """Ions and how often each is written; spellings of one ion meet."""
    results = {fragment: _resolve(fragment) for fragment in counts}
    neutral = [fragment for fragment, result in results.items() if _is_neutral(result)]
    findings: list[Finding] = []
    if neutral:
        findings.append(
            Finding(
                "neutral_part",
                f"The part {shorten(neutral[0])} is neutral.",
                hint="Leave out solvents and co-crystallised molecules, or write their charges.",
            )
        )
    ions: Counter[Ion] = Counter()
    flags: dict[Ion, tuple[Finding, ...]] = {}
    for fragment, result in results.items():
        if isinstance(result, ResolvedIon):
            ions[result.ion] += counts[fragment]
            flags[result.ion] = result.flags
        elif fragment not in neutral:
            findings += result
    if findings:
        raise RefusedError(findings)
    return ions, flags


def _balance(cation: Ion, anion: Ion) -> tuple[int, int]:
    total = lcm(cation.charge, -anion.charge)
    return total // cation.charge, total // -anion.charge


def make_salt(cation: ResolvedIon, anion: ResolvedIon, notes: tuple[str, ...] = ()) -> Salt:
    """The neutral salt of two ions, in lowest terms.

    Raises:
        RefusedError: with code ``no_cation`` or ``no_anion`` when both charges have one sign.
    """
    if cation.ion.charge < 0 < anion.ion.charge:
        cation, anion = anion, cation
    if cation.ion.charge < 0:
        raise refuse("no_cation", "Both ions are anions.", hint="Check the charges.")
    if anion.ion.charge > 0:
        raise refuse("no_anion", "Both ions are cations.", hint="Check the charges.")
    n_cation, n_anion = _balance(cation.ion, anion.ion)
    return Salt(cation.ion, anion.ion, n_cation, n_anion, notes, cation.flags + anion.flags)


def split_salt(smiles: str, *, derive_stoichiometry: bool = False) -> Salt:
    """The two ions of a salt and their stoichiometry in lowest terms.

    Args:
        smiles: the salt, its ions separated by dots, in any order and number.
        derive_stoichiometry: accept a salt that is not neutral as written when its two ions can be (a dication with one
            univalent anion), and note it; otherwise such a salt is refused with the neutral SMILES as suggestion.

    Returns:
        The salt, cation and anion told apart by their charge.

    Raises:
        RefusedError: with code ``neutral_molecule``, ``zwitterion``, ``counter_ion_missing``, ``neutral_part``,
            ``too_many_ions``, ``no_cation``, ``no_anion``, ``not_neutral``, or the reasons of an ion.
    """
    fragments = _fragments(smiles)
    if len(fragments) == 1:
        result = _resolve(fragments[0])
        if not isinstance(result, ResolvedIon) and not _is_neutral(result):
            raise RefusedError(list(result))
        raise _refuse_single(fragments[0])
    ions, flags = _count_ions(Counter(fragments))
    if len(ions) > 2:
        raise refuse(
            "too_many_ions",
            f"{shorten(smiles)} has {len(ions)} different ions; a pairing has two.",
            hint="Enter double salts and mixtures as separate pairings.",
        )
    if len(ions) == 1:
        only = next(iter(ions))
        code, kind = ("no_anion", "cations") if only.charge > 0 else ("no_cation", "anions")
        raise refuse(code, f"{shorten(smiles)} has only {kind}.", hint="Check the charges.")
    first, second = (ResolvedIon(ion, flags[ion]) for ion in ions)
    salt = make_salt(first, second)
    written = ions[salt.cation], ions[salt.anion]
    if written == (salt.n_cation, salt.n_anion):
        return salt
    if written[0] * salt.n_anion == written[1] * salt.n_cation:
        factor = gcd(*written)
        notes = ("reduced",) if factor > 1 else ()
    elif derive_stoichiometry:
        notes = ("stoichiometry_derived",)
    else:
        net = written[0] * salt.cation.charge + written[1] * salt.anion.charge
        neutral = ".".join([salt.cation.smiles] * salt.n_cation + [salt.anion.smiles] * salt.n_anion)
        raise refuse("not_neutral", f"{shorten(smiles)} has a net charge of {net:+d}.", suggestion=neutral)
    return Salt(salt.cation, salt.anion, salt.n_cation, salt.n_anion, notes, salt.flags)
