"""Recipes are validated, canonical and hashed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ildb.errors import RecipeError
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
