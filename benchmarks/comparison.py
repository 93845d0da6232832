"""What is measured: the cases of a full and of a short run, in order, and whether all programs solve the same plant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from benchmarks.plant import Case
from benchmarks.programs import (
    APPSI,
    ENGINE,
    FLIXOPT,
    LINOPY,
    PROGRAMS,
    PYPSA,
    RAW,
    SOLPH,
    Program,
    Record,
    run,
)

TOLERANCE = 1e-6
TIGHT = 1e-7
LIGHT = (ENGINE, RAW, LINOPY, PYPSA, FLIXOPT)
HOURS_A_YEAR = 8760
# The days of the shipped scenarios of the same plant: a working Tuesday in January, a week in May.
DAY, WEEK = "2018-01-16", "2018-05-14"


class DisagreementError(Exception):
    """Two programs say different things of what should be one plant."""


@dataclass(frozen=True)
class Step:
    """One case, put to some programs.

    Parameters
    ----------
    key
        What tables and figures find it by.
    title
        What it is, for people.
    cold
        In how many new processes each program does it once; the best counts.
    warm
        Whether a further process does it three times over: the better of the last two is the warm time.
    """

    key: str
    title: str
    case: Case
    programs: tuple[Program, ...] = PROGRAMS
    cold: int = 1
    warm: bool = False


@dataclass
class Measured:
    """A step, and what came of it."""

    step: Step
    cold: list[Record]
    warm: list[Record]

    @property
    def records(self) -> list[Record]:
        """All processes; the first run of each is cold."""
        return [*self.cold, *self.warm]

    def told(self) -> str:
        """Return in one line what was done, and what failed."""
        records = self.records
        faults = sorted({f"{record.program}: {record.fault}" for record in records if record.fault})
        return "; ".join([f"{self.step.title}: {sum(record.wall for record in records):.0f} s", *faults])


def full() -> list[Step]:
    """Return the steps behind `docs/benchmarks.md`."""
    year, quarters = Case(HOURS_A_YEAR, 60), Case(4 * HOURS_A_YEAR, 15)
    day, week = Case(96, 15, DAY, commitment=True), Case(672, 15, WEEK, commitment=True, gap=1e-3, seconds=300.0)
    hard = Case(HOURS_A_YEAR, 60, commitment=True, gap=2e-4, seconds=240.0, threads=2, trace=True)
    horizons = {"a day": 24, "a week": 168, "a month": 730, "a quarter": 2190, "two years": 17520, "four years": 35040}
    return [
        *checks(),
        Step("year_hand_over", "A year at 1 h, build and hand-over", _short(year), warm=True),
        Step("year_lp", "A year at 1 h, linear, whole job", year),
        Step("quarters_hand_over", "A year at 15 min, build and hand-over", _short(quarters), warm=True),
        Step("day", "A day at 15 min with commitment, whole job, gap 0.01 %", day, cold=2, warm=True),
        Step("week", "A week at 15 min with commitment, whole job, gap 0.1 %, at most 300 s", week),
        Step("year_gap", "A year at 1 h with commitment, gap 0.02 %, two threads, at most 240 s", hard, (ENGINE, RAW)),
        *_horizons(horizons, (*LIGHT, SOLPH, APPSI)),
        *_jobs(horizons),
    ]


def short() -> list[Step]:
    """Return the steps of a look that takes a few minutes and shows the same things in small."""
    month, quarters = Case(730, 60), Case(2920, 15)
    horizons = {"a day": 24, "a week": 168}
    hard = Case(730, 60, commitment=True, gap=2e-4, seconds=15.0, threads=2, trace=True)
    lean = (ENGINE, RAW, APPSI, LINOPY, PYPSA, SOLPH, FLIXOPT)
    half_day = Case(48, 15, DAY, commitment=True)
    return [
        replace(checks()[0], programs=PROGRAMS),
        Step("year_hand_over", "A month at 1 h, build and hand-over", _short(month), lean),
        Step("year_lp", "A month at 1 h, linear, whole job", month, lean),
        Step("quarters_hand_over", "A month at 15 min, build and hand-over", _short(quarters), (ENGINE, RAW, LINOPY)),
        Step("day", "Half a day at 15 min with commitment, whole job", half_day, lean, warm=True),
        Step("year_gap", "A month at 1 h with commitment, gap 0.02 %, at most 15 s", hard, (ENGINE, RAW)),
        *_horizons(horizons, (ENGINE, RAW, LINOPY)),
    ]


def checks() -> list[Step]:
    """Return the cases on which all objectives must be equal before any time counts."""
    half_day, days = Case(48, 15, DAY, commitment=True, gap=TIGHT), Case(48, 60, commitment=True, gap=TIGHT)
    return [
        Step("check_quarters", "Half a day at 15 min with commitment, gap 1e-7", half_day),
        Step("check_hours", "Two days at 1 h with commitment, gap 1e-7", days),
        Step("check_linear", "A week at 1 h, linear", Case(168, 60)),
    ]


def _short(case: Case) -> Case:
    return replace(case, only_hand_over=True)


def _horizons(horizons: dict[str, int], programs: tuple[Program, ...]) -> list[Step]:
    """Return build and hand-over by length; solph and Pyomo's interface, which take minutes, only up to a quarter."""
    steps = []
    for name, hours in horizons.items():
        fit = programs if hours < HOURS_A_YEAR else tuple(p for p in programs if p in LIGHT)
        steps.append(Step(f"horizon_{hours}", f"{name} at 1 h, build and hand-over", _short(Case(hours, 60)), fit))
    return steps


