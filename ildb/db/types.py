"""The cartridge's column types ``mol``, ``qmol`` and ``bfp`` for SQLAlchemy.

Hand-written because RDKit pickles of a newer Python release are unreadable by an older cartridge: everything
crosses the border as text. Values go in as SMILES or SMARTS through the functions that return NULL for invalid
chemistry (a plain cast would store it), so every such column is NOT NULL.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import func
from sqlalchemy.sql import ColumnElement
from sqlalchemy.types import UserDefinedType


class Mol(UserDefinedType[str]):
    """A molecule; bound from SMILES, read back as the cartridge's canonical SMILES."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Name of the type in DDL."""
        return "mol"

    def bind_expression(self, bindvalue: Any) -> ColumnElement[Any]:
        """SMILES text in."""
        return func.mol_from_smiles(func.cast(bindvalue, _CString()), type_=self)

    def column_expression(self, colexpr: Any) -> ColumnElement[Any]:
        """SMILES text out."""
        return func.mol_to_smiles(colexpr, type_=self)


class QMol(UserDefinedType[str]):
    """A query molecule; bound from SMARTS."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Name of the type in DDL."""
        return "qmol"

    def bind_expression(self, bindvalue: Any) -> ColumnElement[Any]:
        """SMARTS text in."""
        return func.qmol_from_smarts(func.cast(bindvalue, _CString()), type_=self)


class Bfp(UserDefinedType[str]):
    """A bit fingerprint; made on the server from a ``mol``, never sent."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Name of the type in DDL."""
        return "bfp"


class _CString(UserDefinedType[str]):
    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "cstring"
