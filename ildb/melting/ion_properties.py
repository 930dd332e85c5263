"""What the thermodynamic model needs of an ion, computed once per ion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from rdkit import Chem

from ildb.errors import StructureError
from ildb.melting.conformer import embed, sasa_a2, skeleton_surface_a2
from ildb.melting.features import parse_ion
from ildb.melting.flexibility import effective_torsions, kier_flexibility
from ildb.melting.gas_entropy import gas_entropy
from ildb.melting.volume import crystal_volume_nm3

PROPERTY_VERSION: Final = 1
"""Raise whenever a value would be computed differently: rows of the table ion_property name it."""


class IonProperties(NamedTuple):
    """Properties of an ion; None where one could not be computed, and `problems` says why.

    Args:
        charge: formal charge.
        volume_nm3: in a crystal (`ildb.melting.volume`).
        sasa_a2: solvent-accessible surface of one geometry, Å² (`ildb.melting.conformer`).
        skeleton_surface_a2: what the published classifier has for SASA, Å² (`ildb.melting.conformer`).
        gas_entropy_j_mol_k: standard entropy of the gaseous ion at 298.15 K (`ildb.melting.gas_entropy`).
        freedom: 3 for an atom, 5 for a linear ion, else 6 (`ildb.melting.thermodynamics.lattice_enthalpy_kj_mol`).
        effective_torsions: `ildb.melting.flexibility.effective_torsions`.
        kier_flexibility: `ildb.melting.flexibility.kier_flexibility`.
        problems: as ``column: reason``.
    """

    charge: int | None = None
    volume_nm3: float | None = None
    sasa_a2: float | None = None
    skeleton_surface_a2: float | None = None
    gas_entropy_j_mol_k: float | None = None
    freedom: int | None = None
    effective_torsions: float | None = None
    kier_flexibility: float | None = None
    problems: tuple[str, ...] = ()


def describe_ion(smiles: str) -> IonProperties:
    """Properties of one ion; costs some 0.05 CPU s, most of it for the gas entropy. Never raises for a structure."""
    try:
        mol = parse_ion(smiles)
    except StructureError as error:
        return IonProperties(problems=(f"structure: {error.what}",))
    problems: list[str] = []

    def attempt(column: str, compute: Callable[[Chem.Mol], float]) -> float | None:
        try:
            return compute(mol)
        except StructureError as error:
            problems.append(f"{column}: {error.what}")
            return None

    found = IonProperties(
        charge=Chem.GetFormalCharge(mol),
        volume_nm3=attempt("volume_nm3", crystal_volume_nm3),
        effective_torsions=effective_torsions(mol),
        kier_flexibility=kier_flexibility(mol),
    )
    try:
        shape = embed(mol)
    except StructureError as error:
        problems.append(f"geometry: {error.what}")
        return found._replace(problems=tuple(problems))
    found = found._replace(sasa_a2=sasa_a2(shape), skeleton_surface_a2=skeleton_surface_a2(shape))
    try:
        gas = gas_entropy(shape)
        found = found._replace(gas_entropy_j_mol_k=gas.total, freedom=gas.freedom)
    except StructureError as error:
        problems.append(f"gas_entropy_j_mol_k: {error.what}")
    return found._replace(problems=tuple(problems))


def describe_ions(smiles: Sequence[str]) -> list[IonProperties]:
    """`describe_ion` of each, once per distinct SMILES."""
    known: dict[str, IonProperties] = {}
    for text in smiles:
        if text not in known:
            known[text] = describe_ion(text)
    return [known[text] for text in smiles]
