"""The result store: what is written comes back, torn and concurrent writes lose nothing, other formats are refused."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

import duckdb
import pandas as pd
import pytest

import microgrid
from microgrid.audit import audit
from microgrid.errors import InputError
from microgrid.results import FRAMES, Result
from microgrid.store.folder import FORMAT_FILE, INDEX_FILE, Store
from microgrid.store.journal import append, read_journal, rewrite
from microgrid.store.tables import packed, unpacked
from tests.batching.files import PLANT, write


@pytest.fixture(scope="module")
def result(tmp_path_factory) -> Result:
    return microgrid.run(write(tmp_path_factory.mktemp("plant"), PLANT))


def record(name: str, run: str, **more: object) -> dict[str, object]:
    base = {"id": run, "name": name, "status": "proved", "message": "", "family": "f", "labels": {}, "place": 0}
    return base | {"files": {}} | more


@pytest.fixture
def store(tmp_path) -> Store:
    return Store.open_or_make(tmp_path / "results")


def kept(store: Store, result: Result, name: str = "Small", run: str = "ab12") -> None:
    files, told = packed(result, run)
    store.put(run, files)
    sizes = {table: len(content) for table, content in files.items()}
    store.note([record(name, run, told=told, figures={"cost": 1.0}, currency="EUR", files=sizes)])


def test_a_result_comes_back_as_it_was(store, result):
    kept(store, result)
    back = store.result("Small")
    assert back.manifest == json.loads(json.dumps(result.manifest))
    for name in FRAMES:
        frame = getattr(result, name)
        pd.testing.assert_frame_equal(getattr(back, name), frame, check_categorical=False, check_dtype=False)
    assert back.claims.keys() == result.claims.keys()
    assert audit(back).passed
    assert str(back.steps["time"].dt.tz) == "Europe/Berlin"


def test_the_same_plan_gives_the_same_bytes_whatever_the_time(result):
    later = Result(
        result.manifest | {"created": "2030-01-01T00:00:00+00:00", "total_seconds": 99.0},
        **{name: getattr(result, name) for name in FRAMES},
        claims=result.claims,
    )
    assert packed(result, "x")[0] == packed(later, "x")[0]


def test_an_audit_of_what_was_stored_would_find_a_wrong_number(result):
    """The store keeps claims and frames apart: a flow that was tampered with shows."""
    wrong = Result(result.manifest, **{n: getattr(result, n) for n in FRAMES if n != "flows"},
                   flows=result.flows.assign(rate=result.flows["rate"] * 1.01), claims=result.claims)  # fmt: skip
    files, told = packed(wrong, "x")

    def read(table):
        import io

        import pyarrow.parquet as pq

        return pq.read_table(io.BytesIO(files[table]))

    assert not audit(unpacked(read, told)).passed


def test_pandas_and_duckdb_read_all_runs_in_one_line(store, result):
    kept(store, result, "one", "aa")
    kept(store, result, "two", "bb")
    flows = pd.read_parquet(store.path / "flows")
    assert list(flows["run"].unique()) == ["aa", "bb"]
    assert len(flows) == 2 * len(result.flows)
    query = f"select run, sum(amount) as cost from '{store.path}/costs/*.parquet' group by run order by run"
    costs = duckdb.sql(query).df()
    assert costs["cost"].tolist() == pytest.approx([result.cost] * 2)


def test_runs_of_unlike_plants_are_one_table(store, result, tmp_path):
    """A plant without stocks in another zone: columns keep their types, or nobody could read the files together."""
    text = (
        PLANT.replace("Europe/Berlin", "Asia/Shanghai").split("  battery:")[0] + "  load:" + PLANT.split("  load:")[1]
    )
    other = microgrid.run(write(tmp_path, text))
    assert other.stocks.empty
    kept(store, result, "one", "aa")
    kept(store, other, "two", "bb")
    for table in FRAMES:
        frame = pd.read_parquet(store.path / table)
        assert "run" in frame
    stocks = duckdb.sql(f"select count(*) as n from '{store.path}/stocks/*.parquet'").df()
    assert stocks["n"].tolist() == [len(result.stocks)]


def test_a_torn_line_loses_that_line_alone(store):
    append(store.index, [record("one", "a")])
    with store.index.open("ab") as file:
        file.write(b'{"id": "b", "name": "two", "sta')  # as a full disk or a kill leaves it
    append(store.index, [record("three", "c")])
    assert list(store.records()) == ["one", "three"]


def test_a_torn_table_is_not_done_and_is_told(store, result):
    kept(store, result)
    assert "ab12" in store.done()
    path = store.file("flows", "ab12")
    path.write_bytes(path.read_bytes()[:-10])
    assert "ab12" not in store.done()
    with pytest.raises(InputError, match="`microgrid batch` solves it again"):
        store.result("Small")


def test_a_table_of_its_length_with_other_bytes_is_told_with_what_to_remove(store, result):
    """No length gives it away, so a batch takes it for done; whoever reads it is told how it is solved again."""
    kept(store, result)
    path = store.file("flows", "ab12")
    path.write_bytes(bytes(path.stat().st_size))
    assert "ab12" in store.done()
    with pytest.raises(InputError, match=r"remove .*\*/ab12.parquet, and `microgrid batch` solves it again"):
        store.result("Small")


def test_a_missing_table_is_not_done(store, result):
    kept(store, result)
    store.file("costs", "ab12").unlink()
    assert not store.done()


def test_writers_side_by_side_lose_no_record(store):
    """Eight threads with a file handle each append 50 records: every line is whole."""

    def write_many(number: int) -> None:
        for at in range(50):
            append(store.index, [record(f"{number}-{at}", "x" * 500)])

    threads = [threading.Thread(target=write_many, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.records()) == 400


def test_the_last_record_of_a_case_counts(store):
    append(store.index, [record("one", "a", status="failed"), record("one", "a"), record("two", "b")])
    append(store.index, [record("one", "c", status="infeasible")])
    assert [r["status"] for r in store.records().values()] == ["infeasible", "proved"]
    assert set(store.done()) == {"a", "b", "c"}
    assert len(read_journal(store.index)) == 3


@pytest.mark.parametrize("status", ["failed"])
def test_what_failed_is_tried_again(store, status):
    append(store.index, [record("one", "a", status=status)])
    assert not store.done()


def test_a_store_of_another_format_is_refused(store):
    (store.path / FORMAT_FILE).write_text(json.dumps({"format": 99}))
    with pytest.raises(InputError, match=r"a store of format 99\n.*format 1; use the version of green-microgrid"):
        Store.open(store.path)
    (store.path / FORMAT_FILE).write_text(json.dumps({"format": 0}))
    with pytest.raises(InputError, match="solve into another folder"):
        Store.open_or_make(store.path)


@pytest.mark.parametrize("content", ["", "[]", "{", "7"])
def test_a_broken_format_file_is_refused(store, content):
    (store.path / FORMAT_FILE).write_text(content)
    with pytest.raises(InputError, match="wanted"):
        Store.open(store.path)


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="not empty and no store"):
        Store.open_or_make(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_no_store_is_told(tmp_path):
    with pytest.raises(InputError, match="not there"):
        Store.open(tmp_path / "none")
    with pytest.raises(InputError, match="`microgrid batch FILE --store FOLDER` makes one"):
        microgrid.load_runs(tmp_path)


def test_a_store_under_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="wanted a folder that can be written"):
        Store.open_or_make(tmp_path / "file" / "store")


def test_a_full_disk_leaves_what_was_there(store, result, monkeypatch):
    kept(store, result)
    before = sorted(path.name for path in store.path.rglob("*"))

    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:5])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match=r"No space left on device\n.*what was recorded before is whole"):
        kept(store, result, "other", "cd34")
    monkeypatch.undo()
    assert sorted(path.name for path in store.path.rglob("*")) == before
    assert list(store.records()) == ["Small"]
    assert store.result("Small").cost == pytest.approx(result.cost)


def test_cases_are_found_by_name_end_of_name_and_start_of_hash(store, result):
    kept(store, result, "Small: battery 5 kWh", "ab12")
    kept(store, result, "Small: battery 6 kWh", "ab34")
    assert store.record("battery 5 kWh")["id"] == "ab12"
    assert store.record("ab3")["id"] == "ab34"
    with pytest.raises(InputError, match="2 cases"):
        store.record("ab")
    with pytest.raises(InputError, match="did you mean"):
        store.record("Small: battery 7 kWh")


def test_gc_takes_away_what_no_case_needs(store, result):
    """A case solved again after a change needs its last plan only; young files without a record may be a batch's."""
    kept(store, result, "one", "old1")
    kept(store, result, "one", "new1")
    young, orphan = store.file("flows", "young"), store.file("flows", "orphan")
    young.write_bytes(b"x")
    orphan.write_bytes(b"x")
    two_hours_ago = time.time() - 7200
    os.utime(orphan, (two_hours_ago, two_hours_ago))
    assert store.clean(dry=True)[:2] == (1, 9)
    assert store.file("flows", "old1").exists()
    assert store.clean()[:2] == (1, 9)
    assert sorted(path.name for path in (store.path / "flows").iterdir()) == ["new1.parquet", "young.parquet"]
    assert store.clean()[:2] == (0, 0)
    assert store.result("one").cost == pytest.approx(result.cost)


def test_gc_keeps_what_it_is_told_to(store, result):
    kept(store, result, "one", "a1")
    kept(store, result, "two", "b1")
    store.clean(lambda record: record["id"] == "b1")
    assert list(store.records()) == ["two"]


def test_a_rewritten_index_has_no_torn_lines(store):
    append(store.index, [record("one", "a"), record("one", "b")])
    with store.index.open("ab") as file:
        file.write(b"{")
    rewrite(store.index, lambda record: record["id"] == "b")
    assert (store.path / INDEX_FILE).read_text().count("\n") == 1
    assert [r["id"] for r in read_journal(store.index)] == ["b"]
