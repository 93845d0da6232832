"""Net metering: what is left of imports and exports, kWh for kWh, within a month or a year and a period."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from microgrid.bills.readings import Array, Facts, Readings
from microgrid.tariffs.components import EnergyCharge
from microgrid.tariffs.lines import EXPORT
from microgrid.tariffs.tariff import NetMetering, Tariff

Row = tuple[str, str, str, float, str, float]
Prices = Callable[[Tariff, str, Readings, Mapping[str, Array]], Array]


def netted_lines(
    tariff: Tariff, readings: Readings, facts: Facts, parts: Mapping[str, Array], netting: NetMetering, prices: Prices
) -> Iterator[Row]:
    """Give the lines of netted components and of the surplus; a year's stand in the last month that it has."""
    length = 7 if netting.per == "month" else 4
    names = [name for name, c in tariff.components.items() if isinstance(c, EnergyCharge) and c.netted]
    by_name = {name: prices(tariff, name, readings, parts) for name in names}
    spans = list(dict.fromkeys(month[:length] for month in readings.months))
    for span in spans:
        last = [month for month in readings.months if month.startswith(span)][-1]
        due, used = dict.fromkeys(names, 0.0), 0.0
        left_over, earned = 0.0, 0.0
        for period, part in parts.items():
            inside = (part > 0.5) & [month.startswith(span) for month in readings.month]
            if not inside.any():
                continue
            before = facts.past.netted.get(period, 0.0) if span == spans[0] else 0.0
            after = before + float((readings.energy - readings.sold)[inside].sum())
            used += max(after, 0.0) - max(before, 0.0)
            left_over += max(-after, 0.0) - max(-before, 0.0)
            for name in names:
                due[name] += by_name[name][inside][0] * (max(after, 0.0) - max(before, 0.0))
            earned += netting.surplus_price * (max(-after, 0.0) - max(-before, 0.0))
        for name in names:
            yield last, name, "energy", used, "kWh", due[name]
        yield last, EXPORT, "revenue", left_over, "kWh", -earned
