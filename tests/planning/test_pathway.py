"""Pathways worked out by hand: when to build, what to keep, what is renewed and given up; laws; faults; files."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from microgrid.errors import InputError
from microgrid.finance import annuity_factor
from microgrid.planning.pathways.deciding import NoPathError
from microgrid.planning.pathways.model import path_model
from microgrid.planning.pathways.pathway import pathway
from microgrid.planning.pathways.stages import stages_of
from microgrid.planning.sizing import size
from microgrid.results import load
from microgrid.scenario import read_scenario
from solvers import templating
from solvers.compile import compile_model
from tests.command_line import typed
from tests.planning.files import ROOF, YEAR, scenario
from tests.solvers.pyomo_form import assert_same


@pytest.fixture
def microgrid(monkeypatch, capsys):
    with typed(monkeypatch, capsys) as command:
        yield lambda *words: command(*map(str, words))


GRID = 100 * 8760 * 0.1  # EUR a year without a roof
SAVED = 0.5 * 8760 * 0.1 - 10  # EUR that a kW of roof saves in a year, upkeep taken off: 428
LONG = "{high: 50 kW, capex: 500 EUR/kW, opex: 10 EUR/kW/a, lifetime: 20 a}"


def worth(first, last, rate=0.06):
    """Return what 1 EUR at the end of each year from the first to the last is worth at the start."""
    return sum((1 + rate) ** -year for year in range(first, last + 1))


def staged(folder, fields="", text=YEAR, roof=LONG, more="", stages="[2026, 2031]", **options):
    """Return the pathway of the plant with a roof to be decided; every stage must pass its audit."""
    section = f"pathway:\n  stages: {stages}\n  fields: {{{fields}}}\n{more}"
    study = pathway(scenario(folder, text.replace("reference:", f"{section}reference:"), roof=roof), **options)
    for path in (study.perfect, study.myopic):
        assert path is None or path.audits
    return study


def of(path, column, asset="roof"):
    return path.table.loc[path.table["asset"] == asset, column].tolist()


def test_waiting_for_a_lower_price_by_hand(tmp_path):
    """A kW saves 428 EUR a year. In 2026 it costs 3,000, in 2031 500 with a quarter of its life left at the end.

    Building in 2026 brings five more years, 428 * 4.2124 = 1,802.9, and spares 500 * 0.74726 - 125 * 0.3118 = 334.7:
    worth 2,137.5, less than 3,000. Who thinks that 2026 lasts builds at once, as 428 * 11.4699 = 4,909 is more, and
    pays 50 * 862.5 too much.
    """
    study = staged(tmp_path, "assets.roof.capacity.capex: [3000 EUR/kW, 500 EUR/kW]")
    assert of(study.perfect, "built") == pytest.approx([0, 50], abs=1e-6)
    later = 500 * 1.06**-5 - 125 * 1.06**-20 - SAVED * worth(6, 20)
    assert study.perfect.cost == pytest.approx(GRID * worth(1, 20) + 50 * later)
    assert of(study.myopic, "built") == pytest.approx([50, 0], abs=1e-6)
    assert study.myopic.cost == pytest.approx(GRID * worth(1, 20) + 50 * (3000 - SAVED * worth(1, 20)))
    assert study.regret == pytest.approx(50 * (3000 - 2137.5), abs=5)


STOOD = "  standing: {roof.capacity: {amount: 30 kW, remaining_life: 8 a}}\n"
THIRTY = "{high: 30 kW, capex: 9000 EUR/kW, opex: 10 EUR/kW/a, lifetime: 10 a}"


def test_what_stands_is_kept_and_renewed_by_hand(tmp_path):
    """30 kW stand for 8 years more; then 500 EUR a kW in 2034 and in 2044, with 8 of 10 years left in 2046.

    That is 500 * (0.62741 + 0.35034) - 400 * 0.31180 = 364.2 a kW. Given up in 2031 for new ones, they would be bought
    then and ten years later: 500 * (0.74726 + 0.41727) - 250 * 0.31180 = 504.3.
    """
    study = staged(tmp_path, "assets.roof.capacity.capex: [9000 EUR/kW, 500 EUR/kW]", roof=THIRTY, more=STOOD)
    path = study.perfect
    renewed = 500 * (1.06**-8 + 1.06**-18) - 400 * 1.06**-20
    assert path.cost == pytest.approx((GRID - 30 * SAVED) * worth(1, 20) + 30 * renewed)
    assert of(path, "stands") == pytest.approx([30, 30])
    assert of(path, "renewed") == pytest.approx([0, 60])
    assert of(path, "built") == of(path, "given_up") == pytest.approx([0, 0], abs=1e-6)
    assert [p.time for p in path.bought] == pytest.approx([8, 18])


def test_what_costs_more_than_it_saves_is_given_up(tmp_path):
    """From 2031 on the upkeep of 500 EUR a kW is more than the 438 that a kW saves."""
    fields = "assets.roof.capacity.opex: [10 EUR/kW/a, 500 EUR/kW/a]"
    study = staged(tmp_path, fields, roof=THIRTY, more=STOOD)
    assert of(study.perfect, "given_up") == pytest.approx([0, 30])
    assert study.perfect.cost == pytest.approx(GRID * worth(1, 20) - 30 * SAVED * worth(1, 5))


def test_what_is_given_up_early_leaves_no_residual_value(tmp_path):
    """Built in 2026 for 100 EUR a kW, given up in 2031: a life of 25 years leaves nothing to be sold in 2046."""
    roof = LONG.replace("lifetime: 20 a", "lifetime: 25 a").replace("capex: 500", "capex: 100")
    study = staged(tmp_path, "assets.roof.capacity.opex: [10 EUR/kW/a, 500 EUR/kW/a]", roof=roof)
    assert of(study.perfect, "built") == pytest.approx([50, 0], abs=1e-6)
    assert study.perfect.cost == pytest.approx(GRID * worth(1, 20) + 50 * (100 - SAVED * worth(1, 5)))
    assert ("roof", "residual value") not in study.perfect.flows


def test_what_has_ended_where_a_stage_begins_is_gone(tmp_path):
    """A life of 5 years ends in 2031, when a new one at 9,000 EUR a kW does not pay."""
    roof = LONG.replace("lifetime: 20 a", "lifetime: 5 a")
    study = staged(tmp_path, "assets.roof.capacity.capex: [500 EUR/kW, 9000 EUR/kW]", roof=roof)
    assert of(study.perfect, "ended") == pytest.approx([0, 50])
    assert of(study.perfect, "given_up") == pytest.approx([0, 0], abs=1e-6)
    assert study.perfect.cost == pytest.approx(GRID * worth(1, 20) + 50 * (500 - SAVED * worth(1, 5)))


def test_a_tightening_cap_by_hand(tmp_path):
    """438 t a year without a roof, 2.19 t less for each kW: 350 t from 2031 on take 88 / 2.19 = 40.18 kW."""
    roof = LONG.replace("capex: 500", "capex: 9000")
    study = staged(tmp_path, "objective.caps.emissions: [1000 tCO2, 350 tCO2]", roof=roof)
    assert of(study.perfect, "stands") == pytest.approx([0, 88 / 2.19], abs=1e-4)
    assert study.perfect.emissions[:6].tolist() == pytest.approx([438e3] * 5 + [350e3])


def test_a_budget_over_all_years_by_hand(tmp_path):
    """8,760 t in 20 years, 8,000 allowed. A kW of 2026 avoids 43.8 t for 6,000 - 428 * 11.4699 = 1,090.9 EUR.

    One of 2031 avoids 32.85 t for 5,500 * 0.74726 - 1,375 * 0.31180 - 428 * 7.2576 = 575 EUR: cheaper a tonne, so that
    760 / 32.85 = 23.14 kW are built then and none before.
    """
    fields = "assets.roof.capacity.capex: [6000 EUR/kW, 5500 EUR/kW]"
    study = staged(tmp_path, fields, more="  budget: 8000 tCO2\n")
    assert of(study.perfect, "built") == pytest.approx([0, 760 / 32.85], abs=1e-4)
    assert study.perfect.emissions.sum() == pytest.approx(8e6)
    assert study.myopic.emissions.sum() <= 8e6 * (1 + 1e-6)


def test_growing_load_and_prices_count_from_their_stage_on(tmp_path):
    """No roof: 100 kW for 5 years, 120 kW at 0.12 EUR/kWh for 15 more; a carbon price of 40 EUR/t on 525.6 t then."""
    fields = (
        "assets.plant.demand: [100 kW, 120 kW], assets.grid.import_price: [0.1 EUR/kWh, 0.12 EUR/kWh], "
        "objective.carbon_price: [0 EUR/tCO2, 40 EUR/tCO2]"
    )
    path = staged(tmp_path, fields, roof=LONG.replace("capex: 500", "capex: 20000")).perfect
    second = 120 * 8760 * (0.12 + 0.5 * 0.04)
    assert path.cost == pytest.approx(GRID * worth(1, 5) + second * worth(6, 20))


def test_whole_modules_and_what_building_costs(tmp_path):
    """40 kW in modules of 20, 9,000 EUR for building at all, renewed after ten years with 9,000 more."""
    roof = "{high: 50 kW, capex: 500 EUR/kW, build_cost: 9000 EUR, opex: 10 EUR/kW/a, lifetime: 10 a, unit_size: 20 kW}"
    path = staged(tmp_path, roof=roof).perfect
    assert of(path, "stands") == pytest.approx([40, 40])
    assert path.cost == pytest.approx((GRID - 40 * SAVED) * worth(1, 20) + 29_000 * (1 + 1.06**-10))


STEPS = YEAR.replace("step: 8760 h", "step: 2190 h").replace(
    "import_price: 0.1 EUR/kWh", 'import_price: {values: [0.05, 0.1, 0.2, 0.1], unit: "EUR/kWh"}'
).replace(
    "  plant:",
    "  store:\n    kind: battery\n"
    "    energy: {high: 400 MWh, capex: 0.3 EUR/kWh, lifetime: 20 a, build_cost: 100 EUR}\n"
    "    power: {high: 80 kW, capex: 20 EUR/kW, lifetime: 10 a, grant: 20 %}\n    cyclic: true\n  plant:",
)  # fmt: skip


def test_one_stage_is_what_size_says(tmp_path):
    """Where lives divide the project's, sizes and cost are those that annuities give."""
    roof = ROOF.replace("lifetime: 10 a", "lifetime: 10 a, parts: {inverter: {cost: 80 EUR/kW, lifetime: 4 a}}")
    path = staged(tmp_path, text=STEPS, roof=roof, stages="[2026]").perfect
    sized = size(scenario(tmp_path, STEPS, roof=roof)).plan.result
    assert sized.sizes["store"]["energy"] > 1
    for asset in ("roof", "store"):
        for field, unit in sized.manifest["decided"][asset].items():
            (row,) = path.table[(path.table["asset"] == asset) & (path.table["field"] == field)].to_dict("records")
            assert row["stands"] == pytest.approx(sized.sizes[asset][field], rel=1e-6)
            assert row["unit"] == unit
    # The grant is paid on the first investment alone, while annuities give it on each: without it costs agree too.
    without = STEPS.replace(", grant: 20 %", "")
    path = staged(tmp_path, text=without, roof=roof, stages="[2026]").perfect
    sized = size(scenario(tmp_path, without, roof=roof)).plan.result
    assert path.cost * annuity_factor(0.06, 20) == pytest.approx(sized.cost, rel=1e-6)


