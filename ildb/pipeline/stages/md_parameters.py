"""Force-field parameters for the ions of chosen pairings, made once per ion and method."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, Field
from sqlalchemy import Connection

from ildb.db import query
from ildb.md.settings import Backend, ChargeMethod, ForceFieldSettings
from ildb.md.tools import missing
from ildb.md.trouble import INSTALL_HINT
from ildb.pipeline.jsonb import jsonb
from ildb.pipeline.stage import SKIPPED, Stage, StageContext, TaskInput, TaskOutput
from ildb.pipeline.stages.md_select import SelectParams, choose, fingerprint

_ROW = (
    "refusal", "backend", "grade", "charge_method", "n_atoms", "gate_reference", "gate_angle_deg", "gate_distance_nm",
    "gate_hot_distance_nm", "gate_strain", "max_penalty", "content_sha256",
)  # fmt: skip


class MdParametersParams(SelectParams):
    """Parameters of ``md.parameters``: which pairings, and how their ions' parameters are made."""

    charges: ChargeMethod = Field(default="resp", description="resp; am1bcc and gfn2 are cheaper and worse")
    resp_max_basis: int = Field(
        default=300, ge=1, description="more basis functions (about 15 a heavy atom) get AM1-BCC"
    )
    resp_time_limit_s: float = Field(default=900.0, gt=0, description="CPU time after which an ion gets AM1-BCC, s")
    backends: tuple[Backend, ...] = Field(
        default=("published", "gaff2", "uff"), min_length=1, description="the chain, in order"
    )
    time_limit_s: float = Field(default=120.0, gt=0, description="of each program of AmberTools, s")

    optional: bool = Field(
        default=False, description="where the extra md is not installed, skip the simulations and say so"
    )

    def settings(self) -> ForceFieldSettings:
        """The settings of the force-field chain."""
        return ForceFieldSettings.model_validate(
            self.model_dump(include=set(ForceFieldSettings.model_fields) - {"seed"})
        )


class MdParametersStage(Stage[MdParametersParams]):
    """One task for each ion that has no parameters by the method yet; a refusal is a row with its reason, too."""

    uses: ClassVar[str] = "md.parameters"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "force fields of the ions of chosen pairings: published, GAFF2 + RESP, UFF, or why none"
    params_type: ClassVar[type[BaseModel]] = MdParametersParams

    def fingerprint(self, connection: Connection) -> str:
        """Hash of the selection and the method; what is skipped here is no answer where it need not be."""
        selection = fingerprint(connection, self.params.of_selection())
        return selection + self.params.settings().key + (self._skipped() or "")

    def _skipped(self) -> str | None:
        if not self.params.optional or not (names := missing()):
            return None
        return f"{', '.join(names)}: not installed. {INSTALL_HINT}, then run the recipe again"

    def plan(self, context: StageContext) -> list[dict[str, Any]]:
        """The ions without a row of the method."""
        if self._skipped():
            return []
        settings = self.params.settings()
        ions: dict[int, str] = {}
        for pairing in choose(context.connection, self.params.of_selection(), context.upstream):
            ions |= {pairing.cation_id: pairing.cation_smiles, pairing.anion_id: pairing.anion_smiles}
        rows = query.rows(context.connection, "md/parameters_by_method", ids=list(ions), method_key=settings.key)
        known = {row["ion_id"] for row in rows}
        plain = settings.model_dump(mode="json")
        return [
            {"ion_id": ion_id, "smiles": smiles, "settings": plain}
            for ion_id, smiles in ions.items()
            if ion_id not in known
        ]

    @staticmethod
    def run(task: TaskInput) -> TaskOutput:
        """Parameters of one ion, as a file, or why there are none."""
        from ildb.md.forcefield import parametrise
        from ildb.md.trouble import IonRefusedError

        began = time.process_time()
        row: dict[str, Any] = dict.fromkeys(_ROW)
        try:
            ion = parametrise(task.payload["smiles"], ForceFieldSettings.model_validate(task.payload["settings"]))
        except IonRefusedError as error:
            row |= {"refusal": "; ".join(error.reasons), "provenance": {"tried": list(error.reasons)}}
            return TaskOutput({"row": {**row, "cpu_s": round(time.process_time() - began, 2)}})
        row |= {
            "backend": ion.backend,
            "grade": ion.grade,
            "charge_method": ion.charge_method,
            "n_atoms": ion.n_atoms,
            "max_penalty": ion.provenance.get("max_penalty"),
            "provenance": dict(ion.provenance),
            "content_sha256": ion.content_hash,
        }
        if ion.gate:
            row |= {
                "gate_reference": ion.gate.reference,
                "gate_angle_deg": ion.gate.angle_deg,
                "gate_distance_nm": ion.gate.distance_nm,
                "gate_hot_distance_nm": ion.gate.hot_distance_nm,
                "gate_strain": ion.gate.strain,
            }
        path = task.workdir / "parameters.json"
        path.write_text(ion.to_json(), encoding="utf-8")
        row["cpu_s"] = round(time.process_time() - began, 2)
        return TaskOutput({"row": row}, files={"md_parameters": path})

    def store(
        self, context: StageContext, payload: Mapping[str, Any], output: TaskOutput, files: Mapping[str, int]
    ) -> dict[str, Any]:
        """The row, unless another run has stored one of the same method meanwhile."""
        row = output.result["row"]
        settings = ForceFieldSettings.model_validate(payload["settings"])
        query.execute(
            context.connection,
            "md/add_parameters",
            run_id=context.run_id,
            ion_id=payload["ion_id"],
            method_key=settings.key,
            charges_asked=settings.charges,
            artifact_id=files.get("md_parameters"),
            **{**row, "provenance": jsonb(row["provenance"])},
        )
        return {key: row[key] for key in ("backend", "grade", "refusal")}

    def finish(self, context: StageContext, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """How many ions got parameters now, by back end, and the method they are of."""
        del context
        made = Counter(result["backend"] for result in results if result["backend"])
        refused = sum(result["refusal"] is not None for result in results)
        return {
            "n_made": made.total(),
            "n_refused": refused,
            "by_backend": dict(sorted(made.items())),
            "method_key": self.params.settings().key,
            **({} if (skipped := self._skipped()) is None else {SKIPPED: skipped}),
        }
