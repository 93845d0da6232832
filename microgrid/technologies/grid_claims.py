"""What is claimed of a bill: its lines by step, and all of them as the bill that the flows come to under the tariff."""

from __future__ import annotations

from collections.abc import Iterator

from microgrid.claims import Charge, Claim, TariffBill
from microgrid.tariffs.components import CoincidentCharge, DemandCharge, EnergyCharge
from microgrid.tariffs.past import Past
from microgrid.tariffs.tariff import Tariff
from microgrid.timeline import Timeline


def bill_claims(tariff: Tariff, timeline: Timeline, billing: str, past: Past) -> Iterator[Claim]:
    """State the lines of a bill: prices by step where they hold for all energy, and the whole as a tariff's bill."""
    shares = tariff.shares(timeline)
    netting = tariff.export.net_metering if tariff.export is not None else None
    for name, component in tariff.of_kind(EnergyCharge).items():
        if component.price is not None and not component.options and not (netting and component.netted):
            price = tariff.energy_price(name, timeline, shares)
            yield Charge("costs", name, (("import", price),))
    if tariff.export is not None and tariff.export.price is not None:
        yield Charge("costs", "export", (("export", tariff.export.price.on(timeline, shares)),))
    lines = tuple(name for name, c in tariff.components.items() if billing == "choose" or tariff.applies(name, billing))
    if tariff.export is not None:
        lines = (*lines, "export")
    whole = tuple(name for name in lines if name != "export" and _in_full(tariff.components[name]))
    plain = past.model_dump(mode="json", exclude_none=True)
    yield TariffBill(lines, tariff.plain, plain, billing, whole, _owed(tariff, past, billing))


def _in_full(component: object) -> bool:
    """Tell whether a month that the horizon covers in part pays a component in full."""
    return isinstance(component, CoincidentCharge) or (isinstance(component, DemandCharge) and not component.prorated)


def _owed(tariff: Tariff, past: Past, billing: str) -> float:
    """Return what flat prices make of the peaks before the horizon, where they are charged in any case."""
    owed = 0.0
    for name, charge in tariff.of_kind(DemandCharge).items():
        is_flat = charge.basis == "measured" and charge.price is not None and charge.price.form == "flat"
        if is_flat and charge.price is not None and charge.rebate is None and tariff.applies(name, billing):
            owed += charge.price.numbers[""] * past.peaks.get(name, 0.0)
    return owed
