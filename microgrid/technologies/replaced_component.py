"""What a contract replaces of a bill, told by the name of a tariff's component: ``replaces: energy_market``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np

from microgrid.faults import Fault, did_you_mean, shown
from microgrid.fields import MONEY, Along
from microgrid.reading import Reading
from microgrid.series import Series
from microgrid.tariffs.components import EnergyCharge
from microgrid.tariffs.tariff import Tariff
from microgrid.timeline import Timeline

_NAME = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, eq=False)
class ComponentPrice(Series):
    """The price of a tariff's component, by its name; what it is on each step, the tariff knows.

    Parameters
    ----------
    component
        Name of an energy component.
    """

    component: str = ""


@dataclass(frozen=True)
class ReplacedAlong(Along):
    """Marks a field that holds prices, or the name of the tariff's component that they are of."""

    def expected(self, currency: str) -> tuple[str, str]:
        """Say what is expected, and give a sample."""
        wanted, sample = super().expected(currency)
        return f"{wanted}, or the name of an energy component of the tariff", sample

    def _read(self, value: Any, reading: Reading | None) -> Series:
        if isinstance(value, ComponentPrice):
            return value
        if isinstance(value, str) and _NAME.fullmatch(value.strip()):
            return ComponentPrice(np.asarray(0.0), component=value.strip())
        return super()._read(value, reading)


ReplacedPrices = Annotated[Series, ReplacedAlong(f"{MONEY}/kWh")]


def component_faults(contracts: Mapping[str, Any], tariff: Tariff | None, option: str) -> Iterator[Fault]:
    """Give the components that contracts cannot replace, each by the path of its field.

    What a kWh no longer pays must be known by its hour alone, not by how much else was bought or exported.
    """
    for name, contract in contracts.items():
        told = getattr(contract, "replaces", None)
        if not isinstance(told, ComponentPrice):
            continue
        path, known = ("contracts", name, "replaces"), tariff.of_kind(EnergyCharge) if tariff is not None else {}
        if told.component not in known:
            wanted = (
                f"an energy component of the tariff: {', '.join(known)}" if known else "a price: there is no tariff"
            )
            yield Fault(path, shown(told.component), wanted, did_you_mean(told.component, known))
            continue
        assert tariff is not None
        component = known[told.component]
        if component.tiers:
            yield Fault(
                path, f"{told.component}, which has tiers", "a component whose price does not hang on the amount"
            )
        if component.netted and tariff.export is not None and tariff.export.net_metering is not None:
            wanted = "a component that is not netted, for what is netted pays no price that could be replaced"
            yield Fault(path, f"{told.component}, which net metering takes exports off", wanted)
        if component.options and option not in component.options:
            wanted = f"billing by one option that has it: {', '.join(component.options)}"
            yield Fault(path, f"{told.component}, which billing {option} may not have", wanted)


def priced(contracts: Mapping[str, Any], tariff: Tariff, timeline: Timeline) -> dict[str, Any]:
    """Return the contracts with the prices, by step, of the components that they replace."""
    named = {name: getattr(contract, "replaces", None) for name, contract in contracts.items()}
    if not any(isinstance(told, ComponentPrice) for told in named.values()):
        return dict(contracts)
    shares = tariff.shares(timeline)
    return {
        name: contract.model_copy(update={"replaces": _along(told, tariff, timeline, shares)})
        if isinstance(told := named[name], ComponentPrice)
        else contract
        for name, contract in contracts.items()
    }


def _along(told: ComponentPrice, tariff: Tariff, timeline: Timeline, shares: Any) -> Series:
    prices = tariff.energy_price(told.component, timeline, shares)
    return replace(Series(prices), origin=f"{told.component} of the tariff")
