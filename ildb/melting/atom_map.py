"""A drawing of what each atom does to a predicted melting point."""

from __future__ import annotations

from rdkit import Chem
from rdkit.Chem.Draw import SimilarityMaps, rdMolDraw2D

from ildb.melting.attribution import Explanation
from ildb.melting.features import parse_ion

_WIDTH, _HEIGHT, _LEGEND = 640, 400, 40  # px
Colour = tuple[float, float, float]
_LOWERS: Colour = (0.13, 0.40, 0.67)
_WHITE: Colour = (1.0, 1.0, 1.0)
_RAISES: Colour = (0.84, 0.24, 0.0)


def atom_map_svg(cation: str, anion: str, explanation: Explanation) -> str:
    """SVG of both ions: contours, orange around atoms that raise the melting point, blue where they lower it; a legend.

    Riniker and Landrum, J. Cheminform. 2013, 5, 43, through RDKit's similarity maps.

    Args:
        cation: SMILES, as explained.
        anion: SMILES, as explained.
        explanation: of this salt.
    """
    salt = Chem.CombineMols(parse_ion(cation), parse_ion(anion))
    weights = [*explanation.cation_atoms.tolist(), *explanation.anion_atoms.tolist()]
    drawing = rdMolDraw2D.MolDraw2DSVG(_WIDTH, _HEIGHT)
    SimilarityMaps.GetSimilarityMapFromWeights(  # type: ignore[no-untyped-call]
        salt, weights, drawing, colorMap=(_LOWERS, _WHITE, _RAISES)
    )
    drawing.FinishDrawing()
    return _with_legend(str(drawing.GetDrawingText()), max(map(abs, weights)))


def _with_legend(svg: str, largest_k: float) -> str:
    """The drawing, made taller by a line under it; ASCII, for RDKit declares Latin-1."""
    old = f"height='{_HEIGHT}px' viewBox='0 0 {_WIDTH} {_HEIGHT}'"
    height = _HEIGHT + _LEGEND
    y = _HEIGHT + 25
    line = (
        f"<g font-family='sans-serif' font-size='14'><rect x='0' y='{_HEIGHT}' width='{_WIDTH}' height='{_LEGEND}'"
        f" fill='#FFFFFF'/><rect x='20' y='{y - 12}' width='14' height='14' fill='{_hex(_RAISES)}'/>"
        f"<text x='40' y='{y}'>higher Tm</text>"
        f"<rect x='140' y='{y - 12}' width='14' height='14' fill='{_hex(_LOWERS)}'/>"
        f"<text x='160' y='{y}'>lower Tm</text>"
        f"<text x='260' y='{y}'>predicted; the deepest colour: {largest_k:.1f} K of one atom</text></g>\n</svg>"
    )
    return svg.replace(old, f"height='{height}px' viewBox='0 0 {_WIDTH} {height}'", 1).replace("</svg>", line, 1)


def _hex(colour: Colour) -> str:
    return "#" + "".join(f"{round(255 * part):02X}" for part in colour)
