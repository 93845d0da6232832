"""From what pydantic finds wrong to what a user can mend: path, what stands there, what was wanted, how to cure it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError

from microgrid.errors import Problem, nearest

Keys = tuple[str | int, ...]
_LONGEST = 60


@dataclass(frozen=True)
class Fault:
    """A fault of data whose place in a file is not known yet: a Problem with a path of keys.

    Parameters
    ----------
    path
        Keys from the data's root, or from the field that is being read.
    found, wanted, cure
        As in a Problem.
    place
        File and line, where they are known already, such as a row of a table.
    """

    path: Keys
    found: str
    wanted: str
    cure: str = ""
    place: str = ""

    @property
    def where(self) -> str:
        """The path as a text."""
        return ".".join(_printable(str(key)) for key in self.path)

    def under(self, path: Keys) -> Fault:
        """Return the same fault seen from further up."""
        return replace(self, path=(*path, *self.path))


class RefusedError(Exception):
    """What cannot be read, before pydantic hears of it; `faults` lists all that is wrong."""

    def __init__(self, faults: Iterable[Fault | Problem]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(f"{f.found}: wanted {f.wanted}" for f in self.faults))

    @property
    def for_pydantic(self) -> PydanticCustomError:
        """The same as an error that a validator may raise."""
        return PydanticCustomError("faults", "{text}", {"text": str(self), "faults": self.faults})


def refuse(found: str, wanted: str, cure: str = "") -> PydanticCustomError:
    """Return the error of one field: what stands there, what was wanted, how to cure it."""
    context = {"found": found, "wanted": wanted, "cure": cure}
    return PydanticCustomError("wanted", "{found}: wanted {wanted}" if found else "wanted {wanted}", context)


def _printable(text: str) -> str:
    return text if text.isprintable() else text.encode("unicode_escape").decode()


def shown(value: Any) -> str:
    """Return a value as a scenario file would write it, cut where it is long."""
    text = _written(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _written(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        plain = value.isprintable() and value == value.strip() and value
        return value if plain else repr(value).replace("'", '"')
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_written(part)}" for key, part in list(value.items())[:9]) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_written(part) for part in value[:9]) + "]"
    return f"{value!r}" if isinstance(value, int | float) else str(value)


def shown_path(path: Path) -> Path:
    """Return a path as a user standing here would write it."""
    try:
        return path.resolve().relative_to(Path.cwd())
    except (ValueError, OSError, RuntimeError):
        return path


def no_file(path: Path, written: str, wanted: str, endings: tuple[str, ...]) -> Fault | None:
    """Return the fault of a key `file` that names none, with the file beside it that it may mean; None if it does."""
    try:
        if path.is_file():
            return None
        found = f"{shown(written)}, a folder" if path.is_dir() else shown(written)
        names = [other.name for other in path.parent.iterdir() if other.suffix in endings]
    except (OSError, ValueError):
        found, names = shown(written), []
    return Fault(("file",), found, wanted, did_you_mean(path.name, names))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a cure that names the known word most like `word`, or an empty text."""
    words = list(known)
    begun = [other for other in words if len(word) > 2 and other.startswith(word)]
    near = begun[0] if len(begun) == 1 else nearest(word, words)
    return f'did you mean "{near}"?' if near else ""


class Node(NamedTuple):
    """A place in a model: what pydantic expects there, and how the field is marked."""

    annotation: Any
    marks: tuple[Any, ...] = ()
    told: str = ""

    @property
    def model(self) -> type[BaseModel] | None:
        """The model that is expected here, if it is one."""
        return _model_in(self.annotation)

    @property
    def mark(self) -> Any:
        """The mark that knows how the field is written, such as a Quantity."""
        parts = (part for option in (self.annotation, *get_args(self.annotation)) for part in _metadata(option))
        return next((mark for mark in (*self.marks, *parts) if hasattr(mark, "expected")), None)

    def down(self, key: str | int) -> Node:
        """Return what is expected under a key of pydantic's location."""
        models = getattr(self.mark, "models", {})
        if key in models:
            return Node(models[key])
        tagged = _tagged(self.annotation, key) if _element(self.annotation) is None else None
        if tagged is not None:
            return Node(tagged)
        model = self.model
        if model is not None and key in model.model_fields and _element(self.annotation) is None:
            info = model.model_fields[str(key)]
            return Node(info.annotation, tuple(info.metadata), info.description or "")
        element = _element(self.annotation)
        return self if element is None else Node(element)


