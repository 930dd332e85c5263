"""Ions whose parameters several tests share, with cheap charges; made once per session."""

from __future__ import annotations

from functools import cache

from ildb.md.forcefield import parametrise
from ildb.md.parameters import IonParameters
from ildb.md.settings import ForceFieldSettings

EMIM = "CCn1cc[n+](C)c1"
CHEAP = ForceFieldSettings(charges="gfn2")


@cache
def cheap(smiles: str) -> IonParameters:
    return parametrise(smiles, CHEAP)
