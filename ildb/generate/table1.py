"""Table 1 of the paper, by its own definitions: what a generator of ionic liquids is usually judged by.

These figures are easy to have: shuffling known cations and anions scores .99 in all of them. They are here for
comparison with the paper; `ildb.generate` has stricter ones.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from rdkit import Chem, rdBase

PAPER: Final[Mapping[str, float]] = {
    "validity": 0.84, "uniqueness": 0.99, "novelty": 0.78, "sample_efficiency": 0.65, "reconstruction": 0.90,
}  # fmt: skip
"""Ren et al., Digital Discovery 2026 (d5dd00282f), Table 1; the efficiency is the product of the first three."""


def canonical_salt(smiles: str) -> str | None:
    """Canonical SMILES of a cation and an anion whose charges cancel; None if the text is anything else."""
    parts = smiles.split(".")
    if len(parts) != 2 or not all(parts):
        return None
    with rdBase.BlockLogs():
        mols = [Chem.MolFromSmiles(part) for part in parts]
    if any(mol is None or mol.GetNumAtoms() == 0 for mol in mols):
        return None
    cation, anion = sorted(mols, key=Chem.GetFormalCharge, reverse=True)
    if Chem.GetFormalCharge(cation) <= 0 or Chem.GetFormalCharge(cation) + Chem.GetFormalCharge(anion) != 0:
        return None
    return f"{Chem.MolToSmiles(cation)}.{Chem.MolToSmiles(anion)}"


def table1(drawn: Sequence[str], training: Collection[str], reconstructed: Sequence[bool] = ()) -> dict[str, float]:
    """The paper's columns.

    Args:
        drawn: sampled strings, a cation and an anion separated by a dot.
        training: what `canonical_salt` says of the training set.
        reconstructed: of each string tried, whether it came back.

    Returns:
        ``validity`` (neutral pairs of two molecules, of all drawn), ``uniqueness`` (distinct, of the valid),
        ``novelty`` (not in the training set, of the distinct), their product ``sample_efficiency``, and
        ``reconstruction`` if any was tried.
    """
    valid = [salt for text in drawn if (salt := canonical_salt(text)) is not None]
    distinct = set(valid)
    known = training if isinstance(training, set | frozenset) else set(training)
    novel = distinct - known
    figures = {
        "validity": len(valid) / len(drawn) if drawn else 0.0,
        "uniqueness": len(distinct) / len(valid) if valid else 0.0,
        "novelty": len(novel) / len(distinct) if distinct else 0.0,
    }
    figures["sample_efficiency"] = figures["validity"] * figures["uniqueness"] * figures["novelty"]
    if reconstructed:
        figures["reconstruction"] = sum(reconstructed) / len(reconstructed)
    return figures


def beside_paper(figures: Mapping[str, float]) -> str:
    """The columns with the paper's beside them, in one line."""
    return ", ".join(
        f"{name} {figures[name]:.3f} (paper {value:.2f})" for name, value in PAPER.items() if name in figures
    )


def with_paper(figures: Mapping[str, float]) -> dict[str, float]:
    """Metrics with the paper's columns among the baselines."""
    return {**figures, **{f"baselines.paper.{name}": value for name, value in PAPER.items()}}
