"""What a pathway does with each capacity in each stage, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from microgrid.planning.alike import Where
from microgrid.planning.path_model import Kept
from microgrid.planning.stages import Stage
from microgrid.planning.vintages import Vintage

COLUMNS = ("asset", "field", "unit", "year", "stands", "built", "given_up", "ended", "renewed")


def path_table(stages: Sequence[Stage], vintages: Mapping[Where, Sequence[Vintage]], kept: Kept) -> pd.DataFrame:
    """Return by capacity and stage, in the capacity's unit, what it has of each vintage in all.

    Columns: asset, field, unit, year; `stands` in the stage; `built` at its begin; `given_up` there although it could
    have been kept; `ended` there with its life; `renewed` within the stage, as its life was over.
    """
    rows = []
    for (asset, field), found in vintages.items():
        unit = stages[0].scenario.plant.assets[asset].capacity_units()[field]
        for number, stage in enumerate(stages):
            amounts = [_of_stage(each, number, kept, (asset, field)) for each in found]
            told = dict(zip(COLUMNS[4:], (sum(column) for column in zip(*amounts, strict=True)), strict=True))
            rows.append({"asset": asset, "field": field, "unit": unit, "year": stage.year, **told})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _of_stage(found: Vintage, number: int, kept: Kept, where: Where) -> tuple[float, float, float, float, float]:
    """Return what of one vintage stands, was built, given up, has ended and is renewed in a stage."""
    now = kept[where, found.built, number][0] if number in found.stages else 0.0
    before = kept[where, found.built, number - 1][0] if number - 1 in found.stages else now
    if number == found.built:
        before = 0.0
    built = now if number == found.built else 0.0
    lost = max(before - now, 0.0)
    has_ended = number not in found.stages
    wholes = [each for each in found.bought[number - found.first] if not each.part] if number in found.stages else []
    renewals = len(wholes) - (1 if number == found.built and wholes else 0)
    return now, built, 0.0 if has_ended else lost, lost if has_ended else 0.0, now * max(renewals, 0)
