"""What a scenario makes of policy packs: which it adopts, checked or enforced, and with which options."""

from __future__ import annotations

from calendar import isleap
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import ValidationInfo

from microgrid.errors import InputError, Problem
from microgrid.faults import Fault, RefusedError, did_you_mean, refuse, shown
from microgrid.policies.packs import Option, Pack, Period, Rule, Since, own_pack, packs
from microgrid.reading import Range, read_number, reading_of

Mode = Literal["check", "enforce"]
MODES = ("check", "enforce")
SAMPLE = "{cn/industrial_microgrid_guide: check}"
_SHARE = Range("1", 0.0, 1.0)
_YEARS = (1990, 2100)


@dataclass(frozen=True)
class Bound:
    """A rule as it holds for a plant: ``sum of numerator <= limit * sum of denominator`` in each period, or ``>=``.

    Parameters
    ----------
    policy, rule
        Names of the pack and of the rule in it.
    sense
        ``at_least`` or ``at_most``.
    valid_from, valid_to
        First and last day, ISO; empty where there is none.
    document_from, document_to
        First and last day of the document that it is taken from.
    moved
        Years that all of these days were moved by, as the horizon stands for another year.
    """

    policy: str
    rule: str
    mode: Mode
    text: str
    numerator: Mapping[str, float]
    denominator: Mapping[str, float]
    sense: Literal["at_least", "at_most"]
    limit: float
    unit: str
    period: Period
    matching: Period | None
    valid_from: str
    valid_to: str
    document_from: str
    document_to: str
    assumes: str
    source: str
    status: str
    document: str
    moved: int = 0

    @property
    def quantities(self) -> tuple[str, ...]:
        """Every quantity that it speaks of."""
        return (*self.numerator, *self.denominator)

    def moved_by(self, years: int) -> Bound:
        """Return it with its days on a calendar whose years count `years` more than those that they stand for."""
        if not years:
            return self
        return replace(
            self,
            moved=years,
            valid_from=moved_day(self.valid_from, years),
            valid_to=moved_day(self.valid_to, years),
            document_from=moved_day(self.document_from, years),
            document_to=moved_day(self.document_to, years),
        )

    def plain(self) -> dict[str, Any]:
        """Return it as texts and numbers."""
        return asdict(self)


def moved_day(day: str, years: int) -> str:
    """Return an ISO day moved by whole years; nothing stays nothing, 29 February may become the 28th."""
    if not day:
        return ""
    old = date.fromisoformat(day)
    last = 28 if (old.month, old.day) == (2, 29) and not isleap(old.year + years) else old.day
    return old.replace(year=old.year + years, day=last).isoformat()


@dataclass(frozen=True)
class Policy:
    """A pack that a plant adopts.

    Parameters
    ----------
    name
        As the scenario calls it.
    mode
        ``check``: the report tells whether it is met. ``enforce``: the plan must meet it.
    answers
        Options by name, as far as they were given.
    """

    name: str
    pack: Pack
    mode: Mode = "check"
    answers: Mapping[str, str | float] = field(default_factory=dict)

    def bounds(self, first_year: int, moved: int = 0) -> list[Bound]:
        """Return the rules that hold for a plant.

        Parameters
        ----------
        first_year
            The year that the horizon begins in, or stands for.
        moved
            The year of the horizon's calendar, less that one: the days of rules are moved with it.
        """
        return [
            self._bound(name, rule).moved_by(moved)
            for name, rule in self.pack.rules.items()
            if all(self._holds(option, wanted, first_year) for option, wanted in rule.when.items())
        ]

    def told_options(self, first_year: int) -> dict[str, str | float]:
        """Return every option with its answer, the defaults included; a share that nobody gave is left out."""
        return {
            name: self._answer(name, first_year) for name in self.pack.options if self._answer(name, first_year) != ""
        }

    def _answer(self, name: str, first_year: int) -> str | float:
        option = self.pack.options[name]
        return self.answers.get(name, first_year if option.kind == "year" else option.default)

    def _holds(self, option: str, wanted: str | Since, first_year: int) -> bool:
        answer = self._answer(option, first_year)
        return wanted.holds(int(answer)) if isinstance(wanted, Since) else answer == wanted

    def _bound(self, name: str, rule: Rule) -> Bound:
        limit = rule.at_most if rule.at_least is None else rule.at_least
        matching = self.answers.get("matching", rule.matching) if rule.matching else None
        # The version of a rule that came with its pack holds for horizons before it too: there is none earlier.
        begins = rule.valid_from if rule.valid_from and rule.valid_from > self.pack.valid_from else None
        return Bound(
            policy=self.name,
            rule=name,
            mode=self.mode,
            text=rule.text,
            numerator=dict(rule.numerator),
            denominator=dict(rule.denominator),
            sense="at_most" if rule.at_least is None else "at_least",
            limit=float(self.answers.get(rule.option, limit or 0.0)),
            unit=rule.unit,
            period=rule.period,
            matching=cast("Period | None", matching),
            valid_from=begins.isoformat() if begins else "",
            valid_to=rule.valid_to.isoformat() if rule.valid_to else "",
            document_from=self.pack.valid_from.isoformat(),
            document_to=self.pack.valid_to.isoformat() if self.pack.valid_to else "",
            assumes=rule.assumes,
            source=rule.source,
            status=rule.status,
            document=f"{self.pack.document}; {self.pack.name}",
        )


