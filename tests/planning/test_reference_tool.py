"""`size` beside another tool: PyPSA's solution of the sizing reference, which `tests/references/README.md` tells of.

The problem is one and the same linear program, told in other words: PyPSA takes a year's cost per kW as one number,
here it is the annuity of a price and a share of it for upkeep; its curtailed sun is a variable, here output stays
below what there is; its battery is a store and two links, here one asset with losses on both sides; its connection is
a link with capacity for imports and a limit for exports. `size` also solves the reference that it compares with,
which PyPSA does not know of: it changes neither sizes nor cost of the plan.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from microgrid.planning.sizing import size
from tests.references.test_references import assert_meets

FOLDER = Path(__file__).parents[1] / "references" / "sizing_lp"


def test_size_decides_what_pypsa_decides():
    """The objective to 1e-6, every size to 1e-4; both plans pass their audits."""
    expected = YAML(typ="safe", pure=True).load(FOLDER / "expected.yaml")["plant"]
    changes = {"reference.without": "[roof, battery]", "reference.name": "grid only", "finance.project_life": "20 a"}
    investment = size(FOLDER / "plant.yaml", overrides=changes)
    plan = investment.plan.result
    assert_meets(plan, expected)
    assert all(case.result.manifest["audit"]["findings"] == [] for case in investment.cases.values())
    demand = investment.reference.result.flows.query("port == 'demand'")["rate"].abs()
    assert investment.reference.result.sizes["grid"]["capacity"] == pytest.approx(demand.max(), rel=1e-6)
