"""The one door where "2 MWh" becomes 2000.0: text with a unit in, a number in house units out.

House units are kW, kWh, kg, kg/h, h, the scenario's currency and kgCO2e. Behind the door stands pint; its registry
is made on first use, so that a command that reads no units does not pay for it.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pint

_QUANTITY = re.compile(r"\s*([+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(\S.*?)?\s*")
_CURRENCY = re.compile(r"[A-Z]{3}")
_CURRENCY_IN_UNIT = re.compile(r"(?<![A-Za-z])[A-Z]{3}(?![A-Za-z0-9])")

# What no unit system lists. Greenhouse gases get a dimension of their own, so that a mass of
# hydrogen is never read as an emission. 1 kgce = 29,307 kJ (GB/T 2589).
_DEFINITIONS = (
    "gCO2e = [emission]",
    "tCO2e = 1e6 * gCO2e",
    "gCO2 = gCO2e",
    "tCO2 = 1e6 * gCO2e",
    "gce = 29.307 * kilojoule",
    "tce = 29307 * megajoule",
    "kW_th = kilowatt",
    "kWp = kilowatt",
    "MWp = megawatt",
    "m2 = meter ** 2",
    "m3 = meter ** 3",
)
# Three capitals that are units, not currencies.
_NOT_CURRENCIES = frozenset({"MWh", "GWh", "TWh"})


class UnitError(ValueError):
    """A text that is no quantity of the wanted unit: what stands there, what was wanted, how to cure it."""

    def __init__(self, found: str, wanted: str, cure: str = "") -> None:
        self.found, self.wanted, self.cure = found, wanted, cure
        super().__init__(f"{found}: wanted {wanted}" + (f"; {cure}" if cure else ""))


def quantity(text: str, unit: str) -> float:
    """Read a text such as ``"2 MWh"`` as a number in `unit`.

    Parameters
    ----------
    text
        A number and a unit, separated by a space or not.
    unit
        The house unit wanted, such as ``"kWh"``, ``"CNY/kWh"`` or ``"1"`` for a share.

    Raises
    ------
    UnitError
        If the text is no number with a unit, or its unit measures something else.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise UnitError(f'"{text}"', _wanted(unit), f'write a number and a unit, such as "{example(unit)}"')
    number, written = float(match[1]), (match[2] or "")
    if not written:
        raise UnitError(text, _wanted(unit), f'write the unit, such as "{match[1]} {example(unit).split(" ", 1)[1]}"')
    factor, offset = conversion(written, unit)
    return scaled(number, factor) + offset


def scaled(number: float, factor: float) -> float:
    """Multiply, but divide where that is exact: 95 % is 0.95, not 0.9500000000000001."""
    inverse = round(1 / factor) if 0 < factor < 1 else 0
    if inverse and abs(inverse * factor - 1) < 1e-12:
        return number / inverse
    return number * factor


@lru_cache(maxsize=1024)
def conversion(written: str, unit: str) -> tuple[float, float]:
    """Return factor and offset that turn numbers in the unit `written` into numbers in `unit`.

    Raises
    ------
    UnitError
        If `written` is no unit, or measures something else than `unit`.
    """
    registry = _registry()
    _define_currencies(written)
    _define_currencies(unit)
    foreign = set(currencies_of(written)) - set(currencies_of(unit))
    if foreign and currencies_of(unit):
        cure = f"the scenario's currency is {currencies_of(unit)[0]}; convert the amount"
        raise UnitError(f'"{written}"', _wanted(unit), cure)
    try:
        zero = float(registry.Quantity(0.0, _spelled(written)).to(_spelled(unit)).magnitude)
        one = float(registry.Quantity(1.0, _spelled(written)).to(_spelled(unit)).magnitude)
    except Exception as error:  # noqa: BLE001  pint raises many kinds, Python's own syntax errors among them
        raise UnitError(f'"{written}"', _wanted(unit), f'such as "{example(unit)}"') from error
    if not (math.isfinite(zero) and math.isfinite(one)):
        raise UnitError(f'"{written}"', _wanted(unit), f'such as "{example(unit)}"')
    return one - zero, zero


def is_currency(code: str) -> bool:
    """Tell whether `code` looks like an ISO 4217 currency: three capital letters."""
    return _CURRENCY.fullmatch(code) is not None


_EXAMPLES = {
    "1": "95 %",
    "kW": "500 kW",
    "kWh": "2 MWh",
    "kg": "300 kg",
    "kg/h": "20 kg/h",
    "h": "2 h",
    "1/h": "0.01 %/h",
    "1/a": "2 %/a",
    "a": "20 a",
    "kWh/kg": "52 kWh/kg",
    "degC": "60 degC",
    "deg": "10 deg",
    "m": "100 m",
    "kgCO2e/kWh": "0.5306 kgCO2e/kWh",
    "kgCO2e/kg": "10 kgCO2e/kg",
    "kgCO2e": "12 tCO2e",
}


def example(unit: str) -> str:
    """Return a quantity of `unit` as a user would write it."""
    return _EXAMPLES.get(unit, f"1 {unit}")


def _wanted(unit: str) -> str:
    if unit == "1":
        return "a share or plain ratio"
    return f"a quantity in {unit} or a unit that converts to it"


def _spelled(unit: str) -> str:
    text = unit.replace("%", "percent").replace("°C", "degC").replace("·", "*")
    return "dimensionless" if text in ("", "1", "-") else text


def currencies_of(unit: str) -> list[str]:
    """Return the currency codes in a unit such as ``CNY/kWh``."""
    return [code for code in _CURRENCY_IN_UNIT.findall(unit) if code not in _NOT_CURRENCIES]


@lru_cache(maxsize=1)
def _registry() -> pint.UnitRegistry:
    import pint

    registry = pint.UnitRegistry(cache_folder=None, autoconvert_offset_to_baseunit=False)
    for definition in _DEFINITIONS:
        registry.define(definition)
    return registry


def _define_currencies(unit: str) -> None:
    for code in currencies_of(unit):
        _define_currency(code)


@lru_cache(maxsize=256)
def _define_currency(code: str) -> None:
    registry = _registry()
    if code not in registry:
        registry.define(f"{code} = [money_{code}]")
