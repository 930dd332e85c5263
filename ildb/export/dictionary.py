"""What the columns of an export mean, and where its rows came from."""

from __future__ import annotations

from typing import Any

from ildb.db.models import SCHEMA, Base
from ildb.export.server import Server


def dictionary(server: Server, table: str) -> dict[str, Any]:
    """What a table holds, its key, and type, unit, meaning and target of each column."""
    model = Base.metadata.tables[f"{SCHEMA}.{table}"]
    described = {mapper.class_.__tablename__: mapper.class_.__doc__ for mapper in Base.registry.mappers}
    targets = {key.parent.name: key.target_fullname.removeprefix(f"{SCHEMA}.") for key in model.foreign_keys}
    return {
        "about": " ".join((described.get(table) or "").split()),
        "key": [column.name for column in model.primary_key],
        "columns": {
            column.name: {
                "type": column.type,
                "required": not model.columns[column.name].nullable,
                **({"unit": column.unit} if column.unit else {}),
                **({"about": column.comment} if column.comment else {}),
                **({"refers_to": targets[column.name]} if column.name in targets else {}),
            }
            for column in server.columns(table)
        },
    }


def origins(server: Server) -> dict[str, Any]:
    """The sources and the succeeded runs that the database has at this moment."""
    return {
        "sources": server.rows("SELECT name, sha256, citation, doi, url, licence FROM ildb.source ORDER BY id"),
        "runs": server.rows(
            "SELECT id, recipe_name, recipe_sha256, code_version, git_commit, finished_at::text AS finished_at"
            " FROM ildb.run WHERE status = 'succeeded' ORDER BY id"
        ),
    }
