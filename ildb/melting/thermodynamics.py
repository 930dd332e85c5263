"""Volume-based thermodynamics of salts: lattice energy, enthalpy, entropy and Gibbs energy, solvation, fusion.

Every function takes arrays, one element per salt; energies in kJ/mol of formula units, entropies in J/(mol K), volumes
in nm³ per formula unit. A salt has ``n_cation`` cations of charge ``z_cation`` and ``n_anion`` anions of ``z_anion``.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

R_J_MOL_K: Final = 8.314462618
T_REF_K: Final = 298.15

JENKINS: Final = MappingProxyType(
    {(1, 1): (117.3, 51.9), (2, 1): (133.5, 60.9), (1, 2): (165.3, -29.8), (2, 2): (101.6, 91.5)}
)
"""(alpha in kJ nm/mol, beta in kJ/mol) by the charges of cation and anion; Jenkins, Roobottom, Passmore and Glasser,
Inorg. Chem. 1999, 38, 3609, table 1."""

A_GENERAL: Final = 121.39
"""kJ nm/mol; Glasser and Jenkins, J. Am. Chem. Soc. 2000, 122, 632, equation 5."""

SOLID_ENTROPY: Final = (1360.0, 15.0)
"""Slope, J/(mol K nm³), and intercept, J/(mol K); Jenkins and Glasser, Inorg. Chem. 2003, 42, 8702 (ionic solids)."""

RELATIVE_PERMITTIVITY: Final = 12.0
"""Of a typical ionic liquid: Krossing et al. (J. Am. Chem. Soc. 2006, 128, 13427) list 11.4 to 15.1."""

_BORN_KJ_NM_MOL: Final = 69.4677  # N_A e² / (8 pi eps0)


def ionic_strength(n_cation: Ints, z_cation: Ints, n_anion: Ints, z_anion: Ints) -> Floats:
    """I = sum(n_i z_i²) / 2 over a formula unit's ions: 1 for MX, 3 for MX2 (Glasser, Inorg. Chem. 1995, 34, 4935)."""
    return np.asarray((n_cation * z_cation**2 + n_anion * z_anion**2) / 2, dtype=np.float64)


def lattice_energy_kj_mol(volume_nm3: Floats, n_cation: Ints, z_cation: Ints, n_anion: Ints, z_anion: Ints) -> Floats:
    """Lattice potential energy U at 0 K, kJ/mol, positive.

    U = 2 I (alpha / V^(1/3) + beta) with the coefficients of the salt's charges where Jenkins et al. (1999) fitted
    some; for other charges the equation without fitted terms, U = A I (2 I / V)^(1/3) (Glasser and Jenkins 2000), which
    has the form of Kapustinskii's and is meant for U above 5,000 kJ/mol.

    Args:
        volume_nm3: of a formula unit, > 0, shape (n,).
        n_cation: cations in it.
        z_cation: their charge, > 0.
        n_anion: anions in it.
        z_anion: their charge, < 0.
    """
    strength = ionic_strength(n_cation, z_cation, n_anion, z_anion)
    energy = A_GENERAL * strength * np.cbrt(2 * strength / volume_nm3)
    for (q_cation, q_anion), (alpha, beta) in JENKINS.items():
        rows = (z_cation == q_cation) & (z_anion == -q_anion)
        energy[rows] = 2 * strength[rows] * (alpha / np.cbrt(volume_nm3[rows]) + beta)
    return np.asarray(energy, dtype=np.float64)


def lattice_enthalpy_kj_mol(
    energy_kj_mol: Floats,
    n_cation: Ints,
    n_anion: Ints,
    cation_freedom: Ints | Floats,
    anion_freedom: Ints | Floats,
    temperature_k: float = T_REF_K,
) -> Floats:
    """Enthalpy of MpXq(s) -> p M(g) + q X(g): U + [p (n_M / 2 - 2) + q (n_X / 2 - 2)] R T, kJ/mol.

    Jenkins, Inorg. Chem. 2005 (and 1999, equation 2), with n = 3 for monatomic, 5 for linear, 6 for other ions.

    Args:
        energy_kj_mol: `lattice_energy_kj_mol`.
        n_cation: p.
        n_anion: q.
        cation_freedom: n_M.
        anion_freedom: n_X.
        temperature_k: T.
    """
    terms = n_cation * (cation_freedom / 2 - 2) + n_anion * (anion_freedom / 2 - 2)
    return np.asarray(energy_kj_mol + terms * R_J_MOL_K * temperature_k / 1000, dtype=np.float64)


