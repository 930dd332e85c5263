"""The chemistry of the one way in: from what a source says to a pairing of two identified ions."""

from __future__ import annotations

from dataclasses import dataclass

from ildb.chem.findings import Finding, RefusedError
from ildb.chem.identity import Ion
from ildb.chem.standardize import ResolvedIon, Salt, make_salt, resolve_ion, split_salt

__all__ = ["Finding", "RefusedError", "ResolvedPair", "resolve_salt"]


@dataclass(frozen=True, slots=True)
class ResolvedPair:
    """A cation and an anion, neutral together.

    Attributes:
        cation: the ion with positive charge.
        anion: the ion with negative charge.
        n_cation: cations per formula unit, lowest terms.
        n_anion: anions per formula unit, lowest terms.
        notes: codes of what was changed: ``reduced``, ``stoichiometry_derived``, ``ions_swapped``.
        flags: findings of severity ``flag`` (``metal``, ``inorganic_cation``, ``isotope``).
    """

    cation: Ion
    anion: Ion
    n_cation: int
    n_anion: int
    notes: tuple[str, ...] = ()
    flags: tuple[Finding, ...] = ()


def _pair(salt: Salt, notes: tuple[str, ...]) -> ResolvedPair:
    flags = tuple(dict.fromkeys(salt.flags))
    return ResolvedPair(salt.cation, salt.anion, salt.n_cation, salt.n_anion, notes, flags)


def _resolve_ions(cation: str, anion: str) -> ResolvedPair:
    findings: list[Finding] = []
    ions: list[ResolvedIon] = []
    for smiles in (cation, anion):
        try:
            ions.append(resolve_ion(smiles))
        except RefusedError as error:
            findings += error.findings
    if findings:
        raise RefusedError(findings)
    salt = make_salt(ions[0], ions[1])
    return _pair(salt, ("ions_swapped",) if salt.cation != ions[0].ion else ())


def resolve_salt(structure: str | tuple[str, str], *, derive_stoichiometry: bool = False) -> ResolvedPair:
    """The pairing a source means: parsed, checked, standardised, identified and balanced.

    Pure and deterministic; ions are remembered by their SMILES, so a known ion costs microseconds, a new one
    about 1 ms.

    Args:
        structure: the SMILES of a salt, or those of a cation and an anion, in either order. Of two ions given apart the
            stoichiometry always follows from the charges.
        derive_stoichiometry: also derive it for a salt's SMILES that is not neutral as written.

    Raises:
        RefusedError: ``findings`` holds the reasons, with a suggestion where the repair is evident.
    """
    if isinstance(structure, str):
        salt = split_salt(structure, derive_stoichiometry=derive_stoichiometry)
        return _pair(salt, salt.notes)
    return _resolve_ions(*structure)
