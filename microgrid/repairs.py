"""The smallest change of each single field that lets a plan be found, proved by solving the changed scenario."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from microgrid.amounts import in_file_unit, rounded_outward, told, unit_in
from microgrid.compiled import Compiled
from microgrid.documents import Document, overridden
from microgrid.errors import InputError, MicrogridError
from microgrid.explanation import Proposal
from microgrid.faults import Fault, Keys, shown
from microgrid.fields import MONEY
from microgrid.levers import Lever, Switch, switches
from microgrid.plant import Plant
from microgrid.pulls import Pull, moved_a_little
from microgrid.scenario import scenario_of
from microgrid.technologies.production_load import ProductionLoad
from solvers.change import has_products, least_change, slopes
from solvers.infeasible import Clock, OutOfTimeError, Shortfall, can_be_met, relaxed
from solvers.matrix import Matrix

_FAR = {"1/h": 100.0, "h": 1e5, "1": 1e4, "": 1e3}
_FAR_ELSE = 1e5
_HISTORY = 1.5
_BISECTIONS = 14
_ROUNDS = 3
# Digits of a proposed number, in the order they are tried; below zero to the nearest rather than outward.
_EXACT, _ROUGH = (4, 3, 2), (-2, -3, 4, 3, 2)
_PARTS = 6


class Repairs:
    """Tries levers and switches one by one, and proves what it proposes."""

    def __init__(self, case: Compiled, short: Shortfall, document: Document | None, clock: Clock) -> None:
        self.case, self.short, self.document, self.clock = case, short, document, clock
        self.tried_all = True

    def found(self, candidates: list[Pull]) -> list[Proposal]:
        """Return proposals, the smallest change first; loads, which are what the plant is for, come last."""
        ranked: list[tuple[float, Proposal]] = []
        try:
            for pull in sorted(candidates, key=self._promise):
                value = self._in_time(pull)
                proposal = None if value is None else self._proposal(pull, value)
                if proposal is not None and value is not None:
                    ranked.append((self._rank(pull.lever, value), proposal))
            named = {proposal.field for _, proposal in ranked}
            for switch in self._switches():
                proposal = self._switched(switch)
                if proposal is not None and proposal.field not in named:
                    ranked.append((_HISTORY if _is_history(switch.keys) else 0.5, proposal))
        except OutOfTimeError:
            self.tried_all = False
        return [proposal for _, proposal in sorted(ranked, key=lambda pair: pair[0])]

    def _in_time(self, pull: Pull) -> float | None:
        """Return a lever's least change, or none where it alone takes too long."""
        try:
            return self._least(pull)
        except OutOfTimeError:
            self.tried_all = False
            self.clock.check()
            return None

    def _promise(self, pull: Pull) -> float:
        """Return the share of its value that a lever must change by at least, as far as the certificate says."""
        if self._is_demand(pull.lever):
            return math.inf
        if pull.slopes is None or not pull.relief:
            return 10.0
        return abs(self.short.total / pull.relief) / max(abs(pull.lever.value), 1e-9)

    def _rank(self, lever: Lever, value: float) -> float:
        change = abs(value - lever.value)
        size = min(change / abs(lever.value), 1.0) if lever.value else 1.0
        return size + (_HISTORY if self._is_demand(lever) or _is_history(lever.keys) else 0.0)

    def _is_demand(self, lever: Lever) -> bool:
        return isinstance(self.case.plant.assets.get(lever.asset), ProductionLoad) and lever.keys[-1] == "demand"

    def _switches(self) -> Iterator[Switch]:
        return switches(self.case.plant)

    # --- the smallest change of one lever

    def _least(self, pull: Pull) -> float | None:
        lever = pull.lever
        if pull.slopes is None or self._is_searched(pull):
            return None if lever.is_physics else self._searched(pull)
        if self.short.is_relaxed and not pull.slopes.a.nnz and not self._reaches(pull):
            return None
        return self._computed(pull)

    def _reaches(self, pull: Pull) -> bool:
        """Tell whether the certificate leaves it open that the lever, within what it may be, is a cure."""
        if abs(pull.relief) < 1e-9:
            return False
        needed = self.short.total / pull.relief
        return self.most(pull.lever, math.copysign(1.0, needed), abs(needed)) >= abs(needed) * (1 - 1e-6)

    def most(self, lever: Lever, sign: float, needed: float = 0.0) -> float:
        """Return the largest change in one direction that the field may have, far from what is needed if it has no end.

        What is far must not be too far either: it multiplies 0-1 columns.
        """
        end = lever.high if sign > 0 else lever.low
        if not math.isfinite(end):
            return max(30 * abs(lever.value), _FAR.get(lever.unit, _FAR_ELSE), 30 * needed)
        most = abs(end - lever.value)
        if not most or lever.at(end) is not None:
            return most
        valid = 0.0
        for _ in range(30):
            middle = (valid + most) / 2
            valid, most = (middle, most) if lever.at(lever.value + sign * middle) else (valid, middle)
        return valid

    def _computed(self, pull: Pull) -> float | None:
        """Return the value that the smallest change leads to.

        Where the relaxation fails already, the change that it needs is a bound on the change that the model needs: if
        the model can be met there, nothing more is to be found out.
        """
        if self.short.is_relaxed:
            value = self._stepped(pull, relaxed)
            has_integers = bool(self.case.matrix.integer.any())
            if not has_integers or (value is not None and self._is_cured(self._outward(pull.lever, value))):
                return value
        return self._stepped(pull, lambda matrix: matrix)

    def _stepped(self, pull: Pull, taken: Callable[[Matrix], Matrix]) -> float | None:
        """Solve for the change; where the arrays are not straight in the number, from there once more."""
        lever, slope, matrix = pull.lever, pull.slopes, self.case.matrix
        value = lever.value
        needed = abs(self.short.total / pull.relief) if pull.relief and math.isfinite(pull.relief) else 0.0
        ends = lever.value - self.most(lever, -1.0, needed), lever.value + self.most(lever, 1.0, needed)
        for _ in range(_ROUNDS):
            if slope is None or has_products(matrix, slope):
                return None
            change = least_change(taken(matrix), slope, (ends[0] - value, ends[1] - value), self._part_of_the_time())
            if change is None:
                return None
            value = _snapped(lever, min(max(value + change, lever.low), lever.high))
            plant = lever.at(value)
            if plant is None:
                return None
            if self._is_met(taken, self._outward(lever, value)):
                return value
            matrix = Compiled.of(plant).matrix
            moved = moved_a_little(_at(lever, value))
            slope = None if moved is None else slopes(matrix, Compiled.of(moved[1]).matrix, moved[0])
        return None

    def _part_of_the_time(self) -> Clock:
        return Clock(min(self.clock.seconds / _PARTS, self.clock.left))

    def _searched(self, pull: Pull) -> float | None:
        """Halve the way to a value that cures."""
        lever = pull.lever
        signs = (1.0, -1.0) if math.isnan(pull.relief) or not pull.relief else (math.copysign(1.0, pull.relief),)
        for sign in signs:
            most = self.most(lever, sign)
            if most and self._is_cured(lever.at(lever.value + sign * most)):
                return self._halved(lever, sign * most)
        return None

    def _halved(self, lever: Lever, cures: float) -> float:
        fails = 0.0
        near = math.copysign(max(abs(lever.value), 1.0), cures)
        while abs(near) < abs(cures) and not self._is_cured(lever.at(lever.value + near)):
            fails, near = near, near * 4
        cures = near if abs(near) < abs(cures) else cures
        for _ in range(_BISECTIONS):
            middle = (fails + cures) / 2
            if lever.is_whole:
                middle = math.trunc(middle)
                if middle in (fails, cures):
                    break
            is_cured = self._is_cured(lever.at(lever.value + middle))
            fails, cures = (fails, middle) if is_cured else (middle, cures)
        return lever.value + cures

    def _outward(self, lever: Lever, value: float) -> Plant | None:
        """Return the plant with a value a little beyond, so that rounding errors do not matter."""
        beyond = value + math.copysign(1e-5 * max(1.0, abs(value - lever.value)), value - lever.value)
        return lever.at(beyond) or lever.at(value)

    def _is_cured(self, plant: Plant | None) -> bool:
        return self._is_met(lambda matrix: matrix, plant)

    def _is_met(self, taken: Callable[[Matrix], Matrix], plant: Plant | None) -> bool:
        if plant is None:
            return False
        try:
            return can_be_met(taken(Compiled.of(plant).matrix), self._part_of_the_time())
        except MicrogridError:
            return False

    # --- what is proposed

    def _is_searched(self, pull: Pull) -> bool:
        return pull.slopes is None or has_products(self.case.matrix, pull.slopes)

    def _proposal(self, pull: Pull, value: float) -> Proposal | None:
        """Return the change with a readable number, as soon as one is proved.

        What was searched for by halves is a little more than is needed: a round number beside it may do.
        """
        lever = pull.lever
        direction = value - lever.value
        if not direction:
            return None
        for digits in _ROUGH if self._is_searched(pull) else _EXACT:
            changed = self._written(lever, value, direction, digits)
            proof = self._proof(lever, changed)
            if proof is not None:
                number, unit, overrides = changed
                return Proposal(
                    field=_dotted(lever.keys),
                    place=self._place(lever.keys),
                    asset=lever.asset,
                    found=found_text(lever, self.document, self.case.plant.currency),
                    wanted=f"times {number:g}" if lever.is_series else told(number, unit),
                    overrides=overrides if self.document is not None else {},
                    is_proved=proof,
                    or_more=_or_more(lever, direction),
                )
        return None

    def _written(
        self, lever: Lever, value: float, direction: float, digits: int
    ) -> tuple[float, str, dict[str, str]]:  # fmt: skip
        """Return number and unit as the file would have them, and the overrides that put them there."""
        keys = self._keys(lever)
        currency = self.case.plant.currency
        if lever.is_series:
            return self._scaled(lever, rounded_outward(value, direction, digits))
        unit = unit_in(data_at(self.document, keys), lever.unit, currency)
        number = rounded_outward(in_file_unit(value, unit, lever.unit, currency), direction, digits)
        low, high = (in_file_unit(end, unit, lever.unit, currency) for end in (lever.low, lever.high))
        number = min(max(number, low), high)
        return number, unit, {_dotted(keys): told(number, unit)}

    def _scaled(self, lever: Lever, factor: float) -> tuple[float, str, dict[str, str]]:
        """Return the overrides that scale a series of a file: all that makes up its numbers, by one factor."""
        data = data_at(self.document, lever.keys)
        where = _dotted(lever.keys)
        if isinstance(data, Mapping) and "values" in data:
            numbers = ", ".join(f"{float(number) * factor:.10g}" for number in data["values"])
            return factor, "", {f"{where}.values": f"[{numbers}]"}
        if not isinstance(data, Mapping) or "file" not in data:
            return factor, "", {}
        overrides = {f"{where}.times": f"{float(data.get('times', 1.0)) * factor:.10g}"}
        if "plus" in data:
            unit = unit_in(data["plus"], "kW", self.case.plant.currency)
            number = float(str(data["plus"]).removesuffix(unit).strip())
            overrides[f"{where}.plus"] = told(number * factor, unit)
        return factor, "", overrides

    def _proof(self, lever: Lever, changed: tuple[float, str, dict[str, str]]) -> bool | None:
        """Return whether the changed scenario was solved (or only its relaxation), None if it has no plan."""
        number, unit, overrides = changed
        if self.document is None or (lever.is_series and not overrides):
            house = number * _factor(unit, lever, self.case.plant.currency)
            return self._solves(lever.at(house))
        return self._solves(self._read(overrides))

    def _read(self, overrides: Mapping[str, str]) -> Plant | None:
        assert self.document is not None
        try:
            return scenario_of(overridden(self.document, overrides)).plant
        except InputError:
            return None

    def _solves(self, plant: Plant | None) -> bool | None:
        if plant is None:
            return None
        try:
            matrix = Compiled.of(plant).matrix
        except MicrogridError:
            return None
        try:
            return can_be_met(matrix, self._part_of_the_time()) or None
        except OutOfTimeError:
            return False if can_be_met(relaxed(matrix), self._part_of_the_time()) else None

    def _switched(self, switch: Switch) -> Proposal | None:
        text = switch.text.replace(MONEY, self.case.plant.currency or "EUR")
        plant: Callable[[], Plant | None] = lambda: self._put(switch)  # noqa: E731
        overrides: dict[str, str] = {}
        if self.document is not None:
            overrides = {_dotted(switch.keys): text}
            plant = lambda: self._read(overrides)  # noqa: E731
        proof = self._solves(self._put(switch) and plant())
        if proof is None:
            return None
        data = data_at(self.document, switch.keys)
        return Proposal(
            field=_dotted(switch.keys),
            place=self._place(switch.keys),
            asset=str(switch.keys[1]) if switch.keys[0] == "assets" else "",
            found="not given" if data is None else shown(data),
            wanted=text or "left out",
            overrides=overrides,
            is_proved=proof,
        )

    @staticmethod
    def _put(switch: Switch) -> Plant | None:
        try:
            return switch.put()
        except (ValueError, MicrogridError):
            return None

    def _place(self, keys: Keys) -> str:
        return "" if self.document is None else self.document.place(keys)

    def _keys(self, lever: Lever) -> Keys:
        """Return the path of the number itself: a capacity may be written with its amount and upkeep."""
        data = data_at(self.document, lever.keys)
        return (*lever.keys, "amount") if isinstance(data, Mapping) and "amount" in data else lever.keys


