"""Claims as numbers, texts and lists, as they are stored with a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_args

import numpy as np

from microgrid.claims.ledgers import Charge, LeftOver, PeakCharge, TariffBill
from microgrid.claims.operation import Between, Change, Lasting, MinimumRun, NeverBoth, Ramp, StockBalance, Total
from microgrid.claims.rules import Certified, Matching, Means
from microgrid.claims.terms import Factor

Claim = (
    Between
    | StockBalance
    | NeverBoth
    | Ramp
    | MinimumRun
    | Charge
    | PeakCharge
    | TariffBill
    | Change
    | Lasting
    | Total
    | Means
    | Matching
    | Certified
    | LeftOver
)
KINDS: dict[str, type[Any]] = {kind.__name__: kind for kind in get_args(Claim)}


_PLAIN = frozenset({str, float, int, bool, type(None)})


def to_plain(claim: Claim) -> dict[str, Any]:
    """Return a claim as numbers, texts and lists, ready for JSON."""
    return {"claim": type(claim).__name__, **{part.name: _plain(getattr(claim, part.name)) for part in fields(claim)}}


def from_plain(data: Mapping[str, Any]) -> Claim:
    """Return the claim that `to_plain` wrote."""
    kind = KINDS[data["claim"]]
    values = {f.name: _claimed(f.name, data[f.name]) for f in fields(kind) if f.name in data}
    claim: Claim = kind(**values)
    return claim


def _plain(value: Any) -> Any:
    if type(value) in _PLAIN:
        return value
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return value


def _claimed(name: str, value: Any) -> Any:
    if name in ("terms", "gains", "earlier", "first", "available", "pool") and isinstance(value, list):
        return tuple((quantity, _factor(factor)) for quantity, factor in value)
    if name in ("begun", "ahead"):
        return tuple((float(hours), float(count)) for hours, count in value)
    if name in ("lines", "whole"):
        return tuple(value)
    return _factor(value) if isinstance(value, list) else value


def _factor(value: Any) -> Factor:
    return np.asarray(value, dtype=float) if isinstance(value, list) else float(value)