def read_policies(value: Any, info: ValidationInfo) -> tuple[Policy, ...]:
    """Read the section ``policies`` of a scenario: a list of names, or a mapping of names to a word or options."""
    reading = reading_of(info)
    folder = reading.folder if reading is not None else Path()
    faults: list[Fault | Problem] = []
    adopted = []
    for name, asked in _named(value):
        try:
            adopted.append(_policy(name, asked, folder))
        except RefusedError as error:
            faults += [fault.under((name,)) if isinstance(fault, Fault) else fault for fault in error.faults]
        except InputError as error:
            faults += error.problems
    if faults:
        raise RefusedError(faults).for_pydantic
    return tuple(adopted)


def _named(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return [(str(name), "check" if asked is None else asked) for name, asked in value.items()]
    if isinstance(value, list | tuple) and all(isinstance(name, str) for name in value):
        return [(name, "check") for name in dict.fromkeys(value)]
    raise refuse(shown(value), "a mapping of policies to check or enforce, or a list of policies", f"such as {SAMPLE}")


def _policy(name: str, asked: Any, folder: Path) -> Policy:
    known = packs()
    if name not in known and not name.endswith(".yaml"):
        wanted = f"a policy: {', '.join(known)}; or a .yaml file of your own"
        near = [full for full in known if full.partition("/")[2] == name] or [*known]
        raise RefusedError([Fault((), shown(name), wanted, did_you_mean(name, near) or _only(near))])
    pack = known[name] if name in known else own_pack(name, folder)
    if isinstance(asked, str):
        return Policy(name, pack, _mode(asked, ()))
    if not isinstance(asked, Mapping):
        raise RefusedError([Fault((), shown(asked), "check or enforce, or a mapping with mode and options")])
    answers = dict(_answers(asked, pack))
    return Policy(name, pack, cast(Mode, answers.pop("mode", "check")), answers)


def _only(names: list[str]) -> str:
    return f'did you mean "{names[0]}"?' if len(names) == 1 else ""


def _mode(word: Any, path: tuple[str, ...]) -> Mode:
    if word not in MODES:
        raise RefusedError([Fault(path, shown(word), "check or enforce", did_you_mean(str(word), MODES))])
    return cast(Mode, word)


def _answers(asked: Mapping[str, Any], pack: Pack) -> Iterator[tuple[str, str | float]]:
    faults: list[Fault | Problem] = []
    for name, answer in asked.items():
        if name != "mode" and name not in pack.options:
            keys = ["mode", *pack.options]
            faults.append(Fault((name,), "unknown key", f"one of {', '.join(keys)}", did_you_mean(str(name), keys)))
            continue
        try:
            yield name, _mode(answer, ()) if name == "mode" else _answered(answer, pack.options[name])
        except RefusedError as error:
            faults += [fault.under((name,)) for fault in error.faults if isinstance(fault, Fault)]
    if faults:
        raise RefusedError(faults)


def _answered(answer: Any, option: Option) -> str | float:
    if option.kind == "share":
        share, _ = read_number(answer, ("1",), None)
        if not _SHARE.holds(share):
            raise _SHARE.refusal(share, shown(answer), "")
        return share
    if option.kind == "year":
        if not isinstance(answer, int) or isinstance(answer, bool) or not _YEARS[0] <= answer <= _YEARS[1]:
            raise RefusedError([Fault((), shown(answer), f"a year from {_YEARS[0]} to {_YEARS[1]}")])
        return answer
    if answer not in option.values:
        wanted = f"{' or '.join(option.values)}: {option.meaning}"
        raise RefusedError([Fault((), shown(answer), wanted, did_you_mean(str(answer), option.values))])
    return str(answer)
