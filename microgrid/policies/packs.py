"""Policy packs as data: what a rule compares, over which period, for whom and since when, with source and status."""

from __future__ import annotations

import datetime
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from microgrid.accounts import EMISSION_COLUMNS
from microgrid.errors import InputError, Problem
from microgrid.faults import Fault, Keys, did_you_mean, faults_of, no_file, refuse, shown
from microgrid.fields import Part
from microgrid.yaml_files import Tree, parse_yaml, read_yaml

Period = Literal["year", "month", "hour"]

QUANTITIES: dict[str, tuple[str, str]] = {
    "available": ("kWh", "what sun and wind would have allowed, curtailment included"),
    "generation": ("kWh", "what photovoltaics and wind generated"),
    "self_use": ("kWh", "generation less all that was exported"),
    "export": ("kWh", "what was fed into the public grid"),
    "import": ("kWh", "what was drawn from the public grid"),
    "consumption": ("kWh", "all electricity generated on the site and imported, less what was exported"),
    "contracted": ("kWh", "green energy of contracts that was matched with the import"),
    "energy": ("kWh", "energy of all kinds that entered the plant less electricity exported, by lower heating value"),
    "hydrogen": ("kg", "hydrogen made"),
    "electricity_into_hydrogen": ("kWh", "what the electrolysers drew"),
    "green_into_hydrogen": ("kWh", "green energy assigned to the electrolysers"),
    "hydrogen_emissions": ("kgCO2e", "emissions of the electricity into hydrogen that is not green"),
    **{column: ("kgCO2e", f"the column {column} of the carbon ledger") for column in EMISSION_COLUMNS},
}
HYDROGEN = ("green_into_hydrogen", "hydrogen_emissions")


class Since(Part):
    """A span of years, for an option that is a year."""

    from_: int | None = Field(default=None, alias="from", description="First year.")
    before: int | None = Field(default=None, description="First year that no longer belongs to it.")

    def holds(self, year: int) -> bool:
        """Tell whether a year lies in it."""
        return (self.from_ is None or year >= self.from_) and (self.before is None or year < self.before)


class Option(Part):
    """What a project must say of itself before its rules are known."""

    meaning: str = Field(description="What it says.")
    kind: Literal["word", "year", "share"] = Field(default="word", description="What may be written.")
    values: tuple[str, ...] = Field(default=(), description="The words that it may be.")
    default: str = Field(default="", description="The word that it is if nothing is said.")

    @model_validator(mode="after")
    def _has_words(self) -> Self:
        if self.kind == "word" and self.default not in self.values:
            raise refuse(f"default {shown(self.default)}", f"one of its values: {', '.join(self.values)}")
        return self


class Rule(Part):
    """A bound on a quantity over another, in each period.

    ``sum of numerator <= at_most * sum of denominator`` (or ``>= at_least *``), each a sum of factor times quantity.
    """

    text: str = Field(description="What the rule says, in a sentence.")
    numerator: dict[str, float] = Field(min_length=1, description="Factor by quantity.")
    denominator: dict[str, float] = Field(min_length=1, description="Factor by quantity.")
    at_least: float | None = Field(default=None, description="Least value of the numerator over the denominator.")
    at_most: float | None = Field(default=None, description="Largest value of the numerator over the denominator.")
    unit: str = Field(default="", description="Unit of the bound; without one it is a share.")
    period: Period = Field(default="year", description="Over what is summed up.")
    matching: Period | None = Field(default=None, description="Within what green energy must come and be used.")
    when: dict[str, str | Since] = Field(default={}, description="Options that it holds for.")
    option: str = Field(default="", description="Option that gives another bound.")
    valid_from: datetime.date | None = Field(default=None, description="First day.")
    valid_to: datetime.date | None = Field(default=None, description="Last day.")
    assumes: str = Field(default="", description="How the text is read, where it leaves something open.")
    source: str = Field(description="Where it was seen.")
    status: Literal["V1", "V2", "unverified"] = Field(description="How sure it is.")

    @model_validator(mode="after")
    def _is_one_bound(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise refuse("no bound" if self.at_least is None else "two bounds", "one of at_least and at_most")
        for name in (*self.numerator, *self.denominator):
            if name not in QUANTITIES:
                cure = did_you_mean(name, QUANTITIES)
                raise refuse(f"the quantity {shown(name)}", f"one of {', '.join(QUANTITIES)}", cure)
        if self.matching is None and any(name in HYDROGEN for name in self.numerator):
            raise refuse("no matching", "the period within which green energy is matched: hour, month or year")
        return self


class Pack(Part):
    """The rules of one document."""

    name: str = Field(description="What it is called.")
    document: str = Field(description="The document that it is taken from.")
    scope: str = Field(description="Whom it concerns.")
    valid_from: datetime.date = Field(description="First day.")
    valid_to: datetime.date | None = Field(default=None, description="Last day.")
    source: str = Field(description="Where it was seen.")
    status: Literal["V1", "V2", "unverified"] = Field(description="How sure it is.")
    options: dict[str, Option] = Field(default={}, description="What a project must say of itself.")
    rules: dict[str, Rule] = Field(min_length=1, description="The rules by name.")

    @model_validator(mode="after")
    def _knows_its_options(self) -> Self:
        for name, rule in self.rules.items():
            for option in (*rule.when, *((rule.option,) if rule.option else ())):
                if option not in self.options:
                    raise refuse(f"the option {shown(option)} of rule {name}", f"one of {', '.join(self.options)}")
        return self


@lru_cache(maxsize=1)
def packs() -> dict[str, Pack]:
    """Return every pack of the catalogue by its name, such as ``cn/industrial_microgrid_guide``."""
    folder = resources.files("microgrid").joinpath("catalogue/policies")
    found = {}
    for region in folder.iterdir():
        for file in region.iterdir() if region.is_dir() else ():
            if file.name.endswith(".yaml"):
                name = f"{region.name}/{file.name.removesuffix('.yaml')}"
                found[name] = _pack(parse_yaml(file.read_text(encoding="utf-8"), file.name), file.name)
    return dict(sorted(found.items()))


def own_pack(file: str, folder: Path) -> Pack:
    """Read a pack from a file of the user's.

    Raises
    ------
    InputError
        With every fault found, each with file and line.
    """
    fault = no_file(folder / file, file, "a policy file that is there", (".yaml",))
    if fault is not None:
        raise InputError([Problem("policies", fault.found, fault.wanted, fault.cure)])
    return _pack(read_yaml(folder / file), file)


def _pack(tree: Tree, file: str) -> Pack:
    if tree.problems or not isinstance(tree.data, dict):
        raise InputError(tree.problems or [Problem(file, shown(tree.data), "a mapping with name, rules and source")])
    try:
        return Pack.model_validate(tree.data)
    except ValidationError as error:
        raise InputError(_placed(fault, tree, file) for fault in faults_of(error, Pack, tree.data)) from error


def _placed(fault: Fault | Problem, tree: Tree, file: str) -> Problem:
    if isinstance(fault, Problem):
        return fault
    path: Keys = fault.path
    while path and path not in tree.places:
        path = path[:-1]
    return Problem(fault.where or file, fault.found, fault.wanted, fault.cure, tree.places.get(path, file))


def plain(model: Part) -> dict[str, Any]:
    """Return a rule or pack as texts and numbers, ready for JSON."""
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)
