"""Battery: energy and power apart, losses in charging, standing and discharging, wear."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import numpy as np
import pyomo.core as pyo
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from microgrid.capacity import Fixed, Size
from microgrid.claims import Between, Charge, Claim, NeverBoth, Role, StockBalance, Terms
from microgrid.fields import (
    Efficiency,
    EnergyCapacity,
    PerEnergy,
    PowerCapacity,
    Share,
    SharePerHour,
    refuse,
)
from microgrid.technologies.base import Bus, Contribution, Cost, Flow, Operation, State, Store, Technology, parameter
from microgrid.technologies.patterns import (
    EXCLUSIVE,
    begin_and_end,
    flow_within,
    never_both,
    stock,
    stock_balance,
    stock_ends,
)


class Wear(BaseModel):
    """What cycling costs: the replacement of the cells, spread over the energy that they can deliver.

    `throughput`: every kWh discharged from the cells costs ``replacement_cost / (cycle_life * usable window)``.

    `depth`: after Xu, Zhao, Zheng, Litvinov and Kirschen (2018), "Factoring the cycle aging cost of batteries
    participating in electricity markets", IEEE Transactions on Power Systems 33(2): the energy is cut into `segments`
    of equal depth; a full cycle of depth d uses up ``d ** exponent / cycle_life`` of the cells, so deeper segments
    cost more, and the optimum empties shallow segments first. The exponent of 2.03 is that paper's for lithium-ion.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["throughput", "depth"] = Field(default="throughput", description="How cycles are counted.")
    replacement_cost: PerEnergy = Field(description="Cost of new cells per kWh.")
    cycle_life: float = Field(
        gt=0, allow_inf_nan=False, description="Full cycles (depth 100 % of the usable window) until replacement."
    )
    segments: int = Field(default=8, ge=1, le=64, description="Number of depth segments.")
    exponent: float = Field(default=2.03, ge=1, le=5, description="Growth of wear with the depth of a cycle.")

    def marginal(self, window: float) -> list[float]:
        """Return the cost of each kWh out of the cells, by depth segment from shallow to deep.

        Parameters
        ----------
        window
            Usable share of the energy; depths and cycle life refer to it.
        """
        count = self.segments if self.method == "depth" else 1
        per_cycle = self.replacement_cost / (self.cycle_life * window)
        power = self.exponent if self.method == "depth" else 1.0
        return [per_cycle * count * (((j + 1) / count) ** power - (j / count) ** power) for j in range(count)]


