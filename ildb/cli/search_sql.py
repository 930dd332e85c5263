"""``ildb search sql``: one query of a person's own, which can read and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ildb.cli.output import print_table
from ildb.cli.search import Format, _format

if TYPE_CHECKING:
    from ildb.search.sql import Answer


def sql(
    query: Annotated[str | None, typer.Option("-q", "--query", metavar="SQL", help="The query.")] = None,
    file: Annotated[Path | None, typer.Option("-f", "--file", help="A file with the query; - for stdin.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="At most so many rows; 0 for all.")] = 100,
    format: Annotated[  # noqa: A002 (the option's name)
        Format | None, typer.Option(help="Default: by the suffix of --out, else table.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write to this file, whole or not at all.")] = None,
) -> None:
    """Run one SELECT as the role ildb_reader, read-only and within ILDB_STATEMENT_TIMEOUT_S seconds.

        ildb search sql -q "SELECT * FROM ildb.find_pairings('c1c[n+]cn1', 'F', tm_below_k => 300)"

    Tables and views are in the schema ildb; what they hold: SELECT * FROM information_schema.columns.
    """
    from ildb.export.atomic import require_file_path
    from ildb.search.sql import Answer, session
    from ildb.search.sql_text import check_sql

    chosen = _format(format, out, as_json=False)
    statement = _statement(query, file)
    check_sql(statement)
    if out is not None:
        require_file_path(out)
    with session() as opened:
        if opened.caution:
            typer.secho(f"note: {opened.caution}", err=True)
        answer = Answer(opened, statement)
        n_rows, cut = _write(answer, limit, chosen, out)
    line = f"The first {n_rows} rows; --limit 0 for all." if cut else f"{n_rows} row{'' if n_rows == 1 else 's'}."
    typer.echo(f"{line} Written to {out}." if out else line, err=True)


def _statement(query: str | None, file: Path | None) -> str:
    from ildb.errors import InputError

    if (query is None) == (file is None):
        raise typer.BadParameter("Give the SQL by -q SQL or by -f FILE.")
    if file is None:
        return query or ""
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"Cannot read {file}: {error.strerror}.", "Check the path.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not UTF-8 text.", "Convert it.") from error


def _write(answer: Answer, limit: int, chosen: Format, out: Path | None) -> tuple[int, bool]:
    """Write the rows; how many, and whether there are more."""
    from ildb.export import rows
    from ildb.export.atomic import replacing_file
    from ildb.search.sql_rows import plain_rows, write_parquet

    names = [column.name for column in answer.columns]
    found = plain_rows(answer, limit or None, nested_as_text=chosen is not Format.json)
    if chosen is Format.table:
        shown = list(found)
        if shown:
            print_table(shown, names)
        count = len(shown)
    elif out is None:
        write = rows.write_csv if chosen is Format.csv else rows.write_json
        count = write(found, names, sys.stdout)
    else:
        with replacing_file(out) as draft:
            if chosen is Format.parquet:
                count = write_parquet(answer, limit or None, draft)
            else:
                write = rows.write_csv if chosen is Format.csv else rows.write_json
                with draft.open("w", encoding="utf-8", newline="") as stream:
                    count = write(found, names, stream)
    return count, bool(limit) and count == limit and next(answer.rows(1), None) is not None
