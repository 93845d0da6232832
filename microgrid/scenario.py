"""Scenario files: a document in, a validated Scenario out, with every fault of every file in one go."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from microgrid.accounts import Accounting
from microgrid.availability import Maker, PhotovoltaicArray, Turbine, WeatherFile, makers
from microgrid.carriers import CARRIERS
from microgrid.documents import Document, read_document
from microgrid.errors import InputError, Problem
from microgrid.factor_checks import footprint_problems
from microgrid.families import named_case
from microgrid.faults import Fault, Keys, RefusedError, did_you_mean, faults_of, marks_of, no_file, shown
from microgrid.fields import Quantity, Reading
from microgrid.finance_section import Finance, Reference
from microgrid.horizons import Horizon
from microgrid.names import unfit_name
from microgrid.pathway_section import Pathway
from microgrid.plant import UNFED, Objective, Plant, PlantBus, amount_of, amounts_of
from microgrid.reading import read_number
from microgrid.schema import scenario_schema
from microgrid.sections import AccountingPart, Bus, Head, Site, Solver
from microgrid.series import Series
from microgrid.technologies import technologies
from microgrid.technologies.base import Technology
from microgrid.timeline import Timeline
from microgrid.uncertainty_section import Uncertainty
from microgrid.units import is_currency

_Model = TypeVar("_Model", bound=BaseModel)
_Faults = list[Fault | Problem]
_SPECS: dict[str, type[BaseModel]] = {"photovoltaic": PhotovoltaicArray, "wind_turbine": Turbine}


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
    footprint
        Life-cycle factors of the sources of energy, by asset, for the footprint of products.
    finance
        Money over the years.
    reference
        What an investment is compared with, where the file says so.
    pathway
        Its stages, where the file tells any.
    uncertainty
        The futures that it is sized for, where the file tells any.
    """

    name: str
    description: str
    plant: Plant
    solver: Solver
    document: Document
    footprint: Mapping[str, Series] = field(default_factory=dict)
    finance: Finance = field(default_factory=Finance)
    reference: Reference | None = None
    pathway: Pathway | None = None
    uncertainty: Uncertainty | None = None


def read_scenario(path: Path | str, overrides: Mapping[str, str] | None = None, case: str = "") -> Scenario:
    """Read a scenario file.

    Parameters
    ----------
    path
        The YAML file.
    overrides
        Values by path, such as ``{"assets.battery.energy": "3 MWh"}``.
    case
        Name of the case, where the file holds a sweep.

    Raises
    ------
    InputError
        With every fault found, each with file and line.
    """
    if case:
        return scenario_of(named_case(Path(path), case, overrides).document())
    return scenario_of(read_document(Path(path), overrides))


def scenario_of(document: Document, memory: MutableMapping[str, Any] | None = None) -> Scenario:
    """Return the scenario that a document holds.

    Parameters
    ----------
    document
        The document.
    memory
        Assets and horizons that were read before, by all that they were read from: whoever reads many documents that
        differ in a few fields passes the same mapping each time, while no file changes.

    Raises
    ------
    InputError
        With every fault found, each with file and line.
    """
    data, faults = document.data, list[Fault | Problem]()
    if document.sweep is not None:
        cure = "`microgrid expand FILE` lists them, `microgrid batch FILE` solves them, --case NAME takes one"
        faults.append(Fault(("sweep",), "a sweep", "one case of it", cure))
    currency = data.get("currency")
    reading = Reading(currency if isinstance(currency, str) and is_currency(currency) else "", document.folder)
    head = _read(Head, data, (), reading, faults)
    known = _Memory.of(document, {} if memory is None else memory)
    timeline, reading = known.time(data, reading, faults)
    faults += _name_faults(data)
    assets = _assets(data.get("assets"), reading, faults, known)
    faults += _reference_faults(head, data, reading)
    plant = _plant(data, head, timeline, assets, reading, faults)
    if plant is not None:
        faults += _amount_faults(plant, data["assets"], reading)
    if head is not None:
        faults += _footprint_faults(head.footprint.factors, data.get("assets"))
        faults += footprint_problems(head.footprint.factors, head.accounting.told())
    told = [document.placed(fault) for fault in faults if not document.has_told(fault)]
    problems = sorted(dict.fromkeys([*document.problems, *told]), key=document.order)
    if problems or head is None or plant is None:
        raise InputError(problems)
    name = head.name or document.files[0].stem
    beside = head.footprint.factors, head.finance, head.reference, head.pathway, head.uncertainty
    return Scenario(name, head.description, plant, head.solver, document, *beside)