def _at(lever: Lever, value: float) -> Lever:
    return replace(lever, value=value)


def _snapped(lever: Lever, value: float) -> float:
    """Return the value next in the direction of the change at which a field that counts in steps counts more."""
    step = 1.0 if lever.is_whole else lever.step
    if not step:
        return value
    turned = math.ceil if value > lever.value else math.floor
    return step * turned(value / step - math.copysign(1e-6, value - lever.value))


def _factor(unit: str, lever: Lever, currency: str) -> float:
    if lever.is_series:
        return 1.0
    one = in_file_unit(1.0, unit, lever.unit, currency)
    return 1.0 / one if one else 1.0


def _is_history(keys: Keys) -> bool:
    """Tell whether a field says how things were before: they can have been told wrong, but not be changed."""
    return str(keys[-1]).endswith("_before")


def _or_more(lever: Lever, direction: float) -> str:
    """Say whether more of a change is as good; of series and of what a stock begins with, it need not be."""
    if lever.is_series or str(lever.keys[-1]).startswith("initial"):
        return ""
    return "or more" if direction > 0 else "or less"


def _dotted(keys: Keys) -> str:
    return Fault(keys, "", "").where


def data_at(document: Document | None, keys: Keys) -> Any:
    """Return what stands in the file under a path, or None."""
    data: Any = None if document is None else document.data
    for key in keys:
        data = data.get(key) if isinstance(data, Mapping) else None
    return data


def found_text(lever: Lever, document: Document | None, currency: str) -> str:
    """Return what stands under a lever's path, as its file writes it."""
    data = data_at(document, lever.keys)
    if isinstance(data, Mapping) and "amount" in data:
        data = data["amount"]
    if isinstance(data, Mapping) and "file" in data:
        return f"column {data.get('column')} of {data['file']}"
    if data is not None and not isinstance(data, Mapping | list):
        return shown(data)
    if lever.is_series:
        return "its values"
    unit = unit_in(None, lever.unit, currency)
    number = told(in_file_unit(lever.value, unit, lever.unit, currency), unit)
    return number if document is None else f"not given, so {number}"
