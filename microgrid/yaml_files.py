"""YAML as plain data with the line of every key; what a scenario file has no use for is refused, not guessed at.

Of YAML 1.2 this reads mappings, lists, texts, numbers, true and false, empty values, anchors and merge keys. Times stay
texts. Tags, doubled keys, numbers in other bases and endless aliases are faults, all told in one go.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from microgrid.errors import InputError, Problem
from microgrid.faults import Keys, shown, shown_path

_DECIMAL = re.compile(r"[+-]?(0|[1-9][\d_]*)")
_DEEPEST = 40
_MOST = 1_000_000
_NAME = re.compile(r".*:(\w+)")


@dataclass
class Tree:
    """Plain data, file and line of every key by its path, and what was refused: faults, and where None stands in."""

    data: Any = None
    places: dict[Keys, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    refused: set[Keys] = field(default_factory=set)


def read_yaml(path: Path) -> Tree:
    """Read a YAML file.

    Raises
    ------
    InputError
        If the file cannot be read or is no YAML.
    """
    return parse_yaml(_text(path), str(shown_path(path)))


def parse_yaml(text: str, origin: str, has_lines: bool = True) -> Tree:
    """Read YAML from a text.

    Parameters
    ----------
    text
        The YAML.
    origin
        What to call it in messages, such as the file's name.
    has_lines
        Whether the number of a line says anything to the reader.

    Raises
    ------
    InputError
        As `read_yaml`.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        node = YAML(typ="safe", pure=True).compose(io.StringIO(text))
        plain = _Plain(origin, has_lines)
        return Tree(plain.read(node, ()) if node is not None else None, plain.places, plain.problems, plain.refused)
    except InputError:
        raise
    except (YAMLError, ValueError) as error:
        line = _line(error, text)
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise InputError([_no_yaml(reason, f"{origin}:{line}" if line and has_lines else origin)]) from error
    except RecursionError as error:
        raise InputError([_too_deep(origin)]) from error


def _text(path: Path) -> str:
    place = str(shown_path(path))
    wanted = "a scenario file in UTF-8"
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError([Problem("file", "not found", wanted, "check the name", place)]) from None
    except IsADirectoryError:
        raise InputError([Problem("file", "a folder", wanted, "name the file in it", place)]) from None
    except OSError as error:
        raise InputError([Problem("file", f"{error.strerror or error}", wanted, "", place)]) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        found = f"the byte 0x{error.object[error.start]:02x}, which is no UTF-8"
        raise InputError([Problem("file", found, wanted, "save it as UTF-8", f"{place}:{line}")]) from error


