"""Drawn ions that follow the page's colours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from html import escape
from typing import Any, Final

from rdkit import Chem, rdBase
from rdkit.Chem.Draw import rdMolDraw2D

_WIDTH: Final = 260
_HEIGHT: Final = 170
_BLACK = re.compile("#000000", re.IGNORECASE)
_HEAD = re.compile(r"\A.*?(?=<svg)", re.DOTALL)
_CLASS = re.compile(r" class='[^']*'")


@lru_cache(maxsize=1024)
def ion_svg(smiles: str, label: str) -> str:
    """SVG for the inside of a page, lines in the colour of its text; a text where the SMILES cannot be drawn.

    Args:
        smiles: of one ion.
        label: text alternative.
    """
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles) if smiles else None
    if mol is None:
        return f"<p>{escape(label)} (cannot be drawn)</p>"
    drawing = rdMolDraw2D.MolDraw2DSVG(_WIDTH, _HEIGHT)
    options: Any = drawing.drawOptions()  # RDKit's stubs type what can be set as what it is read from
    options.clearBackground = False
    options.useBWAtomPalette()
    # Ions of one card at one scale, and none blown up.
    options.fixedBondLength = 26.0
    options.padding = 0.06
    rdMolDraw2D.PrepareAndDrawMolecule(drawing, mol)
    drawing.FinishDrawing()
    text = _CLASS.sub("", _BLACK.sub("currentColor", _HEAD.sub("", drawing.GetDrawingText())))
    start, rest = text.split(">", 1)
    start = re.sub(r"\s(?:width|height|version|baseProfile|xml:space)='[^']*'", "", start)
    return f'{start} role="img" aria-label="{escape(label)}">{rest}'


def formula_unit(row: Mapping[str, Any]) -> str:
    """SMILES of a pairing, each ion as often as the formula has it."""
    return ".".join([row["cation_smiles"]] * row["n_cation"] + [row["anion_smiles"]] * row["n_anion"])
