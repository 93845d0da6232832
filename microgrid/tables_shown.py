"""A frame as a table on a terminal."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd


def shown_table(frame: pd.DataFrame) -> str:
    """Return a frame of numbers as aligned text: six digits count, what is missing is a dash."""
    if frame.empty:
        return "no figure differs"
    texts = [[_number(value) for value in row] for row in frame.to_numpy()]
    heads = [str(name) for name in frame.columns]
    names = [str(name) for name in frame.index]
    widths = [max(len(head), *(len(row[at]) for row in texts)) for at, head in enumerate(heads)]
    first = max(len(name) for name in names)
    lines = [" " * first + "".join(f"  {head:>{width}}" for head, width in zip(heads, widths, strict=True))]
    for name, row in zip(names, texts, strict=True):
        cells = "".join(f"  {text:>{width}}" for text, width in zip(row, widths, strict=True))
        lines.append(f"{name:<{first}}{cells}")
    return "\n".join(lines)


def with_unit(name: object, units: Mapping[str, str]) -> str:
    """Return a name with its unit in brackets, where it has one."""
    unit = units.get(str(name), "")
    return f"{name} [{unit}]" if unit else str(name)


def _number(value: float) -> str:
    if pd.isna(value):
        return "-"
    return f"{value:,.2f}" if abs(value) >= 100 else f"{value:.6g}"