def _line(error: Exception, text: str) -> int:
    """Return the line that an error of the YAML reader speaks of, or 0."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is not None:
        return int(mark.line) + 1
    position = getattr(error, "position", None)
    return text[:position].count("\n") + 1 if isinstance(position, int) else 0


def _no_yaml(reason: str, place: str) -> Problem:
    if "another document" in reason:
        return Problem("file", "a second document", "one scenario a file", "leave the second --- out", place)
    cure = "check indentation, colons and quotes here and in the line above"
    if "\\t" in reason:
        cure = "indent with spaces, not with tabs"
    elif "that cannot start any token" in reason:
        cure = "put the text in quotes"
    elif "alias" in reason:
        cure = "name an anchor that stands above, such as &name"
    return Problem("file", reason, "YAML", cure, place)


def _too_deep(place: str) -> Problem:
    return Problem("file", "keys within keys without end", f"at most {_DEEPEST} levels", "", place)


class _Plain:
    """Turns nodes into plain data; gathers places, and what it refuses."""

    def __init__(self, origin: str, has_lines: bool) -> None:
        self.origin, self.has_lines = origin, has_lines
        self.places: dict[Keys, str] = {}
        self.problems: list[Problem] = []
        self.refused: set[Keys] = set()
        self.count = 0

    def read(self, node: Any, path: Keys) -> Any:
        self.count += 1
        if len(path) > _DEEPEST or self.count > _MOST:
            found = "more than a million values" if self.count > _MOST else "keys within keys within keys"
            wanted = f"a file of fewer values, at most {_DEEPEST} levels deep"
            raise InputError([Problem("file", found, wanted, "check its anchors", self._place(node))])
        kind = type(node).__name__
        if node.tag not in (None, "") and not str(node.tag).startswith("tag:yaml.org,2002:"):
            self._refuse(node, path, f"the tag {node.tag}", "a value without a tag", "leave the tag out")
            return None
        if kind == "MappingNode":
            return self._mapping(node, path)
        if kind == "SequenceNode":
            return [self._item(part, (*path, at)) for at, part in enumerate(node.value)]
        return self._scalar(node, path)

    def _item(self, node: Any, path: Keys) -> Any:
        self.places[path] = self._place(node)
        return self.read(node, path)

    def _mapping(self, node: Any, path: Keys) -> dict[str, Any]:
        plain: dict[str, Any] = {}
        for key, value in self._pairs(node, path):
            name = key.value
            if name in plain:
                found, cure = f"a second time, after {self.places[(*path, name)]}", "take one away"
                self._refuse(key, (*path, name), found, "each key once", cure)
                continue
            self.places[(*path, name)] = self._place(key)
            plain[name] = self.read(value, (*path, name))
        for key, value in self._merged(node, path):
            if key.value not in plain:
                self.places[(*path, key.value)] = self._place(key)
                plain[key.value] = self.read(value, (*path, key.value))
        return plain

    def _pairs(self, node: Any, path: Keys) -> Iterator[tuple[Any, Any]]:
        """Give the keys that are words, or numbers as written, with their values."""
        for key, value in node.value:
            if _is_merge(key):
                continue
            is_scalar = type(key).__name__ == "ScalarNode"
            if is_scalar and _type(key) in ("str", "int", "float", "timestamp") and _is_whole(key.value):
                yield key, value
            else:
                written = shown(key.value) if is_scalar else "a list or mapping"
                self._refuse(key, path, f"{written} as a key", "a word as a key", "")

    def _merged(self, node: Any, path: Keys) -> Iterator[tuple[Any, Any]]:
        """Give what merge keys bring, the first first."""
        for key, value in node.value:
            if not _is_merge(key):
                continue
            for source in value.value if type(value).__name__ == "SequenceNode" else [value]:
                if type(source).__name__ != "MappingNode":
                    self._refuse(key, (*path, "<<"), "no mapping", "an alias of a mapping, such as <<: *name", "")
                elif len(path) + self.count > _MOST:
                    return
                else:
                    yield from self._pairs(source, path)
                    yield from self._merged(source, (*path, "<<")) if len(path) < _DEEPEST else ()

    def _scalar(self, node: Any, path: Keys) -> Any:
        text, kind = node.value, _type(node)
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() in ("true", "yes", "on")
        if kind in ("int", "float"):
            return self._number(node, path, kind)
        if kind not in ("str", "timestamp"):
            self._refuse(node, path, f"the tag !!{kind}", "a value without a tag", "leave the tag out")
            return None
        if not _is_whole(text):
            self._refuse(node, path, "half a character", "a text in Unicode", "")
            return None
        return text

    def _number(self, node: Any, path: Keys, kind: str) -> int | float | None:
        text = node.value
        if kind == "float":
            return float(text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))
        if _DECIMAL.fullmatch(text) is None or len(text) > 300:
            cure = "leave the leading zeros out" if text.lstrip("+-").isdigit() and len(text) < 300 else ""
            self._refuse(node, path, shown(text), "a decimal number", cure)
            return None
        return int(text)

    def _refuse(self, node: Any, path: Keys, found: str, wanted: str, cure: str) -> None:
        where = ".".join(str(key) for key in path) or "file"
        self.problems.append(Problem(where, found, wanted, cure, self._place(node)))
        self.refused.add(path)

    def _place(self, node: Any) -> str:
        return f"{self.origin}:{node.start_mark.line + 1}" if self.has_lines else self.origin


def _is_whole(text: str) -> bool:
    """Tell whether a text has no halves of characters, which escapes can make."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _is_merge(key: Any) -> bool:
    return type(key).__name__ == "ScalarNode" and _type(key) == "merge"


def _type(node: Any) -> str:
    match = _NAME.fullmatch(str(node.tag))
    return match[1] if match is not None else str(node.tag)
