"""The planner's notebook runs as it stands, on a short horizon."""

from __future__ import annotations

import json
from pathlib import Path

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "01_planner.ipynb"


def test_the_planners_notebook_runs(monkeypatch, capsys):
    monkeypatch.setenv("MICROGRID_SHORT", "1")
    monkeypatch.chdir(NOTEBOOK.parent)
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    names: dict[str, object] = {}
    for cell in cells:
        assert not cell.get("outputs"), "what a notebook shows is not stored with it"
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
    assert names["investment"].sheet.figures["investment"] > 0
    assert len(names["front"].points) >= 2
    assert names["path"].perfect.audits
    assert names["futures"].audited
    assert names["others"].audited
    assert names["done"].audited
    assert "- One year stands for all" in capsys.readouterr().out
