"""Heat pump: heat from electricity, by a given coefficient of performance or by the temperatures of source and sink."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from microgrid.capacity import Fixed, Size
from microgrid.claims import Between, Claim
from microgrid.fields import Along, PerEnergy, PowerCapacity, Share, refuse
from microgrid.series import Series
from microgrid.technologies.base import Bus, Contribution, Flow, Operation, Technology, parameter
from microgrid.technologies.commitment import Commitment, commitment_claims, committed
from microgrid.technologies.patterns import variable_cost_claims, variable_costs

_ZERO_CELSIUS = 273.15  # K, by definition of the degree Celsius


class HeatPump(Technology):
    """A compression heat pump; its source is the surroundings, a river or waste heat that no bus counts.

    ``input[t] = output[t] / cop[t]``. From temperatures, ``cop = quality * sink / (sink - source)`` in kelvin: a share
    of what Carnot allows. Quality grades of 0.4 (air), 0.5 (ground water) and 0.55 (ground) are the VDE's ("Potenziale
    für Strom im Wärmemarkt bis 2050", 2015); 0.4 to 0.6 for high-temperature heat pumps is from Arpagaus
    ("Hochtemperatur-Wärmepumpen", VDE-Verlag, 2019). No binary without a `commitment`.
    """

    kind: Literal["heat_pump"] = "heat_pump"
    bus: Annotated[str, Bus(("electricity",), "in")] = Field(default="electricity", description="Bus it draws from.")
    heat_bus: Annotated[str, Bus(("heat",), "out")] = Field(default="heat", description="Bus it feeds.")
    capacity: PowerCapacity = Field(description="Rated heat output, kW.")
    cop: Annotated[Series, Along("1", low=1.0)] | None = Field(
        default=None, description="Heat per electricity; or give temperatures and quality instead."
    )
    source_temperature: Annotated[Series, Along("degC", low=-60.0, high=150.0)] | None = Field(
        default=None, description="Temperature from which heat is drawn."
    )
    sink_temperature: Annotated[Series, Along("degC", low=-60.0, high=250.0)] | None = Field(
        default=None, description="Temperature at which heat is given."
    )
    quality: Share | None = Field(default=None, description="Share of Carnot's coefficient that the machine reaches.")
    commitment: Commitment | None = Field(default=None, description="Minimum load, starts, minimum times, ramps.")
    variable_cost: PerEnergy = Field(default=0.0, description="Operation cost per kWh of heat.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        three = (self.source_temperature, self.sink_temperature, self.quality)
        given = sum(part is not None for part in three)
        if (self.cop is not None and given) or (self.cop is None and given < 3):
            wanted = "either cop, or all of source_temperature, sink_temperature and quality"
            raise refuse(f"{'cop' if self.cop is not None else 'no cop'} and {given} of the three", wanted)
        if self.cop is None:
            self._refuse_impossible_temperatures()
        return self

    def _refuse_impossible_temperatures(self) -> None:
        assert self.source_temperature is not None
        assert self.sink_temperature is not None
        source, sink = self.source_temperature.values, self.sink_temperature.values
        if source.ndim and sink.ndim and source.shape != sink.shape:
            raise refuse(
                f"{len(source)} source and {len(sink)} sink temperatures", "as many of the one as of the other"
            )
        pairs = np.broadcast_arrays(np.atleast_1d(source), np.atleast_1d(sink))
        for step, (low, high) in enumerate(zip(*(pair.tolist() for pair in pairs), strict=True)):
            at = f" at step {step}" if source.ndim or sink.ndim else ""
            if high <= low:
                raise refuse(f"a sink of {high:g} degC and a source of {low:g} degC{at}", "a sink above the source")
            if self._carnot(low, high) < 1:
                found = f"a coefficient of {self._carnot(low, high):.3g}{at}"
                raise refuse(found, "a coefficient of 1 or more", "raise quality, or bring the temperatures together")

    def _carnot(self, source: Any, sink: Any) -> Any:
        return (self.quality or 0.0) * (sink + _ZERO_CELSIUS) / (sink - source)

    def cop_on(self, operation: Operation) -> NDArray[np.float64]:
        """Return the coefficient of performance of each step, shape (n,)."""
        if self.cop is not None:
            return self.cop.on(operation.timeline, "cop")
        assert self.source_temperature is not None
        assert self.sink_temperature is not None
        source = self.source_temperature.on(operation.timeline, "source_temperature")
        sink = self.sink_temperature.on(operation.timeline, "sink_temperature")
        return np.asarray(self._carnot(source, sink), dtype=float)

    def presses(self) -> frozenset[str]:
        """Return the heat bus, where the heat pump cannot be turned down at will."""
        forced = self.commitment is not None and self.commitment.may_overfill
        return frozenset({self.heat_bus}) if forced else frozenset()

    def build(self, block: Any, operation: Operation, size: Mapping[str, Size]) -> Contribution:
        """Write the output under its commitment, and the electricity it takes."""
        unit = committed(block, operation, size["capacity"], self.commitment)
        output = unit.output
        per_heat = parameter(block, operation.steps, "electricity_per_heat", 1.0 / self.cop_on(operation))
        return Contribution(
            flows=[
                Flow("input", self.bus, lambda t: -per_heat[t] * output[t]),
                Flow("output", self.heat_bus, lambda t: output[t]),
            ],
            costs=[*unit.costs, *variable_costs(operation, self.variable_cost, lambda t: output[t])],
            states=unit.states,
        )

    def claims(self, operation: Operation) -> list[Claim]:
        """State the coefficient, the commitment and the cost."""
        cop = self.cop_on(operation)
        return [
            Between("heat follows from electricity", (("output", 1.0), ("input", cop)), 0.0, 0.0),
            Between("output is no consumption", (("output", 1.0),), low=0.0),
            *commitment_claims(operation, self.commitment, "capacity", "output"),
            *variable_cost_claims(self.variable_cost),
        ]

    @classmethod
    def example(cls) -> Self:
        """Return a heat pump of 90 kW from 10 to 60 degC with a minimum load."""
        return cls(
            capacity=Fixed(amount=90.0),
            source_temperature=Series(np.asarray(10.0)),
            sink_temperature=Series(np.asarray(60.0)),
            quality=0.5,
            commitment=Commitment(minimum_load=0.3, start_cost=0.5),
            variable_cost=0.003,
        )
