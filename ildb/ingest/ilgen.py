"""Reader of the data files of the paper ildb implements: its collected ionic liquids, and melting points.

The files (``collected-ILs.csv``, ``IL-melting-point.csv``) are those of the repository ``fate1997/ILGen-overall``; they
carry no licence, so they are read where the user has them and never shipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from ildb.db import query
from ildb.errors import InputError
from ildb.ingest.mapping import Measure, TableMapping
from ildb.ingest.record import PairRecord
from ildb.ingest.source import SourceInfo
from ildb.ingest.table import Progress, read_table, table_source

PAPER_CITATION: Final = (
    "Ren, Mroz, Philippi, Welton and Jelfs, Deep learning-enabled discovery of low-melting-point ionic liquids, "
    "Digital Discovery 2026, DOI 10.1039/D5DD00282F"
)
MELTING_CITATION: Final = (
    "Venkatraman et al., J. Mol. Liq. 2018, PII S0167732218315186, as collected by Ren et al., DOI 10.1039/D5DD00282F; "
    "that table does not carry the primary references"
)
_LICENCE: Final = "none stated"

# Written one to one whatever the charges, so the ratio has to come from them.
COLLECTED: Final = TableMapping(
    smiles="smiles",
    derive_stoichiometry=True,
    source="ilgen-collected",
    citation=PAPER_CITATION,
    doi="10.1039/D5DD00282F",
    url="https://github.com/fate1997/ILGen-overall",
    licence=_LICENCE,
)
MELTING_POINTS: Final = TableMapping(
    smiles="smiles",
    measure=(Measure(property="melting_point", column="Melting point (K)", unit="K"),),
    derive_stoichiometry=True,
    source="ilgen-melting-points",
    citation=MELTING_CITATION,
    doi="10.1039/D5DD00282F",
    url="https://www.sciencedirect.com/science/article/pii/S0167732218315186",
    licence=_LICENCE,
)


@dataclass(frozen=True, slots=True)
class IlgenFile:
    """One of the paper's files and what its columns mean."""

    path: Path
    mapping: TableMapping

    def source(self) -> SourceInfo:
        """What is known about the file."""
        return table_source(self.path, self.mapping)

    def records(self, progress: Progress = lambda _: None) -> Iterator[PairRecord]:
        """Its records; see ``ildb.ingest.table.read_table``."""
        return read_table(self.path, self.mapping, progress=progress)


def find_files(folder: Path) -> tuple[IlgenFile, ...]:
    """The files of the paper that are needed.

    Args:
        folder: where ``collected-ILs.csv`` and ``IL-melting-point.csv`` are.

    Raises:
        InputError: one is missing.
    """
    files = (
        IlgenFile(folder / "collected-ILs.csv", COLLECTED),
        IlgenFile(folder / "IL-melting-point.csv", MELTING_POINTS),
    )
    if missing := [file.path.name for file in files if not file.path.is_file()]:
        raise InputError(
            f"{folder} does not have {' and '.join(missing)}.",
            "Get them from the folder 'database' of https://github.com/fate1997/ILGen-overall.",
        )
    return files


@dataclass(frozen=True, slots=True)
class IlgenSummary:
    """What the paper's files amount to in the database.

    Attributes:
        records: lines of ``collected-ILs.csv`` that are in the database or in quarantine.
        claims: those that gave a pairing.
        pairings: distinct pairings they gave.
        cations: distinct cations among them.
        anions: distinct anions among them.
        two_anions: pairings of one cation with two anions, whose ratio the file does not say.
        two_anion_claims: records of those pairings.
        measurements: melting points of ``IL-melting-point.csv``.
        compared: those for whose pairing ILThermo has a melting point too.
        within_1_k: those that differ from the nearest ILThermo value by at most 1 K.
        within_15_k: by at most 15 K.
        median_difference_k: median difference, kelvin.
    """

    records: int
    claims: int
    pairings: int
    cations: int
    anions: int
    two_anions: int
    two_anion_claims: int
    measurements: int
    compared: int
    within_1_k: int
    within_15_k: int
    median_difference_k: float | None

    def text(self) -> str:
        """For a person."""
        lines = [
            f"{self.pairings} distinct pairings of {self.cations} cations and {self.anions} anions from"
            f" {self.records} records: {self.records - self.claims} are in quarantine, and"
            f" {self.claims - self.pairings} are other spellings (resonance forms, mostly) of pairings already there.",
            f"{self.two_anion_claims} records are dications with two anions ({self.two_anions} pairings);"
            " the file writes them one to one.",
            f"{self.measurements} melting points.",
        ]
        if self.compared:
            lines.append(
                f"ILThermo has the melting point of {self.compared} of them: {self.within_1_k} agree within 1 K,"
                f" {self.within_15_k} within 15 K (median difference {self.median_difference_k:.1f} K)."
            )
        else:
            lines.append("ILThermo's are not in this database to compare with; run: ildb ingest ilthermo")
        return "\n".join(lines)


def summarise(connection: Connection, files: tuple[IlgenFile, ...]) -> IlgenSummary:
    """What the ingested files amount to, from the database.

    Args:
        connection: the database, with both files ingested.
        files: as found by ``find_files``.
    """
    sources = [file.source() for file in files]
    collected, melting = (
        query.execute(connection, "ingest/summary", name=s.name, sha256=s.sha256).mappings().one() for s in sources
    )
    compared = query.execute(connection, "ingest/agreement", source_id=melting["source_id"], other="ilthermo%")
    agreement = compared.mappings().one()
    return IlgenSummary(
        records=collected["claims"] + collected["quarantined"],
        claims=collected["claims"],
        pairings=collected["pairings"],
        cations=collected["cations"],
        anions=collected["anions"],
        two_anions=collected["two_anions"],
        two_anion_claims=collected["two_anion_claims"],
        measurements=melting["measurements"],
        compared=agreement["compared"],
        within_1_k=agreement["within_1_k"],
        within_15_k=agreement["within_15_k"],
        median_difference_k=agreement["median_difference_k"],
    )