def solid_entropy_j_mol_k(volume_nm3: Floats) -> Floats:
    """Standard entropy of the solid at 298 K, 1360 V + 15 (Jenkins and Glasser 2003), J/(mol K)."""
    slope, intercept = SOLID_ENTROPY
    return slope * volume_nm3 + intercept


class Lattice(NamedTuple):
    """Breaking a crystal into gaseous ions, each of shape (n,).

    Args:
        enthalpy_kj_mol: of MpXq(s) -> p M(g) + q X(g).
        entropy_j_mol_k: of the same, gas less solid.
        gibbs_kj_mol: enthalpy - T entropy.
    """

    enthalpy_kj_mol: Floats
    entropy_j_mol_k: Floats
    gibbs_kj_mol: Floats


def lattice(
    volume_nm3: Floats,
    gas_entropy_j_mol_k: Floats,
    n_cation: Ints,
    z_cation: Ints,
    n_anion: Ints,
    z_anion: Ints,
    cation_freedom: Ints | Floats,
    anion_freedom: Ints | Floats,
    temperature_k: float = T_REF_K,
) -> Lattice:
    """Lattice enthalpy, entropy and Gibbs energy (the cycle of Krossing et al. 2006).

    Args:
        volume_nm3: of a formula unit.
        gas_entropy_j_mol_k: standard entropies of the gaseous ions of a formula unit, summed.
        n_cation: see `lattice_energy_kj_mol`, as the three that follow.
        z_cation: likewise.
        n_anion: likewise.
        z_anion: likewise.
        cation_freedom: see `lattice_enthalpy_kj_mol`.
        anion_freedom: likewise.
        temperature_k: of the Gibbs energy; entropies are those of 298 K.
    """
    energy = lattice_energy_kj_mol(volume_nm3, n_cation, z_cation, n_anion, z_anion)
    enthalpy = lattice_enthalpy_kj_mol(energy, n_cation, n_anion, cation_freedom, anion_freedom, temperature_k)
    entropy = gas_entropy_j_mol_k - solid_entropy_j_mol_k(volume_nm3)
    return Lattice(enthalpy, entropy, enthalpy - temperature_k * entropy / 1000)


def born_solvation_kj_mol(
    ion_volume_nm3: Floats, charge: Ints, relative_permittivity: Floats | float = RELATIVE_PERMITTIVITY
) -> Floats:
    """Gibbs energy of an ion on going from gas into a medium: -(1 - 1/eps) N_A z² e² / (8 pi eps0 r), kJ/mol.

    Born, Z. Phys. 1920, 1, 45, with the radius r of a sphere of the ion's volume. Krossing et al. (2006) computed it by
    COSMO instead; how far the two are apart is measured in benchmarks/thermodynamics.py.

    Args:
        ion_volume_nm3: of one ion.
        charge: of it, in elementary charges.
        relative_permittivity: of the molten salt.
    """
    radius_nm = np.cbrt(3 * ion_volume_nm3 / (4 * np.pi))
    return np.asarray(-(1 - 1 / relative_permittivity) * _BORN_KJ_NM_MOL * charge**2 / radius_nm, dtype=np.float64)


def fusion_gibbs_kj_mol(lattice_gibbs_kj_mol: Floats, solvation_gibbs_kj_mol: Floats) -> Floats:
    """Gibbs energy of fusion: lattice plus solvation of all ions in their own melt (Krossing et al. 2006, scheme 1).

    Below zero at a temperature, the salt is liquid there.
    """
    return lattice_gibbs_kj_mol + solvation_gibbs_kj_mol
