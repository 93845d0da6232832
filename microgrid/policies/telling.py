"""Verdicts and packs in words: for the terminal, the report and `microgrid describe`."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from microgrid.amounts import short
from microgrid.policies.packs import QUANTITIES, Option, Pack, Rule, packs

Plain = Mapping[str, Any]
WORDS = {True: "met", False: "NOT MET", None: "not judged"}
_WHOLE = 1 - 1e-6


def verdict_line(verdict: Plain) -> str:
    """Return a verdict in a line: what was reached, what is due, what is lacking."""
    head = (
        f"{verdict['policy']}, {str(verdict['rule']).replace('_', ' ')}, {verdict['period']}: {WORDS[verdict['met']]}"
    )
    if verdict["met"] is None:
        return f"{head}: nothing that the rule speaks of, or electricity whose emissions it does not know"
    lacking = f", {lacking_told(verdict)}" if verdict["lacking"] else ""
    return f"{head}, {reached(verdict)}, {due(verdict)}{lacking}{indication(verdict)}"


def matching_line(matching: Plain) -> str:
    """Return in a line what a contract matched, and in how many of its periods it broke its rule."""
    broken = f"{matching['broken']} of {matching['periods']} BROKEN" if matching["broken"] else "all kept"
    share = f" ({100 * matching['matched'] / matching['import']:.4g} % of the import)" if matching["import"] else ""
    rule = f"{matching['asset']}.{matching['contract']} by the {matching['matching']}"
    return f"{rule}: {short(matching['matched'])} kWh matched{share}, {matching['periods']} periods, {broken}"


def reached(verdict: Plain) -> str:
    """Return what was reached, in the rule's unit."""
    return "nothing to divide by" if verdict["value"] is None else _in_unit(verdict["value"], verdict["unit"])


def due(verdict: Plain) -> str:
    """Return what the rule asks."""
    word = {"at_least": "at least", "at_most": "at most"}[str(verdict["sense"])]
    return f"{word} {_in_unit(verdict['limit'], verdict['unit'])}"


def lacking_told(verdict: Plain) -> str:
    """Return what is too little or too much."""
    if not verdict["lacking"]:
        return ""
    word = "too little" if verdict["sense"] == "at_least" else "too much"
    return f"{short(verdict['lacking'])} {verdict['amount_unit']} {word}"


def indication(verdict: Plain) -> str:
    """Say what part of its period the horizon covers, where not all, and where the document is not in force."""
    part = "" if verdict["covered"] >= _WHOLE else f"{100 * verdict['covered']:.2g} % of {verdict['period']}"
    told = ", ".join(text for text in (part, str(verdict["outside"])) if text)
    return f" (an indication: {told})" if told else ""


def _in_unit(value: float, unit: str) -> str:
    return f"{value:.4g} {unit}" if unit else f"{100 * value:.4g} %"


def packs_listed(width: int) -> Iterator[str]:
    """Give every pack of the catalogue with its name and status."""
    for name, pack in packs().items():
        yield f"  {name}"
        yield from textwrap.wrap(f"{pack.name} ({_span(pack)}; {pack.status})", width, **_indents(6))


def pack_told(name: str, pack: Pack, width: int) -> Iterator[str]:
    """Give a pack: whom it concerns, its options, and each rule as it is computed."""
    yield from textwrap.wrap(f"{name}: {pack.name}", width)
    for label, text in (
        ("document", pack.document),
        ("scope", pack.scope),
        ("in force", _span(pack)),
        ("source", f"{pack.source} ({pack.status})"),
    ):
        yield from textwrap.wrap(f"{label}: {text}", width, **_indents(2, 4))
    for option, known in pack.options.items():
        yield ""
        yield from textwrap.wrap(f"option {option}: {known.meaning}{_answers(known)}", width, **_indents(0, 4))
    for rule, bound in pack.rules.items():
        yield ""
        yield from _rule_told(rule, bound, width)


def _rule_told(name: str, rule: Rule, width: int) -> Iterator[str]:
    yield from textwrap.wrap(f"rule {name}: {rule.text}{_when(rule)}", width, **_indents(0, 4))
    sign, limit = ("<=", rule.at_most) if rule.at_least is None else (">=", rule.at_least)
    formula = f"{_sum(rule.numerator)} {sign} {limit:g} * ({_sum(rule.denominator)}), by the {rule.period}"
    matched = f"; green energy matched by the {rule.matching}" if rule.matching else ""
    yield from textwrap.wrap(f"{formula}{matched}", width, **_indents(4))
    if rule.assumes:
        yield from textwrap.wrap(f"assumes: {rule.assumes}", width, **_indents(4))
    yield from textwrap.wrap(f"source: {rule.source} ({rule.status})", width, **_indents(4))


def quantities_told(width: int) -> Iterator[str]:
    """Give every quantity that a rule may speak of."""
    for name, (unit, meaning) in QUANTITIES.items():
        yield from textwrap.wrap(f"{name} [{unit}]: {meaning}", width, **_indents(2, 6))


def _sum(terms: Mapping[str, float]) -> str:
    return " + ".join(name if factor == 1.0 else f"{factor:g} * {name}" for name, factor in terms.items())


def _when(rule: Rule) -> str:
    held = [
        f"{name}: {wanted}"
        if isinstance(wanted, str)
        else f"{name}: {f'from {wanted.from_}' if wanted.before is None else f'before {wanted.before}'}"
        for name, wanted in rule.when.items()
    ]
    return f" ({', '.join(held)})" if held else ""


def _answers(option: Option) -> str:
    return f"; {' or '.join(option.values)}, by default {option.default}" if option.values else ""


def _span(pack: Pack) -> str:
    return f"{pack.valid_from} to {pack.valid_to}" if pack.valid_to else f"from {pack.valid_from}"


def _indents(first: int, then: int | None = None) -> dict[str, Any]:
    return {"initial_indent": " " * first, "subsequent_indent": " " * (first if then is None else then)}
