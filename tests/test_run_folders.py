"""The folder of a run: what is refused before the solve, and what happens where two runs meet."""

from __future__ import annotations

import json
import os
from pathlib import Path
from threading import Thread

import pytest

import microgrid
from microgrid import running
from microgrid.errors import InputError
from microgrid.run_folders import refuse_unfit, replacing
from microgrid.starter import write_starter

IS_ROOT = not hasattr(os, "geteuid") or os.geteuid() == 0
MANIFEST = json.dumps({"format": 1, "engine": {}, "outcome": {}})


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Stand in a folder of its own, beside which nothing lies."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def full(folder, name="thesis.txt", text="years of work"):
    folder.mkdir(parents=True)
    (folder / name).write_text(text, encoding="utf-8")


def fill(folder, text):
    with replacing(folder) as new:
        (new / "manifest.json").write_text(MANIFEST, encoding="utf-8")
        (new / "text").write_text(text, encoding="utf-8")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_an_unfit_folder_is_refused_before_the_solve(here, monkeypatch):
    scenario = write_starter(here / "starter")
    monkeypatch.setattr(running, "solve", lambda *_arguments: pytest.fail("solved before the folder was looked at"))
    for out in ("starter", "starter/plant.yaml", "starter/plant.yaml/run", "."):
        with pytest.raises(InputError, match="choose another --out"):
            microgrid.run(scenario, out)
    assert names(here) == ["starter"]
    assert names(here / "starter") == ["plant.yaml", "site.csv"]


@pytest.mark.parametrize(
    ("out", "found"),
    [
        ("full", "not empty and no run"),
        ("page", "not empty and no run"),
        ("full/thesis.txt", "a file"),
        ("full/thesis.txt/run", "a folder under a file"),
        ("a" * 250, "File name too long"),
        (".", "the folder you stand in, or one around it"),
        ("..", "the folder you stand in, or one around it"),
        ("/", "the folder you stand in, or one around it"),
        ("itself", "Too many levels of symbolic links"),
    ],
)
def test_what_is_unfit_is_told_and_left_alone(here, out, found):
    full(here / "full")
    full(here / "page", "manifest.json", '{"name": "a page that is no run"}')
    (here / "itself").symlink_to("itself")
    before = names(here)
    for refused in (refuse_unfit, lambda folder: fill(folder, "new")):
        with pytest.raises(InputError) as caught:
            refused(Path(out))
        assert found in str(caught.value)
        assert "choose another --out" in str(caught.value)
    assert names(here) == before
    assert (here / "full" / "thesis.txt").read_text(encoding="utf-8") == "years of work"


@pytest.mark.skipif(IS_ROOT, reason="nothing is closed to root")
@pytest.mark.parametrize("out", ["closed/run", "closed/far/run"])
def test_a_closed_folder_is_refused(here, out):
    (here / "closed").mkdir(mode=0o500)
    with pytest.raises(InputError, match="Permission denied"):
        refuse_unfit(Path(out))


def test_what_is_fit_is_not_made_before_the_solve(here):
    for out in ("new", "far/away/new"):
        refuse_unfit(Path(out))
    (here / "empty").mkdir()
    refuse_unfit(Path("empty"))
    assert names(here) == ["empty"]


def test_a_link_keeps_leading_to_the_run(here):
    (here / "latest").symlink_to("run")
    for text in ("first", "second"):
        fill(here / "latest", text)
        assert (here / "run" / "text").read_text(encoding="utf-8") == text
    assert (here / "latest").is_symlink()
    assert names(here) == ["latest", "run"]


def test_a_folder_is_as_private_as_the_user_wishes(here):
    umask = os.umask(0o027)
    try:
        fill(here / "run", "private")
    finally:
        os.umask(umask)
    assert (here / "run").stat().st_mode & 0o777 == 0o750


def test_a_volume_is_refused(here, monkeypatch):
    """A folder that a container mounts can be filled, but not replaced as a whole."""
    (here / "volume").mkdir()
    monkeypatch.setattr("os.path.ismount", lambda path: path == here / "volume")
    with pytest.raises(InputError, match="a volume of its own, which cannot be replaced"):
        refuse_unfit(Path("volume"))
    refuse_unfit(Path("volume/run"))


def test_a_run_that_lost_its_place_is_kept(here):
    def lost():
        with replacing(here / "run") as new:
            (new / "text").write_text("hours of work", encoding="utf-8")
            full(here / "run")

    with pytest.raises(InputError, match=r"the run is kept in .*\.run\.") as caught:
        lost()
    kept = Path(str(caught.value).rpartition("kept in ")[2])
    assert (kept / "text").read_text(encoding="utf-8") == "hours of work"
    assert names(here / "run") == ["thesis.txt"]


def test_runs_into_one_folder_end_with_one_of_them_whole(here):
    """Eight at once: none fails, one of them stands, nothing is left beside it."""
    errors = []

    def run(number):
        try:
            fill(here / "run", str(number))
        except InputError as error:
            errors.append(error)

    for _ in range(20):
        threads = [Thread(target=run, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert errors == []
    assert names(here) == ["run"]
    assert names(here / "run") == ["manifest.json", "text"]
