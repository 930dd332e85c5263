"""The quickstart without what generates and simulates: quick, and with counts that are known beforehand."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence

from ildb.pipeline import recipe as recipes
from ildb.resources import resource_dir

STAGES = ("links", "expand", "melting", "scores", "decide")


def recipe_of_known_ions(overrides: Sequence[str]) -> recipes.Recipe:
    """`STAGES` of the quickstart.

    Args:
        overrides: ``STAGE.PARAM=VALUE`` settings.
    """
    made = tomllib.loads((resource_dir("pipelines") / "quickstart.toml").read_text(encoding="utf-8"))
    made["stage"] = [
        {**stage, "needs": [name for name in stage.get("needs", []) if name in STAGES]}
        for stage in made["stage"]
        if stage["name"] in STAGES
    ]
    return recipes.from_dict(made, where="quickstart of known ions", overrides=overrides)
