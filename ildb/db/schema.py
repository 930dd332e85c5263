"""The schema's revision: what it is, what it should be, how to move it. Only the last two functions change it."""

from __future__ import annotations

from functools import cache

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from psycopg import errors
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from ildb.db.models import SCHEMA
from ildb.errors import DatabaseUnreachableError, InputError, SchemaRevisionError
from ildb.resources import resource_dir


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration for the migrations that ship with ildb."""
    config = Config()
    config.set_main_option("script_location", str(resource_dir("migrations")).replace("%", "%%"))
    if connection is not None:
        config.attributes["connection"] = connection
    return config


@cache
def head() -> str:
    """The revision this code needs."""
    revision = ScriptDirectory.from_config(alembic_config()).get_current_head()
    if revision is None:
        raise SchemaRevisionError("No migrations are installed.", "Reinstall ildb.")
    return revision


def current(connection: Connection) -> str | None:
    """The revision the database is at; None for a database without ildb's schema."""
    context = MigrationContext.configure(connection, opts={"version_table_schema": SCHEMA})
    return context.get_current_revision()


def require_current(connection: Connection) -> None:
    """Refuse to work on a schema of another revision.

    Raises:
        SchemaRevisionError: naming the command that mends it.
    """
    found, wanted = current(connection), head()
    if found == wanted:
        return
    if found is None:
        raise SchemaRevisionError("The database has no ildb schema yet.", "Run: ildb db upgrade")
    known = {script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()}
    if found in known:
        raise SchemaRevisionError(
            f"The schema is at revision {found}, this ildb needs {wanted}.", "Run: ildb db upgrade"
        )
    raise SchemaRevisionError(
        f"The schema is at revision {found}, which this ildb does not know (it needs {wanted}).",
        "A newer ildb made it: upgrade ildb with pip.",
    )


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Bring the schema up to a revision."""
    _command(connection, revision, up=True)


def downgrade(connection: Connection, revision: str) -> None:
    """Bring the schema down to a revision (``base`` for none)."""
    _command(connection, revision, up=False)


def _command(connection: Connection, revision: str, *, up: bool) -> None:
    move = command.upgrade if up else command.downgrade
    try:
        move(alembic_config(connection), revision)
    except CommandError as error:
        raise InputError(
            f"Cannot move the schema to revision '{revision}': {error}.", "See: ildb db current"
        ) from error
    except DBAPIError as error:
        if isinstance(error.orig, errors.UndefinedFile | errors.FeatureNotSupported):
            raise DatabaseUnreachableError(
                "The server does not have the RDKit cartridge (extension rdkit).",
                "Install it there (Debian: postgresql-NN-rdkit; conda-forge: rdkit-postgresql), "
                "or unset ILDB_DATABASE_URL to use the embedded server.",
            ) from error
        if isinstance(error.orig, errors.InsufficientPrivilege):
            reason = str(error.orig).strip().splitlines()[0]
            raise DatabaseUnreachableError(
                f"The database user may not migrate: {reason}.",
                "Let the database's owner run `ildb db upgrade`; "
                "a superuser may have to run CREATE EXTENSION rdkit first.",
            ) from error
        raise
