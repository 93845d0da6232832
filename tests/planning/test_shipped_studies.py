"""The shipped studies of several years: each stage and future reads, solves and audits, in coarse steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from microgrid.factor_checks import factors_used
from microgrid.planning.pathways.pathway import pathway
from microgrid.planning.pathways.stages import stages_of
from microgrid.planning.uncertain.futures import futures_of
from microgrid.planning.uncertain.uncertainty import uncertainty
from microgrid.scenario import read_scenario

FOLDER = Path(__file__).parents[2] / "scenarios"
SHORT = {"horizon": "{start: 2018-06-25, days: 14, step: 6 h}"}
PATHWAYS = sorted(path for path in FOLDER.glob("*/*.yaml") if "\npathway:" in path.read_text(encoding="utf-8"))
FUTURES = sorted(path for path in FOLDER.glob("*/*.yaml") if "\nuncertainty:" in path.read_text(encoding="utf-8"))


def test_there_is_one_of_each():
    assert PATHWAYS
    assert FUTURES


@pytest.mark.parametrize("path", PATHWAYS, ids=lambda path: path.name)
def test_a_pathway_plans_all_its_stages_and_its_reference(path):
    study = pathway(read_scenario(path, SHORT))
    for each in (study.perfect, study.myopic, study.reference):
        assert each.proved
        assert each.audits
    assert study.regret >= -1e-6 * study.perfect.cost
    assert all(sheet.figures["net_present_value"] is not None for sheet in study.sheets.values())


@pytest.mark.parametrize("path", PATHWAYS, ids=lambda path: path.name)
def test_the_emission_factors_of_all_stages_have_sources(path):
    for stage in stages_of(read_scenario(path))[0]:
        used = [each.factor for each in factors_used(stage.scenario.plant.assets)]
        assert [factor for factor in used if not (factor.source and factor.status)] == []


@pytest.mark.parametrize("path", FUTURES, ids=lambda path: path.name)
def test_futures_are_planned_together(path):
    scenario = read_scenario(path, SHORT)
    assert len(futures_of(scenario)) >= 3
    study = uncertainty(scenario)
    assert study.proved
    assert study.audited
    assert study.worth_of_knowing >= -1e-6 * study.choices[0].expected(study.shares)