@cache
def marks_of(model: type[BaseModel]) -> Mapping[str, Any]:
    """Return the mark of each field of a model, None where a field has none."""
    return {name: Node(info.annotation, tuple(info.metadata)).mark for name, info in model.model_fields.items()}


def _metadata(annotation: Any) -> tuple[Any, ...]:
    return getattr(annotation, "__metadata__", ())


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part)) is not None), None)


def _tagged(annotation: Any, tag: str | int) -> type[BaseModel] | None:
    """Return the one of several models that a kind stands for."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        kind = annotation.model_fields.get("kind")
        return annotation if kind is not None and kind.default == tag else None
    return next((found for part in get_args(annotation) if (found := _tagged(part, tag)) is not None), None)


def kinds_of(annotation: Any) -> list[str]:
    """Return the kinds that several models stand for."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        kind = annotation.model_fields.get("kind")
        return [str(kind.default)] if kind is not None else []
    return [tag for part in get_args(annotation) for tag in kinds_of(part)]


def _element(annotation: Any) -> Any:
    """Return what a list or mapping holds, or None if it is neither."""
    for option in (annotation, *get_args(annotation)):
        if get_origin(option) in (list, tuple, dict):
            return get_args(option)[1 if get_origin(option) is dict else 0]
    return None


def faults_of(
    error: ValidationError, model: type[BaseModel], data: Any, base: Keys = (), currency: str = ""
) -> list[Fault | Problem]:
    """Return what pydantic found wrong with `data`, under the path `base`."""
    found: list[Fault | Problem] = []
    renamed: set[Keys] = set()
    for details in error.errors(include_url=False):
        path, node = _walk(model, data, details["loc"], details["type"])
        if details["type"] == "faults":
            told = details["ctx"]["faults"]
            found += [fault.under((*base, *path)) if isinstance(fault, Fault) else fault for fault in told]
            continue
        if details["type"] == "extra_forbidden":
            renamed.add((*base, *path[:-1], nearest(str(path[-1]), _keys(node))))
        found.append(_fault((*base, *path), node, details, currency))
    return [f for f in found if not (isinstance(f, Fault) and f.found == _MISSING and f.path in renamed)]


def _walk(model: type[BaseModel], data: Any, location: Keys, kind: str) -> tuple[Keys, Node]:
    """Follow pydantic's location in data and model, without the names of alternatives that stand in no file.

    The node is the one that is expected there; for an unknown key, the one that does not have it.
    """
    path: list[str | int] = []
    node = parent = Node(model)
    for position, key in enumerate(location):
        is_tag = key in getattr(node.mark, "models", {})
        is_there = not is_tag and _holds(data, key)
        parent, node = node, node.down(key)
        if is_there:
            data = data[key]
        if is_there or (position == len(location) - 1 and kind == "missing"):
            path.append(key)
    return tuple(path), parent if kind == "extra_forbidden" else node


def _holds(data: Any, key: str | int) -> bool:
    if isinstance(data, Mapping):
        return key in data
    return isinstance(data, list | tuple) and isinstance(key, int) and key < len(data)


def _keys(node: Node) -> list[str]:
    return list(node.model.model_fields) if node.model is not None else []


_MISSING = "missing"
_WANTED = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "a text",
    "string_unicode": "a text",
    "list_type": "a list",
    "tuple_type": "a list",
    "greater_than": "more than {gt}",
    "greater_than_equal": "{ge} or more",
    "less_than": "less than {lt}",
    "less_than_equal": "{le} or less",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
}
_MAPPINGS = ("model_type", "model_attributes_type", "dict_type")


