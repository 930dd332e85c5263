"""Simulate ladders of temperature: boxes first, then point after point."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field, model_validator
from sqlalchemy import Connection

from ildb.db import query
from ildb.errors import InputError
from ildb.md.presets import PRESETS, Pass, Preset
from ildb.pipeline.jsonb import jsonb
from ildb.pipeline.stage import SKIPPED, Stage, StageContext, TaskInput, TaskOutput
from ildb.pipeline.stages import md_tasks
from ildb.pipeline.stages.md_parameters import MdParametersStage
from ildb.pipeline.stages.md_select import Chosen, SelectParams, choose, fingerprint

_CHANGEABLE = (
    "temperatures_k", "passes", "n_seeds", "pairs", "cutoff_nm", "charge_scale", "pressure_bar", "timestep_fs",
    "melt_ps", "equilibrate_ps", "produce_ps", "frame_ps", "checkpoint_frames",
)  # fmt: skip


class MdLadderParams(SelectParams):
    """Parameters of ``md.ladder``: which pairings, and the protocol; what is none comes from the preset."""

    preset: Literal["smoke", "density", "cpu", "gpu"] = Field(
        default="cpu",
        description="smoke: plumbing in a minute; density: near room temperature in ten minutes; cpu: ten core hours a "
        "ladder; gpu: larger and longer",
    )
    temperatures_k: tuple[float, ...] | None = None
    passes: tuple[Pass, ...] | None = None
    n_seeds: int | None = None
    pairs: int | None = Field(default=None, description="least number of formula units")
    cutoff_nm: float | None = None
    charge_scale: float | None = None
    pressure_bar: float | None = None
    timestep_fs: float | None = None
    melt_ps: float | None = None
    equilibrate_ps: float | None = None
    produce_ps: float | None = None
    frame_ps: float | None = None
    checkpoint_frames: int | None = None

    @model_validator(mode="after")
    def _protocol(self) -> MdLadderParams:
        self.protocol()
        return self

    def protocol(self) -> Preset:
        """The preset with what the recipe changes."""
        changed = {name: value for name in _CHANGEABLE if (value := getattr(self, name)) is not None}
        return Preset.model_validate({**PRESETS[self.preset].model_dump(), **changed})


class MdLadder(Stage[MdLadderParams]):
    """Cooling and heating passes of chosen pairings; each temperature is a task that goes on where it was killed.

    A point begins with the state in which the one before ended, so storing a point adds the task of the next.
    """

    uses: ClassVar[str] = "md.ladder"
    version: ClassVar[int] = 2
    summary: ClassVar[str] = "simulate pairings at falling and rising temperature: density, diffusion, structure"
    params_type: ClassVar[type[BaseModel]] = MdLadderParams
    requires: ClassVar[tuple[str, ...]] = (MdParametersStage.uses,)
    packages: ClassVar[tuple[str, ...]] = ("openmm",)

    def fingerprint(self, connection: Connection) -> str:
        """Hash of the selection."""
        return fingerprint(connection, self.params.of_selection())

    def plan(self, context: StageContext) -> list[dict[str, Any]]:
        """One task for each pairing: build its boxes, or say why it cannot be simulated."""
        if SKIPPED in context.result_of(MdParametersStage.uses).result:
            return []
        chosen = choose(context.connection, self.params.of_selection(), context.upstream)
        ions = sorted({ion for pairing in chosen for ion in (pairing.cation_id, pairing.anion_id)})
        method_key = context.result_of(MdParametersStage.uses).result["method_key"]
        rows = query.rows(context.connection, "md/parameters_of_method", ids=ions, method_key=method_key)
        found = {row["ion_id"]: row for row in rows}
        missing = [p.smiles for p in chosen if not {p.cation_id, p.anion_id} <= found.keys()]
        if missing:
            raise InputError(
                f"there are no force-field parameters for {missing[0]} (and {len(missing) - 1} more).",
                f"Give the {MdParametersStage.uses} stage the same selection as this one.",
            )
        return [self._build_payload(pairing, found) for pairing in chosen]

    def _build_payload(self, pairing: Chosen, found: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
        sides = [found[pairing.cation_id], found[pairing.anion_id]]
        reasons = [f"{row['smiles']}: {row['refusal']}" for row in sides if row["refusal"]]
        payload: dict[str, Any] = {
            "do": "build",
            "pairing_id": pairing.pairing_id,
            "preset": self.params.protocol().model_dump(mode="json"),
            "refusal": "; ".join(reasons) or None,
        }
        if reasons:
            return payload
        return {
            **payload,
            "parameters": [row["id"] for row in sides],
            "grade": max(row["grade"] for row in sides),
            "ions": [row["artifact_sha256"] for row in sides],
            "numbers": [pairing.n_cation, pairing.n_anion],
        }

    def priority(self, payload: Mapping[str, Any]) -> int:
        """Boxes first, so that all ladders get going; then those behind."""
        return 1 if payload["do"] == "build" else -int(payload["place"])

    @staticmethod
    def run(task: TaskInput) -> TaskOutput:
        """Build, or simulate one point."""
        return md_tasks.build(task) if task.payload["do"] == "build" else md_tasks.simulate(task)

    def store(
        self, context: StageContext, payload: Mapping[str, Any], output: TaskOutput, files: Mapping[str, int]
    ) -> dict[str, Any]:
        """A simulation and the first points of its seeds, or a point and the one after it."""
        if payload["do"] == "build":
            return self._store_build(context, payload, output, files)
        return self._store_point(context, payload, output, files)

    def _store_build(
        self, context: StageContext, payload: Mapping[str, Any], output: TaskOutput, files: Mapping[str, int]
    ) -> dict[str, Any]:
        preset, built = Preset.model_validate(payload["preset"]), output.result
        kept = (
            "charge_scale", "cutoff_nm", "pressure_bar", "timestep_fs", "n_seeds", "melt_ps", "equilibrate_ps",
            "produce_ps",
        )  # fmt: skip
        cation, anion = payload.get("parameters", (None, None))
        simulation_id = query.execute(
            context.connection,
            "md/add_simulation",
            run_id=context.run_id,
            stage_run_id=context.stage_run_id,
            pairing_id=payload["pairing_id"],
            preset=self.params.preset,
            refusal=built.get("refusal"),
            grade=payload.get("grade"),
            cation_parameters_id=None if built.get("refusal") else cation,
            anion_parameters_id=None if built.get("refusal") else anion,
            n_units=built.get("n_units"),
            n_atoms=built.get("n_atoms"),
            temperatures_k=list(preset.temperatures_k),
            passes=[name.value for name in preset.passes],
            system_sha256=built.get("system_sha256"),
            system_artifact_id=files.get("md_system"),
            **{name: getattr(preset, name) for name in kept},
        ).scalar_one()
        if built.get("refusal"):
            return {"simulation_id": simulation_id, "refused": True}
        for seed in range(1, preset.n_seeds + 1):
            point = {
                "do": "point",
                "simulation_id": simulation_id,
                "stage_run_id": context.stage_run_id,
                "preset": payload["preset"],
                "ions": payload["ions"],
                "copies": [n * built["n_units"] for n in payload["numbers"]],
                "system": built["files"]["md_system"],
                "start": built["files"][f"md_start_{seed}"],
                "state": None,
                "seed": seed,
                "place": 0,
                "previous": None,
            }
            _add_task(context, point)
        return {"simulation_id": simulation_id, "refused": False}

    def _store_point(
        self, context: StageContext, payload: Mapping[str, Any], output: TaskOutput, files: Mapping[str, int]
    ) -> dict[str, Any]:
        from ildb.md.ladder import rungs

        result = output.result
        chain = rungs(Preset.model_validate(payload["preset"]))
        rung = chain[payload["place"]]
        query.execute(
            context.connection,
            "md/add_point",
            run_id=context.run_id,
            simulation_id=payload["simulation_id"],
            temperature_k=rung.temperature_k,
            direction=rung.direction.value,
            seed=payload["seed"],
            trajectory_artifact_id=files.get("md_trajectory"),
            thermo_artifact_id=files.get("md_thermo"),
            state_artifact_id=files.get("md_state"),
            **result["row"],
        )
        if payload["place"] + 1 < len(chain):
            following = {
                **payload,
                "place": payload["place"] + 1,
                # After a point that blew up the next starts from where that one did.
                "state": result["files"].get("md_state", payload["state"]),
                "previous": result["folder"],
            }
            _add_task(context, following)
        return {"status": result["row"]["status"], "ps": result["row"]["simulated_ps"], "folder": result["folder"]}

    def finish(self, context: StageContext, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Counts; the folders of all points go, their content is in rows and artifacts."""
        for result in results:
            if "folder" in result:
                shutil.rmtree(md_tasks.scratch_root(context.artifacts) / result["folder"], ignore_errors=True)
        points = [result for result in results if "status" in result]
        upstream = context.result_of(MdParametersStage.uses).result
        return {
            "n_simulations": sum(result.get("refused") is False for result in results),
            "n_refused": sum(result.get("refused") is True for result in results),
            "n_points": len(points),
            "n_unstable": sum(result["status"] == "unstable" for result in points),
            "ns": round(sum(result["ps"] for result in points) / 1000, 4),
            **({SKIPPED: upstream[SKIPPED]} if SKIPPED in upstream else {}),
        }


def _add_task(context: StageContext, payload: Mapping[str, Any]) -> None:
    query.execute(context.connection, "links/add_task", stage_run_id=context.stage_run_id, payload=jsonb(payload))
