"""``ildb db gc``: remove files that nothing refers to."""

from __future__ import annotations

from typing import Annotated

import typer

from ildb.cli.output import JsonOption, print_json


def gc(
    delete: Annotated[bool, typer.Option("--delete", help="Remove them; otherwise they are only listed.")] = False,
    older_than_h: Annotated[
        float, typer.Option("--older-than", min=0, metavar="HOURS", help="Leave what was made more recently.")
    ] = 24.0,
    as_json: JsonOption = False,
) -> None:
    """List, or with --delete remove, what nobody needs in ILDB_HOME: files without a row, folders of ended ladders."""
    from ildb.config import get_settings
    from ildb.db import engine
    from ildb.pipeline import garbage
    from ildb.pipeline.artifacts import ArtifactStore

    settings = get_settings()
    store = ArtifactStore(settings.artifacts_dir)
    database = engine.open_engine(statement_timeout_s=settings.statement_timeout_s)
    try:
        with database.connect() as connection:
            home = settings.home_dir
            found = garbage.find(connection, store, home / "logs", home / "md", older_than_s=older_than_h * 3600)
    finally:
        database.dispose()
    for rubbish in found if delete else ():
        garbage.remove(rubbish)
    if as_json:
        files = [{"path": str(r.path), "n_bytes": r.n_bytes, "reason": r.reason} for r in found]
        print_json({"deleted": delete, "n_bytes": sum(r.n_bytes for r in found), "files": files})
        return
    for rubbish in found:
        typer.echo(f"{rubbish.n_bytes:>14,} bytes  {rubbish.path}  ({rubbish.reason})")
    total = f"{len(found)} files or folders, {sum(r.n_bytes for r in found) / 1e6:,.1f} MB"
    typer.echo(
        f"{total} {'removed' if delete else 'could go: ildb db gc --delete'}." if found else "Nothing to remove."
    )
