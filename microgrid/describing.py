"""What `microgrid describe` shows: the technologies and sections of a scenario file, and the fields of one."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from microgrid.availability import PhotovoltaicArray, Turbine, WeatherFile
from microgrid.errors import InputError, Problem
from microgrid.factor_fields import FactorAlong
from microgrid.faults import Node, did_you_mean, kinds_of
from microgrid.fields import Along, CapacityIn, Quantity
from microgrid.finance_section import Finance, Incentive, Reference, Tax
from microgrid.horizons import Horizon
from microgrid.pathway_section import Pathway
from microgrid.policies.adopted import SAMPLE
from microgrid.policies.packs import packs
from microgrid.policies.telling import pack_told, packs_listed, quantities_told
from microgrid.sections import AccountingPart, Bus, Footprint, Goals, Head, Site, Solver
from microgrid.tariffs.components import CapacityFee, CoincidentCharge, DemandCharge, EnergyCharge, FixedFee
from microgrid.tariffs.files import TariffIn
from microgrid.tariffs.past import AmountsIn
from microgrid.tariffs.prices import PriceIn
from microgrid.tariffs.tariff import Tariff
from microgrid.technologies import technologies
from microgrid.technologies.green_contracts import KINDS
from microgrid.uncertainty_section import Uncertainty
from microgrid.units import CURRENCY
from microgrid.year_tables import YearTable

WIDE = 110
_WIDEST = 160
_NOTES = {
    "capacity": "capacity: {sample}; or {{amount: {sample}, opex: ...}}; or, for the engine to choose, "
    "{{low: ..., high: {sample}, capex: ...}}: `microgrid describe capacity`.",
    "series": "series: one quantity for all steps; or {file: site.csv, column: load}, with times: and plus: where "
    "wanted; or {values: [...], unit: kW}.",
    "factor": "factor: a quantity or series, of CO2 alone or of CO2e; or a name of the catalogue, such as "
    "cn/north/2023/average: `microgrid factors` lists them; or {factor: ..., family: ..., region: ..., year: ..., "
    "source: ..., status: ...}.",
}
_TOPICS = {
    "quantity": "A number with its unit: 2 MWh, 0.66 CNY/kWh, 95 %, 15 min, 250 EUR/kW. Units of the same kind are "
    "converted; a bare number is refused where a unit is due.",
    "series": "A quantity that changes with time. One quantity for all steps: 0.12 EUR/kWh. A column of a CSV file "
    "with the unit in its header, such as `load [kW]`: {file: site.csv, column: load}, where `times: 1.2` multiplies "
    "every value and `plus: 0.02 EUR/kWh` adds to it. Or {values: [1, 2, 3], unit: kW}, one value a step. A step takes "
    "the mean of the file's values over it.",
}
_ALSO_CALLED = {"size": "capacity", "sized": "capacity", "asset": "scenario", "assets": "scenario"}


class Row(NamedTuple):
    """A field as a reader of scenario files wants it."""

    field: str
    unit: str
    default: str
    meaning: str


def overview(width: int | None = None) -> str:
    """Return every kind of asset and every section, with what it is."""
    kinds = {kind: _about(technology) for kind, technology in technologies().items()}
    sections = {name: _about(model) for name, model in _sections().items()}
    sections["green_contracts"] = "Contracts of a grid connection: PPAs, trade of green energy, certificates."
    sections["policies"] = "Rules of governments and standards, to check or to enforce."
    parts = ("Kinds of assets", kinds), ("Other parts of a scenario file", sections)
    lines = [line for title, named in parts for line in (title, *_listed(named, width or _width()), "")]
    return "\n".join([*lines, "`microgrid describe battery` lists the fields of one."])


def description(word: str, width: int | None = None) -> str:
    """Return the fields of a kind or section: unit, default, meaning.

    Raises
    ------
    InputError
        If there is no such kind or section.
    """
    known: dict[str, type[BaseModel]] = {**technologies(), **_sections(), **KINDS}
    word, width = _ALSO_CALLED.get(word, word), width or _width()
    if word in _TOPICS:
        return "\n".join(textwrap.wrap(f"{word}: {_TOPICS[word]}", width))
    if word == "green_contracts":
        return "\n\n".join(description(kind, width) for kind in KINDS)
    if word == "policies":
        return "\n".join(_policies(width))
    if word in packs():
        return "\n".join(pack_told(word, packs()[word], width))
    if word not in known:
        words = [*known, *_TOPICS, "green_contracts", "policies", *packs()]
        raise InputError([Problem("describe", word, f"one of {', '.join(words)}", did_you_mean(word, words))])
    model = known[word]
    rows = list(_rows(model))
    head = textwrap.wrap(f"{word}: {_about(model)}", width)
    notes = [line for note in _notes(model) for line in textwrap.wrap(note, width)]
    return "\n".join([*head, "", *_table(rows, width), *([""] if notes else []), *notes])


def _policies(width: int) -> Iterator[str]:
    yield from textwrap.wrap(
        "policies: rules of governments and standards, each to check or to enforce, such as", width
    )
    yield f"  policies: {SAMPLE}"
    yield "With options, a policy is a mapping: {mode: enforce, spot_market: continuous}. The packs:"
    yield from packs_listed(width)
    yield ""
    yield "`microgrid describe cn/industrial_microgrid_guide` tells the rules of one. A file of your own, own.yaml, may"
    yield "stand in place of a name; its rules bound sums of these quantities:"
    yield from quantities_told(width)


def _sections() -> dict[str, type[BaseModel]]:
    """Return what stands in a scenario file besides assets, by the word that describes it."""
    capacity = CapacityIn("kW").models["sized"]
    return {
        "scenario": Head,
        "site": Site,
        "horizon": Horizon,
        "finance": Finance,
        "tax": Tax,
        "incentives": Incentive,
        "reference": Reference,
        "pathway": Pathway,
        "by_year": YearTable,
        "uncertainty": Uncertainty,
        "weather": WeatherFile,
        "buses": Bus,
        "objective": Goals,
        "accounting": AccountingPart,
        "footprint": Footprint,
        "solver": Solver,
        "capacity": capacity,
        "photovoltaic_weather": PhotovoltaicArray,
        "wind_weather": Turbine,
        "tariff": Tariff,
        "energy_charge": EnergyCharge,
        "demand_charge": DemandCharge,
        "coincident_charge": CoincidentCharge,
        "capacity_fee": CapacityFee,
        "fixed_fee": FixedFee,
    }


def _width() -> int:
    return min(shutil.get_terminal_size((80, 24)).columns, _WIDEST)


def _about(model: type[BaseModel]) -> str:
    """Return the first paragraph of what a model says of itself."""
    paragraph = (model.__doc__ or "").strip().split("\n\n")[0]
    return " ".join(paragraph.replace("`", "").split())


def _listed(named: Mapping[str, str], width: int) -> Iterator[str]:
    space = max(map(len, named)) + 4
    for name, text in named.items():
        yield from textwrap.wrap(text, width, initial_indent=f"  {name}".ljust(space), subsequent_indent=" " * space)


def _table(rows: Iterable[Row], width: int) -> Iterator[str]:
    """Give a line a field and its meaning beneath; on a wide terminal, beside."""
    rows = list(rows)
    first, second, third = (max((len(row[at]) for row in rows), default=0) + 2 for at in range(3))
    for row in rows:
        cells = f"{row.field.ljust(first)}{row.unit.ljust(second)}{row.default}"
        if width >= WIDE and first + second + third <= width // 2 + 10:
            start, indent = cells.ljust(first + second + third), " " * (first + second + third)
            yield from textwrap.wrap(row.meaning, width, initial_indent=start, subsequent_indent=indent) or [cells]
        else:
            yield cells.rstrip()
            yield from textwrap.wrap(row.meaning, width, initial_indent="    ", subsequent_indent="    ")


def _rows(model: type[BaseModel], prefix: str = "") -> Iterator[Row]:
    fields = [name for name in model.model_fields if name not in ("kind", "extends", "source")]
    for name in [*fields, *(["source"] if "source" in model.model_fields else [])]:
        field = model.model_fields[name]
        node = Node(field.annotation, tuple(field.metadata))
        is_opaque = isinstance(node.mark, CapacityIn | TariffIn) or len(kinds_of(field.annotation)) > 1
        nested = None if is_opaque else node.model
        yield Row(f"{prefix}{name}", unit_of(field), _default(field, node), field.description or "")
        if nested is not None and model is not Head and not _is_by_name(field.annotation):
            yield from _rows(nested, f"{prefix}{name}{'[]' if _is_list(field.annotation) else ''}.")


def _is_by_name(annotation: Any) -> bool:
    return any(get_origin(option) is dict for option in (annotation, *get_args(annotation)))


def _is_list(annotation: Any) -> bool:
    return any(get_origin(option) in (list, tuple) for option in (annotation, *get_args(annotation)))


def _default(field: FieldInfo, node: Node) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value in (None, "", (), [], {}, PydanticUndefined) or isinstance(value, BaseModel):
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _amount(value, getattr(node.mark, "unit", "1"))
    parts = value if isinstance(value, list | tuple) else [value]
    return ", ".join(str(part).lower() if isinstance(part, bool) else str(part) for part in parts)


def _amount(value: float, unit: str) -> str:
    if unit == "1" or CURRENCY in unit:
        return f"{value:g}"
    return f"{100 * value:g} %{unit[1:]}" if unit.startswith("1/") else f"{value:g} {unit}"


def unit_of(field: FieldInfo) -> str:
    """Return the unit of a field as scenario files write it, or what it holds instead."""
    node = Node(field.annotation, tuple(field.metadata))
    mark = node.mark
    if isinstance(mark, CapacityIn | AmountsIn):
        return f"{mark.unit}, {'capacity' if isinstance(mark, CapacityIn) else 'by name'}"
    if isinstance(mark, FactorAlong):
        return f"{' or '.join(unit for unit in mark.units if 'CO2e' not in unit)}, factor"
    if isinstance(mark, Quantity | Along):
        units = " or ".join(mark.units).replace(CURRENCY, "currency")
        shown = ("share" if mark.high is not None and mark.high <= 1.0 else "ratio") if units == "1" else units
        shown = f"share{shown[1:]}" if shown.startswith("1/") else shown
        return f"{shown}, series" if isinstance(mark, Along) else shown
    if isinstance(mark, PriceIn):
        return " or ".join(mark.units).replace(CURRENCY, "currency") + ", price"
    if any(hasattr(mark, "carriers") for mark in field.metadata):
        return "bus"
    return _type_name(field.annotation)


_NAMES = {str: "text", date: "date", int: "whole number", float: "number", bool: "true or false"}


def _type_name(annotation: Any) -> str:
    if annotation in _NAMES:
        return _NAMES[annotation]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "fields"
    options = [part for part in get_args(annotation) if part is not type(None)]
    origin = get_origin(annotation)
    if origin is Literal:
        return ", ".join(str(option) for option in options)
    if origin is Annotated:
        return _type_name(options[0])
    if origin is dict or not options:
        return "by name" if origin is dict else ""
    name = _type_name(options[0])
    return f"list of {name}" if origin in (list, tuple) else name


def _notes(model: type[BaseModel]) -> Iterator[str]:
    marks = [Node(field.annotation, tuple(field.metadata)).mark for field in model.model_fields.values()]
    if any(isinstance(mark, CapacityIn) for mark in marks):
        unit = next(mark.unit for mark in marks if isinstance(mark, CapacityIn))
        yield _NOTES["capacity"].format(sample=f"500 {unit}")
    if any(isinstance(mark, Along) for mark in marks):
        yield _NOTES["series"]
    if any(isinstance(mark, FactorAlong) for mark in marks):
        yield _NOTES["factor"]
