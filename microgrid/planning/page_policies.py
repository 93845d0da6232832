"""What rules of governments and standards say to an investment: the plan's verdicts beside its reference's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from microgrid.policies.telling import WORDS, due, indication, lacking_told, reached
from microgrid.results import Result

Plain = dict[str, Any]


def policy_rows(plan: Result, reference: Result) -> Iterator[Plain]:
    """Give each rule in each of its periods as texts: what is due, and what plan and reference reach."""
    others = {_key(verdict): verdict for verdict in reference.manifest.get("verdicts") or ()}
    for verdict in plan.manifest.get("verdicts") or ():
        other = others.get(_key(verdict))
        yield {
            "policy": verdict["policy"],
            "rule": str(verdict["rule"]).replace("_", " "),
            "mode": {"check": "checked", "enforce": "enforced"}[verdict["mode"]],
            "period": f"{verdict['period']}{indication(verdict)}",
            "text": verdict["text"],
            "due": due(verdict),
            "plan": _told(verdict),
            "reference": {"word": "not asked", "reached": "", "is_broken": False} if other is None else _told(other),
            "lacking": lacking_told(verdict),
            "source": f"{verdict['document']}; seen in {verdict['source']} ({verdict['status']})",
        }


def broken_rules(plan: Result) -> list[str]:
    """Return the rules that the plan breaks, each with its policy."""
    broken = [verdict for verdict in plan.manifest.get("verdicts") or () if verdict["met"] is False]
    return list(dict.fromkeys(f"{verdict['policy']}, {str(verdict['rule']).replace('_', ' ')}" for verdict in broken))


def rules_of_stages(results: Mapping[str, Result]) -> Iterator[Plain]:
    """Give each rule of each stage of a pathway in each of its periods: what is due, and what the stage reaches."""
    for stage, result in results.items():
        for verdict in result.manifest.get("verdicts") or ():
            told = {key: str(verdict[key]).replace("_", " ") for key in ("policy", "rule", "period", "mode")}
            yield told | {"stage": stage, "due": due(verdict)} | _told(verdict)


def _key(verdict: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(verdict["policy"]), str(verdict["rule"]), str(verdict["period"])


def _told(verdict: Mapping[str, Any]) -> Plain:
    is_known = verdict["met"] is not None
    return {
        "word": WORDS[verdict["met"]],
        "reached": reached(verdict) if is_known else "",
        "is_broken": verdict["met"] is False,
    }
