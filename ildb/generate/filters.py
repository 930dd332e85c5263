"""What speaks against a new ion although it is a valid structure: reasons, never silence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator, rdMolDescriptors

from ildb.chem.identity import Ion
from ildb.generate.alerts import GROUPS
from ildb.screen.accessibility import sa_score

_FINGERPRINT: Final = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
_LARGEST_RING: Final = 8
_SMALL_RING: Final = 4


class Filters(BaseModel):
    """Limits a new ion must keep to; None: not looked at."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_sa_score: float | None = Field(default=6.0, ge=1, le=10, description="synthetic accessibility, 1 easy, 10 hard")
    max_heavy_atoms: int | None = Field(default=60, ge=1)
    min_similarity: float | None = Field(
        default=0.15, ge=0, le=1, description="ECFP4 Tanimoto to the nearest known ion of its sign"
    )
    groups: bool = Field(default=True, description="reject reactive and implausible groups")
    rings: bool = Field(default=True, description="reject strained and very large rings")


class Checked(NamedTuple):
    """What the filters found.

    Attributes:
        reasons: codes against the ion, empty when it passes.
        sa_score: None for ions too small to score.
        similarity: to the nearest known ion of its sign; None where there is none.
    """

    reasons: tuple[str, ...]
    sa_score: float | None
    similarity: float | None


class IonFilter:
    """Checks ions against limits and known ions.

    Args:
        known: SMILES of known ions.
        filters: the limits.
    """

    def __init__(self, known: Iterable[str], filters: Filters) -> None:
        self._limits = filters
        self._known: dict[bool, list[DataStructs.ExplicitBitVect]] = {True: [], False: []}
        for smiles in known:
            mol = Chem.MolFromSmiles(smiles)
            if mol is not None:
                self._known[Chem.GetFormalCharge(mol) > 0].append(_FINGERPRINT.GetFingerprint(mol))

    def check(self, ion: Ion) -> Checked:
        """Reasons against an ion that the curation door let in."""
        mol = Chem.MolFromSmiles(ion.smiles)
        limits = self._limits
        reasons: list[str] = []
        if limits.max_heavy_atoms is not None and ion.heavy_atoms > limits.max_heavy_atoms:
            reasons.append(f"heavy_atoms:{ion.heavy_atoms}")
        if limits.groups:
            reasons += [f"group:{name}" for name in unsound_groups(mol)]
        if limits.rings:
            reasons += [f"ring:{name}" for name in unsound_rings(mol)]
        score = sa_score(mol) if limits.max_sa_score is not None else None
        if score is not None and limits.max_sa_score is not None and score > limits.max_sa_score:
            reasons.append(f"sa_score:{score:.1f}")
        similarity = self._nearest(mol, ion.charge > 0) if limits.min_similarity is not None else None
        if similarity is not None and limits.min_similarity is not None and similarity < limits.min_similarity:
            reasons.append(f"unlike_known:{similarity:.2f}")
        return Checked(tuple(reasons), score, similarity)

    def _nearest(self, mol: Chem.Mol, positive: bool) -> float | None:
        known = self._known[positive]
        if not known:
            return None
        return float(max(DataStructs.BulkTanimotoSimilarity(_FINGERPRINT.GetFingerprint(mol), known)))


def unsound_groups(mol: Chem.Mol) -> list[str]:
    """Names of the reactive or implausible groups of an ion, see `ildb.generate.alerts`."""
    found = [name for name, pattern in GROUPS.items() if mol.HasSubstructMatch(pattern)]
    net = Chem.GetFormalCharge(mol)
    lone = (
        atom.GetFormalCharge()
        for atom in mol.GetAtoms()
        if not any(other.GetFormalCharge() * atom.GetFormalCharge() < 0 for other in atom.GetNeighbors())
    )
    if any(charge * net < 0 for charge in lone):
        found.append("inner_salt")
    return found


def unsound_rings(mol: Chem.Mol) -> list[str]:
    """Names of what strains the rings of an ion."""
    info = mol.GetRingInfo()
    rings = info.AtomRings()
    found: list[str] = []
    if any(len(ring) > _LARGEST_RING for ring in rings):
        found.append("macrocycle")
    small = [set(ring) for ring in rings if len(ring) <= _SMALL_RING]
    if any(len(a & b) > 1 for i, a in enumerate(small) for b in small[:i]):
        found.append("fused_small_rings")
    bridgeheads: list[int] = []
    rdMolDescriptors.CalcNumBridgeheadAtoms(mol, bridgeheads)  # type: ignore[arg-type] # the stub's own mistake
    if any(b.GetBondTypeAsDouble() > 1 for index in bridgeheads for b in mol.GetAtomWithIdx(index).GetBonds()):
        found.append("unsaturated_bridgehead")
    for bond in mol.GetBonds():
        if bond.GetBondType() == Chem.BondType.TRIPLE and bond.IsInRing():
            found.append("alkyne_in_ring")
            break
    return found
