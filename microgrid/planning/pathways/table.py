"""What a pathway does with each capacity in each stage, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from microgrid.planning.alike import Where
from microgrid.planning.pathways.model import Kept
from microgrid.planning.pathways.stages import Stage, Standing
from microgrid.planning.pathways.vintages import Vintage

COLUMNS = ("asset", "field", "unit", "year", "stands", "left", "kept", "built", "given_up", "ended", "renewed")


def path_table(
    stages: Sequence[Stage],
    vintages: Mapping[Where, Sequence[Vintage]],
    kept: Kept,
    standing: Mapping[Where, Standing],
) -> pd.DataFrame:
    """Return by capacity and stage, in the capacity's unit, what it has of each vintage in all.

    Columns: asset, field, unit, year; `stands` in the stage; `left` of it by ageing, on the mean of its years;
    `kept` of what stood before; `built` at its begin; `given_up` there although it could have been kept; `ended` there
    with its life; `renewed` within the stage, as its life was over.
    """
    rows = []
    for (asset, field), found in vintages.items():
        unit = stages[0].scenario.plant.assets[asset].capacity_units()[field]
        for number, stage in enumerate(stages):
            stood = standing[asset, field].amount if (asset, field) in standing else 0.0
            amounts = [_of_stage(each, number, kept, (asset, field), stood) for each in found]
            told = dict(zip(COLUMNS[4:], (sum(column) for column in zip(*amounts, strict=True)), strict=True))
            rows.append({"asset": asset, "field": field, "unit": unit, "year": stage.year, **told})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _of_stage(found: Vintage, number: int, kept: Kept, where: Where, stood: float) -> tuple[float, ...]:
    """Return what of one vintage stands, is left, kept, was built, given up, has ended and is renewed in a stage."""
    stands = number in found.stages
    now = kept[where, found.built, number][0] if stands else 0.0
    before = kept[where, found.built, number - 1][0] if number - 1 in found.stages else now
    if found.built is None and number == 0:
        before = stood
    is_new = number == found.built
    lost = 0.0 if is_new else max(before - now, 0.0)
    renewed = found.renewed[number - found.first] if stands else 0
    left = found.left_in(number) * now if stands else 0.0
    built = now if is_new else 0.0
    return now, left, now - built, built, lost if stands else 0.0, 0.0 if stands else lost, now * renewed
