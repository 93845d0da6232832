"""Pictures of a plan: dispatch, the horizon as a whole, stocks, costs and carbon, duration curves.

Each picture is a function that takes a Result and returns a matplotlib Figure, or None where there is nothing to show.
Matplotlib is imported when the first picture is drawn, and never through pyplot: no window, no global state.
"""

from __future__ import annotations

from pathlib import Path

from microgrid.results import Result

CAPTIONS = {
    "dispatch": "Dispatch by bus: supply is stacked above zero, consumption below; the line is the production load, "
    "and what stands above it is stored, converted or exported. Underneath, what one more unit would cost (bus price) "
    "beside what the tariff charges; a spike beyond the axis is told at its edge. Of a horizon longer than ten days, "
    "the week of the highest import is shown.",
    "dispatch_least": "Dispatch in the week of the least net import, on the same scale.",
    "energy": "The whole horizon, averaged over days, weeks or months: supply above zero, consumption below.",
    "stocks": "What is stored over time, with the capacity as a dashed line, and when units are on (solid) or standing "
    "by (hatched). Of a horizon longer than ten days the left side shows the whole, the right side the week of the "
    "highest import.",
    "costs": "Where the money goes, line by line up to the total, and the carbon account by scope on both bases.",
    "sankey": "Where energy comes from and where it goes, bus by bus, and beneath it what the energy carries: the "
    "direct and purchased emissions of its sources by location, passed on through converters and stores. What a store "
    "took and has not given yet stays in it.",
    "duration": "For how many hours a power is reached or exceeded: production load, exchange with the grid, and "
    "residual load, which is load less own generation.",
}


def save_plots(result: Result, folder: Path) -> dict[str, Path]:
    """Write all pictures of a plan as PNG.

    Parameters
    ----------
    result
        The plan.
    folder
        An existing folder.

    Returns
    -------
    dict
        Path of each picture by name; a picture with nothing to show is not there.
    """
    from microgrid.plots.canvas import drawing
    from microgrid.plots.costs import costs
    from microgrid.plots.dispatch import dispatch, dispatch_least
    from microgrid.plots.duration import duration
    from microgrid.plots.energy import energy
    from microgrid.plots.sankey import sankey
    from microgrid.plots.stocks import stocks

    paths = {}
    for make in (dispatch, dispatch_least, energy, stocks, costs, sankey, duration):
        with drawing():
            figure = make(result)
            if figure is not None:
                paths[make.__name__] = folder / f"{make.__name__}.png"
                figure.savefig(paths[make.__name__], metadata={"Software": None}, pil_kwargs={"compress_level": 6})
    return paths
