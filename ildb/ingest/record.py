"""What every reader yields: records as the source has them, before any chemistry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ildb.chem.findings import Finding

Qualifier = Literal["=", "<", ">", "~"]
RawValue = str | float | None


@dataclass(frozen=True, slots=True)
class MeasurementRecord:
    """One measured value as a source claims it.

    Attributes:
        property: for example ``melting_point``.
        value: the number, in ``unit``.
        unit: for example ``K``.
        qualifier: ``=``, or a bound ``<`` / ``>``, or ``~`` for about.
        uncertainty: standard uncertainty in ``unit``, when the source gives one.
        reference: where the source says it has the value from.
        method: how it was measured, or the source's own name of the property.
        temperature_k: temperature of the measurement, kelvin.
        pressure_kpa: pressure of the measurement, kilopascal.
    """

    property: str
    value: float
    unit: str
    qualifier: Qualifier = "="
    uncertainty: float | None = None
    reference: str | None = None
    method: str | None = None
    temperature_k: float | None = None
    pressure_kpa: float | None = None


@dataclass(frozen=True, slots=True)
class PairRecord:
    """One record of a source: a salt, named or drawn, with what was measured on it.

    Either ``salt_smiles``, or both ion SMILES, or none of them; without a structure ``problem`` says why.

    Attributes:
        source_key: identifies the record within its source, stable between runs.
        cation_smiles: the cation, when the source or a name match gives ions apart.
        anion_smiles: the anion.
        salt_smiles: the whole salt.
        name: the name in the source.
        reference: the source's reference for the pairing.
        raw: the record itself, kept in quarantine when it is refused.
        measurements: measured values.
        problem: reason code when the reader refuses the record, for example ``name_unmatched``.
        derive_stoichiometry: a salt that is not neutral as written may be balanced from the charges of its ions.
        findings: why the reader refuses the record, when there is more to say than ``problem`` does.
    """

    source_key: str
    cation_smiles: str | None = None
    anion_smiles: str | None = None
    salt_smiles: str | None = None
    name: str | None = None
    reference: str | None = None
    raw: dict[str, RawValue] = field(default_factory=dict)
    measurements: tuple[MeasurementRecord, ...] = ()
    problem: str | None = None
    derive_stoichiometry: bool = False
    findings: tuple[Finding, ...] = ()

    @property
    def structure(self) -> str | tuple[str, str] | None:
        """What ``ildb.chem.curation.resolve_salt`` takes, or None when there is none or the record is refused."""
        if self.problem is not None:
            return None
        if self.salt_smiles is not None:
            return self.salt_smiles
        if self.cation_smiles is not None and self.anion_smiles is not None:
            return self.cation_smiles, self.anion_smiles
        return None