def test_every_row_is_a_template_and_says_what_pyomo_says(tmp_path):
    """Operations of several stages on blocks of one model compile as arrays, and as Pyomo's own compiler has them."""
    section = "pathway: {stages: [2026, 2031], fields: {assets.plant.demand: [100 kW, 120 kW]}}\n"
    read = read_scenario(scenario(tmp_path, STEPS.replace("reference:", f"{section}reference:")))
    stages, standing = stages_of(read)
    with templating():
        matrix = compile_model(path_model(stages, read.finance, standing, 1e9).pyomo)
    assert matrix.fell_back == {}
    assert_same(path_model(stages, read.finance, standing, 1e9).pyomo, matrix)


@pytest.mark.parametrize(
    "finance", ["growth: {energy: 2 %, replacement: -1 %}", "inflation: 2 %, discounting: nominal"]
)
def test_one_stage_costs_what_the_sheet_of_size_says(finance, tmp_path):
    """Lives of 15 years leave a third of a price at the end; grants, parts, growth and nominal rates count alike."""
    terms = f"{{discount_rate: 6 %, project_life: 20 a, {finance}}}"
    part = "parts: {inverter: {cost: 80 EUR/kW, lifetime: 4 a}}"
    roof = ROOF.replace("lifetime: 10 a", f"lifetime: 15 a, grant: 20 %, {part}")
    text = STEPS.replace("finance: {discount_rate: 6 %, project_life: 20 a}", f"finance: {terms}")
    path = staged(tmp_path, text=text, roof=roof, stages="[2026]").perfect
    investment = size(scenario(tmp_path, text, roof=roof))
    told = dict(path.table.set_index(["asset", "field"])["stands"])
    for (asset, field), amount in told.items():
        assert investment.plan.result.sizes[asset][field] == pytest.approx(amount, rel=1e-6)
    assert path.cost == pytest.approx(investment.sheet.figures["cost_of_plan"], rel=1e-6)


