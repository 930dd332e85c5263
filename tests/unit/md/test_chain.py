"""The chain of back ends on the ions that are known to be hard, and on tools that are missing or hang."""

from __future__ import annotations

import os
import stat
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ildb.md import gaff
from ildb.md.antechamber import read_frcmod
from ildb.md.charges import ion_charges
from ildb.md.forcefield import parametrise
from ildb.md.geometry import explicit_ion, ion_geometry
from ildb.md.resp import fit_resp, shell_points, two_stages
from ildb.md.settings import ForceFieldSettings
from ildb.md.tools import find_tool, need_package, run_tool
from ildb.md.trouble import IonRefusedError, ToolFailedError, ToolMissingError
from tests.unit.md.ions import EMIM, cheap

GAFF_ONLY = ForceFieldSettings(charges="gfn2", backends=("gaff2",))


@pytest.mark.parametrize(
    ("smiles", "backend", "reason"),
    [
        (EMIM, "gaff2", ""),
        ("CCCCn1cc[n+](C)c1", "gaff2", ""),
        ("C[N+](C)(C)CCO", "gaff2", ""),
        ("C(CC[n+]1ccn(C)c1)Cn1cc[n+](C)c1", "gaff2", ""),
        ("CC(=O)[O-]", "published", ""),
        ("[N-]=C=S", "published", ""),
        ("F[B-](F)(F)C(F)(F)F", "uff", "gaff2: GAFF2 has no B"),
        ("Cl[Al-](Cl)(Cl)Cl", "uff", "gaff2: GAFF2 has no Al"),
        ("F[Sb-](F)(F)(F)(F)F", "uff", "gaff2: GAFF2 has no Sb"),
        ("[O-]Cl(=O)(=O)=O", "uff", "gaff2: GAFF2 lacks angle o-cl-o"),
        ("C[n+]1ccn(CCS(F)(F)(F)(F)F)c1", "uff", "gaff2: GAFF2 has one angle for all neighbours"),
        ("I[I-]I", "uff", "gaff2: GAFF2 lacks angle i-i-i"),
    ],
)
def test_hard_ions_go_where_they_belong(smiles: str, backend: str, reason: str) -> None:
    ion = cheap(smiles)
    assert ion.backend == backend
    assert ion.grade == {"published": "A", "gaff2": "B", "uff": "C"}[backend]  # B: the charges are the cheap ones
    assert reason in " ".join(ion.provenance.get("tried", []))
    assert abs(sum(atom.charge_e for atom in ion.atoms) - ion.charge) < 1e-9
    if ion.gate:
        assert ion.gate.finite
        assert ion.gate.strain <= 1


@pytest.mark.slow
def test_a_hundred_atoms() -> None:
    ion = parametrise("CCCCCC[P+](CCCCCC)(CCCCCC)CCCCCCCCCCCCCC")
    assert (ion.backend, ion.charge_method, ion.grade, ion.n_atoms) == ("gaff2", "am1bcc", "B", 101)
    assert "more than 300" in ion.provenance["resp_skipped"]
    assert 0 < next(atom.charge_e for atom in ion.atoms if atom.element == "P") < 1.2


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [
        ("[N-]=C=S", "39° and 0.018 nm from the GFN2 geometry"),  # linear in nature, 141° in GAFF2
        ("F[P-](F)(F)(F)(F)F", "more than four"),
        ("Cl[Al-](Cl)(Cl)Cl", "no Al"),  # parmchk2 would take aluminium for carbon
        ("[Br-]", "no single atoms"),
    ],
)
def test_what_gaff2_gets_silently_wrong_is_refused(smiles: str, reason: str) -> None:
    with pytest.raises(IonRefusedError) as refused:
        parametrise(smiles, GAFF_ONLY)
    assert reason in refused.value.reasons[0]


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [
        ("Cl[Fe-](Cl)(Cl)Cl", "unpaired electrons"),
        ("Cl[Ni-2](Cl)(Cl)Cl", "d or f electrons may be unpaired"),
        ("[CH2]C[N+](C)(C)C", "unpaired electrons"),
        ("[U+2]", "beyond radon"),
    ],
)
def test_open_shells_are_refused(smiles: str, reason: str) -> None:
    with pytest.raises(IonRefusedError, match=reason):
        parametrise(smiles)


def test_azolates_are_retyped() -> None:
    ion = cheap("c1c[n-]cn1")
    assert ion.backend == "gaff2"
    assert ion.provenance["retyped"] == {"2": "nd"}
    assert [atom.type for atom in ion.atoms].count("nd") == 2


def test_alike_sulfurs_get_one_type() -> None:
    mol = explicit_ion("CS(=O)(=O)[N-]S(C)(=O)=O")
    types = ["c3", "s6", "o", "o", "ne", "sy", "c3", "o", "o", *["h1"] * 6]
    assert gaff.changed_types(mol, types) == {5: "s6"}


