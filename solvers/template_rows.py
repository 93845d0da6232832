"""Constraints that stay one template: while models are built so, no Python object is made for each row.

Pyomo can keep a constraint as a template by itself, but still makes an object for every index, which for a year in
quarter hours takes longer than all else. Here these objects come into being when somebody asks for one.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import pyomo.core.base.constraint as pyomo_constraint
import pyomo.core.base.objective as pyomo_objective
from pyomo.core.base.constraint import Constraint, TemplateConstraintData
from pyomo.core.base.objective import Objective
from pyomo.core.expr.template_expr import templatize_constraint

_PLAIN = Constraint.construct


class TemplateRows(MutableMapping[Any, Any]):
    """The rows of a constraint by index, made as soon as any of them is looked at.

    Parameters
    ----------
    template
        The expression and its symbolic indices.
    constraint
        Whose rows they are.
    """

    def __init__(self, template: tuple[Any, Any], constraint: Any) -> None:
        self.template = template
        self._index_set = constraint.index_set()
        self._constraint = weakref.ref(constraint)
        self._rows: dict[Any, Any] | None = None

    @property
    def is_untouched(self) -> bool:
        """Whether nobody has looked at a row yet."""
        return self._rows is None

    @property
    def rows(self) -> dict[Any, Any]:
        """The rows themselves."""
        if self._rows is None:
            owner, template = self._constraint, self.template
            self._rows = {index: TemplateConstraintData(template, owner, index) for index in self._index_set}
            constraint = owner()
            if constraint is not None:  # where its data are no plain dict, Pyomo brings back rows that were taken out
                constraint._data = self._rows
        return self._rows

    def __len__(self) -> int:
        """Return the number of rows, which is known before there are any."""
        return len(self._index_set) if self._rows is None else len(self._rows)

    def __iter__(self) -> Iterator[Any]:
        """Walk through the indices."""
        return iter(self.rows)

    def __getitem__(self, key: Any) -> Any:
        """Return the row of an index."""
        return self.rows[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        """Put a row in place of what was there."""
        self.rows[key] = value

    def __delitem__(self, key: Any) -> None:
        """Take a row out."""
        del self.rows[key]

    def __reduce__(self) -> tuple[Any, ...]:
        """Refuse copies: a template belongs to one constraint of one model."""
        raise TypeError("a model that is kept as templates cannot be copied: call expand_templates(model) before")


def untouched(constraint: Any) -> tuple[Any, Any] | None:
    """Return the template of an indexed constraint of which nobody has looked at a row, or None."""
    rows = constraint._data
    return rows.template if isinstance(rows, TemplateRows) and rows.is_untouched else None


def _construct(constraint: Any, data: Any = None) -> None:
    """Construct a constraint as one template where its rule allows it, else as Pyomo does."""
    rule = constraint._rule
    is_plain = constraint._constructed or rule is None or rule.contains_indices()
    is_plain = is_plain or (rule.constant() and constraint.is_indexed())
    if is_plain or not constraint.index_set().isfinite():
        _PLAIN(constraint, data)
        return
    for anonymous in constraint._anonymous_sets or ():
        anonymous.construct()
    try:
        template = templatize_constraint(constraint)
    except Exception:  # noqa: BLE001  a rule that cannot be called with symbols is called with every index instead
        _PLAIN(constraint, data)
        return
    if constraint.is_indexed():
        constraint._constructed = True
        constraint._data = TemplateRows(template, constraint)
        return
    with _flag(pyomo_constraint, "TEMPLATIZE_CONSTRAINTS"):
        _PLAIN(constraint, data)


@contextmanager
def _flag(module: Any, name: str) -> Iterator[None]:
    setattr(module, name, True)
    try:
        yield
    finally:
        setattr(module, name, False)


class _Builders:
    """Who is building a model at this moment, in whatever thread: what is changed of Pyomo is changed for all."""

    def __init__(self) -> None:
        self.lock, self.count = threading.Lock(), 0

    def change(self, by: int) -> None:
        """Count builders; templates are kept while there is one."""
        with self.lock:
            self.count += by
            Constraint.construct = _construct if self.count else _PLAIN
            pyomo_objective.TEMPLATIZE_OBJECTIVES = self.count > 0


_builders = _Builders()


@contextmanager
def templating() -> Iterator[None]:
    """Let Pyomo keep constraints and objectives as templates while a model is built, instead of a row an index."""
    _builders.change(1)
    try:
        yield
    finally:
        _builders.change(-1)


def expand_templates(model: Any) -> None:
    """Make an expression of its own of every row that is still a template: Pyomo's file writers know no templates."""
    for kind in (Constraint, Objective):
        for data in model.component_data_objects(kind, active=True):
            if hasattr(data, "template_expr"):
                data.expr  # noqa: B018
