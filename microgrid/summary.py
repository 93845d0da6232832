"""What a terminal shows: a run in a dozen lines, the technologies, the fields of one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from microgrid.errors import InputError, Problem, nearest
from microgrid.fields import Along, CapacityIn, Quantity
from microgrid.results import Result
from microgrid.technologies import technologies
from microgrid.technologies.base import Bus


def print_summary(result: Result, folder: Path) -> None:
    """Print a run: how it ended, what it costs and emits, what was sized, where it lies."""
    console = Console(highlight=False)
    manifest = result.manifest
    console.print(f"[bold]{escape(manifest['scenario']['name'])}[/bold]  {_period(manifest)}")
    console.print(_ending(manifest))
    table = Table(show_header=False, box=None, padding=(0, 2))
    for name, amount, unit in _figures(manifest, result):
        table.add_row(name, f"{amount:>16,.2f}", unit)
    console.print(table)
    for line in _warnings(manifest, result):
        console.print(line)
    console.print(f"report   {escape(str(folder / 'report.html'))}", soft_wrap=True)


def _period(manifest: dict[str, Any]) -> str:
    horizon = manifest["horizon"]
    return f"{horizon['start']} to {horizon['end']}, {horizon['steps']} steps"


def _ending(manifest: dict[str, Any]) -> str:
    outcome = manifest["outcome"]
    gap = "" if outcome["gap"] is None else f", gap {outcome['gap']:.4%}"
    word = "[green]proved[/green]" if outcome["proved"] else f"[bold red]NOT PROVED[/bold red] ({outcome['ended']})"
    return f"{word}{gap}, {outcome['solver']} {outcome['seconds']:.2f} s, {manifest['total_seconds']:.2f} s in all"


def _figures(manifest: dict[str, Any], result: Result) -> Iterable[tuple[str, float, str]]:
    currency = manifest["currency"]
    for category, amount in manifest["costs"].items():
        yield ("cost" if category == "cost" else f"  {category}"), amount, currency
    for column in ("scope_1", "scope_2_location", "scope_2_market", "scope_3"):
        if manifest["emissions"][column]:
            yield column.replace("_", " "), manifest["emissions"][column], "kgCO2e"
    decided = {(asset, name): size for asset, sizes in result.sizes.items() for name, size in sizes.items()}
    for (asset, name), size in decided.items():
        if name in manifest["decided"].get(asset, {}):
            yield f"size of {asset}.{name}", size, manifest["decided"][asset][name]


def _warnings(manifest: dict[str, Any], result: Result) -> Iterable[str]:
    unserved = result.flows[result.flows["port"] == "unserved"]
    amounts = unserved.merge(result.steps, on="time")
    for (asset, unit), part in amounts.groupby(["asset", "unit"], observed=True):
        total = float((part["rate"] * part["hours"] * part["weight"]).sum())
        if total > 1e-6:
            yield f"[bold red]unserved[/bold red] {escape(str(asset))}: {total:,.2f} {str(unit).replace('/h', '') if '/h' in str(unit) else 'kWh'}"
    audit = manifest["audit"]
    if audit["passed"]:
        yield f"audit    passed, {audit['checked']} statements"
    else:
        yield f"[bold red]audit    FAILED[/bold red], {len(audit['findings'])} of {audit['checked']} statements"
        yield from (f"   {escape(finding)}" for finding in audit["findings"][:10])


def print_technologies() -> None:
    """Print every kind with what it is."""
    table = Table(box=None, padding=(0, 2))
    table.add_column("kind")
    table.add_column("what it is")
    for kind, technology in technologies().items():
        table.add_row(kind, _first_line(technology))
    Console(highlight=False).print(table)


def print_technology(kind: str) -> None:
    """Print the fields of a kind: unit, default, meaning.

    Raises
    ------
    InputError
        If there is no such kind.
    """
    known = technologies()
    if kind not in known:
        near = nearest(kind, known)
        cure = f'did you mean "{near}"?' if near else ""
        raise InputError([Problem("kind", f'"{kind}"', f"one of {', '.join(known)}", cure)])
    technology = known[kind]
    console = Console(highlight=False)
    console.print(f"[bold]{kind}[/bold]  {_first_line(technology)}\n")
    table = Table(box=None, padding=(0, 2))
    for heading in ("field", "unit", "default", "meaning"):
        table.add_column(heading)
    for row in _rows(technology):
        table.add_row(*(escape(cell) for cell in row))
    console.print(table)


def _first_line(technology: type[BaseModel]) -> str:
    return (technology.__doc__ or "").strip().splitlines()[0]


def _rows(model: type[BaseModel], prefix: str = "") -> Iterable[tuple[str, str, str, str]]:
    for name, field in model.model_fields.items():
        if name == "kind":
            continue
        default = "required" if field.is_required() else _default(field.default)
        yield f"{prefix}{name}", unit_of(field), default, field.description or ""
        nested = _nested(field.annotation)
        if nested is not None:
            yield from _rows(nested, f"{prefix}{name}.")


def _default(value: Any) -> str:
    return "" if value is None or value == "" else str(value)


def _nested(annotation: Any) -> type[BaseModel] | None:
    candidates = (annotation, *get_args(annotation))
    models = [c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)]
    return models[0] if models and models[0].__name__ not in ("Fixed", "Sized") else None


def unit_of(field: FieldInfo) -> str:
    """Return the unit of a field as scenario files write it, or what it holds instead."""
    marks = [
        *field.metadata,
        *(mark for part in get_args(field.annotation) for mark in getattr(part, "__metadata__", ())),
    ]
    for mark in marks:
        if isinstance(mark, CapacityIn):
            return f"{mark.unit}, or low and high"
        if isinstance(mark, Quantity | Along):
            units = " or ".join((mark.unit, *mark.other_units)).replace("CUR", "currency")
            shown = "share" if units == "1" and mark.high == 1.0 else units
            return f"{shown}, series" if isinstance(mark, Along) else shown
        if isinstance(mark, Bus):
            return "bus"
    return _type_name(field.annotation)


def _type_name(annotation: Any) -> str:
    named = {str: "text", int: "number", float: "number", bool: "true or false"}
    options = [part for part in get_args(annotation) if part is not type(None)]
    if annotation in named:
        return named[annotation]
    if options and all(isinstance(option, str) for option in options):
        return ", ".join(options)
    return _type_name(options[0]) if options else ""
