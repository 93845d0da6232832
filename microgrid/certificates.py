"""Certificates of green energy as data: what one stands for, from which sources, and for how long it is good."""

from __future__ import annotations

import datetime
from functools import lru_cache
from importlib import resources
from typing import Annotated, Literal

from pydantic import Field

from microgrid.fields import Part, Quantity
from microgrid.reading import Reading
from microgrid.yaml_files import parse_yaml

Status = Literal["V1", "V2", "unverified"]


class _Figure(Part):
    """A figure's source and status."""

    source: str
    status: Status


class _Energy(_Figure):
    value: Annotated[float, Quantity("kWh", above=0.0)]


class _Validity(_Figure):
    years: int


class _Sources(_Figure):
    names: tuple[str, ...]


class _SelfUsed(_Figure):
    tradable: bool


class Scheme(Part):
    """A scheme of certificates."""

    name: str = Field(description="What it is called.")
    energy: _Energy = Field(description="What one certificate stands for.")
    validity: _Validity = Field(description="Years for which it is good after the year of its energy.")
    sources: _Sources = Field(description="What energy it is issued for.")
    self_used: _SelfUsed = Field(description="Whether those of energy that its maker used may be sold.")
    valid_from: datetime.date
    status: Status


@lru_cache(maxsize=1)
def schemes() -> dict[str, Scheme]:
    """Return every scheme of the catalogue by its name, such as ``cn/gec``."""
    folder = resources.files("microgrid").joinpath("catalogue/certificates")
    found = {}
    for region in folder.iterdir():
        for file in region.iterdir() if region.is_dir() else ():
            if file.name.endswith(".yaml"):
                data = parse_yaml(file.read_text(encoding="utf-8"), file.name).data
                name = f"{region.name}/{file.name.removesuffix('.yaml')}"
                found[name] = Scheme.model_validate(data, context=Reading())
    return dict(sorted(found.items()))