def test_what_is_given_is_replaced_whatever_is_decided(tmp_path):
    """40 kW of an old roof are replaced in 2030 and 2040 for 12,000 EUR each, with 4 of 10 years left in 2046.

    In `size` as on a path of one stage or two; the model's own sum holds it, or it would not be that of the sheet.
    """
    old = "{amount: 40 kW, remaining_life: 4 a, capex: 300 EUR/kW, lifetime: 10 a}"
    text = YEAR.replace("  plant:", f"  old: {{kind: photovoltaic, availability: 0.5, capacity: {old}}}\n  plant:")
    renewed = 12_000 * (1.06**-4 + 1.06**-14) - 4_800 * 1.06**-20
    roof = 50 * (500 - SAVED * worth(1, 20))
    for stages in ("[2026]", "[2026, 2031]"):
        path = staged(tmp_path, text=text, stages=stages).perfect
        assert path.cost == pytest.approx((GRID - 40 * 438) * worth(1, 20) + renewed + roof)
        assert path.cost == pytest.approx(path.outcomes[0].objective)
    sheet = size(scenario(tmp_path, text, roof=LONG)).sheet
    assert path.cost == pytest.approx(sheet.figures["cost_of_plan"])


def test_stages_that_are_alike_change_nothing(tmp_path):
    """Growth runs through: two stages with the prices of one cost the same."""
    terms = "{discount_rate: 6 %, project_life: 20 a, growth: {energy: 2 %, replacement: -1 %}}"
    text = YEAR.replace("{discount_rate: 6 %, project_life: 20 a}", terms)
    one = staged(tmp_path, text=text, roof=ROOF, stages="[2026]").perfect
    for stages in ("[2026, 2036]", "[2026, 2030, 2033]"):
        assert staged(tmp_path, text=text, roof=ROOF, stages=stages).perfect.cost == pytest.approx(one.cost)


