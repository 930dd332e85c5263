"""The bipartite graph of known cation-anion pairings that link prediction learns from."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ildb.errors import InputError
from ildb.hashing import sha256_json

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


class IonRow(NamedTuple):
    """One distinct ion: its identity, a structure to compute features from, and its charge in units of e."""

    inchikey: str
    smiles: str
    charge: int


class PairingRow(NamedTuple):
    """One known pairing, as a row of a query or a CSV file would give it."""

    cation_inchikey: str
    cation_smiles: str
    cation_charge: int
    anion_inchikey: str
    anion_smiles: str
    anion_charge: int


@dataclass(frozen=True, eq=False)
class LinkGraph:
    """Ions and known pairings in an order that depends on nothing but their InChIKeys.

    Attributes:
        cations: InChIKeys of the cations, sorted.
        anions: InChIKeys of the anions, sorted.
        cation_smiles: one SMILES per cation, same order.
        anion_smiles: one SMILES per anion, same order.
        cation_charges: charges > 0, shape (n_cations,).
        anion_charges: charges < 0, shape (n_anions,).
        edges: known pairings as (cation index, anion index), shape (n_edges, 2), sorted and distinct.
    """

    cations: tuple[str, ...]
    anions: tuple[str, ...]
    cation_smiles: tuple[str, ...]
    anion_smiles: tuple[str, ...]
    cation_charges: IntArray
    anion_charges: IntArray
    edges: IntArray

    @property
    def n_cations(self) -> int:
        """Number of cations."""
        return len(self.cations)

    @property
    def n_anions(self) -> int:
        """Number of anions."""
        return len(self.anions)

    @property
    def n_edges(self) -> int:
        """Number of known pairings."""
        return len(self.edges)

    @property
    def n_pairs(self) -> int:
        """Number of cation x anion pairs: each has a neutral stoichiometry."""
        return self.n_cations * self.n_anions

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the whole content: equal graphs, equal hash, whatever order their rows came in."""
        return sha256_json(
            {
                "cations": list(zip(self.cations, self.cation_smiles, self.cation_charges.tolist(), strict=True)),
                "anions": list(zip(self.anions, self.anion_smiles, self.anion_charges.tolist(), strict=True)),
                "edges": self.edges.tolist(),
            }
        )

    def multiplicities(self, cations: slice = slice(None), anions: slice = slice(None)) -> IntArray:
        """Largest stoichiometric coefficient of the neutral salt in lowest terms, for a block of pairs.

        1 is a 1:1 salt, 2 a 2:1 or 1:2 salt, 3 also a 2:3 salt.

        Returns:
            Array of shape (cations in the block, anions in the block).
        """
        positive = self.cation_charges[cations, None]
        negative = -self.anion_charges[None, anions]
        common = np.gcd(positive, negative)
        return np.maximum(positive // common, negative // common)


def stoichiometry(cation_charge: int, anion_charge: int) -> tuple[int, int]:
    """Numbers of cations and anions of the neutral salt, in lowest terms.

    Raises:
        InputError: a charge has the wrong sign.
    """
    if cation_charge <= 0 or anion_charge >= 0:
        raise InputError(
            f"Charges {cation_charge:+d} and {anion_charge:+d} do not make a salt.",
            "A cation needs a positive charge, an anion a negative one.",
        )
    common = math.gcd(cation_charge, -anion_charge)
    return -anion_charge // common, cation_charge // common


def build_graph(cations: Iterable[IonRow], anions: Iterable[IonRow], pairings: Iterable[tuple[str, str]]) -> LinkGraph:
    """Build a graph from distinct ions and the InChIKeys of the known pairings.

    Ions without a pairing are kept: they are candidates too. Repeated ions merge by InChIKey, keeping the SMILES that
    sorts first, and repeated pairings count once.

    Raises:
        InputError: no ion on one side, a charge of the wrong sign, charges that disagree, or a pairing of an unlisted
            ion.
    """
    cation_rows = _merged(cations, "cation")
    anion_rows = _merged(anions, "anion")
    cation_index = {row.inchikey: i for i, row in enumerate(cation_rows)}
    anion_index = {row.inchikey: i for i, row in enumerate(anion_rows)}
    known: set[tuple[int, int]] = set()
    for cation, anion in pairings:
        if cation not in cation_index or anion not in anion_index:
            raise InputError(
                f"The pairing {cation} + {anion} names an ion that is not listed.", "List every ion first."
            )
        known.add((cation_index[cation], anion_index[anion]))
    return LinkGraph(
        cations=tuple(row.inchikey for row in cation_rows),
        anions=tuple(row.inchikey for row in anion_rows),
        cation_smiles=tuple(row.smiles for row in cation_rows),
        anion_smiles=tuple(row.smiles for row in anion_rows),
        cation_charges=np.array([row.charge for row in cation_rows], dtype=np.int64),
        anion_charges=np.array([row.charge for row in anion_rows], dtype=np.int64),
        edges=np.array(sorted(known), dtype=np.int64).reshape(-1, 2),
    )


def graph_from_rows(rows: Iterable[PairingRow | tuple[str, str, int, str, str, int]]) -> LinkGraph:
    """Build a graph from known pairings alone, one row each.

    Raises:
        InputError: there is no row, a charge has the wrong sign, or two rows disagree about the charge of an ion.
    """
    pairings = [PairingRow(*row) for row in rows]
    return build_graph(
        (IonRow(row.cation_inchikey, row.cation_smiles, row.cation_charge) for row in pairings),
        (IonRow(row.anion_inchikey, row.anion_smiles, row.anion_charge) for row in pairings),
        ((row.cation_inchikey, row.anion_inchikey) for row in pairings),
    )


def degrees(edges: IntArray, n_cations: int, n_anions: int) -> tuple[IntArray, IntArray]:
    """Partners of each cation and of each anion among some edges, shapes (n_cations,) and (n_anions,)."""
    return np.bincount(edges[:, 0], minlength=n_cations), np.bincount(edges[:, 1], minlength=n_anions)


def _merged(ions: Iterable[IonRow], kind: str) -> list[IonRow]:
    by_key: dict[str, IonRow] = {}
    for ion in ions:
        if (ion.charge > 0) != (kind == "cation") or ion.charge == 0:
            raise InputError(
                f"The {kind} {ion.inchikey} ({ion.smiles}) has charge {ion.charge:+d}.", "Check its structure."
            )
        earlier = by_key.get(ion.inchikey)
        if earlier is not None and earlier.charge != ion.charge:
            raise InputError(
                f"The {kind} {ion.inchikey} has charge {earlier.charge:+d} as {earlier.smiles} "
                f"and {ion.charge:+d} as {ion.smiles}.",
                "One InChIKey has one charge: check both structures.",
            )
        by_key[ion.inchikey] = ion if earlier is None else min(earlier, ion)
    if not by_key:
        raise InputError(f"There is no {kind} to link.", "Ingest ionic liquids first.")
    return [by_key[key] for key in sorted(by_key)]
