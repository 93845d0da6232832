"""Whether a plan meets its rules, and by how much: from the written frames alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.books import ABSOLUTE, RELATIVE, Finding
from microgrid.policies.adopted import Bound, moved_day
from microgrid.policies.assignment import findings, green_power
from microgrid.policies.measures import Measures
from microgrid.policies.packs import HYDROGEN, QUANTITIES
from microgrid.results import Result

Array = NDArray[np.float64]
_WHOLE = 1 - 1e-6


@dataclass(frozen=True)
class Verdict:
    """A rule in one period: what was reached, what is due, and whether it is met.

    Parameters
    ----------
    policy, rule, mode, text, sense, limit, unit, assumes, source, status, document
        As in the rule.
    period
        The year or month it is about, such as ``2026``.
    numerator, denominator
        Sums over the period, in the units of the rule's quantities; each counts as often as its step.
    value
        The one over the other; None where there is nothing to divide by.
    met
        Whether the rule is met; None where the plant has nothing that it speaks of.
    lacking
        What the numerator is short of, or above, what the rule asks; zero where it is met.
    amount_unit
        Unit of numerator and lacking.
    covered
        The part of the period that the horizon stands for; below 1, the verdict is an indication.
    outside
        Where the steps lie before the document is in force, or after: what then; else empty.
    """

    policy: str
    rule: str
    mode: str
    text: str
    sense: str
    limit: float
    unit: str
    period: str
    numerator: float
    denominator: float
    value: float | None
    met: bool | None
    lacking: float
    amount_unit: str
    covered: float
    outside: str
    assumes: str
    source: str
    status: str
    document: str

    @property
    def is_indication(self) -> bool:
        """Whether the horizon covers less than the period that the rule is about."""
        return self.covered < _WHOLE

    def plain(self) -> dict[str, Any]:
        """Return it as texts and numbers."""
        return asdict(self)


def verdicts(result: Result) -> list[Verdict]:
    """Return, for every rule of the plan's policies and each of its periods, whether it is met."""
    asked = result.manifest.get("policies") or []
    if not asked:
        return []
    measures = Measures(result)
    return [verdict for plain in asked for verdict in _verdicts(measures, Bound(**plain))]


def policy_findings(result: Result) -> Iterator[Finding | None]:
    """Hold a plan to the rules that it was to meet, and to how it says that it meets them."""
    asked = [Bound(**plain) for plain in result.manifest.get("policies") or [] if plain["mode"] == "enforce"]
    if not asked:
        return
    measures = Measures(result)
    for bound in asked:
        if _is_of_hydrogen(bound):
            yield from findings(measures, owner(bound), bound.matching or "hour")
        for verdict in _verdicts(measures, bound):
            broken = verdict.met is False
            yield (
                Finding(f"policy {bound.policy}", f"{bound.rule}, {verdict.period}", verdict.lacking)
                if broken
                else None
            )


def owner(bound: Bound) -> str:
    """Return the name under which the frames keep what an enforced rule is met with."""
    return f"policy {bound.policy} {bound.rule}"


def _is_of_hydrogen(bound: Bound) -> bool:
    return any(name in HYDROGEN for name in bound.quantities)


def _verdicts(measures: Measures, bound: Bound) -> Iterator[Verdict]:
    is_known = all(measures.knows(name) for name in bound.quantities)
    if _is_of_hydrogen(bound):
        is_known = measures.has("electrolysis") and measures.has("hydrogen") and measures.intensity is not None
    above = _amount(measures, bound, bound.numerator) if is_known else np.zeros(len(measures.hours))
    below = _amount(measures, bound, bound.denominator) if is_known else np.zeros(len(measures.hours))
    for label, steps in _periods(measures, bound):
        yield _verdict(bound, label, (float(above[steps].sum()), float(below[steps].sum())), measures, steps, is_known)


def _verdict(
    bound: Bound, label: str, sums: tuple[float, float], measures: Measures, steps: NDArray[np.int64], is_known: bool
) -> Verdict:
    numerator, denominator = sums
    due = bound.limit * denominator
    lacking = (due - numerator) if bound.sense == "at_least" else (numerator - due)
    is_met = lacking <= ABSOLUTE + RELATIVE * max(abs(due), abs(numerator), abs(denominator))
    unit = QUANTITIES[next(iter(bound.numerator))][0]
    return Verdict(
        **{name: getattr(bound, name) for name in (
            "policy", "rule", "mode", "text", "sense", "limit", "unit", "assumes", "source", "status", "document",
        )},
        period=label,
        numerator=numerator,
        denominator=denominator,
        value=numerator / denominator if denominator > ABSOLUTE else None,
        met=is_met if is_known else None,
        lacking=0.0 if is_met or not is_known else lacking,
        amount_unit=unit if bound.unit in ("", f"{unit}/kg") else bound.unit.partition("/")[0],
        covered=_covered(measures, bound, steps),
        outside=_outside(measures, bound, steps),
    )  # fmt: skip


def _amount(measures: Measures, bound: Bound, terms: Any) -> Array:
    total = np.zeros(len(measures.hours))
    for name, factor in terms.items():
        if name in HYDROGEN:
            found = green_power(measures, owner(bound), bound.matching or "hour")
            amount = found.green
            if name == "hydrogen_emissions":
                assert measures.intensity is not None
                grey = measures.power("electricity_into_hydrogen") - found.green
                amount = grey * measures.intensity + found.emitted
            total = total + factor * amount * measures.hours * measures.weights
        else:
            total = total + factor * measures.amount(name)
    return total


def _periods(measures: Measures, bound: Bound) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Give the steps of each period in which the rule is in force, by its label."""
    day = measures.time.strftime("%Y-%m-%d").to_numpy()
    in_force = np.full(len(day), True)
    if bound.valid_from:
        in_force &= day >= bound.valid_from
    if bound.valid_to:
        in_force &= day <= bound.valid_to
    length = {"year": 4, "month": 7}
    stamps = day if bound.period != "hour" else measures.time.strftime("%Y-%m-%dT%H:00%z").to_numpy()
    keys = np.array([str(stamp)[: length.get(bound.period)] for stamp in stamps], dtype=object)
    for label in dict.fromkeys(keys[in_force]):
        yield str(label), np.flatnonzero((keys == label) & in_force)


def _outside(measures: Measures, bound: Bound, steps: NDArray[np.int64]) -> str:
    first, last = (measures.time[steps[at]].strftime("%Y-%m-%d") for at in (0, -1))
    if first < bound.document_from:
        return f"before {moved_day(bound.document_from, -bound.moved)}, when the document comes into force"
    if bound.document_to and last > bound.document_to:
        return f"after {moved_day(bound.document_to, -bound.moved)}, when the document ends"
    return ""


def _covered(measures: Measures, bound: Bound, steps: NDArray[np.int64]) -> float:
    """Return the part of a period that its steps stand for, at most 1."""
    if bound.period == "hour":
        return 1.0
    first = measures.time[steps[0]]
    begin = pd.Timestamp(year=first.year, month=first.month if bound.period == "month" else 1, day=1, tz=first.tz)
    end = begin + (pd.DateOffset(months=1) if bound.period == "month" else pd.DateOffset(years=1))
    length = (end - begin) / pd.Timedelta(hours=1)
    return min(float((measures.hours * measures.weights)[steps].sum()) / length, 1.0)
