"""The page of a study as sections, each with a picture, a table and a note."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from microgrid.report import render
from microgrid.scenario import Scenario

_NO_SOFTWARE = {"Software": None}


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Parameters
    ----------
    title
        Its heading.
    titles, rows
        A table of texts; the first `words` columns are words, the others numbers.
    picture
        A PNG in base64, with its caption.
    note
        What to know when reading it.
    """

    title: str
    titles: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    words: int = 1
    picture: str = ""
    caption: str = ""
    note: str = ""


@dataclass(frozen=True)
class StudyPage:
    """A page: what it is about, what it says in a sentence, figures, sections, what it does not say."""

    about: str
    terms: str
    verdict: str
    sections: Sequence[Section]
    limits: Sequence[str]
    alarms: Sequence[str] = ()
    cards: Sequence[dict[str, str]] = field(default=())

    def save(self, scenario: Scenario, path: Path) -> None:
        """Write it as HTML that holds everything and loads nothing."""
        context: dict[str, Any] = asdict(self) | {
            "name": scenario.name,
            "description": scenario.description,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "engine": version("green-microgrid"),
        }
        path.write_text(render("study.html.j2", context), encoding="utf-8")


def card(label: str, value: str, unit: str = "", note: str = "") -> dict[str, str]:
    """Return one of the figures at a page's head."""
    return {"label": label, "value": value, "unit": unit, "note": note}


def saved(figure: Figure, path: Path) -> str:
    """Write a picture; return it in base64."""
    held = BytesIO()
    figure.savefig(held, format="png", metadata=_NO_SOFTWARE)
    path.write_bytes(held.getvalue())
    return b64encode(held.getvalue()).decode("ascii")
