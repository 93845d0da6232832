"""Copies of frozen data objects with other values in some fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

_Model = TypeVar("_Model", bound=BaseModel)


def copied(model: _Model, changes: Mapping[str, Any]) -> _Model:
    """Return a copy with other values, not validated again.

    What an object has computed of itself and keeps, pydantic would copy too, though it follows from other values now: a
    grid connection would go on billing by the prices of the time it was copied from.
    """
    new = model.model_copy(update=dict(changes))
    for name in [name for name in vars(new) if name not in type(model).model_fields]:
        del vars(new)[name]
    return new
