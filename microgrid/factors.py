"""Emission factors: what a kWh or a kilogram emits, of which family, where and when, by whose word.

Families never mix. An organisation's account asks what was emitted to make the electricity that it drew; a product's
footprint asks for the whole life cycle; both are called factors, and one added to the other is no number. Factors in
kgCO2 count carbon dioxide alone, those in kgCO2e all greenhouse gases.

The catalogue lies in `catalogue/factors`, one row a factor, with source, validity and status.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Literal

from microgrid.errors import nearest
from microgrid.faults import Fault, RefusedError, shown
from microgrid.units import quantity

Status = Literal["V1", "V2", "M"]

UNITS = ("kgCO2e/kWh", "kgCO2/kWh", "kgCO2e/kg", "kgCO2/kg")
STATUS = {
    "V1": "official text, or two independent sources",
    "V2": "one secondary source, to be checked before a filing",
    "M": "unverified: from memory, an editable default",
}
# kg of carbon dioxide for each kg of carbon, by the rounded molar masses that all guides use.
CARBON_TO_DIOXIDE = 44.0 / 12.0
GJ_PER_KWH = 0.0036

# What each family says. Those of `MIXES` answer one question, what a kWh out of the public grid emits, in ways that
# exclude each other: a column that held two of them would count some plants twice and others not at all.
FAMILIES: Mapping[str, str] = {
    "average": "electricity: all plants of a region, by what each kWh drawn there emitted on average",
    "average_excluding_traded": "electricity: the average without non-fossil power that was sold to others by contract",
    "fossil": "electricity: the fossil plants alone",
    "residual": "electricity: what is left of a mix when all claims of its origin are taken out",
    "supplier": "electricity or heat: what one supplier or contract delivers",
    "heat": "heat, steam or cold: made elsewhere",
    "combustion": "a fuel: burnt on the site, per kWh of lower heating value or per kg",
    "biogenic": "a fuel from biomass: burnt on the site; reported apart, in no total",
    "process": "a product: what its making sets free besides fuels, such as from limestone",
    "upstream": "a fuel or electricity: winning, making and bringing it",
    "footprint": "electricity, heat or a fuel: the whole life cycle, for the footprint of products",
}
MIXES = frozenset({"average", "average_excluding_traded", "fossil", "residual"})


@dataclass(frozen=True)
class Factor:
    """One factor of the catalogue, or one that a scenario file gives with its particulars.

    Parameters
    ----------
    name
        Its name in the catalogue; empty for a scenario's own.
    value
        In `unit`.
    unit
        House unit, one of `UNITS`.
    region
        Where it holds, from the country down, such as ``cn/north``; empty if not told.
    year
        The year that it describes; None where it does not change by the year, or is not told.
    valid_from, valid_to
        First and last day, ISO; empty where there is none.
    """

    name: str
    family: str
    value: float
    unit: str
    region: str = ""
    year: int | None = None
    source: str = ""
    status: str = ""
    valid_from: str = ""
    valid_to: str = ""

    @property
    def gas(self) -> str:
        """What it counts: ``CO2`` or ``CO2e``."""
        return gas_of(self.unit)


@dataclass(frozen=True)
class Fuel:
    """A fuel of the catalogue: the one home of the ways from its mass or volume to energy and carbon dioxide.

    Parameters
    ----------
    heating_value
        Lower heating value, GJ per `measure`.
    measure
        ``t``, or ``1000 m3`` at 0 °C and 101.325 kPa.
    carbon
        tC per TJ.
    oxidation
        Share of the carbon that burns.
    """

    name: str
    heating_value: float
    measure: str
    carbon: float
    oxidation: float

    @property
    def per_kwh(self) -> float:
        """Return kgCO2 per kWh of lower heating value: t/TJ is kg/GJ."""
        return self.carbon * self.oxidation * CARBON_TO_DIOXIDE * GJ_PER_KWH

    @property
    def energy(self) -> float:
        """Return kWh of lower heating value per measure."""
        return self.heating_value / GJ_PER_KWH

    @property
    def per_measure(self) -> float:
        """Return kgCO2 per measure, a tonne or 1000 m3."""
        return self.per_kwh * self.energy


class Counted(float):
    """An amount of emissions, or a price of them, that knows what it counts; what is computed from it no longer does.

    Its ``gas`` is ``CO2`` or ``CO2e``.
    """

    gas: str

    @classmethod
    def of(cls, number: float, unit: str) -> Counted:
        """Return a number that was told in a unit."""
        counted = cls(number)
        counted.gas = gas_of(unit)
        return counted


def counted_gas(number: float) -> str:
    """Return what a number counts; nothing where the caller vouches for it."""
    return number.gas if isinstance(number, Counted) else ""


def kilograms_of(number: float) -> str:
    """Return the house unit of what a number counts: of all gases where the caller vouches for it."""
    return f"kg{counted_gas(number) or 'CO2e'}"


def gas_of(unit: str) -> str:
    """Return what a unit of emissions counts: ``CO2``, ``CO2e``, or nothing where the caller vouches for it."""
    if "CO2e" in unit:
        return "CO2e"
    return "CO2" if "CO2" in unit else ""


def lies_in(place: str, region: str) -> bool:
    """Tell whether a place lies in a region: a province in its grid region, both in their country."""
    seen: set[str] = set()
    while place and place not in seen:
        if place == region:
            return True
        seen.add(place)
        place = _within().get(place) or place.rpartition("/")[0]
    return region == "world"


@lru_cache(maxsize=1)
def catalogue() -> Mapping[str, Factor]:
    """Return every factor of the catalogue by its name."""
    return {factor.name: factor for data in _files() for factor in map(_factor_of, _rows(data))}


@lru_cache(maxsize=1)
def fuels() -> Mapping[str, Fuel]:
    """Return the fuels of the catalogue by the name of their factor."""
    return {row["name"]: _fuel(row) for data in _files() for row in _rows(data) if "carbon" in row}


def factor_named(name: str) -> Factor:
    """Return a factor of the catalogue.

    Raises
    ------
    RefusedError
        If there is none of that name; tells the nearest.
    """
    known = catalogue()
    if name in known:
        return known[name]
    near = nearest(name, known)
    cure = f'did you mean "{near}"?' if near else "`microgrid factors` lists them"
    raise RefusedError([Fault((), shown(name), "a factor of the catalogue, such as cn/north/2023/average", cure)])


@lru_cache(maxsize=1)
def _files() -> tuple[dict[str, Any], ...]:
    """Return the files of the catalogue as plain data."""
    from ruamel.yaml import YAML

    folder = resources.files("microgrid") / "catalogue" / "factors"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".yaml")), key=lambda file: file.name)
    return tuple(YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8")) for file in files)


@lru_cache(maxsize=1)
def _within() -> dict[str, str]:
    return {place: region for data in _files() for place, region in data.get("within", {}).items()}


def _rows(data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Give a file's rows with their sources written out."""
    for row in data["rows"]:
        yield row | {"source": data["sources"][row["source"]]}


def _fuel(row: Mapping[str, Any]) -> Fuel:
    return Fuel(row["fuel"], float(row["heating_value"]), str(row["measure"]), float(row["carbon"]), row["oxidation"])


def _factor_of(row: Mapping[str, Any]) -> Factor:
    if "carbon" in row:
        value, unit = _fuel(row).per_kwh, "kgCO2/kWh"
    else:
        unit = "kgCO2e/kWh" if "CO2e" in row["value"] else "kgCO2/kWh"
        value = quantity(row["value"], unit)
    return Factor(
        row["name"],
        row["family"],
        value,
        unit,
        row["region"],
        row.get("year"),
        row["source"],
        row["status"],
        *("" if row[end] == "open" else str(row[end]) for end in ("valid_from", "valid_to")),
    )
