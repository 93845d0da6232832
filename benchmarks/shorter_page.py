"""The page `docs/shorter_years.md` and its picture, from what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

from benchmarks.shorter_years import SCENARIOS, Sizing

INTRODUCTION = """\
# Shorter years: what they cost and what they save

Sizes of three shipped plants decided on all hours of a year, on segments and on typical days, each replayed on the
whole year. *Costs more* is what the sizes cost on the whole year beyond the best ones'; *says* is what the shorter
year said that they cost, beside what they do; *bound* is by how much the best ones cost less at most, as the replay
itself can tell. The last three columns compare processor time on one thread, from the plant on: *decided* is how many
times sooner the sizes are known than by HiGHS alone on the arrays of all steps, and than by our own solver on them;
*replayed* is how many times sooner than by our own there is an audited plan of the whole year with these sizes. For
segments both decisions are in it. `python -m benchmarks shorter` measures again and writes this page.

The best cost is known: two of the plants are linear programs, and the park, whose battery either charges or
discharges at each hour, as electricity may be worth less than nothing there, is solved to a gap of 0.01 %.
`benchmarks/sizing` holds the two that are no scenario of their own: the industrial park with sun, wind, heat pump,
heat storage and battery to be sized, and the steel works with sun, wind, battery and hydrogen tank, its stacks
running freely.

![Cost above the best against processor time to the sizes](images/shorter_years.svg)
"""
# A cost this share above the best, or less, is as good as the best.
_LEAST = 1e-5
_TITLES = {
    "scenarios/metal_parts/sizing.yaml": "metal-parts plant",
    "benchmarks/sizing/park.yaml": "industrial park",
    "benchmarks/sizing/steel_linear.yaml": "steel works",
}


def write(sizings: Sequence[Sizing], folder: Path) -> None:
    """Write page and picture into a folder."""
    by_scenario = {name: [s for s in sizings if s.scenario == name] for name in SCENARIOS}
    known = {name: found for name, found in by_scenario.items() if _whole(found) is not None}
    (folder / "images").mkdir(exist_ok=True)
    _draw(known, folder / "images" / "shorter_years.svg")
    lines = [INTRODUCTION]
    for name, found in known.items():
        lines += ["", f"## {_TITLES[name].capitalize()}", "", *_table(found)]
    (folder / "shorter_years.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"written: {folder / 'shorter_years.md'}")


def _whole(sizings: Sequence[Sizing]) -> Sizing | None:
    return next((s for s in sizings if s.kind == "steps" and not s.fault), None)


def _shorter(sizings: Sequence[Sizing], kind: str) -> list[Sizing]:
    return sorted((s for s in sizings if s.kind == kind), key=lambda s: s.count)


def _table(sizings: Sequence[Sizing]) -> Iterator[str]:
    whole = _whole(sizings)
    assert whole is not None
    alone = next((s for s in sizings if s.kind == "highs" and not s.fault), None)
    by_highs = "" if alone is None else f", {alone.seconds:.0f} s by HiGHS alone"
    yield f"All steps: {whole.cost:,.0f} a year, {whole.seconds:.0f} s of processor time{by_highs}."
    yield ""
    yield "| decided on | costs more | says | bound | decided, beside HiGHS | decided, beside our own | replayed |"
    yield "|---|---|---|---|---|---|---|"
    for kind in ("segments", "periods"):
        for each in _shorter(sizings, kind):
            name = f"{each.count:,} {'segments' if kind == 'segments' else 'typical days'}"
            if each.fault:
                yield f"| {name} | {each.fault} | | | | | |"
                continue
            bound = "–" if each.bound is None else f"{1 - each.bound / each.cost:.1%}"
            more, says = each.cost / whole.cost - 1, each.told / each.cost - 1
            sooner = "–" if alone is None else f"{alone.seconds / each.decided:.1f}"
            times = f"{sooner} | {whole.seconds / each.decided:.1f} | {whole.seconds / each.seconds:.1f}"
            yield f"| {name} | {more:.2%} | {says:+.1%} | {bound} | {times} |"


def _draw(known: dict[str, list[Sizing]], file: Path) -> None:
    figure = Figure(figsize=(3.7 * max(len(known), 1), 3.6), layout="constrained")
    panels = figure.subplots(1, max(len(known), 1), squeeze=False, sharex=True, sharey=True)[0]
    for axes, (name, sizings) in zip(panels, known.items(), strict=False):
        whole = _whole(sizings)
        assert whole is not None
        for kind, style, label in (("segments", "o-", "segments"), ("periods", "s--", "typical days")):
            found = [s for s in _shorter(sizings, kind) if not s.fault]
            took = [100 * s.decided / whole.seconds for s in found]
            more = [100 * max(s.cost / whole.cost - 1, _LEAST) for s in found]
            axes.plot(took, more, style, markersize=4, label=label)
            for each, place in zip(found, zip(took, more, strict=True), strict=True):
                axes.annotate(f"{each.count:,}", place, (3, 4), textcoords="offset points", fontsize=7)
        axes.axhline(1.0, color="0.5", linewidth=0.6, linestyle=":")
        axes.set(xscale="log", yscale="log", xlabel="time to the sizes, % of that on all steps", title=_TITLES[name])
        axes.xaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.grid(alpha=0.3)
    panels[0].set(ylabel="cost above the best, %")
    panels[-1].legend(fontsize=7)
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "shorter"}):
        figure.savefig(file, metadata={"Date": None})
