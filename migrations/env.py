"""Alembic environment: ildb's own connection, schema ``ildb``, the cartridge's types."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql.base import ischema_names

from ildb.db.models import SCHEMA, Base
from ildb.db.types import Bfp, Mol, QMol

# Reflection would call these types unknown, and changes to such columns would go unseen.
ischema_names.update({"mol": Mol, "qmol": QMol, "bfp": Bfp})


def render_item(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Write the cartridge's types with their import."""
    if kind == "type" and isinstance(item, Mol | QMol | Bfp):
        autogen.imports.add("from ildb.db import types")
        return f"types.{type(item).__name__}()"
    return False


def include_name(name: str | None, kind: str, _parents: Any) -> bool:
    """Look at schema ``ildb`` only: the rest of the database is not ours."""
    return name == SCHEMA if kind == "schema" else True


def configure(**options: Any) -> None:
    """The options both modes share."""
    context.configure(
        target_metadata=Base.metadata,
        include_schemas=True,
        include_name=include_name,
        version_table_schema=SCHEMA,
        render_item=render_item,
        compare_type=True,
        compare_server_default=True,
        **options,
    )


def run_online(connection: Connection) -> None:
    """Migrate over a live connection, one transaction in all, one migrator at a time."""
    # The version table lives in the schema, so the schema comes before the first migration.
    connection.execute(text("SELECT pg_advisory_lock(hashtext('ildb.migrate'))"))
    try:
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        connection.commit()
        # Reflection calls the first schema of the search path "default" and hides its name; for a user named
        # ildb that would be ours.
        connection.execute(text("SET search_path = public"))
        connection.commit()
        connection.dialect.default_schema_name = "public"
        configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
    finally:
        connection.rollback()
        connection.execute(text(f"SET search_path = {SCHEMA}, public"))
        connection.execute(text("SELECT pg_advisory_unlock(hashtext('ildb.migrate'))"))
        connection.commit()


if context.is_offline_mode():
    configure(dialect_name="postgresql", literal_binds=True, dialect_opts={"paramstyle": "named"})
    with context.begin_transaction():
        context.run_migrations()
elif (given := context.config.attributes.get("connection")) is not None:
    run_online(given)
else:
    from ildb.db import engine

    with engine.create().connect() as own:
        run_online(own)