def _plant(
    data: Mapping[str, Any],
    head: Head | None,
    timeline: Timeline | None,
    assets: Mapping[str, Technology],
    reading: Reading,
    faults: _Faults,
) -> Plant | None:
    """Put the plant together, with what is known of it where parts hold faults of their own."""
    named = data.get("buses")
    declared = {name: _read(Bus, bus, (), reading) for name, bus in (named.items() if isinstance(named, dict) else ())}
    buses = {name: PlantBus(CARRIERS[bus.carrier], bus.surplus) for name, bus in declared.items() if bus is not None}
    if not assets or len(buses) < len(declared):
        return None
    objective = head.objective.objective() if head is not None else Objective()
    rate = head.finance.real_rate if head is not None else 0.0
    # Whatever else is wrong with the head, what is asked of factors is known where this section is good.
    kept = head.accounting if head is not None else _read(AccountingPart, data.get("accounting", {}), (), reading)
    accounting = kept.told() if kept is not None else Accounting()
    areas = head.site.areas if head is not None else {}
    try:
        policies = head.policies if head is not None and timeline is not None else ()
        steps = timeline or Timeline.of_hours([1.0])
        year = head.finance.first_year if head is not None else None
        return Plant(steps, assets, buses, objective, rate, reading.currency, accounting, policies, areas, year=year)
    except InputError as error:
        is_whole = isinstance(data["assets"], dict) and len(assets) == len(data["assets"])
        told = [problem for problem in error.problems if is_whole or problem.wanted != UNFED]
        # What fits a horizon or not cannot be told of one that is not known.
        faults += [problem for problem in told if timeline is not None or ".tariff." not in problem.where]
        return None


def _read(model: type[_Model], data: Any, path: Keys, reading: Reading, faults: _Faults | None = None) -> _Model | None:
    """Validate data as strictly as if they were JSON: a text is no number, and 1 is not true."""
    try:
        return model.model_validate_json(json.dumps(data), strict=True, context=reading)
    except ValidationError as error:
        if faults is not None:
            faults += faults_of(error, model, data, path, reading.currency)
        return None


def _with_time(data: Mapping[str, Any], reading: Reading, faults: _Faults) -> tuple[Timeline | None, Reading]:
    """Return the horizon's steps, and a reading that knows them, from sections that need no other to be good."""
    site = _read(Site, data.get("site"), ("site",), reading)
    horizon = _read(Horizon, data.get("horizon"), ("horizon",), reading)
    timeline = None
    if horizon is not None:
        try:  # without a zone, for the faults that a horizon has in any
            steps = horizon.timeline(site.time_zone if site is not None else "UTC")
            timeline = steps if site is not None else None
        except RefusedError as error:
            faults += [fault.under(("horizon",)) for fault in error.faults if isinstance(fault, Fault)]
    weather = _read(WeatherFile, data["weather"], ("weather",), reading) if "weather" in data else None
    is_unreadable = "weather" in data and weather is None
    if weather is not None:
        lost = no_file(reading.folder / weather.file, weather.file, "a weather file that is there", (".epw", ".csv"))
        if lost is not None:
            faults.append(lost.under(("weather",)))
            is_unreadable = True
    made: dict[str, Maker] = {}
    if site is not None and timeline is not None and not is_unreadable:
        made = makers(weather, reading.folder, timeline, (site.latitude, site.longitude))
    checked = {name: _checked(model, made.get(name, _nothing), reading) for name, model in _SPECS.items()}
    return timeline, Reading(reading.currency, reading.folder, timeline, checked)


def _nothing(_spec: Mapping[str, Any]) -> NDArray[np.float64]:
    """Stand in for a weather model where horizon or weather hold faults of their own."""
    return np.asarray(0.0)


def _checked(model: type[BaseModel], maker: Maker, reading: Reading) -> Maker:
    """Return a maker that tells faults of its mapping, or of the weather, as such."""

    def make(spec: Mapping[str, Any]) -> NDArray[np.float64]:
        faults: _Faults = []
        if _read(model, spec, (), reading, faults) is None:
            raise RefusedError(faults)
        try:
            return maker(spec)
        except InputError as error:
            raise RefusedError(error.problems) from error

    return make


