"""The JSON Schema: what is good passes, what is broken does not, and it speaks the words of scenario files."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from microgrid.schema import scenario_schema
from microgrid.technologies import technologies
from microgrid.yaml_files import parse_yaml, read_yaml
from tests.files import PLANT

ROOT = Path(__file__).parents[1]
SHIPPED = sorted([*ROOT.glob("scenarios/*/*.yaml"), ROOT / "microgrid" / "starter" / "plant.yaml"])


@pytest.fixture(scope="module")
def schema():
    return Draft202012Validator(scenario_schema())


def good():
    return copy.deepcopy(parse_yaml(PLANT, "plant.yaml").data)


def test_it_is_a_schema():
    Draft202012Validator.check_schema(scenario_schema())
    assert json.loads(json.dumps(scenario_schema())) == scenario_schema()


@pytest.mark.parametrize("path", SHIPPED, ids=[str(path.relative_to(ROOT)) for path in SHIPPED])
def test_shipped_scenarios_pass(schema, path):
    assert [error.message for error in schema.iter_errors(read_yaml(path).data)] == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("assets", "battery", "energi"), "1 MWh"),
        (("assets", "battery", "energy"), 5),
        (("assets", "battery", "energy"), {"low": "1 kWh"}),
        (("assets", "battery", "energy"), {"high": "1 kWh", "capx": "3 EUR/kWh"}),
        (("assets", "battery", "kind"), "batery"),
        (("assets", "battery", "cyclic"), "yes"),
        (("assets", "battery", "exclusive"), "sometimes"),
        (("assets", "battery", "wear"), {"cycle_lif": 3}),
        (("assets", "battery", "charge_efficiency"), None),
        (("assets", "plant", "demand"), {"file": "site.csv", "colum": "load"}),
        (("assets", "plant"), {"demand": "3 kW"}),
        (("assets", "a.b"), {"kind": "battery", "energy": "1 kWh", "power": "1 kW"}),
        (("objective",), {"minimise": "cots"}),
        (("objective",), {"caps": {"cots": "5 EUR"}}),
        (("objective",), {"scopes": [4]}),
        (("horizon", "days"), 1.5),
        (("horizon", "start"), None),
        (("buses",), {"steam": {"carrier": "haet"}}),
        (("sight",), {}),
        (("solver",), {"options": {"a": [1]}}),
    ],
)
def test_broken_scenarios_do_not(schema, path, value):
    data = good()
    assert schema.is_valid(data)
    part = data
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    assert not schema.is_valid(data)


@pytest.mark.parametrize("key", ["currency", "site", "horizon", "assets"])
def test_only_a_file_that_extends_another_may_leave_out(schema, key):
    data = good()
    del data[key]
    assert not schema.is_valid(data)
    assert schema.is_valid({"extends": "base.yaml", **data})


def test_a_file_that_extends_another_gives_parts_and_takes_away(schema):
    child = {"extends": "base.yaml", "assets": {"battery": {"energy": "2 MWh"}, "plant": None}, "solver": {"gap": None}}
    assert schema.is_valid(child)
    fields, tables = {"objective.carbon_price": None}, {"assets.plant.demand": {"values": {"2026": "3 kW"}}}
    assert schema.is_valid(child | {"pathway": {"fields": fields, "by_year": tables}})
    assert not schema.is_valid(child | {"pathway": {"fields": {"objective.carbon_price": "3 EUR/tCO2"}}})
    assert not schema.is_valid(child | {"pathway": {"by_year": {"assets.plant.demand": {"between": "curve"}}}})
    assert not schema.is_valid(child | {"solver": {"gp": "1 %"}})
    assert not schema.is_valid(child | {"assets": {"battery": {"kind": "battery", "energi": "2 MWh"}}})


def test_every_kind_and_field_is_described():
    definitions = scenario_schema()["$defs"]
    for kind, technology in technologies().items():
        fields = definitions[kind]["properties"]
        assert set(fields) == set(technology.model_fields)
        assert definitions[kind]["additionalProperties"] is False
        assert [name for name, field in fields.items() if name != "kind" and not field.get("description")] == []


def test_quantities_have_examples():
    energy = scenario_schema()["$defs"]["battery"]["properties"]["energy"]["anyOf"][0]
    assert energy["examples"] == ["2 MWh"]
    assert scenario_schema()["$defs"]["battery"]["properties"]["self_discharge"]["default"] == "0 1/h"


def test_it_speaks_no_python():
    """No class names, no types of Python, no sections of docstrings, nothing from the code's own alphabet."""
    text = json.dumps(scenario_schema())
    assert re.findall(r'"[A-Z][a-z]+(?:[A-Z][a-z]+)+"', text) == []
    words = ("NoneType", "ndarray", "BaseModel", "pydantic", "Parameters", "-----", "``", "CUR", "tuple", '"str"')
    assert [word for word in words if word in text] == []
