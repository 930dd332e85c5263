"""What workers do for ``md.ladder``: build the boxes of a pairing, or simulate one point."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ildb.md.presets import Preset
from ildb.pipeline.artifacts import ArtifactStore
from ildb.pipeline.stage import TaskInput, TaskOutput

if TYPE_CHECKING:
    from ildb.md.parameters import IonParameters


def scratch_root(artifacts: ArtifactStore) -> Path:
    """Where points keep checkpoints and frames while they run: beside the artifacts, so on the shared file system."""
    return artifacts.root.parent / "md"


def _ions(task: TaskInput) -> list[IonParameters]:
    from ildb.md.parameters import IonParameters

    return [
        IonParameters.from_json(task.artifacts.get(sha).read_text(encoding="utf-8")) for sha in task.payload["ions"]
    ]


def build(task: TaskInput) -> TaskOutput:
    """Boxes and System of a pairing as files, or why it is refused."""
    from ildb.hashing import sha256_text
    from ildb.md import ladder
    from ildb.md.ladder import save_start, zip_text

    if task.payload["refusal"]:
        return TaskOutput({"refusal": task.payload["refusal"]})
    preset = Preset.model_validate(task.payload["preset"])
    built = ladder.build(list(zip(_ions(task), task.payload["numbers"], strict=True)), preset)
    files = {"md_system": task.workdir / "system.xml.gz"}
    files["md_system"].write_bytes(zip_text(built.system_xml))
    for seed, start in enumerate(built.starts, start=1):
        files[f"md_start_{seed}"] = task.workdir / f"start_{seed}.npy"
        files[f"md_start_{seed}"].write_bytes(save_start(start, built.box_nm))
    result = {
        "n_units": built.n_units,
        "n_atoms": len(built.starts[0]),
        "system_sha256": sha256_text(built.system_xml),
    }
    return TaskOutput(result, files=files)


def simulate(task: TaskInput) -> TaskOutput:
    """A point with its figures, trajectory and end; it goes on where it was killed."""
    from ildb.md.box import Box
    from ildb.md.driver import Start
    from ildb.md.ladder import folder_name, load_start, point_content, simulate_point, unzip_text, zip_text
    from ildb.md.point_analysis import PointFigures

    payload = task.payload
    root = scratch_root(task.artifacts)
    if payload["previous"]:
        shutil.rmtree(root / payload["previous"], ignore_errors=True)  # its rows are stored, or this task were not
    name = folder_name(payload["stage_run_id"], point_content(payload))
    preset = Preset.model_validate(payload["preset"])
    box = Box(list(zip(_ions(task), payload["copies"], strict=True)))
    system_xml = unzip_text(task.file("system"))
    start = Start(state_xml=unzip_text(task.file("state"))) if payload["state"] else load_start(task.file("start"))
    point = simulate_point(
        box, system_xml, start, preset, payload["place"], payload["seed"], root / name, threads=task.threads
    )
    outcome, progress = point.outcome, point.outcome.progress
    figures = asdict(point.figures) if point.figures else dict.fromkeys(PointFigures.__dataclass_fields__)
    melt_ps = 0.0 if payload["state"] else preset.melt_ps
    simulated_ps = melt_ps + preset.equilibrate_ps + preset.produce_ps if outcome.stable else 0.0
    row = {
        **figures,
        "status": "done" if outcome.stable else "unstable",
        "timestep_fs": progress.timestep_fs,
        "n_resumed": progress.n_resumed,
        "n_unstable": progress.n_unstable + (not outcome.stable),
        "simulated_ps": simulated_ps,
        "ns_per_day": 86.4 * simulated_ps / progress.md_s if progress.md_s > 0 and outcome.stable else None,
        "platform": progress.platform,
    }
    files: dict[str, Path] = {}
    if outcome.stable:
        files = {"md_trajectory": outcome.trajectory, "md_thermo": outcome.thermo}
        files["md_state"] = task.workdir / "state.xml.gz"
        files["md_state"].write_bytes(zip_text(outcome.state_xml))
    return TaskOutput({"row": row, "folder": name}, files=files, device=progress.platform.lower())
