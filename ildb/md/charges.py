"""Partial charges of an ion: RESP where it is affordable, cheaper ones by a recorded rule."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from ildb.md.antechamber import am1bcc_charges
from ildb.md.geometry import IonGeometry
from ildb.md.resp import count_basis, fit_resp
from ildb.md.settings import ChargeMethod
from ildb.md.symmetry import exact_charges, symmetry_classes
from ildb.md.trouble import ToolFailedError

# What sqm has AM1 parameters for, without those that antechamber has no bond corrections for.
_AM1BCC_ELEMENTS: Final = frozenset(("H", "C", "N", "O", "F", "P", "S", "Cl", "Br", "I"))


@dataclass(frozen=True)
class Charges:
    """Charges of an ion.

    Attributes:
        charges_e: (n,), e; alike atoms have equal ones and the sum is the charge number.
        method: 'resp', 'am1bcc', 'gfn2', or 'formal' for a single atom.
        notes: why not the method asked for, and how well a fit fits.
    """

    charges_e: npt.NDArray[np.float64]
    method: str
    notes: dict[str, object]


def ion_charges(
    geometry: IonGeometry, *, method: ChargeMethod, resp_max_basis: int, resp_time_limit_s: float, time_limit_s: float
) -> Charges:
    """Charges by the method asked for, else by the next cheaper one that works: resp, am1bcc, gfn2.

    Args:
        geometry: the ion.
        method: what to try first.
        resp_max_basis: more basis functions than this are too dear for RESP.
        resp_time_limit_s: so is more CPU time, s.
        time_limit_s: limit of antechamber.

    Raises:
        ToolMissingError: a program or package that the method needs is not installed; the chain does not hide that.
    """
    if len(geometry.elements) == 1:
        return Charges(np.array([float(geometry.charge)]), "formal", {})
    notes: dict[str, object] = {}
    if method == "resp":
        n_basis = count_basis(geometry.mol)
        if n_basis > resp_max_basis:
            notes["resp_skipped"] = f"{n_basis} basis functions, more than {resp_max_basis}"
        else:
            try:
                fit = fit_resp(geometry, time_limit_s=resp_time_limit_s)
                return Charges(fit.charges_e, "resp", {"resp_relative_error": round(fit.relative_error, 4)})
            except ToolFailedError as error:
                notes["resp_failed"] = error.what
    if method != "gfn2":
        strange = sorted(set(geometry.elements) - _AM1BCC_ELEMENTS)
        if strange:
            notes["am1bcc_skipped"] = f"no parameters for {', '.join(strange)}"
        else:
            try:
                with tempfile.TemporaryDirectory() as folder:
                    raw = am1bcc_charges(geometry, Path(folder), time_limit_s=time_limit_s)
                return Charges(_settled(raw, geometry), "am1bcc", notes)
            except ToolFailedError as error:
                notes["am1bcc_failed"] = error.what
    return Charges(_settled(geometry.charges_e, geometry), "gfn2", notes)


def _settled(raw: npt.NDArray[np.float64], geometry: IonGeometry) -> npt.NDArray[np.float64]:
    return exact_charges(raw, symmetry_classes(geometry.mol), geometry.charge)