def test_remarks_of_parmchk2() -> None:
    text = (
        "Remark line goes here\nMASS\n\nBOND\n\nANGLE\no -cl-o     0.000       0.000   ATTN, need revision\n"
        "n1-c1-s   80.100     141.000   Calculated with empirical approach for n1-c1-s\n\n"
        "DIHE\nsy-ne-s6-o    3   20.000       180.000           2.000      same as X -n2-s6-X , penalty score=160.5\n"
    )
    missing, empirical, remote = read_frcmod(text)
    assert (missing.section, missing.term, missing.missing) == ("ANGLE", "o-cl-o", True)
    assert (empirical.term, empirical.empirical, empirical.missing) == ("n1-c1-s", True, False)
    assert (remote.section, remote.penalty) == ("DIHE", 160.5)


def test_resp_of_small_anions() -> None:
    """The values of CL&P for thiocyanate are -0.72, 0.44, -0.72."""
    geometry = ion_geometry("N#C[S-]")
    assert fit_resp(geometry, time_limit_s=300).charges_e == pytest.approx([-0.69, 0.42, -0.73], abs=0.03)
    octahedron = fit_resp(ion_geometry("F[P-](F)(F)(F)(F)F"), time_limit_s=300)
    assert octahedron.charges_e == pytest.approx([-0.31, 0.84, *[-0.31] * 5], abs=0.03)
    assert octahedron.relative_error < 0.01


def test_the_fit_finds_charges_that_made_the_potential() -> None:
    geometry = ion_geometry(EMIM)
    made = np.linspace(-0.3, 0.4, 19)
    classes = {0: [8, 9, 10], 1: [11, 12], 6: [15, 16, 17]}
    for hydrogens in classes.values():
        made[hydrogens] = made[hydrogens].mean()
    made += (1 - made.sum()) / 19
    points = shell_points(geometry)
    inverse = 1 / np.linalg.norm(points[:, None] - geometry.positions_nm[None] / 0.0529177, axis=2)
    found = two_stages(inverse, inverse @ made, geometry)
    # The restraint pulls buried carbons towards zero; the potential stays.
    assert np.abs(found - made).max() < 0.2
    assert np.sqrt(np.mean((inverse @ (found - made)) ** 2)) < 2e-3
    assert abs(found.sum() - 1) < 1e-9


@pytest.mark.parametrize("charge", ["am1bcc", "gfn2"])
def test_cheaper_charges_are_alike_and_exact(charge: str) -> None:
    geometry = ion_geometry("CS(=O)(=O)[N-]S(C)(=O)=O")
    limits = {"resp_max_basis": 1, "resp_time_limit_s": 60, "time_limit_s": 60}
    found = ion_charges(geometry, method=charge, **limits)  # type: ignore[arg-type]
    assert found.method == charge
    assert found.charges_e[1] == found.charges_e[5]
    assert abs(found.charges_e.sum() + 1) < 1e-9


def test_charges_fall_back_by_a_recorded_rule() -> None:
    geometry = ion_geometry("F[B-](F)(F)C(F)(F)F")
    found = ion_charges(geometry, method="resp", resp_max_basis=50, resp_time_limit_s=60, time_limit_s=60)
    assert found.method == "gfn2"
    assert found.notes["resp_skipped"] == f"{5 * 14 + 3 * 14} basis functions, more than 50"
    found = ion_charges(geometry, method="resp", resp_max_basis=300, resp_time_limit_s=1e-6, time_limit_s=60)
    assert found.method == "gfn2"
    assert found.notes["resp_failed"] == "RESP was stopped after 1e-06 s."
    assert found.notes["am1bcc_skipped"] == "no parameters for B"


def test_quaternary_nitrogen_has_no_deep_well() -> None:
    ion = cheap("CC[N+](C)(C)C")
    (nitrogen,) = (atom for atom in ion.atoms if atom.element == "N")
    assert nitrogen.type == "n4"
    assert nitrogen.epsilon_kj_mol == pytest.approx(0.17 * 4.184)  # 16.2 in GAFF2
    assert nitrogen.sigma_nm == pytest.approx(0.3250, abs=1e-4)
    assert ion.provenance["lennard_jones_of_gaff"] == "n4"


def test_a_missing_package_is_named() -> None:
    with pytest.raises(ToolMissingError, match=r"no_such_package is not installed.*pip install"):
        need_package("no_such_package.part")


def test_missing_ambertools_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(ToolMissingError, match=r"antechamber is not installed.*pip install 'ildb\[md\]'"):
        parametrise("CC[N+](C)(C)C", GAFF_ONLY)
    with pytest.raises(ToolMissingError, match="packmol"):
        find_tool("packmol")


def test_a_tool_that_hangs_is_stopped_with_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "antechamber"
    script.write_text("#!/bin/sh\nsleep 300 &\necho $! > child\nwait\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(ToolFailedError, match="antechamber was stopped after 1 s"):
        run_tool("antechamber", [], folder=tmp_path, time_limit_s=1)
    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        if not _is_running(child):
            break
        time.sleep(0.05)
    assert not _is_running(child)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # Without an init process that collects it, a killed orphan stays as a zombie.
    return " Z " not in Path(f"/proc/{pid}/stat").read_text()


def test_a_tool_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(ToolFailedError, match=r"antechamber failed|antechamber wrote"):
        run_tool(
            "antechamber",
            ["-i", "nothing.sdf", "-fi", "mdl", "-o", "x", "-fo", "mol2"],
            folder=tmp_path,
            time_limit_s=30,
        )
