"""A plan read without its prices, where several operations share one model."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class _WithoutDuals:
    def __init__(self, plan: Any) -> None:
        self.plan = plan

    def along(self, rule: Any, index_set: Any = None) -> NDArray[np.float64]:
        """Return the value of ``rule(i)`` for every index of a set."""
        return np.asarray(self.plan.along(rule, index_set))

    def dual(self, constraint: Any) -> None:  # noqa: ARG002
        """Return None."""
        return


def without_duals(plan: Any) -> Any:
    """Return a plan without its duals, which weigh each operation as the objective does: they are no prices."""
    return _WithoutDuals(plan)