def _reference_faults(head: Head | None, data: Mapping[str, Any], reading: Reading) -> Iterator[Fault | Problem]:
    """Refuse a reference that is no file, or leaves out what is not there."""
    if head is None or head.reference is None:
        return
    reference, assets = head.reference, data.get("assets")
    if reference.file:
        lost = no_file(reading.folder / reference.file, reference.file, "a scenario file that is there", (".yaml",))
        if lost is not None:
            yield lost.under(("reference",))
    for place, name in enumerate(reference.without):
        if not isinstance(assets, dict) or name not in assets:
            cure = did_you_mean(name, assets or ())
            yield Fault(("reference", "without", place), shown(name), "an asset of the scenario", cure)


def _name_faults(data: Mapping[str, Any]) -> Iterator[Fault]:
    for section in ("assets", "buses"):
        names = data.get(section)
        for name in names if isinstance(names, dict) else ():
            unfit = unfit_name(name)
            if unfit is not None:
                yield Fault((section, name), *unfit)


class _Memory(NamedTuple):
    """Assets by all that they were read from: their own data, and the sections around; the time by the latter."""

    known: MutableMapping[str, Any]
    around: str

    @classmethod
    def of(cls, document: Document, known: MutableMapping[str, Technology]) -> _Memory:
        apart = ("assets", "name", "description", "objective", "solver")  # of which no asset's reading knows
        around = {key: part for key, part in document.data.items() if key not in apart}
        return cls(known, json.dumps([str(document.folder), around], sort_keys=True))

    def key(self, data: Any) -> str:
        return json.dumps([self.around, data])

    def time(self, data: Mapping[str, Any], reading: Reading, faults: _Faults) -> tuple[Timeline | None, Reading]:
        """Return the horizon's steps and a reading that knows them; what holds faults is not remembered."""
        if self.around in self.known:
            found: tuple[Timeline, Reading] = self.known[self.around]
            return found
        new: _Faults = []
        read = _with_time(data, reading, new)
        faults += new
        if not new and read[0] is not None:
            self.known[self.around] = read
        return read


def _assets(assets: Any, reading: Reading, faults: _Faults, memory: _Memory) -> dict[str, Technology]:
    built = {}
    for name, data in assets.items() if isinstance(assets, dict) else ():
        key = memory.key(data)
        asset = memory.known.get(key) or _asset(name, data, reading, faults)
        if asset is not None:
            built[name] = memory.known[key] = asset
    return built


def _asset(name: str, data: Any, reading: Reading, faults: _Faults) -> Technology | None:
    path, kinds = ("assets", name), technologies()
    if not isinstance(data, dict):
        faults.append(Fault(path, shown(data), f"a mapping with its kind: {', '.join(kinds)}"))
        return None
    kind = data.get("kind")
    if isinstance(kind, str) and kind in kinds:
        return _read(kinds[kind], data, path, reading, faults)
    wanted = f"one of {', '.join(kinds)}"
    if "kind" in data:
        faults.append(Fault((*path, "kind"), shown(kind), wanted, did_you_mean(str(kind), kinds)))
    else:
        near = [key for key in data if did_you_mean(key, ["kind"])]
        cure = f'did you mean "kind" by "{near[0]}"?' if near else "microgrid describe lists what each is"
        faults.append(Fault((*path, "kind"), "missing", wanted, cure))
    return None


def _amount_faults(plant: Plant, data: Mapping[str, Any], reading: Reading) -> Iterator[Fault]:
    """Refuse prices per kWh of what is counted in kg, and the other way round."""
    for name, asset in plant.assets.items():
        stocks = plant.stock_units(asset)
        for key, mark in marks_of(type(asset)).items():
            value = data[name].get(key)
            is_by_carrier = isinstance(mark, Quantity) and len(amounts_of(mark)) > 1
            if is_by_carrier and len(stocks) == 1 and isinstance(value, str):
                (stock,) = stocks
                _, unit = read_number(value, mark.units, reading)
                if amount_of(unit) not in ("", stock):
                    wanted = f"an amount per {stock}, as the bus's carrier is counted"
                    yield Fault(("assets", name, key), shown(value), wanted)


def _footprint_faults(factors: Mapping[str, Any], assets: Any) -> Iterator[Fault]:
    """Refuse life-cycle factors of what does not stand on the site."""
    known = assets if isinstance(assets, dict) else {}
    for name in factors:
        if name not in known:
            path, wanted = ("footprint", "factors", name), "an asset of the scenario"
            yield Fault(path, f"no asset {shown(name)}", wanted, did_you_mean(name, known))


__all__ = ["Scenario", "Solver", "read_scenario", "scenario_of", "scenario_schema"]