def _jobs(horizons: dict[str, int]) -> list[Step]:
    return [
        Step(f"job_{hours}", f"{name} at 1 h, linear, whole job", Case(hours, 60), (ENGINE, RAW))
        for name, hours in horizons.items()
    ]


def measure(steps: Sequence[Step], done: Callable[[Measured], None]) -> list[Measured]:
    """Put every step to its programs, in turn and not program by program, so that a busy spell hits all.

    `done` is called with each step as soon as it is measured.

    Raises
    ------
    DisagreementError
        As soon as objectives differ.
    """
    measured = []
    for step in steps:
        cold = [run(program, step.case) for _ in range(step.cold) for program in step.programs]
        again = replace(step.case, repeats=3)
        warm = [run(program, again) for program in step.programs] if step.warm else []
        agree(step, [*cold, *warm])
        measured.append(Measured(step, cold, warm))
        done(measured[-1])
    return measured


def agree(step: Step, records: Sequence[Record]) -> None:
    """Refuse times of programs that solve different plants.

    No plan may be better than another program's bound; where the gap asked for is small, or there are no integers, the
    objectives themselves must be equal.

    Raises
    ------
    DisagreementError
        With both programs and numbers.
    """
    told = [(r.program, r.told["objective"], r.told["bound"]) for r in records if "objective" in r.told]
    if not told:
        return
    low, high = min(told, key=lambda t: t[1]), max(told, key=lambda t: t[1])
    strict = not step.case.commitment or step.case.gap <= TIGHT
    if strict and high[1] - low[1] > TOLERANCE * abs(low[1]):
        raise DisagreementError(f"{step.title}: {low[0]} reaches {low[1]:.6f}, {high[0]} {high[1]:.6f}")
    bound = max(told, key=lambda t: t[2])
    if bound[2] - low[1] > TOLERANCE * abs(low[1]):
        raise DisagreementError(f"{step.title}: {low[0]} reaches {low[1]:.6f}, {bound[0]} proves {bound[2]:.6f}")


def by_length(measured: Sequence[Measured], only_hand_over: bool) -> list[Measured]:
    """Return the linear steps of 1 h, by the length of their horizon: build and hand-over, or whole jobs."""
    fit = [
        m
        for m in measured
        if m.step.case.minutes == 60 and not m.step.case.commitment and not m.step.key.startswith("check")
    ]
    chosen = [m for m in fit if m.step.case.only_hand_over == only_hand_over]
    return sorted(chosen, key=lambda m: m.step.case.steps)
