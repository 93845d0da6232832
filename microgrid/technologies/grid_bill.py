"""The bill of a grid connection inside a model: its components as ledger lines, and the choice of billing."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pyomo.core as pyo
from numpy.typing import NDArray

from microgrid.claims import BILLED_BY
from microgrid.tariffs.components import CapacityFee, CoincidentCharge, DemandCharge, EnergyCharge, FixedFee
from microgrid.tariffs.lines import CHOOSE
from microgrid.technologies.base import Cost, State
from microgrid.technologies.grid_demand import covered_so_far, demand_line, fee_line, fixed_line
from microgrid.technologies.grid_energy import energy_line, export_line, net_metering_lines
from microgrid.technologies.grid_events import coincident_line
from microgrid.technologies.grid_meter import Array, Line, Meter, only_if

# What a solver's tolerance may add to an energy.
_SLACK = 1e-6


class Bill(NamedTuple):
    """The lines of a bill, the states that it knows, and at which steps trading both ways at once could pay."""

    costs: list[Cost]
    states: dict[str, State]


def write_bill(meter: Meter, billing: str) -> Bill:
    """Write the rows of a bill; return its ledger lines and states.

    Parameters
    ----------
    meter
        Flows, sizes and tariff.
    billing
        The billing option, or ``choose``.
    """
    tariff, states = meter.tariff, dict[str, State]()
    export = tariff.export if meter.exports is not None else None
    netting = export.net_metering if export is not None else None
    active = _options(meter, billing)
    meter.block.bill = pyo.Block(list(tariff.components))
    lines = []
    for name, component in tariff.components.items():
        is_netted = netting is not None and isinstance(component, EnergyCharge) and component.netted
        paid = active(component.options)
        if is_netted or (isinstance(paid, int) and not paid):
            continue
        line = _line(meter.block.bill[name], meter, name, component, states)
        lines.append(line if isinstance(paid, int) else only_if(meter.block.bill[name], meter, line, paid))
    if netting is not None:
        lines += net_metering_lines(meter, netting)
    elif export is not None and export.price is not None:
        lines.append(export_line(meter.block, meter, export.price.on(meter.timeline, meter.shares)))
    if tariff.options and billing == CHOOSE:
        states |= _chosen(meter)
    return Bill([Cost(line.name, line.category, line.amount, line.index) for line in lines], states)


def _line(block: Any, meter: Meter, name: str, component: Any, states: dict[str, State]) -> Line:
    if isinstance(component, EnergyCharge):
        return energy_line(block, meter, name, component)
    if isinstance(component, DemandCharge):
        return demand_line(block, meter, name, component, states)
    if isinstance(component, CoincidentCharge):
        return coincident_line(block, meter, name, component)
    if isinstance(component, CapacityFee):
        return fee_line(block, meter, name, component)
    assert isinstance(component, FixedFee)
    return fixed_line(block, meter, name, component.amount)


def _options(meter: Meter, billing: str) -> Any:
    """Return what tells for a component's options whether it is charged: 1, 0, or an expression of the choice."""
    if billing != CHOOSE:
        return lambda options: int(not options or billing in options)
    block, known = meter.block, list(meter.tariff.options)
    block.billed_by = pyo.Var(known, within=pyo.Binary)
    block.one_billing_option = pyo.Constraint(rule=lambda b: sum([b.billed_by[option] for option in known]) == 1)

    def active(options: list[str]) -> Any:
        everywhere = not options or set(known) <= set(options)
        return 1 if everywhere else sum([block.billed_by[option] for option in options])

    return active


def _chosen(meter: Meter) -> dict[str, State]:
    """Report the choice, month by month, though it is one for the horizon."""
    states = {}
    for at, option in enumerate(meter.tariff.options):
        told = pyo.Expression(meter.months, rule=lambda _b, _m, o=option: meter.block.billed_by[o])
        meter.block.add_component(f"billed_by_{at}", told)
        states[f"{BILLED_BY}{option}"] = State(told, "months", "billing")
    return states


def tempting(meter: Meter, billing: str, gained: Array) -> NDArray[np.bool_]:
    """Tell for each step whether importing and exporting at once could pay, shape (n,).

    It could where the export price is not below what importing costs at least. With net metering both meet in one
    register, so only what is paid on gross imports keeps it from paying. A rebate for much energy may be worth more
    than any price, in months in which it is open whether it is reached. `gained` is by how much contracts may make a
    kWh imported cheaper.
    """
    export = meter.tariff.export
    assert export is not None
    is_netted = export.net_metering is not None
    costs = cheapest_import(meter, billing, without_netted=is_netted) - gained
    earned = np.zeros(len(costs)) if export.price is None else export.price.on(meter.timeline, meter.shares)
    return np.asarray((earned >= costs) | open_to_rebates(meter, billing)[meter.month], dtype=bool)


def open_to_rebates(meter: Meter, billing: str) -> NDArray[np.bool_]:
    """Tell of each month whether it depends on the plan that a rebate's energy is reached, shape (months,)."""
    found = np.zeros(len(meter.names), dtype=bool)
    for charge in meter.tariff.rebated(billing).values():
        assert charge.rebate is not None
        per_size, transformer = charge.rebate.energy * covered_so_far(meter), meter.sizes["transformer"]
        before = np.zeros(len(meter.names))
        before[0] = meter.past.energy or 0.0
        is_reached = before >= per_size * transformer.high
        smallest = transformer.high if transformer.is_fixed else 0.0
        found |= ~is_reached & (meter.most_energy >= per_size * smallest * (1 - _SLACK))
    return found


def cheapest_import(meter: Meter, billing: str, without_netted: bool) -> Array:
    """Return the least that a kWh imported can cost on each step, under any option that may hold, shape (n,)."""
    tariff = meter.tariff
    options = list(tariff.options) if billing == CHOOSE else [billing]
    costs = []
    for option in options:
        total = np.zeros(len(meter.timeline))
        for name, component in tariff.of_kind(EnergyCharge).items():
            if tariff.applies(name, option) and not (without_netted and component.netted):
                if component.tiers:
                    total += min(tier.price for tier in component.tiers)
                else:
                    total += tariff.energy_price(name, meter.timeline, meter.shares)
        costs.append(total)
    return np.asarray(np.min(costs, axis=0), dtype=float)