class Battery(Technology):
    """A battery behind its inverter, charged and discharged on the alternating-current side.

    ``stored[t+1] = (1 - self_discharge) ** hours[t] * stored[t]
    + hours[t] * (charge_efficiency * charge[t] - discharge[t] / discharge_efficiency)``.

    A binary keeps it from charging and discharging at once only where that could pay: on a bus where energy may be
    worth nothing or less. Elsewhere every round trip costs wear, so the relaxation has nothing to gain.
    """

    kind: Literal["battery"] = "battery"
    bus: Annotated[str, Bus(("electricity",))] = Field(default="electricity", description="Bus it stands on.")
    energy: EnergyCapacity = Field(description="Energy content of the cells, kWh.")
    power: PowerCapacity = Field(description="Rating of the inverter, for charging and discharging alike, kW.")
    charge_efficiency: Efficiency = Field(default=0.95, description="Share of the power drawn that reaches the cells.")
    discharge_efficiency: Efficiency = Field(
        default=0.95, description="Share of the power out of the cells that reaches the bus."
    )
    self_discharge: SharePerHour = Field(default=0.0, description="Share of the stored energy lost per hour.")
    minimum_charge: Share = Field(default=0.0, description="Bottom of the usable window, as a share of energy.")
    maximum_charge: Share = Field(default=1.0, description="Top of the usable window, as a share of energy.")
    initial_charge: Share | None = Field(
        default=None, description="Share of energy at the start; if not given, it ends as it begins."
    )
    final_charge: Share | None = Field(default=None, description="Least share of energy at the end.")
    cyclic: bool = Field(default=False, description="Whether it must end as it began.")
    wear: Wear | None = Field(default=None, description="What cycling costs.")
    exclusive: Literal["auto", "always", "never"] = Field(default="auto", description=EXCLUSIVE)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.minimum_charge >= self.maximum_charge:
            raise refuse(f"{self.minimum_charge:g} to {self.maximum_charge:g}", "minimum_charge below maximum_charge")
        renewed = [name for name, part in self.energy.parts.items() if part.renews and part.cost]
        if self.wear is not None and renewed:
            wanted = "one of both, or new cells are paid twice: as they wear, and when they are bought"
            raise refuse(f"wear, and the part {renewed[0]} that renews the cells", wanted, "leave one of them out")
        for name, share in (("initial_charge", self.initial_charge), ("final_charge", self.final_charge)):
            if share is not None and not self.minimum_charge <= share <= self.maximum_charge:
                raise refuse(
                    f"{name} {share:g}", f"a share within the window {self.minimum_charge:g} to {self.maximum_charge:g}"
                )
        return self

    @property
    def window(self) -> float:
        """Usable share of the energy."""
        return self.maximum_charge - self.minimum_charge

    @property
    def returns(self) -> bool:
        """Whether it ends as it begins."""
        return self.cyclic or (self.initial_charge is None and self.final_charge is None)

    def keeps_ways_apart(self, operation: Operation) -> bool:
        """Tell whether charging and discharging at once must be excluded by a binary."""
        if self.exclusive != "auto":
            return self.exclusive == "always"
        wears = self.wear is not None and self.wear.replacement_cost > 0
        return self.bus in operation.pressed or not (wears and operation.money_counts)

    def roles(self) -> Mapping[str, Role]:
        """Tell what its flows are to rules and contracts."""
        return {"charge": "charge", "discharge": "discharge"}

    def build(self, block: Any, operation: Operation, size: Mapping[str, Size]) -> Contribution:
        """Write the flows, the stock and the wear."""
        charge = flow_within(block, operation, "charge", size["power"])
        discharge = flow_within(block, operation, "discharge", size["power"])
        if self.keeps_ways_apart(operation):
            high = size["power"].high
            is_lazy = self.exclusive == "auto"
            never_both(block, operation, (charge, high), (discharge, high), is_lazy=is_lazy)
        stored = stock(
            block, operation, "stored", size["energy"], self.self_discharge, (self.minimum_charge, self.maximum_charge)
        )
        ends = (self.initial_charge, self.final_charge, self.returns)
        stock_ends(block, operation, "stored", size["energy"], ends)
        into, out_of = self.charge_efficiency, self.discharge_efficiency
        stock_balance(
            block, operation, "stored", stored, lambda t: into * charge[t] - discharge[t] / out_of, self.self_discharge
        )
        return Contribution(
            flows=[
                Flow("charge", self.bus, lambda t: -charge[t]),
                Flow("discharge", self.bus, lambda t: discharge[t]),
            ],
            costs=self._wear_costs(block, operation, size["energy"]),
            states={"stored": State(stored, "points", "initial_charge", "energy"), **self._segment_states(block)},
            store=Store(
                lambda p: stored[p], lambda t: charge[t], lambda t: discharge[t], into, out_of, self.self_discharge
            ),
        )

    def _wear_costs(self, block: Any, operation: Operation, energy: Size) -> list[Cost]:
        if self.wear is None:
            return []
        hours, out_of = operation.hours, self.discharge_efficiency
        if self.wear.method == "throughput":
            (cost,) = self.wear.marginal(self.window)
            return [Cost("wear", "wear", lambda t: cost / out_of * hours[t] * block.discharge[t], operation.steps)]
        self._depth_segments(block, operation, energy)
        priced = list(enumerate(self.wear.marginal(self.window)))
        return [
            Cost(
                "wear",
                "wear",
                lambda t: hours[t] * sum([price * block.component(f"cells_out_{k}")[t] for k, price in priced]),
                operation.steps,
            )
        ]

    def _depth_segments(self, block: Any, operation: Operation, energy: Size) -> None:
        """Cut the usable window into segments of equal depth, each a stock of its own that sums to the whole."""
        into, out_of = self.charge_efficiency, self.discharge_efficiency
        segments = [self._segment(block, operation, energy, k) for k in range(self._depths)]
        bottom = self.minimum_charge

        def segments_fill_charge(b: Any, t: Any) -> Any:
            return sum([filled[t] for _, filled, _ in segments]) == into * b.charge[t]

        def segments_empty_discharge(b: Any, t: Any) -> Any:
            return sum([emptied[t] for _, _, emptied in segments]) == b.discharge[t] / out_of

        block.segments_fill_charge = pyo.Constraint(operation.steps, rule=segments_fill_charge)
        block.segments_empty_discharge = pyo.Constraint(operation.steps, rule=segments_empty_discharge)
        if self._bottom_leaks:
            leak = parameter(block, operation.steps, "bottom_leak", self._bottom_leak(operation))

            def segments_make_up_for_bottom(b: Any, t: Any) -> Any:
                lost = sum(b.component(f"cells_lost_{k}")[t] for k in range(self._depths))
                return lost == leak[t] * energy.amount

            block.segments_make_up_for_bottom = pyo.Constraint(operation.steps, rule=segments_make_up_for_bottom)
        begins = [begin_and_end(block, operation, f"segment_{k}")[0] for k in range(self._depths)]
        stored, _ = begin_and_end(block, operation, "stored")
        block.segments_begin = pyo.Constraint(rule=lambda _b: sum(begins) == stored - bottom * energy.amount)

    def _segment(self, block: Any, operation: Operation, energy: Size, k: int) -> tuple[Any, Any, Any]:
        """Write one segment: its stock, what fills it and what empties it, on the cells' side."""
        level = stock(block, operation, f"segment_{k}", energy, self.self_discharge, (0.0, self.window / self._depths))
        filled = pyo.Var(operation.steps, dense=False, within=pyo.NonNegativeReals)
        emptied = pyo.Var(operation.steps, dense=False, within=pyo.NonNegativeReals)
        block.add_component(f"cells_in_{k}", filled)
        block.add_component(f"cells_out_{k}", emptied)
        name, loss = f"segment_{k}", self.self_discharge
        if not self._bottom_leaks:
            stock_balance(block, operation, name, level, lambda t: filled[t] - emptied[t], loss)
            return level, filled, emptied
        lost = pyo.Var(operation.steps, within=pyo.NonNegativeReals)
        block.add_component(f"cells_lost_{k}", lost)
        stock_balance(block, operation, name, level, lambda t: filled[t] - emptied[t] - lost[t], loss)
        return level, filled, emptied

    @property
    def _bottom_leaks(self) -> bool:
        """Whether what is kept below the usable window discharges itself, which the segments above make up for."""
        return self.minimum_charge > 0 and self.self_discharge > 0

    def _bottom_leak(self, operation: Operation) -> NDArray[np.float64]:
        """Return what leaks below the usable window, per hour of each step and kWh of energy content, shape (n,)."""
        hours = operation.timeline.hours
        return np.asarray(self.minimum_charge * (1.0 - (1.0 - self.self_discharge) ** hours) / hours, dtype=float)

    @property
    def _depths(self) -> int:
        """Number of depth segments, zero where wear is not counted by depth."""
        return self.wear.segments if self.wear is not None and self.wear.method == "depth" else 0

    def _segment_states(self, block: Any) -> dict[str, State]:
        states = {}
        for k in range(self._depths):
            states[f"segment_{k}"] = State(block.component(f"segment_{k}"), "points")
            for way in ("in", "out", "lost") if self._bottom_leaks else ("in", "out"):
                states[f"cells_{way}_{k}"] = State(block.component(f"cells_{way}_{k}"), "steps")
        return states

    def _segment_claims(self, operation: Operation) -> list[Claim]:
        """State each segment's balance and depth, that they make up the whole, and what each kWh out of them costs."""
        assert self.wear is not None
        every, depth = range(self._depths), self.window / self._depths
        into, out_of = self.charge_efficiency, self.discharge_efficiency
        claims: list[Claim] = [
            Between("segments fill as charged", (*((f"cells_in_{k}", 1.0) for k in every), ("charge", into)), 0.0, 0.0),
            Between(
                "segments empty as discharged",
                (*((f"cells_out_{k}", 1.0) for k in every), ("discharge", -1.0 / out_of)),
                0.0,
                0.0,
            ),
            Charge(
                "costs",
                "wear",
                tuple((f"cells_out_{k}", price) for k, price in enumerate(self.wear.marginal(self.window))),
            ),
        ]
        whole: Terms = (*((f"segment_{k}", 1.0) for k in every), ("stored", -1.0), ("energy", self.minimum_charge))
        claims.append(Between("segments make up what is stored", whole, 0.0, 0.0, on="points"))
        lost = tuple((f"cells_lost_{k}", 1.0) for k in every) if self._bottom_leaks else ()
        if lost:
            leaked: Terms = (*lost, ("energy", -self._bottom_leak(operation)))
            claims.append(Between("segments make up for what leaks below them", leaked, 0.0, 0.0))
            claims += [Between(f"{name} is not below zero", ((name, 1.0),), low=0.0) for name, _ in lost]
        for k in every:
            name = f"segment_{k}"
            gains = ((f"cells_in_{k}", 1.0), (f"cells_out_{k}", -1.0), *((part, -1.0) for part, _ in lost[k : k + 1]))
            claims.append(StockBalance(name, gains, "energy", self.self_discharge))
            claims.append(Between(f"{name} within its depth", ((name, 1.0), ("energy", -depth)), high=0.0, on="points"))
            claims.append(Between(f"{name} is not below zero", ((name, 1.0),), low=0.0, on="points"))
        return claims

    def claims(self, operation: Operation) -> list[Claim]:
        """State balance, window, power and wear."""
        gains = (("charge", -self.charge_efficiency), ("discharge", -1.0 / self.discharge_efficiency))
        claims: list[Claim] = [
            StockBalance(
                "stored", gains, "energy", self.self_discharge, self.initial_charge, self.final_charge, self.returns
            ),
            Between(
                "stored within its window", (("stored", 1.0), ("energy", -self.maximum_charge)), high=0.0, on="points"
            ),
            Between(
                "stored above its window's bottom",
                (("stored", 1.0), ("energy", -self.minimum_charge)),
                low=0.0,
                on="points",
            ),
            Between("charge within power", (("charge", -1.0), ("power", -1.0)), high=0.0),
            Between("discharge within power", (("discharge", 1.0), ("power", -1.0)), high=0.0),
            Between("charge is a consumption", (("charge", 1.0),), high=0.0),
            Between("discharge is a supply", (("discharge", 1.0),), low=0.0),
        ]
        if self.exclusive != "never":
            claims.append(NeverBoth("charge", "discharge"))
        if self.wear is not None and self.wear.method == "throughput":
            (cost,) = self.wear.marginal(self.window)
            claims.append(Charge("costs", "wear", (("discharge", cost / self.discharge_efficiency),)))
        if self._depths:
            claims += self._segment_claims(operation)
        return claims

    @classmethod
    def example(cls) -> Self:
        """Return a battery of 60 kWh and 30 kW with every loss and wear."""
        return cls(
            energy=Fixed(amount=60.0),
            power=Fixed(amount=30.0),
            charge_efficiency=0.9,
            discharge_efficiency=0.8,
            self_discharge=0.01,
            minimum_charge=0.1,
            maximum_charge=0.95,
            initial_charge=0.5,
            final_charge=0.3,
            wear=Wear(replacement_cost=600.0, cycle_life=6000.0),
        )
