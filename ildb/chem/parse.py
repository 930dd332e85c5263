"""Text to molecules and patterns, with limits that keep RDKit and the PostgreSQL cartridge from hanging.

One long chain or many-fragment pattern can keep a PostgreSQL backend busy past every timeout, so nothing reaches
RDKit's slow steps or the server before these limits are checked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from rdkit import Chem, rdBase

from ildb.chem.findings import Finding, RefusedError, refuse

MAX_SMILES_LENGTH: Final = 2_000
MAX_SMILES_ATOMS: Final = 500
MAX_SMARTS_LENGTH: Final = 400
MAX_SMARTS_ATOMS: Final = 100
MAX_SMARTS_FRAGMENTS: Final = 2
MAX_SMARTS_DEPTH: Final = 3

_SHOWN = 60
_PROBLEM_CODES = {
    "AtomValenceException": "valence",
    "KekulizeException": "kekulize",
    "AtomKekulizeException": "kekulize",
}
_PROBLEM_HINTS = {
    "valence": "Check the bonds, charge and hydrogens of that atom.",
    "kekulize": "Check the aromatic ring: an [nH], a charge or a bond is missing.",
}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A validated SMARTS pattern.

    Attributes:
        text: the SMARTS.
        n_atoms: atoms, those inside recursive ``$(...)`` included.
        n_fragments: disconnected parts, in the pattern or in the recursive part that has most.
    """

    text: str
    n_atoms: int
    n_fragments: int


def shorten(text: str) -> str:
    """Text for a message: quoted, printable, at most about 60 characters."""
    shown = ascii(text[:_SHOWN])
    return shown if len(text) <= _SHOWN else f"{shown[:-1]}...' ({len(text):,} characters)"


def _check_text(text: str, kind: str, max_length: int) -> None:
    if not text or text.isspace():
        raise refuse("empty", f"The {kind} is empty.", hint=f"Give a {kind}.")
    if len(text) > max_length:
        raise refuse(
            "too_long",
            f"The {kind} {shorten(text)} is longer than {max_length:,} characters.",
            hint=f"Give a {kind} of at most {max_length:,} characters.",
        )
    if not text.isascii():
        raise refuse(
            "not_ascii", f"The {kind} {shorten(text)} has characters outside ASCII.", hint="Retype it in plain ASCII."
        )
    # Of printable ASCII only the space is white.
    if not text.isprintable() or " " in text:
        bad = next(i for i, c in enumerate(text) if c.isspace() or not c.isprintable())
        raise refuse(
            "white_space",
            f"The {kind} {shorten(text)} has white space or a control character at position {bad + 1}.",
            hint="Remove it, and any name or extension after it.",
        )


def _syntax_reason(messages: str) -> str:
    """The useful part of RDKit's log of a parse failure."""
    lines = [re.sub(r"^\[[\d:]+\]\s*|SM(?:ILES|ARTS) Parse Error:\s*", "", x) for x in messages.splitlines()]
    position = next((m[1] for x in lines if (m := re.search(r"around position (\d+)", x))), None)
    if position is not None:
        return f"check around position {position}"
    # Other failures (ring closures, brackets) are one sentence followed by a generic one that repeats the input.
    first = next((x for x in lines if x and not x.startswith("Failed parsing")), "")
    return re.sub(r"\s+for input:.*$", "", first).rstrip(".")[:120] or "not readable"


def _parse_unsanitized(text: str) -> Chem.Mol:
    with rdBase.BlockLogs(), rdBase.CaptureErrorLog() as log:
        mol = Chem.MolFromSmiles(text, sanitize=False)
        messages = str(log.messages)
    if mol is None:
        raise refuse(
            "syntax",
            f"{shorten(text)} is not a SMILES: {_syntax_reason(messages)}.",
            hint="Correct the SMILES.",
        )
    return mol


def _chemistry_findings(text: str, mol: Chem.Mol) -> list[Finding]:
    with rdBase.BlockLogs():
        problems = Chem.DetectChemistryProblems(mol)
    findings: dict[Finding, None] = {}
    for problem in problems:
        code = _PROBLEM_CODES.get(problem.GetType(), "chemistry")
        reason = " ".join(problem.Message().split()).rstrip(".")
        findings[Finding(code, f"{shorten(text)}: {reason}.", None, "refuse", _PROBLEM_HINTS.get(code, ""))] = None
    return list(findings) or [Finding("chemistry", f"{shorten(text)} is not a molecule RDKit can accept.")]


