"""ildb from Python: answers as Arrow tables, which pandas, polars and DuckDB take as they are.

import ildb

with ildb.connect() as db:
    best = db.candidates(top=1000).to_pandas()
    cold = db.pairings(cation="c1c[n+]cn1", anion="C#N", tm_below_k=300)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import pyarrow as pa
from sqlalchemy import URL, Connection, Engine, make_url

from ildb.config import get_settings
from ildb.db import engine as engines
from ildb.db import schema
from ildb.export import candidates as chosen
from ildb.export import server as servers
from ildb.export.rows import arrow_batches, arrow_schema
from ildb.search.ask import Texts, question
from ildb.search.filters import Filters
from ildb.search.matcher import ProcessMatcher
from ildb.search.pairings import Answer, Question
from ildb.search.substructure import COLUMNS


class Client:
    """A database to ask. Close it, or use it in ``with``; it holds a process that matches patterns.

    Args:
        url: a PostgreSQL URL; None for ``ILDB_DATABASE_URL``, else the embedded server.
        pattern_limit_s: time for one pattern, seconds.
        resident: keep the ions in that process as molecules (about 10 kB each): five times faster from the second
            question on.

    Raises:
        DatabaseUnreachableError: no server answers.
        SchemaRevisionError: the schema is of another revision.
    """

    def __init__(self, url: str | None = None, *, pattern_limit_s: float = 1.2, resident: bool = True) -> None:
        self._url: URL = engines.database_url() if url is None else make_url(url).set(drivername="postgresql+psycopg")
        self._engine: Engine = engines.create(self._url, statement_timeout_s=get_settings().statement_timeout_s)
        self._matcher = ProcessMatcher(limit_s=pattern_limit_s, resident=resident)
        try:
            with engines.reaching(self._url), self._engine.connect() as connection:
                schema.require_current(connection)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connections and the process."""
        self._matcher.close()
        self._engine.dispose()

    # --- candidates ---

    def candidates(self, **choice: Any) -> pa.Table:
        """Screened pairings, best first, with the columns of the view ``candidate``.

        Args:
            **choice: the fields of ``ildb.export.candidates.Choice``: ``top``, ``run_id``, ``passed`` (default True,
                None for the refused as well), ``min_link_probability``, ``min_p_below_373_k``, ``tm_below_k``,
                ``in_domain``.
        """
        with self.stream_candidates(**choice) as reader:
            return reader.read_all()

    @contextmanager
    def stream_candidates(self, **choice: Any) -> Iterator[pa.RecordBatchReader]:
        """The same as batches that are read as they are consumed, for more than memory holds."""
        wanted = chosen.Choice(**choice)
        with servers.connect(engines.libpq_url(self._url)) as server, chosen.reading(server, wanted) as reader:
            yield reader

    def export_candidates(self, path: str | Path, **choice: Any) -> int:
        """Write candidates to a ``.parquet``, ``.csv``, ``.sdf`` or ``.smi`` file; how many."""
        with servers.connect(engines.libpq_url(self._url)) as server:
            return chosen.export_candidates(server, chosen.Choice(**choice), Path(path)).n_rows

    # --- search ---

    def pairings(
        self,
        *,
        cation: Texts = (),
        anion: Texts = (),
        either: Texts = (),
        any_of: Texts = (),
        none_of: Texts = (),
        similar: Texts = (),
        nearest: Texts = (),
        exact: Texts = (),
        threshold: float = 0.5,
        top: int = 20,
        limit: int | None = 100,
        after: str | None = None,
        **filters: Any,
    ) -> pa.Table:
        """Pairings by what their ions contain or resemble, best first (see ``ildb.search.ask.question``).

        Args:
            cation: SMARTS that the cation contains, each of them.
            anion: SMARTS that the anion contains, each of them.
            either: SMARTS that one of the ions contains, each of them.
            any_of: SMARTS of which at least one is found; ``anion:C#N`` for one ion only.
            none_of: SMARTS of which none is found.
            similar: SMILES that an ion resembles by at least ``threshold``.
            nearest: SMILES of which an ion is among the ``top`` nearest.
            exact: SMILES, InChIKeys or ids of an ion.
            threshold: least Tanimoto similarity.
            top: how many count as nearest.
            limit: at most so many rows; None for all.
            after: ``next`` of the page before; the table's metadata has it as ``next``, unless it was the last.
            **filters: the fields of ``ildb.search.filters.Filters``, such as ``evidence``, ``tm_below_k``, ``passed``.

        Raises:
            StructureError: a pattern or structure cannot be read, or a pattern takes too long.
        """
        asked = question(
            cation=cation, anion=anion, either=either, any_of=any_of, none_of=none_of, similar=similar, nearest=nearest,
            exact=exact, threshold=threshold, top=top, filters=Filters(**filters),
        )  # fmt: skip
        with self._answering(asked) as answer:
            if limit is None:
                return pa.Table.from_batches(arrow_batches(answer.hits(), COLUMNS), arrow_schema(COLUMNS))
            page = answer.page(limit, after)
        table = pa.Table.from_batches(arrow_batches(page.hits, COLUMNS), arrow_schema(COLUMNS))
        return table.replace_schema_metadata({"next": page.next} if page.next else None)

    def count(self, how: Literal["exact", "estimate"] = "exact", **asked: Any) -> int:
        """How many pairings there are.

        Args:
            how: ``exact``, or ``estimate`` from the planner's statistics.
            **asked: what ``pairings`` takes, but for pages.
        """
        filters = {key: asked.pop(key) for key in list(asked) if key in Filters.__dataclass_fields__}
        with self._answering(question(**asked, filters=Filters(**filters))) as answer:
            return answer.count() if how == "exact" else answer.estimate()

    @contextmanager
    def _answering(self, asked: Question) -> Iterator[Answer]:
        with ExitStack() as stack:
            with engines.reaching(self._url):
                connection: Connection = stack.enter_context(
                    self._engine.connect().execution_options(
                        isolation_level="REPEATABLE READ", postgresql_readonly=True
                    )
                )
            yield Answer(connection, self._matcher, asked)

    # --- anything ---

    def sql(self, statement: str, limit: int | None = None) -> pa.Table:
        """The answer to one SELECT, run as a login that can only read (see ``ildb search sql``).

        Args:
            statement: the SQL.
            limit: at most so many rows; None for all.

        Raises:
            InputError: it is not one query, or fails.
        """
        from ildb.search import sql as reader
        from ildb.search import sql_rows

        with reader.session(self._url) as session:
            answer = reader.Answer(session, statement)
            return pa.Table.from_batches(sql_rows.record_batches(answer, limit), sql_rows.arrow_schema(answer.columns))
