"""What the stages that train a property model share: the measured rows, a worker's training, the stored model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel

from ildb.db import query
from ildb.errors import InputError
from ildb.melting.params import MeltingParams
from ildb.pipeline import store
from ildb.pipeline.stage import StageContext, TaskInput, TaskOutput
from ildb.units import Property

if TYPE_CHECKING:
    from ildb.melting.data import MeltingData
    from ildb.melting.train import TrainedMelting

_COLUMNS = (
    "cation_inchikey",
    "anion_inchikey",
    "cation_smiles",
    "anion_smiles",
    "n_cation",
    "n_anion",
    "tm_k",
    "n_values",
    "spread_k",
    "source",
)
_IONS = ("cation_id", "anion_id")
NO_CONDITIONS: dict[str, float | None] = {
    "temperature_k": None, "temperature_window_k": 0.0, "pressure_kpa": None, "pressure_window_kpa": 0.0,
}  # fmt: skip


def plan_training(
    context: StageContext,
    prop: Property,
    conditions: Mapping[str, float | None],
    params: BaseModel,
    hint: str,
    *,
    simulated: bool = False,
) -> list[dict[str, Any]]:
    """Payload of the one task: the whole set.

    Args:
        context: the open transaction.
        prop: what is measured.
        conditions: at what, see ``sql/queries/property/training_set.sql``.
        params: `MeltingParams`.
        hint: what to do when there is nothing to learn from.
        simulated: take calibrated apparent melting points, too.

    Raises:
        InputError: there is nothing to learn from.
    """
    rows = query.rows(
        context.connection,
        "property/training_set",
        property=prop.name,
        unit=prop.unit,
        simulated=simulated,
        **dict(conditions),
    )
    if not rows:
        raise InputError(f"there are no values of {prop.name} to learn from.", hint)
    table = pa.table(store.as_columns(rows, (*_COLUMNS, *_IONS, "measurement_ids")))
    return [{"data": context.put_table(f"{prop.name}_input", table), "params": params.model_dump(mode="json")}]


def train_task(task: TaskInput, kind: str) -> TaskOutput:
    """Cross-validate, fit, calibrate; files ``KIND_model`` and ``KIND_out_of_fold``, a Parquet file of predictions."""
    from ildb.melting.data import MeltingData
    from ildb.melting.store import save
    from ildb.melting.train import train_melting

    table = task.table("data")
    data = MeltingData(**{name: table.column(name).to_pylist() for name in _COLUMNS})
    trained = train_melting(data, MeltingParams.model_validate(task.payload["params"]), _paper_features(task, table))
    path = task.workdir / "model"
    save(trained.model, path)
    folds = pa.table({"split": [f"fold {fold}" for fold in trained.fold]})
    predicted = task.workdir / "out_of_fold.parquet"
    pq.write_table(_out_of_fold(data, trained), predicted)
    return TaskOutput(
        {"metrics": trained.metrics, "n_pairings": len(table)},
        {"folds": folds},
        {f"{kind}_model": path, f"{kind}_out_of_fold": predicted},
    )


def _out_of_fold(data: MeltingData, trained: TrainedMelting) -> pa.Table:
    """What models that did not see a pairing predict for it: one row for each pairing and split.

    ``simulated`` marks values that no one measured: calibrated apparent melting points.
    """
    parts = []
    for split, found in trained.predictions.items():
        columns = {name: getattr(data, name) for name in ("cation_smiles", "anion_smiles", "n_cation", "n_anion")}
        judged = {"p_below": found.p_below_threshold, "low": found.tm_low_k, "high": found.tm_high_k}
        fold = {"split": [split] * len(data), "fold": trained.folds[split], "simulated": data.simulated}
        parts.append(pa.table(fold | columns | {"measured": data.tm_k, "predicted": found.tm_k} | judged))
    return pa.concat_tables(parts)


def store_trained(
    context: StageContext,
    kind: str,
    params: BaseModel,
    seed: int,
    payload: Mapping[str, Any],
    output: TaskOutput,
    files: Mapping[str, int],
    keep: Mapping[str, str],
) -> dict[str, Any]:
    """Snapshot with the fold of every measurement, and the model; see `ildb.pipeline.store.add_trained`."""
    rows = pq.read_table(context.artifacts.get(payload["data"])).to_pylist()
    folds = output.tables["folds"].column("split").to_pylist()
    members = [
        (None, measurement, fold)
        for row, fold in zip(rows, folds, strict=True)
        for measurement in row["measurement_ids"]
    ]
    content = [[row["cation_inchikey"], row["anion_inchikey"], row["tm_k"]] for row in rows]
    return store.add_trained(
        context,
        kind,
        content=content,
        members=members,
        output=output,
        files=files,
        params=params,
        seed=seed,
        keep=keep,
    )


def _paper_features(task: TaskInput, table: pa.Table) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]] | None:
    """Features of the published classifier, where the ions have their thermodynamic properties as rows."""
    if "ions" not in task.payload:
        return None
    from ildb.melting.ion_properties import IonProperties
    from ildb.melting.logistic import paper_features

    described = task.table("ions").to_pylist()
    ions = [IonProperties(**{name: value for name, value in row.items() if name != "id"}) for row in described]
    place = {row["id"]: i for i, row in enumerate(described)}
    ions.append(IonProperties())  # of an ion that is not described
    cation, anion = (np.array([place.get(ion, len(ions) - 1) for ion in table.column(c).to_pylist()]) for c in _IONS)
    n_cation, n_anion = (np.array(table.column(name).to_pylist(), dtype=np.int64) for name in ("n_cation", "n_anion"))
    return paper_features(ions, cation, anion, n_cation, n_anion)
