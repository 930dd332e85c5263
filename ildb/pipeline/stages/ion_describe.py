"""Compute the thermodynamic properties of every ion that has none yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pyarrow as pa
import rdkit
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from ildb.db import query
from ildb.db.copy import stage_rows
from ildb.pipeline.stage import Stage, StageContext, TaskInput, TaskOutput

_TYPES = {
    "ion_id": "int8", "volume_nm3": "float8", "sasa_a2": "float8", "skeleton_surface_a2": "float8",
    "gas_entropy_j_mol_k": "float8", "freedom": "int2", "effective_torsions": "float8", "kier_flexibility": "float8",
    "problems": "text[]",
}  # fmt: skip


class IonDescribeParams(BaseModel):
    """Parameters of ``ion.describe``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ions_per_task: int = Field(default=200, ge=1)


class IonDescribe(Stage[IonDescribeParams]):
    """Volume, surface, gas entropy and flexibility of ions, once per ion and version of the calculation."""

    uses: ClassVar[str] = "ion.describe"
    version: ClassVar[int] = 1
    packages: ClassVar[tuple[str, ...]] = ("numpy", "rdkit", "scipy")
    summary: ClassVar[str] = "volume, surface, gas entropy and flexibility of every ion that lacks them"
    params_type: ClassVar[type[BaseModel]] = IonDescribeParams

    def fingerprint(self, connection: Connection) -> str:
        """Which ions there are, and the version of the calculation."""
        from ildb.melting.ion_properties import PROPERTY_VERSION

        return f"{query.execute(connection, 'ion/fingerprint').scalar_one()} v{PROPERTY_VERSION}"

    def plan(self, context: StageContext) -> list[dict[str, Any]]:
        """The ions without properties, in slices."""
        from ildb.melting.ion_properties import PROPERTY_VERSION

        rows = query.rows(context.connection, "ion/undescribed", version=PROPERTY_VERSION)
        table = pa.table(
            {"id": pa.array([row["id"] for row in rows], pa.int64()), "smiles": [row["smiles"] for row in rows]}
        )
        ions = context.put_table("ions", table)
        step = self.params.ions_per_task
        return [{"ions": ions, "slice": [begin, min(step, len(rows) - begin)]} for begin in range(0, len(rows), step)]

    @staticmethod
    def run(task: TaskInput) -> TaskOutput:
        """Describe one slice."""
        from ildb.melting.ion_properties import describe_ions

        begin, length = task.payload["slice"]
        ions = task.table("ions").slice(begin, length)
        found = describe_ions(ions.column("smiles").to_pylist())
        columns: dict[str, Any] = {
            name: pa.array([getattr(ion, name) for ion in found], pa.float64())
            for name, kind in _TYPES.items()
            if kind == "float8"
        }
        table = pa.table(
            {
                "ion_id": ions.column("id"),
                **columns,
                "freedom": pa.array([ion.freedom for ion in found], pa.int16()),
                "problems": pa.array([list(ion.problems) for ion in found], pa.list_(pa.string())),
            }
        )
        return TaskOutput({}, {"properties": table})

    def store(
        self, context: StageContext, payload: Mapping[str, Any], output: TaskOutput, files: Mapping[str, int]
    ) -> dict[str, Any]:
        """One row per ion that another run has not described meanwhile."""
        del payload, files
        from ildb.melting.ion_properties import PROPERTY_VERSION

        rows = output.tables["properties"].to_pylist()
        stage_rows(context.connection, "stage_ion_property", _TYPES, ([row[name] for name in _TYPES] for row in rows))
        added = query.execute(
            context.connection,
            "ion/add_properties",
            version=PROPERTY_VERSION,
            run_id=context.run_id,
            rdkit_version=rdkit.__version__,
        )
        return {"n_described": added.rowcount, "n_with_problems": sum(bool(row["problems"]) for row in rows)}

    def finish(self, context: StageContext, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """How many were described, and how many not in full."""
        del context
        return {key: sum(result[key] for result in results) for key in ("n_described", "n_with_problems")}
