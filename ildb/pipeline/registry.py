"""From a recipe's word (``uses``) to a stage class; imported only when used, so that start-up stays fast."""

from __future__ import annotations

import math
from importlib import import_module
from typing import Any

from pydantic import ValidationError

from ildb.errors import RecipeError
from ildb.pipeline import parameters
from ildb.pipeline.stage import AnyStage

STAGES = {
    "ion.describe": "ildb.pipeline.stages.ion_describe:IonDescribe",
    "generate.enumerate": "ildb.pipeline.stages.generate_enumerate:GenerateEnumerate",
    "generate.judge": "ildb.pipeline.stages.generate_judge:GenerateJudge",
    "generate.pair": "ildb.pipeline.stages.generate_pair:GeneratePair",
    "generate.sample": "ildb.pipeline.stages.generate_sample:GenerateSample",
    "generate.train": "ildb.pipeline.stages.generate_train:GenerateTrain",
    "links.train": "ildb.pipeline.stages.links_train:LinksTrain",
    "links.expand": "ildb.pipeline.stages.links_expand:LinksExpand",
    "md.calibrate": "ildb.pipeline.stages.md_calibrate:MdCalibrate",
    "md.fit": "ildb.pipeline.stages.md_fit:MdFit",
    "md.ladder": "ildb.pipeline.stages.md_ladder:MdLadder",
    "md.parameters": "ildb.pipeline.stages.md_parameters:MdParametersStage",
    "melting.train": "ildb.pipeline.stages.melting_train:MeltingTrain",
    "melting.score": "ildb.pipeline.stages.melting_score:MeltingScoreStage",
    "property.train": "ildb.pipeline.stages.property_train:PropertyTrain",
    "property.score": "ildb.pipeline.stages.property_score:PropertyScoreStage",
    "screen.decide": "ildb.pipeline.stages.screen_decide:ScreenDecide",
}


def stage_class(uses: str) -> type[AnyStage]:
    """The class of a kind of stage.

    Raises:
        RecipeError: there is no such kind.
    """
    if uses not in STAGES:
        raise RecipeError(f"there is no kind of stage '{uses}'.", f"Known: {', '.join(STAGES)}.")
    module, _, name = STAGES[uses].partition(":")
    loaded: type[AnyStage] = getattr(import_module(module), name)
    return loaded


def create(uses: str, params: dict[str, Any], *, where: str) -> AnyStage:
    """A stage with validated parameters.

    Raises:
        RecipeError: unknown kind, unknown parameter or wrong type, naming ``where`` and the key.
    """
    try:
        kind = stage_class(uses)
        stage = kind(kind.params_type.model_validate(parameters.with_none(kind.params_type, params)))
    except RecipeError as error:
        raise RecipeError(f"{where}: {error.what}", error.hint) from error
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(["params", *map(str, problem["loc"])])
        if problem["type"] == "extra_forbidden":
            names = ", ".join(sorted(kind.params_type.model_fields))
            raise RecipeError(f"{where}: unknown key '{key}'.", f"Parameters of {uses}: {names}.") from error
        hint = ""
        if problem["type"] == "tuple_type":
            hint = f"A list is written so: '{parameters.as_list(problem['input'])}' (quoted, for the shell)."
        raise RecipeError(f"{where}: key '{key}': {problem['msg']}.", hint) from error
    for name, value in stage.params.model_dump().items():
        # JSON, and so the stored recipe and its hash, know neither NaN nor infinity.
        if isinstance(value, float) and not math.isfinite(value):
            raise RecipeError(f"{where}: key 'params.{name}': Input should be a finite number.")
    return stage
