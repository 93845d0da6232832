"""Linear expressions over many rows at once: the value of a symbolic template, or of a list of plain expressions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[Any]


class NotTemplatedError(Exception):
    """An expression that cannot be evaluated as arrays; the text says what stood in the way."""


@dataclass(frozen=True, eq=False)
class Space:
    """The rows that an expression is evaluated for.

    Parameters
    ----------
    length
        Number of rows.
    values
        What each symbolic index stands for in each row, by the identity of the IndexTemplate.
    """

    length: int
    values: dict[int, Indices]


@dataclass(eq=False)
class Linear:
    """A linear expression for each row: a constant, and terms of rows, columns and coefficients."""

    constant: Array
    rows: list[NDArray[np.int64]] = field(default_factory=list)
    columns: list[NDArray[np.int64]] = field(default_factory=list)
    coefficients: list[Array] = field(default_factory=list)

    def times(self, factor: Array) -> Linear:
        """Return the expression with every row multiplied by its factor."""
        scaled = [c * factor[r] for r, c in zip(self.rows, self.coefficients, strict=True)]
        return Linear(self.constant * factor, list(self.rows), list(self.columns), scaled)

    def add(self, other: Linear) -> None:
        """Add another expression over the same rows."""
        self.constant = self.constant + other.constant
        self.rows += other.rows
        self.columns += other.columns
        self.coefficients += other.coefficients

    def taken(self, places: NDArray[np.int64]) -> Linear:
        """Return one row for each place: the row that stands there."""
        if len(self.constant) == 0:
            return Linear(np.zeros(len(places)))
        rows, columns, coefficients = [], [], []
        for own_rows, own_columns, own_coefficients in zip(self.rows, self.columns, self.coefficients, strict=True):
            order = np.argsort(own_rows, kind="stable")
            counts = np.bincount(own_rows, minlength=len(self.constant))
            starts = np.cumsum(counts) - counts
            wanted = counts[places]
            repeat = np.repeat(np.arange(len(places)), wanted)
            within = np.arange(len(repeat)) - np.repeat(np.cumsum(wanted) - wanted, wanted)
            picked = order[np.repeat(starts[places], wanted) + within]
            rows.append(repeat)
            columns.append(own_columns[picked])
            coefficients.append(own_coefficients[picked])
        return Linear(self.constant[places], rows, columns, coefficients)

    def at(self, values: Array) -> Array:
        """Return what each row amounts to where the columns have these values."""
        total = self.constant.copy()
        for rows, columns, coefficients in zip(self.rows, self.columns, self.coefficients, strict=True):
            np.add.at(total, rows, coefficients * values[columns])
        return total

    @property
    def is_constant(self) -> bool:
        """Whether no column takes part."""
        return not self.rows