@pytest.mark.parametrize(
    "fields",
    [
        "assets.roof.capacity.capex: [2000 EUR/kW, 1500 EUR/kW, 900 EUR/kW]",
        "assets.grid.import_price: [0.1 EUR/kWh, 0.02 EUR/kWh, 0.2 EUR/kWh]",
        "assets.roof.availability: [0.5, 0.1, 0.6], objective.carbon_price: [0 EUR/tCO2, 100 EUR/tCO2, 50 EUR/tCO2]",
    ],
)
def test_foresight_never_costs_more(fields, tmp_path):
    study = staged(tmp_path, fields, roof=ROOF, stages="[2026, 2030, 2037]")
    assert study.regret >= -1e-6 * study.perfect.cost


@pytest.mark.parametrize(
    ("stages", "fields", "more", "told"),
    [
        (
            "[2026, 2050]", "", "",
            "plant.yaml:6  pathway.stages.1: a stage 24 years after the first, in a project of 20 years\n"
            "   wanted stages that begin before the project's end; leave it out, or let finance.project_life be longer",
        ),
        (
            "[2026, 2030]", "assets.roof.capacity.capx: [1 EUR/kW, 2 EUR/kW]", "",
            "plant.yaml:7  assets.roof.capacity.capx: unknown key",
        ),
        (
            "[2026, 2030]", "assets.rof.availability: [0.5, 0.6]", "",
            'plant.yaml:7  assets.rof.availability: no "rof"\n   wanted a field of the scenario by its path, such as '
            'assets.battery.energy; did you mean "assets.roof"?',
        ),
        (
            "[2026, 2030]", "finance.discount_rate: [5 %, 6 %]", "",
            "plant.yaml:7  pathway.fields.finance.discount_rate: finance by stage\n"
            "   wanted a field that may differ from stage to stage; finance holds for the whole path",
        ),
        (
            "[2026, 2030]", "assets.roof.capacity: [{high: 50 kW}, 40 kW]", "",
            "plant.yaml:14  assets.roof.capacity: decided in 2026, given in 2030\n"
            "   wanted a capacity that is decided in all of them, or in none",
        ),
        (
            "[2026, 2030]", "", "  standing: {roof.size: {amount: 5 kW, remaining_life: 3 a}}\n",
            "plant.yaml:8  pathway.standing.roof.size: no such capacity as roof.size\n"
            "   wanted a capacity to be decided: roof.capacity",
        ),
        (
            "[2026, 2030]", "", "  standing: {roof.capacity: {amount: 90 kW, remaining_life: 3 a}}\n",
            "plant.yaml:8  pathway.standing.roof.capacity.amount: 90 kW\n"
            "   wanted from 0 to 50 kW, the most that there may be",
        ),
        (
            "[2026, 2030]", "", "  budget: 9 tCO2e\n",
            "plant.yaml:8  pathway.budget: kgCO2e\n"
            "   wanted kgCO2, which emissions counts by assets.grid.location_factor",
        ),
        (
            "[2026, 2030]", "objective.minimise: [emissions, cost]", "",
            "objective.minimise: emissions\n   wanted cost alone; let objective.caps hold emissions down",
        ),
    ],
)  # fmt: skip
def test_faults_are_told(stages, fields, more, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        staged(tmp_path, fields, stages=stages, more=more)
    assert told in "\n".join(str(problem) for problem in caught.value.problems)


def test_check_tells_the_faults_of_stages(microgrid, tmp_path):
    text = YEAR.replace("reference:", "pathway: {stages: [2026, 2030], fields: {assets.x.y: [1, 2]}}\nreference:")
    ended = microgrid("check", scenario(tmp_path, text))
    assert ended.code == 2
    assert 'no "x"' in ended.err


def test_a_stage_without_a_plan_is_named(tmp_path):
    """500 kW of load do not fit through 200 kW of grid and 25 kW of roof."""
    with pytest.raises(NoPathError, match="the stage 2031 has no plan by itself") as caught:
        staged(tmp_path, "assets.plant.demand: [100 kW, 500 kW]")
    assert caught.value.stage == "2031"


def test_a_budget_that_nothing_can_keep_is_told(tmp_path):
    with pytest.raises(NoPathError, match=r"planned together: pathway\.budget may be too small"):
        staged(tmp_path, more="  budget: 10 tCO2\n")


def test_who_decides_stage_by_stage_may_run_into_a_dead_end(tmp_path):
    """The load doubles in 2031: 13,140 t with all of the roof from 2026 on, 13,687 t with all of it from 2031 on.

    13,200 t are allowed. Who thinks that 438 t a year last for 20 years has 8,760 t before them, and builds none.
    """
    fields = "assets.plant.demand: [100 kW, 200 kW]"
    study = staged(tmp_path, fields, roof=LONG.replace("capex: 500", "capex: 9000"), more="  budget: 13200 tCO2\n")
    assert study.perfect.emissions.sum() == pytest.approx(13.2e6)
    assert study.myopic is None
    assert study.dead_end == "2031"


def test_what_is_written_says_the_same(microgrid, tmp_path):
    section = "pathway: {stages: [2026, 2031], fields: {assets.roof.capacity.capex: [3000 EUR/kW, 500 EUR/kW]}}\n"
    path = scenario(tmp_path, YEAR.replace("reference:", f"{section}reference:"), roof=LONG)
    ended = microgrid("pathway", path, "--out", tmp_path / "run")
    assert ended.code == 0, ended.err
    assert "roof.capacity" in ended.out
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))
    cost = manifest["pathway"]["perfect"]["cost"]
    money = pd.read_parquet(tmp_path / "run" / "money.parquet")
    assert -(money["amount"] * 1.06 ** -money["year"]).sum() == pytest.approx(cost)
    table = pd.read_parquet(tmp_path / "run" / "path.parquet")
    later = load(tmp_path / "run" / "stages" / "2031")
    assert later.manifest["audit"]["passed"]
    assert later.sizes["roof"]["capacity"] == pytest.approx(table["stands"].tolist()[1]) == pytest.approx(50.0)
    assert load(tmp_path / "run" / "myopic" / "stages" / "2026").sizes["roof"]["capacity"] == pytest.approx(50.0)
    page = (tmp_path / "run" / "pathway.html").read_text(encoding="utf-8")
    for words in ("What to build, and when", "3000 EUR/kW", "stage by stage", "data:image/png"):
        assert words in page
    assert "http" not in page.replace("http-equiv", "")
    for stage, years in (("2026", "2026 to 2030"), ("2031", "2031 to 2045")):
        assert f'<a href="stages/{stage}/report.html">' in page
        assert f"Stage {stage}: {years}" in page
        assert f'alt="Dispatch in the stage {stage}" src="data:image/png;base64,' in page
        for home in (tmp_path / "run", tmp_path / "run" / "myopic"):
            report = (home / "stages" / stage / "report.html").read_text(encoding="utf-8")
            assert f"plant, {stage}" in report
            assert "Planned in one model with others" in report
            assert "Proved optimal" not in report
            assert (home / "stages" / stage / "dispatch.png").stat().st_size > 1000


def test_files_of_stages_decide_the_hash_of_a_scenario(tmp_path):
    """A stage's table by the path of its field counts as a table that the file names itself does."""
    (tmp_path / "load.csv").write_text("time,load [kW]\n2026-01-01T00:00+00:00,120\n", encoding="utf-8")
    fields = "{assets.plant.demand.column: [load, load], assets.plant.demand.file: [load.csv, load.csv]}"
    section = f"pathway: {{stages: [2026, 2031], fields: {fields}}}\nreference:"
    path = scenario(tmp_path, YEAR.replace("reference:", section))
    before = read_scenario(path).document.digest
    (tmp_path / "load.csv").write_text("time,load [kW]\n2026-01-01T00:00+00:00,130\n", encoding="utf-8")
    assert read_scenario(path).document.digest != before
