"""The site file of a plant server: which scenario, how far to look, where measurements and forecasts come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from microgrid.errors import InputError, Problem
from microgrid.rolling.windows import Look, hours_of
from microgrid.units import UnitError, quantity
from microgrid.yaml_files import read_yaml


class Source(BaseModel):
    """A table of rows (time, asset, quantity, value, unit): a CSV file, or a table of a database."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str = Field(default="", description="CSV file, from the folder of the site file.")
    database: str = Field(default="", description="SQLAlchemy address, such as sqlite:///site.db, or an environment "
                          "variable that holds one, such as $SITE_DATABASE.")  # fmt: skip
    table: str = Field(default="", description="Table of the database.")


class Site(BaseModel):
    """What a plant server is told once.

    Parameters
    ----------
    scenario
        The scenario file; its horizon is a typical time, by which series are foreseen where nothing better is known.
    window
        How far each plan looks ahead.
    deadline
        Time that a planning run may take.
    measurements, forecasts
        Where the newest numbers come from.
    limits
        File of live limits: outages, deratings, calls, prices.
    keep
        For how long plans are kept.
    change
        What each unit and hour costs that is not switched as the running plan says; nothing without it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scenario: str
    window: str = "24 h/15 min, 12 h/1 h"
    deadline: str = "60 s"
    measurements: Source | None = None
    forecasts: Source | None = None
    limits: str = ""
    keep: str = "30 d"
    change: str = ""

    @property
    def look(self) -> Look:
        """How far each plan looks ahead."""
        return Look.read(self.window, "window")

    @property
    def hours_kept(self) -> float:
        """For how many hours plans are kept."""
        return hours_of(self.keep, "keep")

    def change_cost(self, currency: str) -> float:
        """Return what each unit and hour costs that is not switched as the running plan says.

        Raises
        ------
        InputError
            If it is no amount per hour, or below zero.
        """
        if not self.change:
            return 0.0
        try:
            cost = quantity(self.change, f"{currency}/h")
        except UnitError:
            cost = -1.0
        if cost < 0:
            raise InputError([Problem("change", f'"{self.change}"', f"an amount per hour, such as 20 {currency}/h")])
        return cost

    @property
    def seconds(self) -> float:
        """Time that a planning run may take, in seconds."""
        return 3600.0 * hours_of(self.deadline, "deadline")


def read_site(path: Path) -> Site:
    """Read a site file.

    Raises
    ------
    InputError
        With every fault found.
    """
    tree = read_yaml(path)
    if tree.problems:
        raise InputError(tree.problems)
    site: Site = parsed(Site, tree.data, path)
    return site


def parsed(model: type[Any], data: Any, path: Path) -> Any:
    """Return data as a model.

    Raises
    ------
    InputError
        With every fault found.
    """
    try:
        found = model.model_validate_json(json.dumps(data))
    except ValidationError as error:
        raise InputError(
            [Problem(".".join(map(str, e["loc"])) or "file", str(e["type"]).replace("_", " "), _wanted(model, e), "",
                     str(path)) for e in error.errors()]
        ) from error  # fmt: skip
    return found


def _wanted(model: type[BaseModel], error: Any) -> str:
    """Say what was wanted: the keys that there are, or a value of the right kind."""
    if error["type"] == "extra_forbidden":
        return f"one of {', '.join(model.model_fields)}"
    return "a value" if error["type"] == "missing" else str(error["msg"]).casefold()
