"""The JSON Schema of scenario files, for editors: what may stand where, in the words of scenario files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from microgrid.names import LONGEST_NAME
from microgrid.sections import Head
from microgrid.tariffs.tariff import Tariff
from microgrid.technologies import technologies
from microgrid.units import CURRENCY

_NAME = rf"^[^.,:;/|*?=#&!@%$^~+'\"`\\\[\](){{}}<>]{{1,{LONGEST_NAME}}}$"
_NULL = {"type": "null"}
_PARTIAL = "partial_"


@lru_cache(maxsize=1)
def scenario_schema() -> dict[str, Any]:
    """Return the JSON Schema of scenario files.

    A file that extends another may leave anything out, and take a key away by an empty value; for its sections there
    is a second set of definitions, which require nothing.
    """
    kinds = technologies()
    models: list[type[BaseModel]] = [Head, *kinds.values()]
    _, raw = models_json_schema([(model, "validation") for model in models], by_alias=True)
    names = {name: _word(name) for name in raw["$defs"]}
    words = {kind: names[technology.__name__] for kind, technology in kinds.items()}
    whole = {names[name]: _tidy(part, names) for name, part in raw["$defs"].items()}
    head = whole.pop(names[Head.__name__])
    partial = {_PARTIAL + name: _partial(part) for name, part in whole.items()}
    head["properties"]["assets"] |= {"type": "object", "propertyNames": {"pattern": _NAME}}
    extending = _partial(head)["properties"] | {"extends": head["properties"]["extends"]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "green-microgrid scenario",
        "type": "object",
        "properties": {key: {"description": _told(part, whole)} for key, part in head["properties"].items()},
        "additionalProperties": False,
        "if": {"required": ["extends"]},
        "then": {"properties": extending | {"assets": _assets(head, words, _PARTIAL)}},
        "else": {"properties": head["properties"] | {"assets": _assets(head, words, "")}, "required": head["required"]},
        "$defs": dict(sorted((whole | partial).items())),
    }


@lru_cache(maxsize=1)
def tariff_schema() -> dict[str, Any]:
    """Return the JSON Schema of tariff files; one that builds on another may leave anything out."""
    _, raw = models_json_schema([(Tariff, "validation")], by_alias=True)
    names = {name: _word(name) for name in raw["$defs"]}
    whole = {names[name]: _tidy(part, names) for name, part in raw["$defs"].items()}
    head = whole.pop(names[Tariff.__name__])
    partial = {_PARTIAL + name: _partial(part) for name, part in whole.items()}
    bases = {key: {"type": "string"} for key in ("use", "file")}
    building = _partial(head)["properties"] | bases
    # A component that is changed may leave out all but what is changed, its kind too.
    building["components"] = {"type": "object", "additionalProperties": {"type": ["object", "null"]}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "green-microgrid tariff",
        "type": "object",
        "if": {"anyOf": [{"required": [key]} for key in bases]},
        "then": {"properties": building, "additionalProperties": False},
        "else": {"properties": head["properties"], "required": head["required"], "additionalProperties": False},
        "$defs": dict(sorted((whole | partial).items())),
    }


def _word(name: str) -> str:
    """Return a definition's name as a word of scenario files: GridConnection is grid_connection."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower() if name[0].isupper() else name


def _assets(head: Mapping[str, Any], words: Mapping[str, str], prefix: str) -> dict[str, Any]:
    """Describe assets: by its kind, each is one of the technologies."""
    kind = {"enum": list(words), "description": "What it is."}
    each: dict[str, Any] = {
        "type": ["object", "null"] if prefix else "object",
        "properties": {"kind": kind},
        "allOf": [
            {
                "if": {"type": "object", "properties": {"kind": {"const": known}}, "required": ["kind"]},
                "then": {"$ref": f"#/$defs/{prefix}{word}"},
            }
            for known, word in words.items()
        ],
    }
    if not prefix:
        each["required"] = ["kind"]
    return {**head["properties"]["assets"], "additionalProperties": each}


def _tidy(part: Any, names: Mapping[str, str]) -> Any:
    """Return a part of pydantic's schema without what only Python needs."""
    if isinstance(part, list):
        return [_tidy(item, names) for item in part if item not in ({"not": {}}, _NULL)]
    if not isinstance(part, dict):
        return part
    tidy = {key: _tidy(value, names) for key, value in part.items() if key not in ("title", "unit", "properties")}
    if "properties" in part:
        tidy["properties"] = {key: _tidy(value, names) for key, value in part["properties"].items()}
    if "$ref" in tidy:
        tidy["$ref"] = f"#/$defs/{names[tidy['$ref'].rpartition('/')[2]]}"
    if isinstance(tidy.get("description"), str):
        tidy["description"] = " ".join(tidy["description"].split("\n\n")[0].replace("``", "`").split())
    if "default" in tidy:
        _tell_default(tidy, part)
    for several in ("anyOf", "oneOf"):
        if several in tidy and len(tidy[several]) == 1:
            tidy = tidy.pop(several)[0] | tidy
        elif several == "oneOf" and several in tidy:
            tidy["anyOf"] = tidy.pop(several)
    return tidy


def _tell_default(tidy: dict[str, Any], part: Mapping[str, Any]) -> None:
    """Write a default as a scenario file would, or leave it out where no file could."""
    default, unit = tidy["default"], _unit(part)
    if unit and isinstance(default, int | float):
        tidy["default"] = f"{default:g} {unit}" if unit != "1" else default
    if default in (None, "", [], {}) or CURRENCY in unit:
        del tidy["default"]


def _unit(part: Mapping[str, Any]) -> str:
    parts = (part, *part.get("anyOf", ()))
    return next((str(each["unit"]) for each in parts if "unit" in each), "")


def _partial(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return a definition that requires nothing and lets every key be empty."""
    text = {key: value for key, value in part.items() if key not in ("required", "properties")}
    return text | {
        "properties": {
            key: {"anyOf": [_referring(value), _NULL]} | {k: value[k] for k in ("description",) if k in value}
            for key, value in part.get("properties", {}).items()
        }
    }


def _told(part: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Return what a part says of itself, or what its definition does."""
    named = definitions.get(part.get("$ref", "").rpartition("/")[2], {})
    return str(part.get("description") or named.get("description", ""))


def _referring(part: Any) -> Any:
    """Return a part whose references go to the definitions that require nothing, and whose named parts may be empty."""
    if isinstance(part, list):
        return [_referring(item) for item in part]
    if not isinstance(part, dict):
        return part
    found = {
        key: value.replace("#/$defs/", f"#/$defs/{_PARTIAL}") if key == "$ref" else _referring(value)
        for key, value in part.items()
    }
    named = found.get("additionalProperties")
    return found | {"additionalProperties": {"anyOf": [named, _NULL]}} if isinstance(named, dict) else found
