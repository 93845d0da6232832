"""A bill as a terminal shows it, as CSV and as JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from microgrid.bills.counter import Answer
from microgrid.errors import InputError, Problem

HEADERS = ("month", "line", "category", "quantity", "unit", "amount")


def as_text(answer: Answer) -> str:
    """Return a bill month by month, with its total, totals of other options, and warnings."""
    return "\n".join(_lines(answer))


def _lines(answer: Answer) -> Iterator[str]:
    currency, items = answer.tariff.currency, answer.bill.items
    # A month, such as 2026-01, stands above the lines and is indented less by two.
    wide = max([5, *(len(item.line) for item in items)])
    option = f", {answer.option}" if answer.option else ""
    yield f"{answer.tariff.title or 'tariff'}{option}"
    for month in dict.fromkeys(item.month for item in items):
        own = [item for item in items if item.month == month]
        yield f"{month}{'':{wide - 5}}{'quantity':>16} {'':12}{f'amount {currency}':>18}"
        for item in own:
            quantity = f"{item.quantity:,.3f}" if abs(item.quantity) < 10 else f"{item.quantity:,.1f}"
            yield f"  {item.line:<{wide}}{quantity:>16} {item.unit:<12}{item.amount:>18,.2f}"
        yield f"  {'sum':<{wide}}{'':>16} {'':<12}{sum(item.amount for item in own):>18,.2f}"
    yield f"total{'':{wide + 26}}{answer.bill.total:>18,.2f}"
    others = {name: total for name, total in answer.totals.items() if name != answer.option}
    for name, total in others.items():
        yield f"{f'under {name}':<{wide + 31}}{total:>18,.2f}"
    for warning in answer.bill.warnings:
        yield f"warning: {warning}"


def as_csv(answer: Answer) -> str:
    """Return the items of a bill as CSV, amounts in the tariff's currency."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    unit = f" [{answer.tariff.currency}]" if answer.tariff.currency else ""
    writer.writerow([*HEADERS[:-1], f"amount{unit}"])
    for item in answer.bill.items:
        writer.writerow([*item[:3], f"{item.quantity:.6f}", item.unit, f"{item.amount:.6f}"])
    return stream.getvalue()


def as_json(answer: Answer) -> str:
    """Return a bill as JSON, with what the next one inherits."""
    data = {
        "tariff": answer.tariff.title,
        "currency": answer.tariff.currency,
        "option": answer.option,
        "total": answer.bill.total,
        "totals_by_option": dict(answer.totals),
        "lines": answer.bill.lines(),
        "items": [dict(zip(HEADERS, item, strict=True)) for item in answer.bill.items],
        "warnings": list(answer.bill.warnings),
        "past": _with_units(answer),
    }
    return json.dumps(data, indent=2, ensure_ascii=False)


def _with_units(answer: Answer) -> dict[str, object]:
    """Return what the next bill inherits as a scenario's `past` would write it."""
    past = answer.carried
    parts: dict[str, object] = {
        "until": past.until.isoformat() if past.until is not None else None,
        "peaks": _quantities(past.peaks, "kW"),
        "energy": f"{past.energy!r} kWh",
        "energy_since": past.energy_since.isoformat() if past.energy_since is not None else None,
        "months": {name: _quantities(peaks, "kW") for name, peaks in past.months.items()},
        "netted": _quantities(past.netted, "kWh"),
        "charged": _quantities(past.charged, "kW"),
        "open_windows": {
            name: {"energy": f"{window.energy!r} kWh", "hours": f"{window.hours!r} h"}
            for name, window in past.open_windows.items()
        },
    }
    return {name: part for name, part in parts.items() if part}


def _quantities(numbers: Mapping[str, float], unit: str) -> dict[str, str]:
    return {name: f"{number!r} {unit}" for name, number in numbers.items()}


def write(answer: Answer, path: Path) -> None:
    """Write a bill as CSV or JSON, by the name's ending.

    Raises
    ------
    InputError
        If the name ends otherwise, or the file cannot be written.
    """
    forms = {".csv": as_csv, ".json": as_json, ".txt": as_text}
    if path.suffix not in forms:
        raise InputError([Problem("--out", str(path), f"a file that ends in {', '.join(forms)}")])
    text = forms[path.suffix](answer)
    try:
        path.write_text(text if text.endswith("\n") else f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise InputError([Problem("--out", str(path), f"a file that can be written: {error.strerror}")]) from error
