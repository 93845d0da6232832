"""Batches: every case once, the same results for any number of workers, and nothing lost by a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import microgrid
from microgrid.batching import alone, pool
from microgrid.batching.batch import batch
from microgrid.batching.checking import check, to_check
from microgrid.batching.chunks import Solved, chunks_of, left_of
from microgrid.batching.display import Board, Estimate, told
from microgrid.batching.process import receive
from microgrid.errors import InputError, MicrogridError
from microgrid.families import expand
from microgrid.store.folder import Store
from microgrid.store.tables import TABLES
from tests.batching.files import PLANT, SWEEP, cost, write


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def family(here) -> Path:
    return write(here, PLANT + SWEEP)


def bytes_of(store: Path) -> dict[str, bytes]:
    return {str(path.relative_to(store)): path.read_bytes() for path in sorted(store.glob("*/*.parquet"))}


def many(count: int) -> str:
    values = ", ".join(f"{at + 1} kWh" for at in range(count))
    return f"sweep:\n  grid:\n    battery: {{field: assets.battery.energy, values: [{values}]}}\n"


def test_every_case_reaches_its_optimum_by_hand(family, here):
    summary = batch(family, here / "out", workers=0)
    assert (summary.cases, summary.done, dict(summary.ended)) == (6, 0, {"proved": 6})
    runs = microgrid.load_runs(here / "out")
    for case, row in runs.axes.iterrows():
        assert runs.figures.loc[case, "cost"] == pytest.approx(cost(row["battery"], row["carbon price"])), case


def test_what_is_done_is_not_solved_again(family, here, monkeypatch):
    batch(family, here / "out", workers=0)
    monkeypatch.setattr(alone, "Solver", None)  # whoever solves, fails
    summary = batch(family, here / "out", workers=0)
    assert (summary.done, summary.solved) == (6, 0)


def test_a_change_of_one_value_solves_its_cases_alone(family, here):
    batch(family, here / "out", workers=0)
    write(here, PLANT + SWEEP.replace("20 kWh", "8 kWh"))
    summary = batch(family, here / "out", workers=0)
    assert (summary.done, summary.solved) == (4, 2)


def test_force_solves_again(family, here):
    batch(family, here / "out", workers=0)
    assert batch(family, here / "out", workers=0, force=True).solved == 6


def test_a_renamed_family_finds_its_plans(family, here, monkeypatch):
    batch(family, here / "out", workers=0)
    write(here, (PLANT + SWEEP).replace("name: Small", "name: Tiny"))
    monkeypatch.setattr(alone, "Solver", None)
    assert batch(family, here / "out", workers=0).done == 6
    assert len(microgrid.load_runs(here / "out").only(families=["Tiny"]).figures) == 6


def test_two_names_of_one_case_are_solved_once(here):
    """10 kWh and 10000 Wh are two texts, and two hashes; the same file under another name is one."""
    write(here, PLANT, "one.yaml")
    write(here, PLANT.replace("name: Small", "name: Other"), "two.yaml")
    summary = batch(["one.yaml", "two.yaml"], here / "out", workers=0)
    assert summary.ended["proved"] == 2
    assert len(list((here / "out" / "flows").iterdir())) == 1
    assert set(microgrid.load_runs(here / "out").figures.index) == {"Small", "Other"}


def test_failures_are_recorded_and_stop_nobody(here):
    """A grid of 5 kW cannot feed 20 kW: infeasible; a load that is no number cannot be seen before its turn."""
    sweep = "sweep:\n  grid:\n    grid: {field: assets.grid.capacity, values: [100 kW, 5 kW, 90 kW]}\n"
    summary = batch(write(here, PLANT + sweep), here / "out", workers=0)
    assert dict(summary.ended) == {"proved": 2, "infeasible": 1}
    assert list(summary.failures) == ["Small: grid 5 kW"]
    status, message = summary.failures["Small: grid 5 kW"]
    assert (status, message.split(":")[0]) == ("infeasible", "the scenario is infeasible")
    again = batch(here / "family.yaml", here / "out", workers=0)
    assert (again.solved, list(again.failures)) == (0, ["Small: grid 5 kW"])


def test_a_case_that_breaks_the_code_is_recorded_and_tried_again(family, here, monkeypatch):
    from microgrid.batching import solving

    def broken(*_args):
        raise ZeroDivisionError("what it is")

    with monkeypatch.context() as patch:
        patch.setattr(solving, "solved_from", broken)
        summary = batch(family, here / "out", workers=0)
    assert dict(summary.ended) == {"failed": 6}
    assert next(iter(summary.failures.values())) == ("failed", "ZeroDivisionError: what it is")
    assert dict(batch(family, here / "out", workers=0).ended) == {"proved": 6}


def test_faults_are_told_before_anything_is_solved(here):
    sweep = "sweep:\n  grid:\n    battery: {field: assets.battery.enrgy, values: [5 kWh]}\n"
    with pytest.raises(InputError) as caught:
        batch(write(here, PLANT + sweep), here / "out", workers=0)
    (problem,) = caught.value.problems
    assert str(problem).startswith("family.yaml:27  assets.battery.enrgy: unknown key\n")
    assert str(problem).endswith('did you mean "energy"?')
    assert not list((here / "out").glob("*/*"))


def test_a_field_of_no_asset_is_told_with_the_nearest(here):
    sweep = "sweep:\n  grid:\n    battery: {field: assets.batery.energy, values: [5 kWh]}\n"
    with pytest.raises(InputError) as caught:
        check(expand([write(here, PLANT + sweep)]))
    assert str(caught.value) == (
        'family.yaml:27  assets.batery.energy: no "batery"\n'
        "   wanted a field of the scenario by its path, such as assets.battery.energy; "
        'did you mean "assets.battery"?'
    )


def test_results_are_the_same_bytes_for_any_number_of_workers_and_after_a_break(here):
    """40 cases in chunks of two: in one process, in two processes, and in one that was broken off in mid-chunk."""
    family = write(here, PLANT + many(40))
    batch(family, here / "alone", workers=0)
    batch(family, here / "two", workers=2)
    count = 0

    def stop(event, summary):
        nonlocal count
        count += 1
        if count == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        batch(family, here / "broken", workers=0, look=stop)
    kept = len(Store.open(here / "broken").done())
    assert 0 < kept < 40
    assert batch(family, here / "broken", workers=0).done == kept
    expected = bytes_of(here / "alone")
    assert len(expected) == 40 * 8
    assert bytes_of(here / "two") == expected
    assert bytes_of(here / "broken") == expected


def test_a_killed_worker_costs_the_case_it_ran_and_nothing_else(here):
    """The first process is killed when its first case is over; the batch goes on, and every case has its plan."""
    family = write(here, PLANT + many(4))
    killed = []

    def kill(event, summary):
        if event is not None and event.kind == "solved" and not killed:
            (child, *_) = _children(os.getpid())
            killed.append(child)
            os.kill(child, signal.SIGKILL)

    summary = batch(family, here / "out", workers=1, look=kill)
    assert killed
    assert dict(summary.ended) == {"proved": 4}


def test_a_case_that_kills_its_process_twice_is_given_up(monkeypatch, here):
    cases = expand([write(here, PLANT + many(2))])
    chunks = chunks_of(cases, {})
    workers = pool.Pool(1, {0: cases[0].family.document}, chunks, Store.open_or_make(here / "out"))
    deadly = cases[0].id

    def listen(number: int, process: subprocess.Popen[bytes]) -> None:
        """Kill the process as soon as it says that it begins with the deadly case."""
        try:
            while True:
                kind, what = receive(process.stdout)
                if kind == "begins" and what[0] == deadly:
                    process.kill()
                workers.heard.put((number, kind, what))
        except EOFError:
            workers.heard.put((number, "dead", None))

    monkeypatch.setattr(workers, "_listen", listen)
    solved = [event.what for event in workers.events() if event is not None and event.kind == "solved"]
    ended = {case.record["id"]: case.record["status"] for case in solved}
    assert ended == {deadly: "failed", cases[1].id: "proved"}
    assert "died 2 times, last with SIGKILL" in next(s for s in solved if s.record["id"] == deadly).record["message"]


def test_a_disk_that_fills_up_ends_the_batch_and_loses_nothing(family, here, monkeypatch):
    """The third case finds no room: two are recorded and whole, and the next call solves the four that are left."""
    write_bytes, written = Path.write_bytes, set[str]()

    def full(path: Path, content: bytes) -> int:
        if path.parent.name in TABLES:
            written.add(path.name.split(".")[1])
        if len(written) == 3 and path.parent.name == TABLES[-1]:
            raise OSError(28, "No space left on device")
        return write_bytes(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(
            InputError, match=r"No space left on device\n.*what was recorded before is whole; make room"
        ):
            batch(family, here / "out", workers=0)
    assert len(microgrid.load_runs(here / "out").figures) == 2
    assert {len(list((here / "out" / table).iterdir())) for table in TABLES} == {2}, "a table of the third was left"
    summary = batch(family, here / "out", workers=0)
    assert (summary.done, summary.solved) == (2, 4)


@pytest.mark.skipif(sys.platform == "win32", reason="the system has no such limits")
def test_a_worker_that_may_not_write_ends_the_batch_with_the_reason(family, here):
    """No file may be longer than 2 kB, which the index and most tables are not, but the manifest of a case is."""
    limit = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)); "
    command = (
        "from microgrid.cli import main; sys.argv[1:] = ['batch', 'family.yaml', '--workers', '2', '--quiet']; main()"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    call = [sys.executable, "-c", limit + command]
    ended = subprocess.run(call, env=environment, cwd=here, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.startswith("results: File too large\n   wanted a folder that can be written; what was recorded")
    assert not list((here / "results").glob("*/*.parquet")), "a file stands under its name that no record speaks of"
    assert batch(family, here / "results", workers=2).solved == 6


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="the system does not list processes")
def test_faults_found_by_the_check_leave_no_process(here):
    """The workers are there already when the check finds that a value is no number."""
    sweep = "sweep:\n  grid:\n    battery: {field: assets.battery.energy, values: [5 kWh, much]}\n"
    before = set(children())
    with pytest.raises(InputError, match="much"):
        batch(write(here, PLANT + sweep), here / "out", workers=2)
    assert set(children()) <= before


def children() -> list[str]:
    return Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text(encoding="ascii").split()


def test_a_killed_batch_goes_on_where_it_was_and_leaves_no_process(here):
    family = write(here, PLANT + many(300))
    code = [sys.executable, "-m", "microgrid", "batch", str(family), "--store", "out", "--workers", "1", "--quiet"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(code, env=environment, cwd=here) as parent:
        deadline = time.monotonic() + 120
        while _recorded(here) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        children = _children(parent.pid)
        parent.kill()
    kept = _recorded(here)
    assert 3 <= kept < 300
    assert children
    while any(_lives(child) for child in children) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(_lives(child) for child in children), "a worker outlived the batch"
    done = Store.open(here / "out").done()
    assert len(done) == kept
    chunks = chunks_of(expand([family]), dict.fromkeys(done, True))
    assert sum(job.is_wanted for chunk in chunks for job in chunk) == 300 - kept


def _recorded(here: Path) -> int:
    index = here / "out" / "index.jsonl"
    return index.read_bytes().count(b"\n") if index.exists() else 0


def _children(parent: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            found.append(int(status.parent.name))
    return found


def _lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# the check before the plan


def places(folder: Path, sweep: str) -> list[int]:
    return [case.place for case in to_check(expand([write(folder, PLANT + sweep)]))]


def test_to_check_a_family_a_case_of_every_value_is_enough(here):
    assert places(here, SWEEP) == [0, 1, 2, 3]


def test_of_many_numbers_the_least_the_greatest_and_some_between_are_checked(here):
    """Of 1 to 200 kWh ten are looked at: the ends, and every 22nd or 23rd between them."""
    found = places(here, many(200))
    assert len(found) == 10
    assert (found[0], found[-1]) == (0, 199)
    assert places(here, many(50)) == list(range(50))


def test_of_many_values_that_are_no_numbers_every_one_is_checked(here):
    assert len(places(here, many(60).replace("7 kWh,", ".nan,"))) == 60
    assert len(places(here, many(60).replace("7 kWh,", "7 Wh,", 1))) == 60


def test_fields_that_change_together_are_checked_together(here):
    """The second case takes what stands in both others, but nobody has seen it as a whole."""
    dear = "objective.carbon_price: 5 EUR/tCO2"
    one = f"{{as it is: {{}}, both: {{{dear}, assets.battery: }}, dear: {{{dear}}}}}"
    sweep = f"sweep:\n  list:\n    one: {one}\n"
    assert places(here, sweep) == [0, 1, 2]


def test_a_draw_that_is_out_of_range_is_told_before_anything_is_solved(here):
    """A normal distribution that is not cut off: of 200 draws around 5 kWh by 10 kWh the least is below zero."""
    drawn = "{field: assets.battery.energy, normal: {mean: 5 kWh, deviation: 10 kWh}}"
    sweep = f"sweep: {{sample: {{cases: 200, axes: {{e: {drawn}}}}}}}\n"
    with pytest.raises(InputError, match=r"family.yaml:25  assets.battery.energy: -[0-9.]+ kWh"):
        batch(write(here, PLANT + sweep), here / "out", workers=0)
    assert not list((here / "out").glob("*/*"))


# the plan of a batch


def test_chunks_follow_from_the_cases_alone(here):
    cases = expand([write(here, PLANT + many(100))])
    whole = chunks_of(cases, {})
    assert {len(chunk) for chunk in whole} == {6, 4}
    done = dict.fromkeys([case.id for case in cases[:8]], True)
    rest = chunks_of(cases, done)
    assert [job.id for job in rest[0]] == [job.id for job in whole[1]]
    assert [job.is_wanted for job in rest[0]] == [False, False, True, True, True, True]


def test_a_done_case_without_a_plan_is_nobodys_beginning(here):
    cases = expand([write(here, PLANT + many(64))])
    (first, *_) = chunks_of(cases, {cases[0].id: False})
    assert [job.id for job in first] == [case.id for case in cases[1:4]]


def test_what_is_left_of_a_chunk_keeps_its_beginning(here):
    cases = expand([write(here, PLANT + many(64))])
    (chunk, *_) = chunks_of(cases, {})
    left = left_of(chunk, {chunk[0].id, chunk[1].id}, {chunk[1].id})
    assert [(job.id, job.is_wanted) for job in left] == [
        (chunk[0].id, False), (chunk[2].id, True), (chunk[3].id, True),
    ]  # fmt: skip


def test_chunks_end_with_their_family(here):
    write(here, PLANT + many(20), "one.yaml")
    write(here, PLANT.replace("Small", "Other").replace("20 kW", "21 kW") + many(20), "two.yaml")
    chunks = chunks_of(expand(["one.yaml", "two.yaml"]), {})
    assert all(len({job.family for job in chunk}) == 1 for chunk in chunks)
    assert {job.family for chunk in chunks for job in chunk} == {0, 1}


# progress


def test_an_estimate_waits_for_cases_and_narrows_with_them():
    """Ten cases of 2 s in 10 s on two workers: a case a second of the clock; 30 are left, 30 s without any scatter."""
    estimate = Estimate(started=0.0)
    for _ in range(4):
        estimate.add(2.0)
    assert estimate.left(30, now=4.0) is None
    for _ in range(6):
        estimate.add(2.0)
    assert estimate.left(30, now=10.0) == (30.0, 30.0)
    assert estimate.left(0, now=10.0) is None
    for _ in range(5):
        estimate.add(1.0)
        estimate.add(3.0)
    low, high = estimate.left(30, now=20.0)
    assert low < 30.0 < high


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [(30, 30, "about 30 s"), (10, 50, "10 to 50 s"), (100, 300, "2 to 5 min"), (3600, 3 * 3600, "1 to 3 h")],
)
def test_ranges_are_told_in_the_unit_that_fits(low, high, text):
    assert told(low, high) == text


def test_the_board_tells_gaps_of_running_cases(family, here):
    from microgrid.batching.batch import Summary
    from microgrid.batching.chunks import Event

    board = Board()
    summary = Summary(Store.open_or_make(here / "out"), 6, 2)
    board.take(Event("begins", 0, ("id", "name")))
    board.take(Event("progress", 0, (1.0, 0.0123)))
    assert board.line(summary) == "2 of 6 cases   gaps 1.23%   no estimate yet"
    board.take(Event("solved", 0, Solved({"seconds": 1.0}, {})))
    assert board.line(summary) == "2 of 6 cases   no estimate yet"


def test_a_worker_that_cannot_start_is_told(monkeypatch, here):
    cases = expand([write(here, PLANT)])
    monkeypatch.setattr(sys, "executable", "/bin/false")
    chunks, store = chunks_of(cases, {}), Store.open_or_make(here / "out")
    workers = pool.Pool(1, {0: cases[0].family.document}, chunks, store)
    with pytest.raises(MicrogridError, match="a worker could not start: it ended with exit code 1"):
        list(workers.events())