def parse_smiles(text: str) -> Chem.Mol:
    """A sanitised molecule, hydrogens implicit, from a SMILES.

    Args:
        text: the SMILES; ASCII without white space, at most 2,000 characters and 500 atoms.

    Returns:
        The RDKit molecule, with at least one atom.

    Raises:
        RefusedError: with code ``empty``, ``too_long``, ``not_ascii``, ``white_space``, ``too_many_atoms``, ``syntax``,
            ``valence``, ``kekulize`` or ``chemistry``. RDKit's own log goes into the message and is not printed.
    """
    _check_text(text, "SMILES", MAX_SMILES_LENGTH)
    # Every atom takes a character, so a short text needs no count before the sanitisation, whose cost grows as n**3.
    if len(text) > MAX_SMILES_ATOMS:
        n_atoms = _parse_unsanitized(text).GetNumAtoms()
        if n_atoms > MAX_SMILES_ATOMS:
            raise refuse(
                "too_many_atoms",
                f"The SMILES {shorten(text)} has {n_atoms:,} atoms; the limit is {MAX_SMILES_ATOMS}.",
                hint="Polymers and proteins are out of scope.",
            )
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(text)
    if mol is None:
        raise RefusedError(_chemistry_findings(text, _parse_unsanitized(text)))
    if mol.GetNumAtoms() == 0:
        raise refuse("empty", f"{shorten(text)} has no atoms.", hint="Give a SMILES.")
    return mol


def _split_recursive(text: str) -> tuple[list[str], int]:
    """Bodies of the recursive ``$(...)`` parts at any depth, and the greatest depth."""
    bodies: list[str] = []
    deepest = 0
    stack: list[int] = []
    nested: list[int] = []
    for i, char in enumerate(text):
        if char == "(":
            stack.append(i)
            if i and text[i - 1] == "$":
                nested.append(i)
                deepest = max(deepest, len(nested))
        elif char == ")" and stack:
            start = stack.pop()
            if nested and nested[-1] == start:
                nested.pop()
                bodies.append(text[start + 1 : i])
    return bodies, deepest


def _parse_smarts_part(text: str, whole: str) -> Chem.Mol:
    with rdBase.BlockLogs(), rdBase.CaptureErrorLog() as log:
        mol = Chem.MolFromSmarts(text)
        messages = str(log.messages)
    if mol is None or mol.GetNumAtoms() == 0:
        raise refuse(
            "syntax", f"{shorten(whole)} is not a SMARTS: {_syntax_reason(messages)}.", hint="Correct the pattern."
        )
    return mol


def parse_smarts(text: str) -> Pattern:
    """A pattern that is safe to send to the PostgreSQL cartridge.

    Args:
        text: the SMARTS (a SMILES works too); ASCII without white space, at most 400 characters, 100 atoms, 2 fragments
            and 3 levels of recursion.

    Returns:
        The validated pattern.

    Raises:
        RefusedError: with code ``empty``, ``too_long``, ``not_ascii``, ``white_space``, ``syntax``, ``reaction``,
            ``too_many_atoms``, ``too_many_fragments`` or ``too_deep``.
    """
    _check_text(text, "SMARTS", MAX_SMARTS_LENGTH)
    if ">" in text:
        raise refuse("reaction", f"{shorten(text)} is a reaction.", hint="Give one molecule's pattern, without '>'.")
    bodies, depth = _split_recursive(text)
    if depth > MAX_SMARTS_DEPTH:
        raise refuse(
            "too_deep",
            f"The SMARTS {shorten(text)} nests $(...) {depth} deep; the limit is {MAX_SMARTS_DEPTH}.",
            hint="Simplify the recursive parts.",
        )
    mols = [_parse_smarts_part(part, text) for part in (text, *bodies)]
    n_atoms = sum(mol.GetNumAtoms() for mol in mols)
    if n_atoms > MAX_SMARTS_ATOMS:
        raise refuse(
            "too_many_atoms",
            f"The SMARTS {shorten(text)} has {n_atoms} atoms; the limit is {MAX_SMARTS_ATOMS}.",
            hint="Give a smaller pattern.",
        )
    n_fragments = max(len(Chem.GetMolFrags(mol)) for mol in mols)
    if n_fragments > MAX_SMARTS_FRAGMENTS:
        raise refuse(
            "too_many_fragments",
            f"The SMARTS {shorten(text)} has {n_fragments} fragments; the limit is {MAX_SMARTS_FRAGMENTS}.",
            hint="Search for the fragments one by one.",
        )
    return Pattern(text, n_atoms, n_fragments)
