"""The one door where "2 MWh" becomes 2000.0: text with a unit in, a number in house units out.

House units are kW, kWh, kg, kg/h, h, the scenario's currency, kgCO2 and kgCO2e. Behind the door stands pint with a
closed list of units, `units.txt`; it is imported on first use, so that a command that reads no units does not pay for
it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pint

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_QUANTITY = re.compile(rf"\s*({_NUMBER})\s*(\S.*?)?\s*")
_CODE = re.compile(r"[A-Z]{3}")
_TOKEN = re.compile(
    r"\s*(?:(?P<word>°[CF]?|[%‰€$£¥]|[^\W\d]\w*)(?:(?:\*\*|\^)(?P<power>-?\d))?|(?P<sign>[*/·()]|1(?!\d)))"
)
_EMISSION = re.compile(r"\b([kM]?[gt])[\s_]?CO[2₂](?:[-_ ]?(e)q?)?(?![A-Za-z0-9])")
_SPELLED = {"%": "percent", "‰": "permille", "°": "deg", "°C": "degC", "°F": "degF", "·": "*", "per": "/"}

# Words that people write where no unit stands, and what to write instead.
_HINTS = {
    "kVA": "apparent power is no power: multiply by the power factor and write kW",
    "MVA": "apparent power is no power: multiply by the power factor and write MW",
    "RMB": "write CNY",
    "元": "write CNY",
    "¥": "write CNY or JPY",
    "€": "write EUR",
    "$": "write USD",
    "£": "write GBP",
    "ct": "write hundredths as 0.27 EUR, not as 27 ct",
    "Nm3": "write kg for hydrogen, kWh of lower heating value for fuels",
}
_SEPARATORS = "write a point before decimals and nothing between thousands"
_LONGEST = 60

CURRENCY = "CUR"
_EXAMPLES = {
    "1": "95 %",
    "kW": "500 kW",
    "kWh": "2 MWh",
    "kg": "300 kg",
    "kg/h": "20 kg/h",
    "h": "2 h",
    "1/h": "1 %/h",
    "1/a": "2 %/a",
    "a": "20 a",
    "kWh/kg": "52 kWh/kg",
    "degC": "60 degC",
    "1/delta_degC": "-0.35 %/K",
    "deg": "10 deg",
    "m": "100 m",
    "kgCO2e/kWh": "0.5306 kgCO2e/kWh",
    "kgCO2e/kg": "10 kgCO2e/kg",
    "kgCO2/kWh": "0.5306 kgCO2/kWh",
    "kgCO2/kg": "10 kgCO2/kg",
    "kgCO2e": "12 tCO2e",
    "kgCO2": "12 tCO2",
    "CUR": "5000 CUR",
    "CUR/h": "12 CUR/h",
    "CUR/kg": "30 CUR/kg",
    "CUR/kWh": "0.66 CUR/kWh",
    "CUR/kW": "800 CUR/kW",
    "CUR/kWh/a": "5 CUR/kWh/a",
    "CUR/kW/a": "10 CUR/kW/a",
    "CUR/kW/month": "40 CUR/kW/month",
    "CUR/kVA/month": "25 CUR/kVA/month",
    "CUR/month": "200 CUR/month",
    "kVA": "1250 kVA",
    "kvar": "200 kvar",
    "kWh/kVA": "260 kWh/kVA",
    "CUR/kgCO2e": "80 CUR/tCO2e",
    "CUR/kgCO2": "80 CUR/tCO2",
}


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
    return measure(text, (unit,))[0]


def measure(text: str, units: Sequence[str]) -> tuple[float, str]:
    """Read a text as a number in the first of `units` that it measures; return the number and that unit.

    Raises
    ------
    UnitError
        If the text is no number with a unit, or its unit measures none of them.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise UnitError(text, wanted_text(units), _SEPARATORS if re.search(r"\d[,'_ ]\d", text) else "")
    number, written = float(match[1]), (match[2] or "")
    if not written and "1" not in units:
        raise UnitError(text, wanted_text(units), add_unit(match[1], units))
    fault: UnitError | None = None
    for unit in units:
        try:
            factor, offset = conversion(written, unit)
        except UnitError as error:
            fault = fault or error
        else:
            return scaled(number, factor) + offset, unit
    cure = _SEPARATORS if re.match(r"[\d,']", written) else fault.cure if fault else ""
    raise UnitError(text, wanted_text(units), cure)


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
    house = _expression(unit, unit)
    foreign = set(currencies_of(written)) - set(currencies_of(unit))
    if foreign and currencies_of(unit):
        code = currencies_of(unit)[0]
        hint = next(
            (_HINTS[word] for word in foreign if word in _HINTS), f"convert it to {code}, the currency of the scenario"
        )
        raise UnitError(f'"{written}"', wanted_text((unit,)), hint)
    expression = _expression(written, unit)
    registry = _registry()
    try:
        zero = float(registry.Quantity(0.0, expression).to(house).magnitude)
        one = float(registry.Quantity(1.0, expression).to(house).magnitude)
    except Exception as error:
        hint = next((_HINTS[word] for word in re.findall(r"\w+", written) if word in _HINTS), "")
        raise UnitError(f'"{written}"', wanted_text((unit,)), hint) from error
    if not (math.isfinite(zero) and math.isfinite(one) and one != zero):
        raise UnitError(f'"{written}"', wanted_text((unit,)))
    return one - zero, zero


