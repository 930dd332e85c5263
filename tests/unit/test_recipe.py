"""Recipes are validated, canonical and hashed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ildb.cli.pipeline import app
from ildb.errors import RecipeError
from ildb.pipeline import parameters, registry
from ildb.pipeline import recipe as recipes
from ildb.resources import resource_dir

LINKS = {"name": "links", "uses": "links.train"}


def given(*stages: dict[str, Any], **top: Any) -> dict[str, Any]:
    return {"name": "trial", "stage": list(stages), **top}


def load(raw: dict[str, Any], *overrides: str) -> recipes.Recipe:
    return recipes.from_dict(raw, where="trial.toml", overrides=overrides)


def test_every_shipped_recipe_is_valid() -> None:
    paths = sorted(resource_dir("pipelines").glob("*.toml"))
    assert paths
    for path in paths:
        assert recipes.load(str(path)).name == path.stem


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (given(LINKS, colour="red"), r"trial.toml: unknown key 'colour'"),
        (given({**LINKS, "kind": 1}), r"unknown key 'stage.0.kind'"),
        (given({**LINKS, "params": {"epoch": 3}}), r"stage 'links': unknown key 'params.epoch'.*epochs"),
        (given({**LINKS, "params": {"epochs": "many"}}), r"stage 'links': key 'params.epochs'"),
        (given({**LINKS, "uses": "links.guess"}), r"no kind of stage 'links.guess'.*links.train"),
        (given({**LINKS, "needs": ["links"]}), r"circle: links -> links"),
        (given({**LINKS, "needs": ["nothing"]}), r"needs 'nothing', which is not a stage"),
        (given(LINKS, LINKS), r"two stages have the same name"),
        (given(), r"key 'stage'"),
        (given({"name": "expand", "uses": "links.expand"}), r"must need exactly one stage that uses 'links.train'"),
        ({**given(LINKS), "name": "Not a name!"}, r"key 'name'"),
    ],
)
def test_what_is_wrong_is_named(raw: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        load(raw)


def test_stages_are_put_in_an_order_that_can_run() -> None:
    expand = {"name": "expand", "uses": "links.expand", "needs": ["links"]}
    assert [spec.name for spec in load(given(expand, LINKS)).stage] == ["links", "expand"]


def test_the_hash_covers_meaning_only() -> None:
    plain = load(given(LINKS))
    assert load(given(LINKS, description="other words")).sha256 == plain.sha256
    default = plain.canonical["stage"][0]["params"]["epochs"]
    assert load(given({**LINKS, "params": {"epochs": default}})).sha256 == plain.sha256
    assert load(given({**LINKS, "params": {"epochs": default + 1}})).sha256 != plain.sha256


def test_the_canonical_form_loads_to_itself() -> None:
    loaded = load(given(LINKS), "links.seed=5")
    assert load(loaded.canonical).sha256 == loaded.sha256


def test_overrides_are_typed() -> None:
    assert load(given(LINKS), "links.seed=9").canonical["stage"][0]["params"]["seed"] == 9


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("links.seed", "expected STAGE.PARAM=VALUE"),
        ("=3", "expected STAGE.PARAM=VALUE"),
        ("melting.seed=3", "no stage 'melting'"),
        ("links.seed=nine", "key 'params.seed'"),
        ("links.colour=3", "unknown key 'params.colour'"),
    ],
)
def test_wrong_overrides_are_named(override: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        load(given(LINKS), override)


def test_a_missing_file_names_the_shipped_recipes() -> None:
    with pytest.raises(RecipeError, match=r"no recipe file 'nowhere/quickstart.toml'.*quickstart"):
        recipes.load("nowhere/quickstart.toml")


@pytest.mark.parametrize("content", [b"name = ", b"\xff\xfe\x00"])
def test_a_file_that_is_not_toml_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(content)
    with pytest.raises(RecipeError, match=r"broken\.toml"):
        recipes.load(str(path))


def test_none_is_no_limit_where_there_may_be_none() -> None:
    assert registry.create("screen.decide", {"max_sa_score": "none"}, where="x").params.max_sa_score is None
    with pytest.raises(RecipeError, match=r"'params.link_weight': Input should be a valid number"):
        registry.create("screen.decide", {"link_weight": "none"}, where="x")
    assert registry.create("generate.sample", {"mask": "none"}, where="x").params.mask == "none"  # a choice of its own


@pytest.mark.parametrize(
    ("uses", "params", "written"),
    [
        ("screen.decide", {"allowed_elements": "C,N, F"}, r'\'\["C", "N", "F"\]\''),
        ("generate.judge", {"seeds": "1,2"}, r"'\[1, 2\]'"),
    ],
)
def test_how_a_list_is_written_is_said(uses: str, params: dict[str, str], written: str) -> None:
    with pytest.raises(RecipeError, match=f"A list is written so: {written}"):
        registry.create(uses, params, where="x")


@pytest.mark.parametrize(
    ("uses", "name", "said"),
    [
        ("generate.enumerate", "power", r"number, 0 to 2; .*power of their frequency"),
        ("generate.sample", "scale", r"number, above 0, at most 3; standard deviation of the prior.*"),
        ("generate.sample", "mask", r"one of grammar, none; .*"),
        ("screen.decide", "max_heavy_atoms", r"whole number, at least 1, or none; of each ion"),
        ("screen.decide", "pareto", r"list of at least 1, each one of link_probability, .*; .*"),
        ("md.ladder", "passes", r"list, each one of cooling, heating, or none"),
    ],
)
def test_what_a_parameter_means_is_said(uses: str, name: str, said: str) -> None:
    schema = parameters.schemas(registry.stage_class(uses).params_type)[name]
    assert re.fullmatch(said, parameters.meaning(schema))


@pytest.mark.parametrize("uses", registry.STAGES)
def test_every_parameter_has_a_type_in_words_and_a_default_that_can_be_set(uses: str) -> None:
    fields = registry.stage_class(uses).params_type.model_fields
    schemas = parameters.schemas(registry.stage_class(uses).params_type)
    assert list(schemas) == list(fields)
    for name, schema in schemas.items():
        assert "--json" not in parameters.meaning(schema)
        if not fields[name].is_required():
            default = parameters.written(fields[name].get_default(call_default_factory=True))
            text = f'"{default}"' if default == parameters.NONE else default
            read = parameters.with_none(registry.stage_class(uses).params_type, tomllib.loads(f"{name} = {text}"))
            assert parameters.written(read[name]) == default


def test_the_list_of_stages_says_defaults_and_meanings() -> None:
    out = CliRunner().invoke(app, ["stages"]).output
    assert (
        "    max_per_cation = none\n        whole number, at least 1, or none; candidates passed with one cation" in out
    )
    assert "property = (to be given)" in out
