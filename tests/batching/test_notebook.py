"""The researcher's notebook runs from end to end in a kernel of its own, on its short family."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from microgrid.families import expand

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@pytest.mark.filterwarnings("ignore")  # Jupyter's own, of event loops and of paths
def test_the_researchers_notebook_runs(monkeypatch):
    monkeypatch.setenv("MICROGRID_SHORT", "1")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
    notebook = nbformat.read(NOTEBOOKS / "02_researcher.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "what a notebook shows is not stored with it"
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": NOTEBOOKS}}).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert any("8 cases, 0 were there, {'proved': 8}" in output.get("text", "") for output in shown)
    assert sum("image/png" in output.get("data", {}) for output in shown) == 3


def test_both_families_of_the_notebook_span_the_same_axes():
    full, short = (expand([NOTEBOOKS / name]) for name in ("pathways.yaml", "pathways_short.yaml"))
    assert (len(full), len(short)) == (32, 8)
    assert full[0].labels.keys() == short[0].labels.keys() == {"typical year", "hydrogen price", "carbon price"}
    assert {case.id for case in full}.isdisjoint({case.id for case in short})
