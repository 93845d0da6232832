"""The site file of a plant server: which scenario, how far to look, where measurements and forecasts come from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from microgrid.errors import InputError, Problem
from microgrid.faults import Keys, refuse, shown
from microgrid.forecasting.futures import WANTED, is_fit, levels
from microgrid.probabilities import probabilities_of
from microgrid.rolling.first_stage import FirstStage
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
    futures
        What may come, by name with its probability, each with rows of its own among the forecasts: a number of them, a
        list of names that are equally likely, or names with shares. Without it plans are made for one forecast.
    first_stage
        For how long set-points are the same in all futures: until the next run.
    units_ahead
        For how long it is the same in all futures which units are on; as long as the first stage without it.
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
    futures: dict[str, float] = {}
    first_stage: str = "1 h"
    units_ahead: str = ""

    @field_validator("futures", mode="before")
    @classmethod
    def _with_probabilities(cls, told: Any) -> dict[str, float]:
        """Return the futures with their probabilities, however they are told."""
        if isinstance(told, int) and not isinstance(told, bool):
            if not is_fit(told):
                raise refuse(str(told), WANTED, "such as 3")
            return {level.name: level.probability for level in levels(told, "futures")}
        if isinstance(told, list) and len(set(map(str, told))) == len(told):
            told = dict.fromkeys(map(str, told))
        if not isinstance(told, dict) or len(told) < 2:
            raise refuse(shown(told), "two futures or more", "such as 3, or {low: 30 %, usual: 40 %, high: 30 %}")
        return probabilities_of({name: _share(name, share) for name, share in told.items()})

    @property
    def stage(self) -> FirstStage:
        """What is the same in all futures."""
        units = hours_of(self.units_ahead, "units_ahead") if self.units_ahead else 0.0
        return FirstStage(hours_of(self.first_stage, "first_stage"), units)

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
    site: Site = parsed(Site, tree.data, path, tree.places)
    return site


def _share(name: str, told: Any) -> float | None:
    """Return a probability as a share, or None where none is told."""
    if told is None:
        return None
    try:
        return quantity(str(told), "1")
    except UnitError as error:
        raise refuse(f"{name}: {shown(told)}", "a probability", 'such as "30 %"') from error


def parsed(model: type[Any], data: Any, path: Path, places: Mapping[Keys, str] | None = None) -> Any:
    """Return data as a model.

    Parameters
    ----------
    model
        What it is to be.
    data, path
        What was read, and where.
    places
        File and line of each key.

    Raises
    ------
    InputError
        With every fault found.
    """
    try:
        found = model.model_validate_json(json.dumps(data))
    except ValidationError as error:
        raise InputError([_problem(model, each, path, places or {}) for each in error.errors()]) from error
    return found


def _problem(model: type[BaseModel], error: Any, path: Path, places: Mapping[Keys, str]) -> Problem:
    where = ".".join(map(str, error["loc"])) or "file"
    place = places.get(tuple(error["loc"]), str(path))
    if error["type"] == "wanted":
        told = error["ctx"]
        return Problem(where, told["found"], told["wanted"], told["cure"], place)
    return Problem(where, str(error["type"]).replace("_", " "), _wanted(model, error), "", place)


def _wanted(model: type[BaseModel], error: Any) -> str:
    """Say what was wanted: the keys that there are, or a value of the right kind."""
    if error["type"] == "extra_forbidden":
        return f"one of {', '.join(model.model_fields)}"
    return "a value" if error["type"] == "missing" else str(error["msg"]).casefold()
