"""Recipes: TOML files that say which stages run, on what and in which order."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from ildb.errors import RecipeError
from ildb.hashing import sha256_json
from ildb.pipeline import registry
from ildb.pipeline.stage import AnyStage
from ildb.resources import resource_dir

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class StageSpec(BaseModel):
    """One ``[[stage]]`` of a recipe."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    uses: str
    needs: tuple[Name, ...] = ()
    params: dict[str, Any] = Field(default_factory=dict)


class Recipe(BaseModel):
    """A validated recipe; stages are in an order in which they can run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    description: str = ""
    stage: tuple[StageSpec, ...] = Field(min_length=1)

    @property
    def canonical(self) -> dict[str, Any]:
        """What is stored and hashed: every parameter spelled out, defaults included; no description."""
        return {
            "name": self.name,
            "stage": [
                {
                    **spec.model_dump(exclude={"params"}, mode="json"),
                    "params": build(spec).params.model_dump(mode="json"),
                }
                for spec in self.stage
            ],
        }

    @property
    def sha256(self) -> str:
        """Hash of the canonical form."""
        return sha256_json(self.canonical)


def build(spec: StageSpec) -> AnyStage:
    """The stage object of a specification.

    Raises:
        RecipeError: unknown stage kind, unknown or wrong parameter.
    """
    return registry.create(spec.uses, spec.params, where=f"stage '{spec.name}'")


def load(recipe: str, overrides: Sequence[str] = ()) -> Recipe:
    """Read and validate a recipe.

    Args:
        recipe: path of a TOML file, or the name of a recipe that ships with ildb (``quickstart``).
        overrides: ``STAGE.PARAM=VALUE`` settings; VALUE is TOML, or a plain word.

    Raises:
        RecipeError: naming file and key.
    """
    path = _find(recipe)
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RecipeError(f"{path}: not valid TOML: {error}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot be read: {error}.") from error
    return from_dict(raw, where=str(path), overrides=overrides)


def from_dict(raw: dict[str, Any], *, where: str, overrides: Sequence[str] = ()) -> Recipe:
    """Validate a recipe given as plain data; see ``load``."""
    try:
        parsed = Recipe.model_validate(raw)
    except ValidationError as error:
        raise RecipeError(f"{where}: {_first_problem(error)}.") from error
    for override in overrides:
        parsed = _override(parsed, override)
    ordered = _in_order(parsed, where)
    for spec in ordered.stage:
        try:
            stage = build(spec)
        except RecipeError as error:
            raise RecipeError(f"{where}: {error.what}", error.hint) from error
        _check_needs(ordered, spec, stage.requires, where)
        if stage.once_per_recipe and sum(other.uses == spec.uses for other in ordered.stage) > 1:
            raise RecipeError(
                f"{where}: more than one stage uses '{spec.uses}', and a run can hold the rows of one only.",
                "Make it two recipes: what they share is computed once.",
            )
    return ordered


def _find(recipe: str) -> Path:
    path = Path(recipe)
    try:
        if path.is_file():
            return path
    except OSError as error:
        raise RecipeError(f"The recipe file cannot be looked for: {error.strerror}.") from error
    shipped = resource_dir("pipelines") / f"{path.stem}.toml"
    # Only a bare name or the documented `pipelines/NAME.toml` may mean a shipped recipe.
    if path.parent.name in {"", "pipelines"} and path.suffix in {"", ".toml"} and shipped.is_file():
        return shipped
    known = ", ".join(sorted(p.stem for p in resource_dir("pipelines").glob("*.toml")))
    raise RecipeError(f"There is no recipe file '{recipe}'.", f"Recipes that ship with ildb: {known}.")


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"unknown key '{key}'"
    return f"key '{key}': {problem['msg']}"


def _override(recipe: Recipe, override: str) -> Recipe:
    target, equals, text = override.partition("=")
    stage_name, dot, param = target.strip().partition(".")
    if not (equals and dot and param):
        raise RecipeError(f"--set {override}: expected STAGE.PARAM=VALUE.")
    if stage_name not in {spec.name for spec in recipe.stage}:
        names = ", ".join(spec.name for spec in recipe.stage)
        raise RecipeError(f"--set {override}: the recipe has no stage '{stage_name}'.", f"Its stages: {names}.")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        value = text
    stages = tuple(
        spec.model_copy(update={"params": {**spec.params, param: value}}) if spec.name == stage_name else spec
        for spec in recipe.stage
    )
    return recipe.model_copy(update={"stage": stages})


def _in_order(recipe: Recipe, where: str) -> Recipe:
    by_name = {spec.name: spec for spec in recipe.stage}
    if len(by_name) != len(recipe.stage):
        raise RecipeError(f"{where}: two stages have the same name.")
    for spec in recipe.stage:
        for need in spec.needs:
            if need not in by_name:
                raise RecipeError(f"{where}: stage '{spec.name}' needs '{need}', which is not a stage of the recipe.")
    try:
        order = list(TopologicalSorter({spec.name: spec.needs for spec in recipe.stage}).static_order())
    except CycleError as error:
        raise RecipeError(f"{where}: stages need each other in a circle: {' -> '.join(error.args[1])}.") from error
    return recipe.model_copy(update={"stage": tuple(by_name[name] for name in order)})


def _check_needs(recipe: Recipe, spec: StageSpec, requires: tuple[str, ...], where: str) -> None:
    uses = {other.name: other.uses for other in recipe.stage}
    for required in requires:
        if sum(uses[need] == required for need in spec.needs) != 1:
            raise RecipeError(
                f"{where}: stage '{spec.name}' ({spec.uses}) must need exactly one stage that uses '{required}'.",
                f'Add needs = ["NAME"] with the name of the {required} stage.',
            )
