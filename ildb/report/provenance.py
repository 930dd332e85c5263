"""Where the numbers of a figure come from: the run, its stage, the query and the code that made the rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class StageOrigin:
    """A stage that wrote rows; of a reused one, that of the run which computed it.

    Args:
        id: of the stage run.
        run_id: the run that computed it.
        name: in its recipe.
        uses: kind of stage.
        version: of the kind.
        git_commit: of the code that ran, if it ran from a checkout.
        code_version: of ildb.
        seed: of the stage, if it draws random numbers.
    """

    id: int
    run_id: int
    name: str
    uses: str
    version: int
    git_commit: str | None
    code_version: str
    seed: int | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> StageOrigin:
        """From a row of ``report/stages``."""
        return cls(**{name: row[name] for name in cls.__dataclass_fields__})

    @property
    def code(self) -> str:
        """Version and, where known, commit of the code that ran."""
        commit = f", commit {self.git_commit[:12]}" if self.git_commit else ", no commit recorded"
        return f"ildb {self.code_version}{commit}"


@dataclass(frozen=True)
class Origin:
    """Of one figure.

    Args:
        stage: that wrote the rows.
        queries: named SQL files below ``sql/queries`` that read them.
        n_rows: rows read.
        detail: the model or file among them.
    """

    stage: StageOrigin
    queries: tuple[str, ...]
    n_rows: int
    detail: str = ""

    @property
    def text(self) -> str:
        """One line for people."""
        files = ", ".join(f"sql/queries/{name}.sql" for name in self.queries)
        said = f"Run {self.stage.run_id}, stage {self.stage.name} ({self.stage.uses}, version {self.stage.version})"
        rows = "row" if self.n_rows == 1 else "rows"
        detail = f", {self.detail}" if self.detail else ""
        return f"{said}{detail}; {self.n_rows:,} {rows} by {files}; {self.stage.code}."
