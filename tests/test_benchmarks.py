"""The benchmarks' own ground: the engine and raw arrays state one plant, and no table is written of two."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from benchmarks.batches import called, overhead, prices
from benchmarks.comparison import DisagreementError, Measured, Step, agree
from benchmarks.document import put_section, write
from benchmarks.figures import gaps, seconds_to
from benchmarks.peers.engine import Engine
from benchmarks.peers.engine_file import EngineFile
from benchmarks.peers.raw import Raw
from benchmarks.picture import draw
from benchmarks.plant import Case, make_plant
from benchmarks.programs import ENGINE, LINOPY, RAW, Program, Record, requirements
from benchmarks.shorter_page import write as write_page
from benchmarks.shorter_years import SCENARIOS, Sizing
from microgrid.store.folder import Store

CASE = Case(24, 60, "2018-01-16", commitment=True, gap=1e-7)


def answered(program: Program, objective: float, bound: float, case: Case = CASE) -> Record:
    run = {"build": 1.0, "solver": 2.0, "total": 4.0, "around": 2.0}
    told = {"runs": [run], "objective": objective, "bound": bound, "versions": {"highspy": "1"}, "python": "3"}
    told |= {"trace": [(1.0, math.inf, 90.0), (2.0, 100.0, 90.0), (3.0, 100.0, 99.99)]}
    return Record(program.name, vars(case), wall=5.0, megabytes=100.0, told=told)


@pytest.mark.parametrize("case", [CASE, Case(30, 60)], ids=["commitment", "linear"])
def test_the_engine_and_raw_arrays_reach_the_same_objective(case: Case) -> None:
    """Two formulations of one plant, and a scenario file as a third way to say it; a wrong one misses by per cents."""
    plant = make_plant(case)
    objectives = []
    for job in (Raw(plant), Engine(plant), EngineFile(plant)):
        job.build()
        objectives.append(job.solve().objective)
    assert objectives[1:] == pytest.approx([objectives[0]] * 2, rel=1e-6)


def test_series_begin_again_after_a_year_and_start_on_the_day_asked_for() -> None:
    years, day = make_plant(Case(8760 + 24, 60)), make_plant(Case(24, 60, "2018-01-16"))
    assert (years.load[8760:] == years.load[:24]).all()
    assert (years.load[15 * 24 : 16 * 24] == day.load).all()
    assert day.peak_price == pytest.approx(576 / 365)


def test_programs_that_reach_different_objectives_get_no_times() -> None:
    step = Step("day", "A day", CASE, (ENGINE, RAW))
    with pytest.raises(DisagreementError, match=r"A day: engine reaches 100\.000000, raw arrays 100\.001000"):
        agree(step, [answered(ENGINE, 100.0, 100.0), answered(RAW, 100.001, 100.001)])


def test_with_a_wide_gap_no_plan_may_beat_anothers_bound() -> None:
    wide = Step("day", "A day", Case(48, 15, commitment=True, gap=1e-2), (ENGINE, RAW))
    agree(wide, [answered(ENGINE, 100.0, 99.5), answered(RAW, 100.4, 99.9)])
    with pytest.raises(DisagreementError, match=r"engine reaches 100\.000000, raw arrays proves 100\.200000"):
        agree(wide, [answered(ENGINE, 100.0, 99.5), answered(RAW, 100.4, 100.2)])


def test_gap_against_time_begins_with_the_first_plan() -> None:
    record = answered(ENGINE, 100.0, 99.99)
    assert gaps(record) == [(2.0, pytest.approx(10.0)), (3.0, pytest.approx(0.01)), (4.0, pytest.approx(0.01))]
    assert seconds_to([record], ENGINE.name, 2e-4) == 3.0


def test_the_page_tells_what_failed_and_what_was_not_measured(tmp_path: Path) -> None:
    case = Case(96, 15, commitment=True, trace=True)
    records = [answered(ENGINE, 100.0, 99.99, case), answered(RAW, 100.0, 99.99, case), Record(LINOPY.name, vars(case))]
    records[-1].fault = "MemoryError"
    measured = [Measured(Step("year_gap", "A hard case", case, (ENGINE, RAW, LINOPY)), records, [])]
    assert draw(measured, tmp_path / "picture.svg")
    write(measured, tmp_path / "page.md", "picture.svg")
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "linopy: MemoryError" in text
    assert "| linopy | – | – | – | – | – | – | – | – |" in text
    assert "| engine | 4.00 | 1.00 | 2.00 | 5.00 | 1.00 | 100 | 1.00 | 0.0100 % |" in text


def test_every_package_of_the_extra_has_a_script() -> None:
    assert set(requirements()) == {"linopy", "pypsa", "oemof.solph", "flixopt"}


def test_a_section_is_written_anew_and_all_others_stay(tmp_path: Path) -> None:
    """Batches are measured apart from the peers: neither page may take the other's figures away."""
    page = tmp_path / "page.md"
    page.write_text("# Benchmarks\n\ntext\n\n## Batches\n\nold\n\n## Batches of others\n\nstay\n", encoding="utf-8")
    put_section(page, "Batches", "new\n")
    assert page.read_text(encoding="utf-8") == (
        "# Benchmarks\n\ntext\n\n## Batches of others\n\nstay\n\n## Batches\n\nnew\n"
    )
    case = Case(96, 15)
    records = [answered(ENGINE, 100.0, 100.0, case), answered(RAW, 100.0, 100.0, case)]
    write([Measured(Step("day", "A day", case, (ENGINE, RAW)), records, [])], page, "")
    assert page.read_text(encoding="utf-8").endswith("## Batches\n\nnew\n")


def test_a_batch_is_measured_as_it_is(tmp_path: Path) -> None:
    """Few cases, for the figures must come at all: the plan of each is there, and a figure for each aim."""
    for target in overhead(tmp_path, cases=18):
        assert target.reached.endswith("times the solve")
        assert float(target.reached.split()[0]) > 0
    called_once = called(prices(tmp_path, 3), tmp_path / "store", 1)
    assert called_once.seconds > 0
    assert len(Store.open(tmp_path / "store").records()) == 3
    if Path("/proc").is_dir():
        assert min(called_once.caller, called_once.worker) > 10.0


def test_the_page_of_shorter_years_tells_what_was_lost_and_saved(tmp_path: Path) -> None:
    """100 on all steps in 20 s, by HiGHS alone in 60 s; 102 on segments in 2 s, replayed in 4 s; they said 99.

    That is 2 % more, 2.9 % too low, 30 and 10 times sooner decided, 5 times sooner replayed.
    """
    name = SCENARIOS[0]
    sizings = [
        Sizing(name, "highs", 0, 100.0, 100.0, 100.0, 60.0, 60.0),
        Sizing(name, "steps", 0, 100.0, 100.0, 100.0, 20.0, 20.0),
        Sizing(name, "segments", 600, 102.0, 99.0, 91.8, 4.0, 2.0),
        Sizing(name, "periods", 40, fault="too few"),
    ]
    write_page(sizings, tmp_path)
    page = (tmp_path / "shorter_years.md").read_text()
    assert "| 600 segments | 2.00% | -2.9% | 10.0% | 30.0 | 10.0 | 5.0 |" in page
    assert "| 40 typical days | too few | | | | | |" in page
    assert (tmp_path / "images" / "shorter_years.svg").read_text().startswith("<?xml")
