"""The picture of `docs/benchmarks.md`: seconds and memory against steps, gap against seconds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.comparison import Measured
from benchmarks.figures import best, gaps, process
from benchmarks.programs import ENGINE, PROGRAMS


def draw(measured: Sequence[Measured], file: Path) -> bool:
    """Draw the picture; tell whether there was anything to draw."""
    lengths = [m for m in measured if m.step.key.startswith("horizon_")]
    lengths = sorted(lengths, key=lambda m: m.step.case.steps)
    traced = [m for m in measured if m.step.case.trace]
    if not lengths and not traced:
        return False
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    seconds, memory, gap = figure.subplots(1, 3)
    _draw_lengths(seconds, memory, lengths)
    _draw_gaps(gap, traced)
    figure.savefig(file, metadata={"Date": None})
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
        axes.set(xscale="log", yscale="log", xlabel="steps of 1 h", title=title)
        axes.grid(alpha=0.3)
    if lengths:
        seconds.legend(fontsize=7)


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
    if traced:
        axes.legend(fontsize=7)
