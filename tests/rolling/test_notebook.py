"""The operator's notebook runs as it stands, on two days in place of a month."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "03_operator.ipynb"


def test_the_operators_notebook_runs(monkeypatch):
    pytest.importorskip("sklearn")
    import matplotlib as mpl

    mpl.use("Agg")
    monkeypatch.setenv("MICROGRID_SHORT", "1")
    monkeypatch.chdir(NOTEBOOK.parent)
    names: dict[str, object] = {}
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        assert not cell.get("outputs"), "what a notebook shows is not stored with it"
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
    assert names["table"].loc["perfect", "regret"] < 0.03
    assert all(told["passed"] for told in names["audits"].values())
    assert list(names["scores"].index) == ["persistence", "week", "quantile"]
    assert names["hedges"]["plans over futures"].tolist() == [0.0, 4.0]
