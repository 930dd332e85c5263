"""What the parameters of a stage mean, told from their pydantic fields; and how to write them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel

Schema = Mapping[str, Any]

NONE = "none"
_WORDS = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true or false"}


def schemas(params: type[BaseModel]) -> dict[str, dict[str, Any]]:
    """JSON Schema of each parameter, with its description, bounds, choices, type and default; references resolved."""
    whole = params.model_json_schema()
    definitions = whole.get("$defs", {})

    def resolved(part: Any) -> Any:
        if isinstance(part, list):
            return [resolved(item) for item in part]
        if not isinstance(part, dict):
            return part
        if reference := part.get("$ref"):
            return resolved(definitions[reference.rpartition("/")[2]])
        return {key: resolved(value) for key, value in part.items()}

    return {name: resolved(schema) for name, schema in whole.get("properties", {}).items()}


def written(value: Any) -> str:
    """A value as ``--set`` reads it."""
    return NONE if value is None else json.dumps(value, ensure_ascii=False)


def meaning(schema: Schema) -> str:
    """Type, bounds and choices in words, then the description: ``number, 0 to 2; ...``."""
    said = _type(schema)
    return f"{said}; {schema['description']}" if "description" in schema else said


def _type(schema: Schema) -> str:
    if "anyOf" in schema:
        return ", or ".join(NONE if part.get("type") == "null" else _type(part) for part in schema["anyOf"])
    if "enum" in schema:
        return f"one of {', '.join(map(str, schema['enum']))}"
    if "const" in schema:
        return f"only {schema['const']}"
    if schema.get("type") == "array" and "items" in schema:
        least = f" of at least {schema['minItems']}" if schema.get("minItems") else ""
        return f"list{least}, each {_type(schema['items'])}"
    kind = _WORDS.get(schema.get("type", ""), "see --json")
    return f"{kind}, {bounds}" if (bounds := _bounds(schema)) else kind


def _bounds(schema: Schema) -> str:
    if "minimum" in schema and "maximum" in schema:
        return f"{schema['minimum']} to {schema['maximum']}"
    told = (
        ("minimum", "at least"),
        ("exclusiveMinimum", "above"),
        ("maximum", "at most"),
        ("exclusiveMaximum", "below"),
    )
    return ", ".join(f"{word} {schema[key]}" for key, word in told if key in schema)


def with_none(params: type[BaseModel], given: Mapping[str, Any]) -> dict[str, Any]:
    """The same values, "none" (TOML has no null) read as None where the parameter may be None."""
    return {name: None if value == NONE and _allows_none(params, name) else value for name, value in given.items()}


def _allows_none(params: type[BaseModel], name: str) -> bool:
    field = params.model_fields.get(name)
    return field is not None and type(None) in get_args(field.annotation)


def as_list(text: object) -> str:
    """How what was meant as a list is written: ``C,N`` as ``["C", "N"]``."""
    items = [part.strip() for part in str(text).split(",") if part.strip()]
    try:
        return json.dumps([json.loads(item) for item in items])
    except ValueError:
        return json.dumps(items, ensure_ascii=False)
