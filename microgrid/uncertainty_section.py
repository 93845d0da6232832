"""The section `uncertainty` of a scenario file: futures that may come, how likely they are, what they change."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from microgrid.fields import Part, Quantity, Share
from microgrid.probabilities import probabilities_of


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
        return probabilities_of({name: future.probability for name, future in self.futures.items()})

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        probabilities_of({name: future.probability for name, future in self.futures.items()})
        return self
