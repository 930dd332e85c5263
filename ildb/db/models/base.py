"""Declarative base, naming convention and the column kinds that many tables share."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import BigInteger, DateTime, ForeignKey, Identity, MetaData, SmallInteger, Text, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

SCHEMA = "ildb"

# Constraint names are part of the schema: migrations and error messages refer to them.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Base of every table, all in schema ``ildb``."""

    metadata = MetaData(schema=SCHEMA, naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy's own protocol)
        str: Text,
        int: BigInteger,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[dict[str, Any]]: JSONB,
        list[str]: ARRAY(Text),
    }


BigId = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
Small = Annotated[int, mapped_column(SmallInteger)]
CreatedAt = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]


def ref(target: str, *, cascade: bool = False, index: bool = False, primary_key: bool = False) -> Any:
    """A foreign-key column to ``<table>.id``; ``cascade`` where the row is derived from its parent."""
    return mapped_column(
        BigInteger,
        ForeignKey(f"{SCHEMA}.{target}.id", ondelete="CASCADE" if cascade else None),
        index=index or None,
        primary_key=primary_key,
    )
