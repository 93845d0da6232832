"""Scenario files: a document in, a validated Scenario out, with every fault of every file in one go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from microgrid.availability import WeatherFile, makers
from microgrid.carriers import CARRIERS
from microgrid.documents import Document, read_document
from microgrid.errors import InputError, Problem, nearest
from microgrid.fields import CAPACITY_TAGS, MONEY, Quantity, Reading, Share, refuse
from microgrid.plant import COST_COLUMNS, EMISSION_COLUMNS, Objective, Plant, PlantBus
from microgrid.technologies import technologies
from microgrid.technologies.base import Technology
from microgrid.timeline import Timeline
from microgrid.units import is_currency

Step = Annotated[float, Quantity("h", above=0.0)]


class _Part(BaseModel):
    """A part of a scenario file: unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Site(_Part):
    """Where the plant stands."""

    time_zone: str = Field(description="IANA name of the local time zone, such as Asia/Shanghai.")
    latitude: Annotated[float, Quantity("deg", low=-90.0, high=90.0)] | None = Field(
        default=None, description="North is positive."
    )
    longitude: Annotated[float, Quantity("deg", low=-180.0, high=180.0)] | None = Field(
        default=None, description="East is positive."
    )

    @field_validator("time_zone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        from zoneinfo import available_timezones

        if name not in available_timezones():
            near = nearest(name, available_timezones())
            raise refuse(
                f'"{name}"', "an IANA time zone such as Asia/Shanghai", f'did you mean "{near}"?' if near else ""
            )
        return name


class Span(_Part):
    """Some days or hours of equal steps."""

    days: int | None = Field(default=None, ge=1, description="Number of local calendar days.")
    length: Step | None = Field(default=None, description="Length, such as 36 h.")
    step: Step = Field(description="Length of a step, such as 15 min.")

    @model_validator(mode="after")
    def _has_one_length(self) -> Span:
        if (self.days is None) == (self.length is None):
            raise refuse("days and length" if self.days else "neither days nor length", "one of days and length")
        return self


class Horizon(_Part):
    """The time that is planned: a start, and days, an end or several spans of steps."""

    start: str = Field(description="Local time, or a time with its offset: 2026-07-15 or 2026-07-15T06:00.")
    end: str | None = Field(default=None, description="End, local or with offset.")
    days: int | None = Field(default=None, ge=1, description="Number of local calendar days.")
    step: Step | None = Field(default=None, description="Length of a step, such as 15 min.")
    spans: list[Span] | None = Field(default=None, description="Several spans of steps, one after the other.")

    @model_validator(mode="after")
    def _has_one_length(self) -> Horizon:
        given = [name for name in ("end", "days", "spans") if getattr(self, name) is not None]
        if len(given) != 1:
            raise refuse(" and ".join(given) or "no length", "one of end, days and spans")
        if (self.step is None) != (self.spans is not None):
            raise refuse("step" if self.step else "no step", "a step with end or days; spans have their own")
        return self

    def timeline(self, zone: str) -> Timeline:
        """Return the horizon's steps in the site's zone."""
        start = _moment(self.start, zone)
        if self.spans is None:
            end = _moment(self.end, zone) if self.end is not None else start + pd.DateOffset(days=self.days)
            return Timeline.regular(start, end, _length(self.step or 0.0))
        spans, at = [], start
        for span in self.spans:
            end = at + pd.DateOffset(days=span.days) if span.days else at + _length(span.length or 0.0)
            spans.append((at, end, _length(span.step)))
            at = end
        return Timeline.spans(spans)


def _length(hours: float) -> pd.Timedelta:
    return pd.Timedelta(seconds=round(hours * 3600))


def _moment(text: str, zone: str) -> pd.Timestamp:
    try:
        moment = pd.Timestamp(text)
        return moment.tz_localize(zone) if moment.tz is None else moment.tz_convert(zone)
    except (ValueError, TypeError) as error:
        raise InputError(
            [
                Problem(
                    "horizon",
                    f'"{text}"',
                    "an ISO time that exists once on the local clock",
                    "write its offset, such as 2026-10-25T02:30+01:00",
                )
            ]
        ) from error


class Finance(_Part):
    """Money over time."""

    discount_rate: Annotated[float, Quantity("1", above=-1.0)] = Field(
        default=0.06, description="Interest per year for annuities."
    )


class Bus(_Part):
    """A bus that is not named like its carrier, or lets surplus go."""

    carrier: str = Field(description=f"One of {', '.join(CARRIERS)}.")
    surplus: bool = Field(default=False, description="Whether surplus may leave for nothing.")

    @field_validator("carrier")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in CARRIERS:
            near = nearest(name, CARRIERS)
            raise refuse(f'"{name}"', f"a carrier: {', '.join(CARRIERS)}", f'did you mean "{near}"?' if near else "")
        return name


Goal = Literal[(*COST_COLUMNS, *EMISSION_COLUMNS)]  # type: ignore[valid-type]
EmissionAmount = Annotated[float, Quantity("kgCO2e", low=0.0)]


class Goals(_Part):
    """What is wanted of the plan."""

    minimise: str | list[str] = Field(
        default="cost", description="A ledger column, or several, the most important first."
    )
    carbon_price: Annotated[float, Quantity(f"{MONEY}/kgCO2e", low=0.0)] = Field(
        default=0.0, description="Price of emissions, booked as cost."
    )
    basis: Literal["location", "market"] = Field(default="location", description="How `emissions` counts scope 2.")
    scopes: list[Literal[1, 2, 3]] = Field(default=[1, 2], min_length=1, description="Scopes that `emissions` counts.")
    caps: dict[str, Annotated[float, Quantity("kgCO2e", other_units=(MONEY,))]] = Field(
        default={}, description="Highest value of any ledger column."
    )
    slack: Share = Field(default=1e-6, description="Share of an earlier goal that a later one may give up.")

    def objective(self) -> Objective:
        """Return the goals as the model wants them."""
        goals = (self.minimise,) if isinstance(self.minimise, str) else tuple(self.minimise)
        return Objective(goals, self.carbon_price, self.basis, tuple(self.scopes), dict(self.caps), self.slack)


class Solver(_Part):
    """How hard to solve."""

    name: str = Field(default="highs", description="highs, or any solver that Pyomo knows.")
    gap: Share = Field(default=1e-4, description="Relative gap at which a plan counts as optimal.")
    time_limit: Step | None = Field(default=None, description="Longest run of the solver, such as 60 s.")
    threads: int | None = Field(default=None, ge=1, description="Number of threads.")
    seed: int = Field(default=0, ge=0, lt=2**31, description="Random seed.")
    options: dict[str, str | int | float | bool] = Field(
        default={}, description="Further options in the solver's own words."
    )


class Head(_Part):
    """All of a scenario but its assets."""

    name: str = Field(default="", description="What it is called in reports.")
    description: str = Field(default="", description="What it is about.")
    currency: str = Field(description="ISO 4217 code of the one currency of the file, such as CNY.")
    site: Site
    horizon: Horizon
    finance: Finance = Finance()
    weather: WeatherFile | None = Field(default=None, description="The weather that availabilities are computed from.")
    buses: dict[str, Bus] = Field(default={}, description="Buses that are not named like their carrier.")
    objective: Goals = Goals()
    solver: Solver = Solver()

    @field_validator("currency")
    @classmethod
    def _is_code(cls, code: str) -> str:
        if not is_currency(code):
            raise refuse(f'"{code}"', "an ISO 4217 currency such as CNY or EUR")
        return code


@dataclass(frozen=True)
class Scenario:
    """A scenario, read and validated.

    Parameters
    ----------
    plant
        What the model is made of.
    solver
        How hard to solve.
    document
        The data behind it, with the place of every key.
    """

    name: str
    description: str
    plant: Plant
    solver: Solver
    document: Document


def read_scenario(path: Path | str, overrides: Mapping[str, str] | None = None) -> Scenario:
    """Read a scenario file.

    Parameters
    ----------
    path
        The YAML file.
    overrides
        Values by path, such as ``{"assets.battery.energy": "3 MWh"}``.

    Raises
    ------
    InputError
        With every fault found, each with file and line.
    """
    path = Path(path)
    document = read_document(path, overrides)
    data = dict(document.data)
    assets = data.pop("assets", None)
    problems: list[Problem] = []
    head = _head(document, data, problems)
    timeline = _timeline(document, head, problems)
    reading = _reading(document, head, timeline, data.get("currency"))
    built = _assets(document, assets, reading, problems)
    if problems or head is None or timeline is None:
        raise InputError(problems)
    try:
        buses = {name: PlantBus(CARRIERS[bus.carrier], bus.surplus) for name, bus in head.buses.items()}
        plant = Plant(timeline, built, buses, head.objective.objective(), head.finance.discount_rate, head.currency)
    except InputError as error:
        raise InputError(_placed(document, error.problems)) from error
    return Scenario(head.name or path.stem, head.description, plant, head.solver, document)


def _head(document: Document, data: dict[str, Any], problems: list[Problem]) -> Head | None:
    currency = data.get("currency")
    try:
        return Head.model_validate(
            data, context=Reading(currency if isinstance(currency, str) else "", document.folder)
        )
    except ValidationError as error:
        problems += _problems(document, error, (), Head)
        return None


def _timeline(document: Document, head: Head | None, problems: list[Problem]) -> Timeline | None:
    if head is None:
        return None
    try:
        return head.horizon.timeline(head.site.time_zone)
    except InputError as error:
        problems += _placed(document, error.problems)
        return None


def _reading(document: Document, head: Head | None, timeline: Timeline | None, currency: Any) -> Reading:
    if head is None or timeline is None:
        return Reading(currency if isinstance(currency, str) else "", document.folder)
    made = makers(head.weather, document.folder, timeline, (head.site.latitude, head.site.longitude))
    return Reading(head.currency, document.folder, timeline, made)


def _assets(document: Document, assets: Any, reading: Reading, problems: list[Problem]) -> dict[str, Technology]:
    if not isinstance(assets, dict) or not assets:
        problems.append(Problem("assets", "none", "at least one asset by its name", "", document.place(("assets",))))
        return {}
    built = {}
    for name, data in assets.items():
        asset = _asset(document, name, data, reading, problems)
        if asset is not None:
            built[name] = asset
    return built


def _asset(document: Document, name: str, data: Any, reading: Reading, problems: list[Problem]) -> Technology | None:
    path = ("assets", name)
    kinds = technologies()
    kind = data.get("kind") if isinstance(data, dict) else None
    if not isinstance(kind, str) or kind not in kinds:
        near = nearest(str(kind), kinds)
        found = f'kind "{kind}"' if kind is not None else "no kind"
        cure = f'did you mean "{near}"?' if near else ""
        problems.append(
            Problem(f"assets.{name}.kind", found, f"one of {', '.join(kinds)}", cure, document.place((*path, "kind")))
        )
        return None
    try:
        return kinds[kind].model_validate(data, context=reading)
    except ValidationError as error:
        problems += _problems(document, error, path, kinds[kind], reading.timeline is None)
        return None


def _placed(document: Document, problems: Iterable[Problem]) -> list[Problem]:
    return [problem.at(document.place(problem.where.split("."))) for problem in problems]


def _problems(
    document: Document, error: ValidationError, base: tuple[str, ...], model: type[BaseModel], no_timeline: bool = False
) -> Iterator[Problem]:
    """Turn pydantic's errors into Problems with file and line."""
    for fault in error.errors(include_url=False):
        path = (*base, *_in_document(document, base, fault["loc"]))
        context = fault.get("ctx", {})
        if no_timeline and "when a technology is made in Python" in str(context.get("wanted", "")):
            continue  # the horizon's own fault is already told
        where = ".".join(str(key) for key in path) or "file"
        if context.get("problems"):
            for problem in context["problems"]:
                yield Problem(
                    f"{where}: {problem.where}",
                    problem.found,
                    problem.wanted,
                    problem.cure,
                    problem.place or document.place(path),
                )
            continue
        yield _problem(where, fault, context, _keys(model, fault["loc"]), document.place(path))


def _in_document(document: Document, base: tuple[str, ...], loc: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Return a location without the names of alternatives that stand in no file."""
    data: Any = document.data
    for key in base:
        data = data[key]
    path: list[str | int] = []
    for position, key in enumerate(loc):
        if isinstance(data, dict) and key in data:
            data = data[key]
        elif isinstance(data, list) and isinstance(key, int) and key < len(data):
            data = data[key]
        elif key in CAPACITY_TAGS or position < len(loc) - 1 or str(key).startswith(("str", "list", "float", "int")):
            continue
        path.append(key)
    return tuple(path)


def _problem(where: str, fault: Mapping[str, Any], context: Mapping[str, Any], keys: list[str], place: str) -> Problem:
    kind, value = fault["type"], fault.get("input")
    if kind == "wanted":
        return Problem(where, context.get("found", ""), context["wanted"], context.get("cure", ""), place)
    if kind == "extra_forbidden":
        near = nearest(str(fault["loc"][-1]), keys)
        return Problem(
            where, "unknown key", f"one of {', '.join(keys)}", f'did you mean "{near}"?' if near else "", place
        )
    if kind == "missing":
        return Problem(where, "missing", "a value", "", place)
    if kind == "literal_error":
        return Problem(where, f"{value!r}", context["expected"], "", place)
    message = fault["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    return Problem(where, f"{value!r}"[:60], message, "", place)


def _keys(model: type[BaseModel], loc: tuple[str | int, ...]) -> list[str]:
    """Return the keys that are known at the parent of a location."""
    fields = model.model_fields
    for key in loc[:-1]:
        if key in fields:
            found = _model_in(fields[str(key)].annotation, fields[str(key)].metadata)
            fields = found.model_fields if found is not None else fields
    return list(fields)


def _model_in(annotation: Any, metadata: Iterable[Any] = ()) -> type[BaseModel] | None:
    from typing import get_args

    from microgrid.capacity import Sized
    from microgrid.fields import CapacityIn

    if any(isinstance(mark, CapacityIn) for mark in metadata):
        return Sized
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part)) is not None), None)


@lru_cache(maxsize=1)
def scenario_schema() -> dict[str, Any]:
    """Return the JSON Schema of scenario files, for editors."""
    from functools import reduce
    from operator import or_

    from pydantic import create_model

    kinds = reduce(or_, technologies().values())
    assets = dict[str, Annotated[kinds, Field(discriminator="kind")]]  # type: ignore[valid-type]
    whole = create_model(
        "ScenarioFile",
        __base__=Head,
        assets=(assets, Field(description="What stands on the site, by name.")),
        extends=(str, ""),
    )
    schema = whole.model_json_schema(mode="validation")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "green-microgrid scenario"
    if "required" in schema:  # what a file leaves out, the file it extends may give
        del schema["required"]
    return schema
