"""What the generating stages share: what is known, the verdicts on draws as tables, and their rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from ildb.db import query
from ildb.db.copy import stage_rows
from ildb.pipeline import store
from ildb.pipeline.stage import StageContext, TaskInput, TaskOutput

if TYPE_CHECKING:
    from ildb.chem.standardize import ResolvedIon
    from ildb.generate.filters import Filters
    from ildb.generate.outcomes import Judge

_TYPES: Final = {
    "position": "int8", "raw": "text", "charge": "int2", "outcome": "text", "reasons": "text[]", "ion_key": "text",
    "cation_inchikey": "text", "anion_inchikey": "text", "method": "text", "seed": "int8", "temperature": "float4",
    "round": "int2", "sa_score": "float4", "similarity": "float4",
}  # fmt: skip
_SCHEMA: Final = pa.schema(
    [
        ("position", pa.int64()), ("raw", pa.string()), ("charge", pa.int16()), ("outcome", pa.string()),
        ("reasons", pa.list_(pa.string())), ("ion_key", pa.string()), ("cation_inchikey", pa.string()),
        ("anion_inchikey", pa.string()), ("method", pa.string()), ("seed", pa.int64()), ("temperature", pa.float32()),
        ("round", pa.int16()), ("sa_score", pa.float32()), ("similarity", pa.float32()),
    ]
)  # fmt: skip
_LINK: Final = {"cation_inchikey": "text", "anion_inchikey": "text"}
_FOUND: Final = frozenset({"novel", "known"})
GENERATORS: Final = ("generate.enumerate", "generate.sample")


class Draw(NamedTuple):
    """A string from a generator.

    Attributes:
        raw: as written.
        charge: asked for, e; 0 for a whole ionic liquid.
        finished: False where it was cut off.
        round: of a steered search, 0 for all else.
    """

    raw: str
    charge: int
    finished: bool = True
    round: int = 0


class Origin(NamedTuple):
    """Where the draws of a task come from.

    Attributes:
        method: ``enumeration``, ``prior``, ...
        seed: of the task.
        temperature: of the decoder; None where there is none.
        first: position of the first draw in its stage.
    """

    method: str
    seed: int
    temperature: float | None
    first: int


def put_known(context: StageContext) -> dict[str, str]:
    """The known ions and pairings as artifacts, by payload key."""
    ions = query.rows(context.connection, "generated/known_ions")
    pairs = query.rows(context.connection, "generated/known_pairs")
    tables = {
        "known": pa.table(store.as_columns(ions, ("inchikey", "smiles", "charge", "n_partners"))),
        "known_pairs": pa.table(store.as_columns(pairs, ("cation_inchikey", "anion_inchikey"))),
    }
    return {name: context.put_table(f"generated_{name}", table) for name, table in tables.items()}


def judge_of(task: TaskInput, filters: Filters) -> Judge:
    """A judge of what is known according to the task."""
    return _judge(task.file("known"), task.file("known_pairs"), filters)


@lru_cache(maxsize=1)
def _judge(ions_path: Path, pairs_path: Path, filters: Filters) -> Judge:
    """Kept by the worker for its next task; the paths name the contents."""
    from ildb.generate.outcomes import Judge

    ions, pairs = pq.read_table(ions_path), pq.read_table(pairs_path)
    known = dict(zip(ions.column("inchikey").to_pylist(), ions.column("smiles").to_pylist(), strict=True))
    columns = (pairs.column(name).to_pylist() for name in _LINK)
    return Judge(known, frozenset(zip(*columns, strict=True)), filters)


def judged_output(judge: Judge, draws: Sequence[Draw], origin: Origin) -> TaskOutput:
    """Every draw with its outcome, and the new ions among them."""
    from ildb.generate.door import ion_table

    rows: list[dict[str, Any]] = []
    new: list[ResolvedIon] = []
    for number, draw in enumerate(draws):
        found = judge.judge(draw.raw, draw.charge, finished=draw.finished)
        keys = found.key if found.outcome in _FOUND else ()
        if found.outcome == "novel":
            new += found.ions
        rows.append(
            {
                "position": origin.first + number,
                "raw": draw.raw,
                "charge": draw.charge,
                "outcome": found.outcome,
                "reasons": list(found.reasons),
                "ion_key": keys[0] if len(keys) == 1 else None,
                "cation_inchikey": keys[0] if len(keys) == 2 else None,
                "anion_inchikey": keys[1] if len(keys) == 2 else None,
                "method": origin.method,
                "seed": origin.seed,
                "temperature": origin.temperature,
                "round": draw.round,
                "sa_score": found.sa_score,
                "similarity": found.similarity,
            }
        )
    table = pa.Table.from_pylist(rows, schema=_SCHEMA)
    return TaskOutput({"n_draws": len(rows)}, {"draws": table, "ions": ion_table(new)})


def store_draws(context: StageContext, output: TaskOutput, model_id: int) -> dict[str, Any]:
    """New ions, pairings of pair-level draws, and one row a draw; how many of each outcome.

    An ion or pairing that the stage has drawn before is a duplicate, whichever task came first.
    """
    from ildb.generate.door import add_ions

    connection = context.connection
    n_new = add_ions(connection, output.tables["ions"])
    rows = output.tables["draws"].to_pylist()
    stage_rows(connection, "stage_generated", _TYPES, ([row[name] for name in _TYPES] for row in rows))
    pairs = {(row["cation_inchikey"], row["anion_inchikey"]) for row in rows if row["cation_inchikey"]}
    if pairs:
        stage_rows(connection, "stage_link", _LINK, sorted(pairs))
        query.execute(connection, "links/add_pairings")
    outcomes = query.execute(
        connection,
        "generated/add_molecules",
        run_id=context.run_id,
        stage_run_id=context.stage_run_id,
        model_id=model_id,
    ).scalars()
    counts = Counter(outcomes)
    if pairs:
        query.execute(connection, "generated/add_evidence", run_id=context.run_id, stage_run_id=context.stage_run_id)
    return {"outcomes": dict(sorted(counts.items())), "n_new_ions": n_new, **output.result}


def total(results: Iterable[Mapping[str, Any]], model_id: int) -> dict[str, Any]:
    """The result of a generating stage: draws, and how many had each outcome."""
    counts: Counter[str] = Counter()
    for result in results:
        counts.update(result.get("outcomes", {}))
    return {"model_id": model_id, "n_draws": sum(counts.values()), **{f"n_{k}": v for k, v in sorted(counts.items())}}


def task_seed(seed: int, number: int) -> int:
    """Seed of a task: the same for the same stage seed and number, and far from those of its neighbours."""
    import numpy as np

    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def charges_like(known: pa.Table, n: int, anion_share: float, possible: Sequence[int], seed: int) -> list[int]:
    """Charges to ask for: anions in a given share, each sign's charges as often as among the known ions."""
    import numpy as np

    rng = np.random.default_rng([seed, 1])
    there = known.column("charge").to_numpy()
    drawn = np.zeros(n, dtype=np.int64)
    negative = rng.random(n) < anion_share
    for sign, rows in ((1, ~negative), (-1, negative)):
        side = there[(there * sign > 0) & np.isin(there, possible)]
        if not len(side):
            side = there[(there * sign < 0) & np.isin(there, possible)]
        drawn[rows] = rng.choice(side, size=int(rows.sum()))
    return [int(charge) for charge in drawn]
