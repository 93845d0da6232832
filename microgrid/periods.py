"""A long time made up of few periods: which stretches of it are alike, in which order, and what it was."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

# Hours between one period and the next: longer than whatever lasts within one, for what was before it is not known.
APART = 1e7


@dataclass(frozen=True, eq=False)
class Periods:
    """How the steps of a timeline are cut into periods, and how these make up a longer time.

    Parameters
    ----------
    firsts
        First step of each period, ascending from 0, shape (k,).
    order
        For each stretch of the longer time, one after the other, the period that stands for it, shape (d,).
    end
        When the longer time ends.
    by_month
        Whether a period stands for stretches of its own billing month alone, so that months can be billed.
    """

    firsts: NDArray[np.intp]
    order: NDArray[np.intp]
    end: pd.Timestamp
    by_month: bool

    def __len__(self) -> int:
        """Return the number of periods."""
        return len(self.firsts)

    @cached_property
    def counts(self) -> NDArray[np.float64]:
        """How many stretches each period stands for, shape (k,)."""
        return np.bincount(self.order, minlength=len(self)).astype(float)

    def of_steps(self, n: int) -> NDArray[np.intp]:
        """Return the period of each of `n` steps, shape (n,)."""
        return np.searchsorted(self.firsts, np.arange(n), side="right") - 1

    def of_points(self, n: int) -> NDArray[np.intp]:
        """Return the period of each point: a period of s steps has s + 1 points of its own, shape (n + k,)."""
        lengths = np.diff(np.append(self.firsts, n)) + 1
        return np.repeat(np.arange(len(self)), lengths)

    def first_points(self) -> NDArray[np.intp]:
        """Return the point at which each period begins, shape (k,)."""
        return self.firsts + np.arange(len(self))

    def last_points(self, n: int) -> NDArray[np.intp]:
        """Return the point at which each period ends, shape (k,)."""
        return np.append(self.firsts[1:], n) + np.arange(len(self))
