"""The section `uncertainty` of a scenario file: futures that may come, how likely they are, what they change."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from microgrid.faults import shown
from microgrid.fields import Part, Quantity, Share, refuse

_SUM = 1e-6


class Future(Part):
    """One year that may come."""

    probability: Share | None = Field(
        default=None, description="How likely it is; where no future says, all are equally likely."
    )
    fields: dict[str, Any] = Field(default={}, description="Fields by path, with the values that they have then.")


class Uncertainty(Part):
    """Years of weather, prices and load that one plant must be built for, whichever comes."""

    futures: dict[str, Future] = Field(min_length=2, description="The futures by name.")
    tail: Annotated[float, Quantity("1", above=0.0, high=1.0)] = Field(
        default=0.2, description="Share of the worst cases whose mean cost is the conditional value at risk."
    )

    @property
    def probabilities(self) -> dict[str, float]:
        """How likely each future is."""
        equal = 1 / len(self.futures)
        return {
            name: equal if future.probability is None else future.probability for name, future in self.futures.items()
        }

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        told = [name for name, future in self.futures.items() if future.probability is not None]
        if told and len(told) < len(self.futures):
            missing = next(name for name in self.futures if name not in told)
            raise refuse(
                f"a probability of {shown(told[0])}, none of {shown(missing)}", "one of each future, or of none"
            )
        total = sum(self.probabilities.values())
        if abs(total - 1) > _SUM:
            raise refuse(f"probabilities of {100 * total:g} % together", "100 %")
        if told and min(self.probabilities.values()) <= 0:
            raise refuse("a future that never comes", "probabilities above zero", "leave it out")
        return self
