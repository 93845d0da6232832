"""Why there is no plan, as data and as text: what cannot be met, the limits met there, the smallest changes."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

_MOST_TIMES = 3
_MOST_LINES = 6
_WIDTH = 110


@dataclass(frozen=True)
class Period:
    """Steps in a row: when they begin and end, and how many they are."""

    begin: pd.Timestamp
    end: pd.Timestamp
    steps: int

    def __str__(self) -> str:
        """Local times, as a planner writes them."""
        same_day = self.begin.date() == self.end.date()
        end = self.end.strftime("%H:%M" if same_day else "%Y-%m-%d %H:%M")
        count = f"{self.steps} steps" if self.steps > 1 else "1 step"
        return f"{self.begin:%Y-%m-%d %H:%M} to {end} ({count})"


@dataclass(frozen=True)
class Unmet:
    """What cannot be met.

    Parameters
    ----------
    what
        In words, such as ``electricity lacks up to 340 kW, 510 kWh in all``.
    asset
        The asset, the bus or the capped column it is about.
    periods
        When; empty where it is about the horizon as a whole.
    hours
        How long in all.
    missing
        The most that is lacking at once (below zero: the most there is too much), in `unit`.
    unit
        kW, kg/h, kWh, kg, kgCO2e or the currency; empty where none is known.
    """

    what: str
    asset: str
    periods: tuple[Period, ...]
    hours: float
    missing: float
    unit: str

    def __str__(self) -> str:
        """When, and what."""
        shown = "; ".join(str(period) for period in self.periods[:_MOST_TIMES])
        more = len(self.periods) - _MOST_TIMES
        if more > 0:
            shown += f"; and {more} more times until {self.periods[-1].end:%Y-%m-%d %H:%M}"
        return f"{shown}: {self.what}" if shown else self.what


@dataclass(frozen=True)
class Limit:
    """A field that says how far things may go, and is met where something is lacking.

    Parameters
    ----------
    field, place
        Path of the field, and its file and line; empty where no field says so.
    asset
        The asset, or an empty text for a cap.
    what
        What the limit holds, in words.
    found
        The value as it stands in the scenario.
    """

    field: str
    place: str
    asset: str
    what: str
    found: str

    def __str__(self) -> str:
        """Whose limit it is and what it holds, with the field that says so."""
        place = f", {self.place}" if self.place else ""
        field = f" ({self.field}: {self.found}{place})" if self.field else ""
        return f"{self.asset}: {self.what}{field}"


@dataclass(frozen=True)
class Proposal:
    """One change that lets a plan be found, without any other.

    Parameters
    ----------
    field, place
        Path of the field, and its file and line.
    asset
        The asset, or an empty text for a cap or a bus.
    found, wanted
        What stands there, and what could stand there instead.
    overrides
        The change as `--set` takes it; empty for a plant made in Python.
    is_proved
        Whether the changed scenario was solved; where not, only its relaxation, with fractions for whole numbers, was.
    or_more
        Whether more of the same change is as good: ``or more``, ``or less``, or an empty text.
    """

    field: str
    place: str
    asset: str
    found: str
    wanted: str
    overrides: Mapping[str, str] = dataclasses.field(default_factory=dict)
    is_proved: bool = True
    or_more: str = ""

    def __str__(self) -> str:
        """Return the field, what stands there, what could."""
        place = f" ({self.place})" if self.place else ""
        further = f" {self.or_more}" if self.or_more else ""
        doubt = "" if self.is_proved else "; not proved: whole numbers were taken as fractions"
        return f"{self.field}{place}: {self.found} -> {self.wanted}{further}{doubt}"


@dataclass(frozen=True)
class Explanation:
    """Why there is no plan.

    Parameters
    ----------
    head
        One sentence.
    unmet
        What cannot be met.
    limits
        The limits that are met there.
    proposals
        Changes, each of which alone lets a plan be found, the smallest first.
    notes
        What else is known, or is not.
    titles
        What `unmet` and `limits` are called.
    """

    head: str
    unmet: tuple[Unmet, ...] = ()
    limits: tuple[Limit, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    notes: tuple[str, ...] = ()
    titles: tuple[str, str] = ("cannot be met", "limits met there")

    def __str__(self) -> str:
        """One short screen."""
        lines = [self.head]
        lines += _section(self.titles[0], self.unmet)
        lines += _section(self.titles[1], self.limits)
        proved = "each proved by a solve" if all(p.is_proved for p in self.proposals) else "see what is proved"
        one = len(self.proposals) == 1
        title = "the change that cures it (proved by a solve)" if one and self.proposals[0].is_proved else (
            f"each of these changes alone cures it ({proved})"
        )  # fmt: skip
        lines += _section(title, self.proposals)
        return "\n".join([*lines, *self.notes])


def _section(title: str, parts: Sequence[object]) -> list[str]:
    if not parts:
        return []
    more = len(parts) - _MOST_LINES
    rest = [f"   and {more} more"] if more > 0 else []
    return [title, *(_wrapped(str(part)) for part in parts[:_MOST_LINES]), *rest]


def _wrapped(text: str) -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent="   ",
        subsequent_indent="      ",
        break_long_words=False,
        break_on_hyphens=False,
    )
