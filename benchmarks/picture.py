"""The picture of `docs/benchmarks.md`: seconds and memory against steps, gap against seconds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.comparison import Measured, by_length
from benchmarks.figures import best, gaps, process
from benchmarks.programs import ENGINE, PROGRAMS


def draw(measured: Sequence[Measured], file: Path) -> bool:
    """Draw the picture; tell whether there was anything to draw."""
    lengths = by_length(measured, only_hand_over=True)
    traced = [m for m in measured if m.step.case.trace]
    if not lengths and not traced:
        return False
    panels = 2 * bool(lengths) + bool(traced)
    figure = Figure(figsize=(3.7 * panels, 3.9), layout="constrained")
    axes = figure.subplots(1, panels, squeeze=False)[0]
    if lengths:
        _draw_lengths(axes[0], axes[1], lengths)
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=7)
    if traced:
        _draw_gaps(axes[-1], traced)
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "benchmarks"}):
        figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None)
    return True


def _draw_lengths(seconds: Axes, memory: Axes, lengths: Sequence[Measured]) -> None:
    for program in PROGRAMS:
        told = [m for m in lengths if program in m.step.programs]
        steps = [m.step.case.steps for m in told]
        took = [best(m.records, program.name, "total", first=True) for m in told]
        held = [process(m.cold, program.name, "megabytes") for m in told]
        for axes, values in ((seconds, took), (memory, held)):
            width = 2.2 if program is ENGINE else 1.2
            if told:
                axes.plot(steps, values, marker="o", markersize=3, linewidth=width, label=program.name)
    for axes, title in ((seconds, "Build and hand-over, s"), (memory, "Peak memory, MB")):
        axes.set(xscale="log", xlabel="steps of 1 h", title=title)
        axes.set_xticks(ticks := [m.step.case.steps for m in lengths], [f"{n:,}" for n in ticks], rotation=45)
        axes.xaxis.minorticks_off()
        axes.grid(alpha=0.3)
    seconds.set_yscale("log")
    seconds.yaxis.set_major_formatter("{x:g}")
    memory.set_ylim(bottom=0.0)


def _draw_gaps(axes: Axes, traced: Sequence[Measured]) -> None:
    for m in traced:
        for record in m.cold:
            points = gaps(record)
            style = "-" if record.program == ENGINE.name else "--"
            label = record.program if points else f"{record.program}: no plan"
            axes.step([p[0] for p in points], [p[1] for p in points], style, where="post", label=label)
    axes.set(xlabel="seconds since the hand-over began", title="Gap with commitment, %")
    if any(gaps(record) for m in traced for record in m.cold):
        axes.set_yscale("log")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)
