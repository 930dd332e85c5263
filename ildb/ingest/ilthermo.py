"""Readers of NIST ILThermo data that need no network: the compound catalogue and a table of melting points.

The catalogue ships in the ``ilthermopy`` package and is read as a file, because importing that package pulls in pandas.
The melting points are a table of this package, see ``data/ilthermo_melting_points/README.md``.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal

from ildb.chem.curation import RefusedError, ResolvedPair, resolve_salt
from ildb.errors import InputError
from ildb.ingest.names import clean_name, split_names
from ildb.ingest.record import MeasurementRecord, PairRecord
from ildb.ingest.source import SourceInfo

CATALOGUE_CITATION: Final = (
    "A. Kazakov, J. W. Magee, R. D. Chirico, E. Paulechka, V. Diky, C. D. Muzny, K. Kroenlein, M. Frenkel, "
    "NIST Standard Reference Database 147: NIST Ionic Liquids Database (ILThermo), version 2.0; compound list as "
    "in the Python package ilthermopy"
)
MELTING_POINT_REFERENCE: Final = (
    "NIST ILThermo (SRD 147), as collected in salty-ilthermo 0.2.dev17; that table does not carry the primary reference"
)
_METHOD: Final = "ILThermo: normal melting temperature"

MatchKind = Literal["exact", "cleaned", "ions"]


@dataclass(frozen=True, slots=True)
class NameMatch:
    """What a name stands for.

    Attributes:
        kind: ``exact`` (the catalogue has this very name), ``cleaned`` (it has another spelling of it) or ``ions``
            (both ions are named in the catalogue, in other salts).
        smiles: the salt's SMILES, or those of cation and anion.
        matched: names of the catalogue it rests on.
    """

    kind: MatchKind
    smiles: str | tuple[str, str]
    matched: str


def catalogue_source() -> SourceInfo:
    """The compound list of ILThermo as ilthermopy ships it."""
    return SourceInfo(
        name="ilthermo-catalogue",
        sha256=hashlib.sha256(_catalogue_file().read_bytes()).hexdigest(),
        citation=CATALOGUE_CITATION,
        doi="10.18434/T4059J",
        url="https://ilthermo.boulder.nist.gov",
        licence="MIT (ilthermopy); data: NIST standard reference data",
    )


def melting_points_source() -> SourceInfo:
    """The table of melting points in this package."""
    return SourceInfo(
        name="ilthermo-melting-points",
        sha256=hashlib.sha256(_melting_points_file().read_bytes()).hexdigest(),
        citation=MELTING_POINT_REFERENCE,
        doi="10.18434/T4059J",
        url="https://ilthermo.boulder.nist.gov",
        licence="MIT (salty-ilthermo); data: NIST standard reference data",
    )


def _catalogue_file() -> Traversable:
    # Found without being imported, which resources.files would do.
    spec = find_spec("ilthermopy")
    folders = (spec.submodule_search_locations if spec else None) or []
    path = next((p for folder in folders if (p := Path(folder) / "data" / "compounds.csv").is_file()), None)
    if path is None:
        raise InputError(
            "The package ilthermopy, or its file data/compounds.csv, is missing.", "Install ilthermopy 1.1."
        )
    return path


def _melting_points_file() -> Traversable:
    return resources.files("ildb") / "data" / "ilthermo_melting_points" / "melting_points.csv"


def read_catalogue() -> Iterator[PairRecord]:
    """The compounds of ILThermo: name, SMILES and ILThermo id; about a quarter are molecules, not salts.

    Raises:
        InputError: the ``ilthermopy`` package has no such file.
    """
    for row in csv.DictReader(io.StringIO(_catalogue_file().read_text(encoding="utf-8"))):
        yield PairRecord(
            source_key=row["id"],
            salt_smiles=row["smiles"],
            name=row["name"],
            reference=CATALOGUE_CITATION,
            raw=dict(row),
        )


class NameIndex:
    """Names of salts and of their ions, learned from records that have both a name and a structure.

    Args:
        records: named records with a salt's SMILES.
    """

    def __init__(self, records: Iterable[PairRecord]) -> None:
        self._exact: dict[str, str] = {}
        self._cleaned: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
        self._salts: dict[tuple[str, str], dict[str, tuple[str, str]]] = defaultdict(dict)
        self._cations: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
        self._anions: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
        for record in records:
            if record.name is None or record.salt_smiles is None:
                continue
            self._exact.setdefault(record.name, record.salt_smiles)
            try:
                pair = resolve_salt(record.salt_smiles)
            except RefusedError:
                self._cleaned[clean_name(record.name)][record.salt_smiles] = (record.salt_smiles, record.name)
                continue
            self._learn(record.name, record.salt_smiles, pair)

    def _learn(self, name: str, smiles: str, pair: ResolvedPair) -> None:
        identity = f"{pair.cation.inchikey}.{pair.anion.inchikey}"
        self._cleaned[clean_name(name)][identity] = (smiles, name)
        for cation, anion in split_names(name):
            self._salts[cation, anion][identity] = (smiles, name)
            self._cations[cation].setdefault(pair.cation.inchikey, (pair.cation.smiles, name))
            self._anions[anion].setdefault(pair.anion.inchikey, (pair.anion.smiles, name))

    def find(self, name: str) -> NameMatch | Literal["name_unmatched", "name_ambiguous"]:
        """The structure a name stands for.

        Args:
            name: a salt's name.

        Returns:
            The match; ``name_ambiguous`` when a spelling stands for two structures, ``name_unmatched`` when for none.
        """
        if name in self._exact:
            return NameMatch("exact", self._exact[name], name)
        splits = split_names(name)
        found = dict(self._cleaned.get(clean_name(name), {}))
        for split in splits:
            found |= self._salts.get(split, {})
        if len(found) > 1:
            return "name_ambiguous"
        if found:
            smiles, matched = next(iter(found.values()))
            return NameMatch("cleaned", smiles, matched)
        pairs = {
            (cation, anion): f"{cation_source}; {anion_source}"
            for cation_name, anion_name in splits
            for cation, cation_source in self._cations.get(cation_name, {}).values()
            for anion, anion_source in self._anions.get(anion_name, {}).values()
        }
        if len(pairs) > 1:
            return "name_ambiguous"
        if not pairs:
            return "name_unmatched"
        ((smiles_pair, matched),) = pairs.items()
        return NameMatch("ions", smiles_pair, matched)


def _melting_point(row: dict[str, str]) -> MeasurementRecord:
    return MeasurementRecord(
        property=row["property"],
        value=float(row["tm_k"]),
        unit="K",
        uncertainty=float(row["uncertainty_k"]) if row["uncertainty_k"] else None,
        reference=row["reference"] or MELTING_POINT_REFERENCE,
        method=_METHOD,
    )


def read_melting_points(index: NameIndex | None = None) -> Iterator[PairRecord]:
    """The 692 melting points of ILThermo in this package, each with the structure its name stands for.

    Args:
        index: names to match with; the catalogue's by default, which takes seconds to build.

    Yields:
        One record for each row. A row whose name stands for no structure, or for two, has ``problem`` set
        (``name_unmatched``, ``name_ambiguous``) and no structure. ``raw`` says how the name was matched.
    """
    index = index or NameIndex(read_catalogue())
    for row in csv.DictReader(io.StringIO(_melting_points_file().read_text(encoding="utf-8"))):
        match = index.find(row["name"])
        found = match if isinstance(match, NameMatch) else None
        smiles = found.smiles if found else None
        cation, anion = smiles if isinstance(smiles, tuple) else (None, None)
        yield PairRecord(
            source_key=row["source_row"],
            cation_smiles=cation,
            anion_smiles=anion,
            salt_smiles=smiles if isinstance(smiles, str) else None,
            name=row["name"],
            reference=MELTING_POINT_REFERENCE,
            raw={**row, "name_match": found.kind if found else None, "matched": found.matched if found else None},
            measurements=(_melting_point(row),),
            problem=match if isinstance(match, str) else None,
        )