def _fault(path: Keys, node: Node, details: Mapping[str, Any], currency: str) -> Fault:
    kind, context, value = details["type"], details.get("ctx", {}), details.get("input")
    if kind == "wanted":
        return Fault(path, context.get("found") or shown(value), context["wanted"], context.get("cure", ""))
    if kind == "extra_forbidden":
        keys = _keys(node)
        return Fault(path, "unknown key", f"one of {', '.join(keys)}", did_you_mean(str(path[-1]), keys))
    if kind == "missing":
        wanted, sample = _expected(node, currency)
        return Fault(path, _MISSING, wanted, f"write {path[-1]}: {sample}" if sample else "")
    if kind == "literal_error":
        options = _options(node.annotation)
        wanted = f"one of {', '.join(str(option) for option in options)}" if options else context["expected"]
        return Fault(path, shown(value), wanted, did_you_mean(str(value), [str(option) for option in options]))
    if isinstance(value, float) and not math.isfinite(value):
        kind = "finite_number"
    if kind in _MAPPINGS or kind.startswith("union_tag"):
        return Fault(path, shown(value), _mapping(node)) if kind in _MAPPINGS else _unknown_kind(path, node, value)
    wanted = _WANTED.get(kind, str(details["msg"])).format(**{key: _plain(part) for key, part in context.items()})
    return Fault(path, shown(value), wanted, _cure(kind, value))


def _unknown_kind(path: Keys, node: Node, value: Any) -> Fault:
    """Return the fault of a mapping whose kind is none of those that may stand there."""
    kinds, written = kinds_of(node.annotation), value.get("kind") if isinstance(value, Mapping) else None
    told = shown(written) if written is not None else _MISSING
    cure = did_you_mean(str(written), kinds) if written is not None else f"write kind: {kinds[0]}"
    return Fault((*path, "kind"), told, f"one of {', '.join(kinds)}", cure)


def _expected(node: Node, currency: str) -> tuple[str, str]:
    """Return in words what is expected at a node, and a sample of it."""
    if node.mark is not None:
        wanted, sample = node.mark.expected(currency)
        return str(wanted), str(sample)
    if any(hasattr(mark, "carriers") for mark in node.marks):
        return "the name of a bus", ""
    if _keys(node) or _element(node.annotation) is not None:
        return _mapping(node), ""
    options = _options(node.annotation)
    if options:
        return f"one of {', '.join(str(option) for option in options)}", ""
    named = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
    parts = (node.annotation, *get_args(node.annotation))
    wanted = next((named[part] for part in parts if isinstance(part, type) and part in named), "a value")
    return f"{wanted}: {node.told.rstrip('.')}" if node.told else wanted, ""


def _mapping(node: Node) -> str:
    """Say what a mapping or list would hold."""
    keys = f" with {', '.join(_keys(node))}" if _keys(node) else ""
    if _element(node.annotation) is None:
        return f"a mapping{keys}"
    if any(get_origin(option) is dict for option in (node.annotation, *get_args(node.annotation))):
        return f"a mapping by name, each{keys}" if keys else f"a mapping: {node.told.rstrip('.')}"
    return f"a list, each{keys}" if keys else "a list"


def _options(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return next((found for part in get_args(annotation) if (found := _options(part))), ())


def _plain(value: Any) -> Any:
    return f"{value:g}" if isinstance(value, float) else value


def _cure(kind: str, value: Any) -> str:
    if kind == "bool_type" and isinstance(value, str):
        meant = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(value.lower(), value.lower())
        return f"write {meant}" if meant in ("true", "false") else ""
    if kind in ("int_type", "float_type") and isinstance(value, str):
        return "write it without quotes or unit"
    if kind == "string_type" and isinstance(value, int | float) and not isinstance(value, bool):
        return f'write it in quotes: "{shown(value)}"'
    return ""