def is_currency(code: str) -> bool:
    """Tell whether `code` looks like an ISO 4217 currency: three capital letters that are no unit."""
    return _CODE.fullmatch(code) is not None and code not in _HINTS and not _other_case(code)


def currencies_of(unit: str) -> list[str]:
    """Return the currency codes in a unit such as ``CNY/kWh``."""
    words = (match["word"] for match in _TOKEN.finditer(unit) if match["word"])
    return [word for word in words if _CODE.fullmatch(word) and not _other_case(word)]


def example(unit: str) -> str:
    """Return a quantity of `unit` as a user would write it."""
    code = next(iter(currencies_of(unit)), CURRENCY)
    shown = _EXAMPLES.get(unit.replace(code, CURRENCY))
    return shown.replace(CURRENCY, code) if shown else f"1 {unit}"


def wanted_text(units: Sequence[str]) -> str:
    """Say what a quantity in one of `units` looks like."""
    if units[0] == "1":
        return 'a plain number such as 0.95, or "95 %"'
    return f'a quantity in {" or ".join(units)}, such as "{example(units[0])}"'


def add_unit(number: str, units: Sequence[str]) -> str:
    """Say how to cure a bare number."""
    if units[0] == "h":
        return f'add the unit, such as "{number} h", "{number} min" or "{number} s"'
    shown = " or ".join(f'"{number} {unit}"' for unit in units)
    return f"add the unit, such as {shown}"


def _expression(unit: str, house: str) -> str:
    """Return a unit in the registry's notation, word by word, so that nothing is read that is not on the list."""
    text = _EMISSION.sub(lambda found: f"{found[1]}CO2{found[2] or ''}", unit.strip())
    if text in ("", "1", "-"):
        return "dimensionless"
    parts, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or len(text) > _LONGEST:
            raise UnitError(f'"{unit}"', wanted_text((house,)))
        parts.append(_part(match, unit, house))
        at = match.end()
    joined = " ".join(parts)
    return re.sub(r"\bdeg([CF])\b", r"delta_deg\1", joined) if len(parts) > 1 else joined


def _part(match: re.Match[str], unit: str, house: str) -> str:
    if match["word"] is None:
        return _SPELLED.get(match["sign"], match["sign"])
    word = _SPELLED.get(match["word"], match["word"])
    is_code = _CODE.fullmatch(word) is not None and not _other_case(word)
    if is_code:
        _define_currency(word)
    if is_code or word in _words() or word in ("/", "delta_degC"):
        return f"{word} ** {match['power']}" if match["power"] else word
    raise UnitError(f'"{unit}"', wanted_text((house,)), _unknown(word))


def _unknown(word: str) -> str:
    if word in _HINTS:
        return _HINTS[word]
    near = _other_case(word)
    return f'did you mean "{near}"?' if near else f'"{word}" is no unit that is known here'


def _other_case(word: str) -> str:
    """Return the unit that a word would be with other capitals: MWH, mW and KWh stand for MWh, MW and kWh."""
    return "" if word in _words() else _capitals().get(word.casefold(), "")


@lru_cache(maxsize=1)
def _capitals() -> dict[str, str]:
    return {word.casefold(): word for word in sorted(_words(), key=len)}


@lru_cache(maxsize=1)
def _words() -> frozenset[str]:
    """Return every name and symbol of `units.txt`."""
    lines = (line.split("#")[0].split(";")[0] for line in _definitions().splitlines())
    parts = [[part.strip() for part in line.split("=")] for line in lines if "=" in line]
    return frozenset(name for first, _, *others in parts for name in (first, *others))


def _definitions() -> str:
    return (resources.files("microgrid") / "units.txt").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _registry() -> pint.UnitRegistry[Any]:
    import pint

    registry: pint.UnitRegistry[Any] = pint.UnitRegistry(
        _definitions().splitlines(), cache_folder=None, autoconvert_offset_to_baseunit=False
    )
    return registry


@lru_cache(maxsize=256)
def _define_currency(code: str) -> None:
    _registry().define(f"{code} = [money_{code}]")
