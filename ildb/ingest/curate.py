"""The one way into the database: every record read is inserted, found to exist, or quarantined with reasons."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from sqlalchemy import Connection, Engine

from ildb import __version__
from ildb.chem.curation import Finding, RefusedError, resolve_salt
from ildb.db import query
from ildb.db.engine import raw
from ildb.ingest.claims import find_claim_problems
from ildb.ingest.earlier import Earlier
from ildb.ingest.recall import Outcome, Recall, batch_sha256
from ildb.ingest.record import PairRecord
from ildb.ingest.resolve import IonsAhead, Work
from ildb.ingest.source import SourceInfo
from ildb.ingest.stage import BatchWriter, Refused, Resolved

BATCH: Final = 5_000
# Batches whose ions are resolved while an earlier one is stored.
AHEAD: Final = 3

_PROBLEMS = {
    "name_unmatched": "The name stands for no structure that is known.",
    "name_ambiguous": "The name stands for more than one structure.",
}


@dataclass
class IngestCount:
    """What became of the records of one ingest.

    Attributes:
        source: name of the source.
        n_read: records read.
        n_inserted: records that brought a claim or a value.
        n_existing: records that were known whole.
        n_quarantined: records refused.
        n_pairings: new pairings.
        n_measurements: new values.
        n_recognised: records of batches that this source had brought before word for word, which were not looked at
            again; they count as existing or quarantined too.
        reasons: how often each reason was given for a refusal.
    """

    source: str
    n_read: int = 0
    n_inserted: int = 0
    n_existing: int = 0
    n_quarantined: int = 0
    n_pairings: int = 0
    n_measurements: int = 0
    n_recognised: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class _Batch:
    records: list[PairRecord]
    sha256: str
    known: Outcome | None
    work: Work


def ingest(
    database: Engine | Connection,
    source: SourceInfo,
    records: Iterable[PairRecord],
    *,
    progress: Callable[[IngestCount], None] = lambda _: None,
    dry_run: bool = False,
    workers: int | None = None,
) -> IngestCount:
    """Curate records of one source into the database, in one transaction.

    Args:
        database: the database, or a connection whose open transaction this becomes part of.
        source: who says so.
        records: read once, in batches, so that a long file does not fill memory.
        progress: called after each batch.
        dry_run: do everything, count it, and take it back.
        workers: processes that resolve ions, by default one for each CPU; they start once a file has thousands of
            distinct ions. 1 for none, and everything in this process.

    Returns:
        Counts with ``n_inserted + n_existing + n_quarantined == n_read``.

    Raises:
        WorkerDiedError: a process that resolves ions was killed.
    """
    started = datetime.now(UTC)
    count = IngestCount(source.name)
    with _transaction(database, dry_run) as connection, _planned_each_time(connection), IonsAhead(workers) as ahead:
        query.execute(connection, "ingest/lock")
        source_id: int = query.execute(connection, "source/add", **asdict(source)).scalar_one()
        writer, recall = BatchWriter(connection, source_id), Recall(connection, source_id)
        earlier = Earlier(connection, source_id)
        for batch in _look_ahead(_batches(records, recall, ahead)):
            if batch.known is not None:
                _count_known(batch, batch.known, count)
            else:
                ahead.finish(batch.work)
                recall.keep(batch.sha256, len(batch.records), _store(writer, earlier, batch.records, count))
            progress(count)
        earlier.accept()
        query.execute(
            connection,
            "ingest/add",
            source_id=source_id,
            n_read=count.n_read,
            n_inserted=count.n_inserted,
            n_existing=count.n_existing,
            n_quarantined=count.n_quarantined,
            code_version=__version__,
            started_at=started,
        )
    return count


@contextmanager
def _transaction(database: Engine | Connection, dry_run: bool) -> Iterator[Connection]:
    if isinstance(database, Connection):
        if not dry_run:
            yield database
            return
        with database.begin_nested() as savepoint:
            yield database
            savepoint.rollback()
        return
    begun: AbstractContextManager[Connection] = database.begin()
    with begun as connection:
        yield connection
        if dry_run and (transaction := connection.get_transaction()) is not None:
            transaction.rollback()


@contextmanager
def _planned_each_time(connection: Connection) -> Iterator[None]:
    """Statements are planned for the values they get: a plan for any values looks through a whole table for a batch."""
    driver = raw(connection)
    usual = driver.prepare_threshold
    driver.prepare_threshold = None
    try:
        yield
    finally:
        driver.prepare_threshold = usual


def _batches(records: Iterable[PairRecord], recall: Recall, ahead: IonsAhead) -> Iterator[_Batch]:
    iterator = iter(records)
    while batch := list(islice(iterator, BATCH)):
        sha256 = batch_sha256(batch)
        known = recall.find(sha256)
        yield _Batch(batch, sha256, known, [] if known else ahead.begin(batch))


def _look_ahead(batches: Iterator[_Batch]) -> Iterator[_Batch]:
    """The batches in order, each only after work on the ``AHEAD`` ones behind it has begun."""
    waiting = deque(islice(batches, AHEAD))
    while waiting:
        waiting.extend(islice(batches, 1))
        yield waiting.popleft()


def _count_known(batch: _Batch, known: Outcome, count: IngestCount) -> None:
    n_read = len(batch.records)
    count.n_read += n_read
    count.n_recognised += n_read
    count.n_quarantined += known.n_quarantined
    count.n_existing += n_read - known.n_quarantined
    count.reasons.update(known.reasons)


def _store(writer: BatchWriter, earlier: Earlier, batch: list[PairRecord], count: IngestCount) -> Outcome:
    resolved: list[Resolved] = []
    refused: list[Refused] = []
    for record in batch:
        outcome = earlier.judge(_resolve(record))
        if isinstance(outcome, Resolved):
            resolved.append(outcome)
        else:
            refused.append(outcome)
    added = writer.add(resolved, refused)
    reasons = Counter(code for item in refused for code in item.codes)
    count.n_read += len(batch)
    count.n_inserted += added.n_inserted
    count.n_existing += len(resolved) - added.n_inserted
    count.n_quarantined += len(refused)
    count.n_pairings += added.n_pairings
    count.n_measurements += added.n_measurements
    count.reasons.update(reasons)
    return Outcome(len(refused), reasons)


def _resolve(record: PairRecord) -> Resolved | Refused:
    structure = record.structure
    if structure is None:
        code = record.problem or "no_structure"
        findings = record.findings or (Finding(code, _PROBLEMS.get(code, "The record has no structure.")),)
        return Refused(record, findings)
    if problems := find_claim_problems(record):
        return Refused(record, tuple(problems))
    try:
        pair = resolve_salt(structure, derive_stoichiometry=record.derive_stoichiometry)
    except RefusedError as error:
        return Refused(record, tuple(error.findings))
    return Resolved(record, pair)
