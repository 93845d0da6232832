"""What flows: electricity, heat, hydrogen, fuels and carbon dioxide, each with the unit of its flow and of its stock.

Fuels flow in kW of lower heating value. Hydrogen flows in kg/h, because tanks, trailers and contracts count kilograms;
its heating values stand here for whoever must compare the two.
"""

from __future__ import annotations

from dataclasses import dataclass

# Lower and higher heating value of hydrogen in kWh/kg: 119.96 and 141.88 MJ/kg at 25 °C
# (NIST Chemistry WebBook, enthalpies of formation of liquid water and water vapour).
HYDROGEN_LOWER_HEATING_VALUE = 33.33
HYDROGEN_HIGHER_HEATING_VALUE = 39.41


@dataclass(frozen=True)
class Carrier:
    """A form of energy or matter that a bus balances.

    Parameters
    ----------
    name
        The word used in scenario files.
    flow_unit
        Unit of a rate, ``kW`` or ``kg/h``.
    stock_unit
        Unit of an amount, ``kWh`` or ``kg``.
    """

    name: str
    flow_unit: str
    stock_unit: str


CARRIERS: dict[str, Carrier] = {
    carrier.name: carrier
    for carrier in (
        Carrier("electricity", "kW", "kWh"),
        Carrier("heat", "kW", "kWh"),
        Carrier("cooling", "kW", "kWh"),
        Carrier("hydrogen", "kg/h", "kg"),
        Carrier("natural_gas", "kW", "kWh"),
        Carrier("biogas", "kW", "kWh"),
        Carrier("diesel", "kW", "kWh"),
        Carrier("coal", "kW", "kWh"),
        Carrier("fuel", "kW", "kWh"),
        Carrier("carbon_dioxide", "kg/h", "kg"),
    )
}


def energy_per_unit(carrier: Carrier) -> float:
    """Return the energy in one unit of a carrier's stock, kWh of lower heating value; zero where it is no energy."""
    if carrier.stock_unit == "kWh":
        return 1.0
    return HYDROGEN_LOWER_HEATING_VALUE if carrier.name == "hydrogen" else 0.0
