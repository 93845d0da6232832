"""What rules say to an investment, on its page."""

from __future__ import annotations

from microgrid.planning.page_policies import broken_rules, policy_rows
from microgrid.planning.sizing import size
from tests.planning.files import ROOF, YEAR, scenario

POLICIES = "policies: {cn/industrial_microgrid_guide: check}\nreference:"


def test_a_broken_rule_is_an_alarm_and_told_beside_the_reference(tmp_path):
    """400 kW must be built; of 200 kW of sun the plant uses 100: 50 %, and 60 % are due."""
    text = YEAR.replace("reference:", POLICIES)
    path = scenario(tmp_path, text, roof="{low: 400 kW, high: 400 kW, capex: 500 EUR/kW}")
    investment = size(path, tmp_path / "run")
    (rule,) = [each for each in policy_rows(investment.plan.result, investment.reference.result)
               if each["rule"] == "self use"]  # fmt: skip
    assert rule["plan"] == {"word": "NOT MET", "reached": "50 %", "is_broken": True}
    assert rule["reference"]["word"] == "not judged"
    assert rule["due"] == "at least 60 %"
    assert broken_rules(investment.plan.result)[0].endswith("self use")
    page = (tmp_path / "run" / "investment.html").read_text(encoding="utf-8")
    for words in ("<h2>Policies</h2>", "The plan does NOT MEET", "at least 60 %", "NOT MET</strong>"):
        assert words in page


def test_rules_that_are_met_raise_no_alarm(tmp_path):
    path = scenario(tmp_path, YEAR.replace("reference:", POLICIES), roof=ROOF)
    investment = size(path, tmp_path / "run")
    rows = list(policy_rows(investment.plan.result, investment.reference.result))
    assert [each["plan"]["word"] for each in rows if each["rule"] == "self use"] == ["met"]
    assert broken_rules(investment.plan.result) == []
    assert "NOT MEET" not in (tmp_path / "run" / "investment.html").read_text(encoding="utf-8")
