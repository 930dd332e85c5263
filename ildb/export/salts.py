"""Pairings of a search as SDF."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TextIO

from rdkit import Chem, rdBase
from rdkit.Chem import rdDepictor

from ildb.export.candidates import salt_smiles

MAX_ATOMS = 999  # what the format's three digits can count
_ITEMS = ("pairing_id", "cation_smiles", "anion_smiles", "names", "evidence", "tm_k", "tm_predicted_k",
          "link_probability", "p_below_373_k", "passed", "rank")  # fmt: skip


def write_sdf(rows: Iterable[Mapping[str, Any]], stream: TextIO) -> int:
    """Each salt with a drawing's coordinates and its figures as data items; how many were written.

    One that the format cannot hold is left out.

    Args:
        rows: hits of a search (``ildb.search.substructure.COLUMNS``).
        stream: text, with ``\\n`` as the end of a line.
    """
    count = 0
    with rdBase.BlockLogs():
        for row in rows:
            mol = Chem.MolFromSmiles(salt_smiles(dict(row)))
            if mol is None or mol.GetNumAtoms() > MAX_ATOMS:
                continue
            rdDepictor.Compute2DCoords(mol)
            mol.SetProp("_Name", str(row["pairing_id"]))
            stream.write(Chem.MolToMolBlock(mol))
            for item in _ITEMS:
                text = _text(row[item])
                if text:
                    stream.write(f">  <{item}>\n{text}\n\n")
            stream.write("$$$$\n")
            count += 1
    return count


def _text(value: Any) -> str:
    """One line: a blank line or ``$$$$`` inside a name would end the item or the record."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        value = "; ".join(map(str, value))
    return f"{value:.6g}" if isinstance(value, float) else " ".join(str(value).split())
