"""Faults of the input, gathered first and raised once, so that a user mends a file in one go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Problem:
    """One fault: where it is, what stands there, what was wanted and how to cure it.

    Parameters
    ----------
    where
        The field by its path, such as ``assets.battery.energy``, or a row of a table.
    found
        What stands there, as the user wrote it.
    wanted
        What was expected there.
    cure
        What to write instead, if that can be said.
    place
        File and line, such as ``plant.yaml:31``; empty for objects made in Python.
    """

    where: str
    found: str
    wanted: str
    cure: str = ""
    place: str = ""

    def at(self, place: str) -> Problem:
        """Return the same fault with its file and line, unless it has them already."""
        return self if self.place else replace(self, place=place)

    def __str__(self) -> str:
        """Two lines: what stands where; what was wanted and the cure."""
        head = f"{self.place}  " if self.place else ""
        found = f": {self.found}" if self.found else ""
        cure = f"; {self.cure}" if self.cure else ""
        return f"{head}{self.where}{found}\n   wanted {self.wanted}{cure}"


class MicrogridError(Exception):
    """Every error this package raises on purpose."""


class InputError(MicrogridError, ValueError):
    """The input holds faults; `problems` lists all of them."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word most like `word`, or an empty string if none is near."""
    from difflib import get_close_matches

    matches = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else ""
