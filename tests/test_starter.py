"""The starter: it is good, it solves, and it is never written over anything."""

from __future__ import annotations

import os
import re

import pytest

import microgrid
from microgrid.errors import InputError
from microgrid.scenario import read_scenario
from microgrid.starter import FILES, write_starter


def test_it_is_written_and_read(tmp_path):
    path = write_starter(tmp_path / "new" / "plant")
    assert sorted(file.name for file in path.parent.iterdir()) == sorted(FILES)
    scenario = read_scenario(path)
    assert scenario.name == "Starter plant"
    assert len(scenario.plant.timeline) == 96


def test_it_solves_and_its_audit_passes(tmp_path):
    result = microgrid.run(write_starter(tmp_path))
    assert result.manifest["outcome"]["proved"]
    assert result.manifest["audit"]["passed"]


def test_every_line_that_it_suggests_is_good(tmp_path):
    """What the comments offer instead of a value is taken as it stands."""
    path = write_starter(tmp_path)
    text = path.read_text(encoding="utf-8")
    suggested = re.findall(r"--set (\S+)=\"([^\"]+)\"", text)
    assert suggested
    read_scenario(path, dict(suggested))
    (sized,) = re.findall(r"# to let the engine choose: (\{.*\})", text)
    read_scenario(path, {"assets.battery.energy": sized})
    read_scenario(path, {"horizon.start": "2026-06-15T00:00+02:00", "objective.minimise": "[emissions, cost]"})


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_written_over(tmp_path, name):
    (tmp_path / name).write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="already there"):
        write_starter(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text(encoding="utf-8") == "mine"


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "plant").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="a folder that can be written"):
        write_starter(tmp_path / "plant")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is closed to root")
def test_a_folder_that_is_closed(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="a folder that can be written"):
        write_starter(tmp_path / "plant")
