"""A drawing of what each atom does to a predicted melting point."""

from __future__ import annotations

from rdkit import Chem
from rdkit.Chem.Draw import SimilarityMaps, rdMolDraw2D

from ildb.melting.attribution import Explanation
from ildb.melting.features import parse_ion

_SIZE = (640, 400)


def atom_map_svg(cation: str, anion: str, explanation: Explanation) -> str:
    """SVG of both ions with contours around their atoms: one colour raises the melting point, the other lowers it.

    Riniker and Landrum, J. Cheminform. 2013, 5, 43, through RDKit's similarity maps.

    Args:
        cation: SMILES, as explained.
        anion: SMILES, as explained.
        explanation: of this salt.
    """
    salt = Chem.CombineMols(parse_ion(cation), parse_ion(anion))
    weights = [*explanation.cation_atoms.tolist(), *explanation.anion_atoms.tolist()]
    drawing = rdMolDraw2D.MolDraw2DSVG(*_SIZE)
    SimilarityMaps.GetSimilarityMapFromWeights(salt, weights, drawing)  # type: ignore[no-untyped-call]
    drawing.FinishDrawing()
    return str(drawing.GetDrawingText())
