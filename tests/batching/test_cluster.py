"""A Dask cluster: a scheduler and two workers as processes of their own, one of them killed in mid-run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from distributed import Client

from microgrid.batching.batch import batch
from microgrid.batching.chunks import chunks_of
from microgrid.batching.cluster import Bundle
from microgrid.errors import InputError
from microgrid.families import content_id, expand
from microgrid.store.folder import Store
from tests.batching.files import PLANT, write

pytestmark = pytest.mark.filterwarnings("ignore")  # Dask's own, of sockets that a killed worker leaves behind


@contextmanager
def process(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "error",
    }
    with subprocess.Popen([sys.executable, "-m", *words], env=environment, stderr=subprocess.DEVNULL) as started:
        try:
            yield started
        finally:
            started.kill()


def until(condition, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the cluster does not start"
        time.sleep(0.05)


@pytest.fixture
def cluster(tmp_path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Start a scheduler and two workers; give the address and the workers' processes."""
    import json

    told = tmp_path / "scheduler.json"
    with ExitStack() as stack:
        common = ("--scheduler-file", str(told))
        stack.enter_context(
            process("distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard", "--host", "127.0.0.1", *common)
        )
        until(lambda: told.exists() and told.read_text().endswith("}"))
        workers = [
            stack.enter_context(
                process("distributed.cli.dask_worker", "--no-nanny", "--no-dashboard", "--nthreads", "1", *common,
                        "--local-directory", str(tmp_path / f"worker{n}"))
            )
            for n in range(2)
        ]  # fmt: skip
        address = json.loads(told.read_text())["address"]
        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        yield address, workers


def family(folder: Path, count: int) -> Path:
    """Write a family with a series in a folder beside its own."""
    (folder / "data").mkdir()
    rows = "".join(f"2026-06-15T0{hour}:00+02:00,{20 + hour}\n" for hour in range(4))
    (folder / "data" / "load.csv").write_text(f"time,load [kW]\n{rows}")
    (folder / "cases").mkdir()
    values = ", ".join(f"{at + 1} kWh" for at in range(count))
    text = PLANT.replace("demand: 20 kW", "demand: {file: ../data/load.csv, column: load}")
    sweep = f"sweep:\n  grid:\n    battery: {{field: assets.battery.energy, values: [{values}]}}\n"
    return write(folder / "cases", text + sweep)


def test_a_cluster_gives_the_bytes_of_one_process_though_a_worker_is_killed(cluster, tmp_path):
    """Of two workers one is killed as soon as the first results are there; the other solves what it had before it."""
    address, workers = cluster
    path = family(tmp_path, 24)
    killed = []

    def kill(event, summary):
        if event is not None and event.kind == "solved" and not killed:
            os.kill(workers[0].pid, signal.SIGKILL)
            killed.append(True)

    summary = batch(path, tmp_path / "there", cluster=address, look=kill)
    assert killed
    assert dict(summary.ended) == {"proved": 24}
    batch(path, tmp_path / "here", workers=0)
    here, there = ({f.relative_to(s): f.read_bytes() for f in s.glob("*/*.parquet")} for s in
                   (tmp_path / "here", tmp_path / "there"))  # fmt: skip
    assert len(here) == 24 * 8
    assert there == here
    assert len(Store.open(tmp_path / "there").done()) == 24
    assert batch(path, tmp_path / "there", cluster="tcp://nobody:1").solved == 0, "what is done needs no cluster"


def test_no_scheduler_is_told(tmp_path, monkeypatch):
    from microgrid.batching import cluster

    monkeypatch.setattr(cluster, "_PATIENCE", "0.2s")
    with pytest.raises(InputError, match="wanted the address of a Dask scheduler that runs"):
        batch(write(tmp_path, PLANT), tmp_path / "out", cluster="tcp://127.0.0.1:1")


def test_a_bundle_holds_every_file_and_its_cases_are_the_same_elsewhere(tmp_path):
    path = family(tmp_path, 2)
    cases = expand([path])
    families = {0: cases[0].family.document}
    bundle = Bundle.of(families, chunks_of(cases, {}))
    assert list(bundle.files) == ["data/load.csv"]
    moved = bundle.unpacked(tmp_path / "elsewhere")[0]
    assert moved.folder == tmp_path / "elsewhere" / "cases"
    assert content_id(moved) == content_id(families[0])
    assert bundle.name == Bundle.of(families, chunks_of(cases, {})).name
