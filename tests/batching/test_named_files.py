"""What files a scenario names, in its own folder or another's, and that a change of any of them makes another case."""

from __future__ import annotations

from pathlib import Path

import pytest

import microgrid
from microgrid import families, versions
from microgrid.batching.batch import batch
from microgrid.batching.chunks import chunks_of
from microgrid.batching.solving import Solver
from microgrid.documents import document_text, read_document
from microgrid.families import expand
from microgrid.scenario import read_scenario
from tests.batching.files import PLANT, write

PRICED = PLANT.replace(
    "import_price: {values: [0.1, 0.4, 0.1, 0.5], unit: EUR/kWh}",
    "tariff: tariff.yaml",
)
TARIFF = """\
currency: EUR
components:
  energy: {kind: energy, price: {file: prices.csv, column: price}}
"""
PRICES = (0.1, 0.4, 0.1, 0.5)


def prices(values=PRICES) -> str:
    rows = "".join(f"2026-06-15T{hour:02d}:00+02:00,{value}\n" for hour, value in enumerate(values))
    return f"time,price [EUR/kWh]\n{rows}"


@pytest.fixture
def base(tmp_path, monkeypatch) -> Path:
    """Return a folder with a plant, its tariff and the tariff's prices; one stands beside it."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "base"
    folder.mkdir()
    write(folder, PRICED, "plant.yaml")
    write(folder, TARIFF, "tariff.yaml")
    write(folder, prices(), "prices.csv")
    return folder


def identity(path: Path) -> str:
    return expand([path])[0].id


def test_a_tariff_is_found_from_the_folder_of_the_file_that_names_it(base, tmp_path):
    """By hand, 22 EUR without the battery, which moves 10 kWh twice and saves 0.3 and 0.4 EUR for each."""
    (tmp_path / "other").mkdir()
    child = write(tmp_path / "other", "extends: ../base/plant.yaml\nname: Child\n", "child.yaml")
    assert read_document(child).data["assets"]["grid"]["tariff"] == "../base/tariff.yaml"
    assert microgrid.run(child).cost == pytest.approx(15.0)
    whole = write(tmp_path, document_text(read_document(child), tmp_path), "whole.yaml")
    assert microgrid.run(whole).cost == pytest.approx(15.0)


def test_tariffs_of_a_sweep_are_found_from_there_too(base, tmp_path):
    """A name of the catalogue stays a name; with prices ten times as high the plan costs ten times as much."""
    write(base, TARIFF.replace("prices.csv", "dear.csv"), "dear.yaml")
    write(base, prices([10 * price for price in PRICES]), "dear.csv")
    grid = "sweep:\n  grid:\n    tariff: {field: assets.grid.tariff, values: [tariff.yaml, dear.yaml]}\n"
    write(base, PRICED + grid, "family.yaml")
    child = write(tmp_path, "extends: base/family.yaml\nname: Child\n", "child.yaml")
    batch(child, tmp_path / "out", workers=0)
    assert list(microgrid.load_runs(tmp_path / "out").figures["cost"]) == pytest.approx([15.0, 150.0])
    both = "{own: {assets.grid.tariff: tariff.yaml}, public: {assets.grid.tariff: guangdong_10kv}}"
    write(base, PRICED + f"sweep:\n  list:\n    tariff: {both}\n", "family.yaml")
    assert [value for case in expand([child]) for _, value, _ in case.values] == ["base/tariff.yaml", "guangdong_10kv"]


def test_prices_that_a_tariff_names_are_part_of_the_hash(base, tmp_path):
    """The tariff stays as it is, byte for byte; a case with other prices in its file is another, and is solved."""
    child = write(tmp_path, "extends: base/plant.yaml\nname: Child\n", "child.yaml")
    before = identity(child)
    assert identity(child) == before
    assert batch(child, tmp_path / "out", workers=0).solved == 1
    assert batch(child, tmp_path / "out", workers=0).solved == 0
    write(base, prices([2 * price for price in PRICES]), "prices.csv")
    assert identity(child) != before
    assert read_scenario(child).document.digest
    assert batch(child, tmp_path / "out", workers=0).solved == 1
    assert list(microgrid.load_runs(tmp_path / "out").figures["cost"]) == pytest.approx([30.0])


def test_a_file_that_changes_while_the_batch_runs_makes_no_plan_of_the_old_one(base, tmp_path):
    """Prices are doubled between the look at the cases and the solve: under the hash of 15 EUR nobody may tell 30."""
    (case,) = expand([base / "plant.yaml"])
    chunks = chunks_of([case], {})
    solver = Solver({0: case.family.document})
    write(base, prices([2 * price for price in PRICES]), "prices.csv")
    assert case.id == chunks[0][0].id
    ((record, files),) = list(solver.chunk(chunks[0]))
    assert (record["status"], dict(files)) == ("failed", {})
    assert (
        record["message"]
        == "the engine, or a file that it names, was changed while the batch ran: call the batch again"
    )


def test_comments_change_no_hash_and_the_source_of_the_engine_does(base, monkeypatch):
    before = identity(base / "plant.yaml")
    write(base, f"# as it was\n{PRICED}", "plant.yaml")
    assert identity(base / "plant.yaml") == before
    other = dict(versions.engine()) | {"source": "another"}
    monkeypatch.setattr(families, "engine", lambda: other)
    assert identity(base / "plant.yaml") != before


def test_the_source_of_the_engine_is_that_of_every_file(tmp_path, monkeypatch):
    """A byte more in a file of data below the package is another source; what is compiled is none."""
    package = tmp_path / "microgrid"
    (package / "catalogue").mkdir(parents=True)
    monkeypatch.setattr(versions, "__file__", str(package / "versions.py"))
    data = write(package / "catalogue", "price: 1\n", "tariff.yaml")
    before = versions._source()
    (package / "versions.pyc").write_bytes(b"1")
    assert versions._source() == before
    data.write_text("price: 2\n", encoding="utf-8")
    assert versions._source() != before


def test_a_tariff_that_another_builds_on_is_part_of_the_hash(base, tmp_path):
    write(base, PRICED.replace("tariff: tariff.yaml", "tariff: {file: upper.yaml}"), "plant.yaml")
    write(base, "file: lower/tariff.yaml\n", "upper.yaml")
    (base / "lower").mkdir()
    write(base / "lower", TARIFF, "tariff.yaml")
    write(base / "lower", prices(), "prices.csv")
    before = identity(base / "plant.yaml")
    assert {path.name for path in read_document(base / "plant.yaml").named_files} == {
        "upper.yaml", "tariff.yaml", "prices.csv"
    }  # fmt: skip
    write(base / "lower", prices([1.0] * 4), "prices.csv")
    assert identity(base / "plant.yaml") != before


def test_files_that_name_each_other_and_files_that_are_none_end_the_search(base):
    write(base, "file: ../base/plant.yaml\nmore: {file: gone.yaml}\n", "tariff.yaml")
    write(base, PRICED.replace("tariff: tariff.yaml", "tariff: {file: tariff.yaml}"), "plant.yaml")
    named = read_document(base / "plant.yaml").named_files
    assert {path.name for path in named} == {"plant.yaml", "tariff.yaml", "gone.yaml"}
    write(base, "{: no yaml", "tariff.yaml")
    assert [path.name for path in read_document(base / "plant.yaml").named_files] == ["tariff.yaml"]
