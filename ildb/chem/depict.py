"""Drawings of ions as SVG, in one colour that follows the reader's light or dark theme."""

from __future__ import annotations

from typing import Any

from rdkit.Chem import rdDepictor
from rdkit.Chem.Draw import rdMolDraw2D

from ildb.chem.parse import parse_smiles

# Atoms are told apart by their letters, never by colour. An image has no theme of its own but the reader's.
_STYLE = "<style>svg{color:#16202a}@media(prefers-color-scheme:dark){svg{color:#e8edf2}}</style>"
_BLACK = "#000000"
_BOND_PX_OF_WIDTH = 0.105
_MIN_FONT_PX = 13


def svg(smiles: str, *, width: int = 260, height: int = 180) -> str:
    """A drawing on a transparent ground.

    Args:
        smiles: what is drawn; at most ``MAX_SMILES_ATOMS`` atoms.
        width: pixels.
        height: pixels.

    Raises:
        StructureError: the SMILES cannot be read.
    """
    mol = parse_smiles(smiles)
    rdDepictor.Compute2DCoords(mol, canonOrient=True)
    drawing = rdMolDraw2D.MolDraw2DSVG(width, height)
    options: Any = drawing.drawOptions()  # RDKit's stubs do not know its attributes
    options.useBWAtomPalette()
    options.clearBackground = False
    options.fixedBondLength = _BOND_PX_OF_WIDTH * width  # small ions are not blown up; large ones still shrink to fit
    options.bondLineWidth = 1.6
    options.minFontSize = _MIN_FONT_PX if mol.GetNumAtoms() > 1 else 2 * _MIN_FONT_PX
    options.padding = 0.06
    rdMolDraw2D.PrepareAndDrawMolecule(drawing, mol)
    drawing.FinishDrawing()
    text = str(drawing.GetDrawingText())
    start = text.index(">", text.index("<svg")) + 1
    return f"{text[:start]}{_STYLE}{text[start:].replace(_BLACK, 'currentColor')}"
