"""Families of anions by what carries the charge: the unit in which an unmeasured anion is new chemistry."""

from __future__ import annotations

from functools import cache
from typing import Final

from rdkit import Chem

from ildb.melting.features import parse_ion

# The first that matches counts. Written for either resonance form.
_FAMILIES: Final = (
    ("halide", "[F,Cl,Br,I;D0,$([I](I)I),$([I]I)]"),
    ("sulfonylimide", "[NX2](~S(~O)~O)~[S,C,P]"),
    ("borate", "[B]"),
    ("fluorophosphate", "[P]F"),
    ("sulfonate_sulfate", "S(=O)(=O)[O-]"),
    ("phosphate", "P[O-]"),
    ("carboxylate", "C(=O)[O-]"),
    ("cyano", "[C,N,S,O;-,$([N,S,C;!+]C#N)]C#N"),
    ("oxoanion", "[N,Cl,Br,I](~O)(~[O-])"),
    ("azolate", "[n-,c-]"),
)


@cache
def _patterns() -> tuple[tuple[str, Chem.Mol], ...]:
    return tuple((name, Chem.MolFromSmarts(smarts)) for name, smarts in _FAMILIES)


def anion_family(smiles: str) -> str:
    """The family of an anion, ``other`` where none of the known ones fits.

    Raises:
        StructureError: the SMILES cannot be read.
    """
    mol = parse_ion(smiles)
    for name, pattern in _patterns():
        if mol.HasSubstructMatch(pattern):
            return name
    return "other"
