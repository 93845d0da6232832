"""Rows of a frame that agree in some of its texts, found by the codes of categories instead of text by text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Alike(NamedTuple):
    """Rows that agree.

    Parameters
    ----------
    key
        The texts that they agree in, in the order in which the columns were asked for.
    rows
        Their numbers from 0, in order, shape (rows,).
    """

    key: tuple[str, ...]
    rows: NDArray[np.intp]


def alike(frame: pd.DataFrame, columns: Sequence[str]) -> list[Alike]:
    """Return the rows of a frame that agree in all of some columns, in the order in which they first appear.

    Every row is in one of them; what has no text counts as ``nan``.
    """
    if frame.empty:
        return []
    number, known = np.zeros(len(frame), dtype=np.int64), []
    for column in columns:
        codes, texts = _codes(frame[column])
        number = number * len(texts) + codes
        known.append((codes, texts))
    order = np.argsort(number, kind="stable")
    starts = np.flatnonzero(np.diff(number[order], prepend=-1))
    parts = sorted(np.split(order, starts[1:]), key=lambda rows: int(rows[0]))
    return [Alike(tuple(texts[codes[rows[0]]] for codes, texts in known), rows) for rows in parts]


def sums(parts: Sequence[Alike], amounts: Array) -> dict[tuple[str, ...], float]:
    """Return the sum of amounts, one a row of the frame, over each of its parts."""
    return {part.key: float(amounts[part.rows].sum()) for part in parts}


def numbers_of(times: pd.Series) -> tuple[NDArray[np.intp], pd.DatetimeIndex]:
    """Return for each row which of the different times it has, and these times as they first appear."""
    index = pd.DatetimeIndex(times)
    number, found = pd.factorize(index.asi8)
    return number, pd.DatetimeIndex(found, tz="UTC").as_unit(index.unit).tz_convert(index.tz)


def _codes(column: pd.Series) -> tuple[NDArray[np.int64], list[str]]:
    """Return the number of each row's text, and the texts; the last is that of rows without one."""
    values = column.array
    if not isinstance(values, pd.Categorical):
        values = pd.Categorical(column.astype(str))
    texts = [*map(str, values.categories.tolist()), "nan"]
    codes = values.codes.astype(np.int64)
    return np.where(codes < 0, len(texts) - 1, codes), texts


__all__ = ["Alike", "alike", "numbers_of", "sums"]
