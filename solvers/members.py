"""The index of components as arrays: what it holds, and where in it a key stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyomo.core.base.set import SetData

from solvers.linear import Indices, NotTemplatedError


class Groups(NamedTuple):
    """An indexed set: where each key's part starts, how long it is, and all parts one after the other."""

    places: dict[Any, int]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    members: Indices


class Members:
    """Index sets as arrays, remembered by identity for as long as one compilation lasts."""

    def __init__(self) -> None:
        self._index: dict[int, Sequence[Any]] = {}
        self._arrays: dict[int, Indices] = {}
        self._places: dict[int, dict[Any, int]] = {}
        self._groups: dict[int, Groups] = {}
        # Identities are only good while the objects live.
        self._kept: list[Any] = []

    def index(self, component: Any) -> Sequence[Any]:
        """Return the keys of a component or the members of a set: all there can be or, without an end, those in use."""
        index_set = self._key_of(component)
        key = id(index_set)
        if key not in self._index:
            self._kept.append(index_set)
            self._index[key] = list(index_set) if isinstance(index_set, SetData) else list(index_set.keys())
        return self._index[key]

    def array(self, component: Any) -> Indices:
        """Return the keys of a component as an array, shape (n,) or (n, dimension)."""
        key = id(self._key_of(component))
        if key not in self._arrays:
            self._arrays[key] = as_array(self.index(component))
        return self._arrays[key]

    @staticmethod
    def _key_of(component: Any) -> Any:
        """Return what a component's keys are remembered by: a finite index set is shared, all else is its own."""
        if isinstance(component, SetData) or not component.is_indexed():
            return component
        index_set = component.index_set()
        return index_set if index_set.isfinite() else component

    def place(self, component: Any, key: Any) -> int:
        """Return where in a component's index a key stands.

        Raises
        ------
        NotTemplatedError
            If the key is not in the index.
        """
        known = id(self._key_of(component))
        if known not in self._places:
            self._places[known] = {plain(member): place for place, member in enumerate(self.index(component))}
        try:
            return self._places[known][plain(key)]
        except KeyError:
            raise NotTemplatedError(f"{key} is not in the index of {component.name}") from None

    def positions(self, component: Any, keys: tuple[Indices, ...]) -> NDArray[np.int64]:
        """Return where in a component's index each key stands; keys come as one array a dimension.

        Raises
        ------
        NotTemplatedError
            If a key is not in the index.
        """
        members = self.array(component)
        if len(keys) == 1 and _is_range(members) and keys[0].dtype.kind in "if":
            places: NDArray[np.int64] = keys[0].astype(np.int64) - members[0]
            if (places != keys[0] - members[0]).any() or (places < 0).any() or (places >= len(members)).any():
                raise NotTemplatedError(f"an index reaches beyond {component.name}")
            return places
        return np.fromiter((self.place(component, key) for key in listed(keys)), dtype=np.int64, count=len(keys[0]))

    def groups(self, indexed_set: Any) -> Groups:
        """Return an indexed set as arrays."""
        key = id(indexed_set)
        if key not in self._groups:
            self._kept.append(indexed_set)
            parts = [list(part) for part in indexed_set.values()]
            lengths = np.fromiter((len(part) for part in parts), dtype=np.int64, count=len(parts))
            starts = np.cumsum(lengths) - lengths
            places = {plain(k): place for place, k in enumerate(indexed_set.keys())}
            self._groups[key] = Groups(places, starts, lengths, as_array([m for part in parts for m in part]))
        return self._groups[key]


def listed(keys: tuple[Indices, ...]) -> list[Any]:
    """Return keys that come as one array a dimension as a list of plain keys."""
    columns = [column.tolist() for column in keys]
    return [plain(key) for key in (columns[0] if len(columns) == 1 else zip(*columns, strict=True))]


def plain(key: Any) -> Any:
    """Return a key with whole numbers as int, so that 3.0, which arithmetic on indices gives, is 3."""
    if isinstance(key, float) and key.is_integer():
        return int(key)
    return tuple(plain(part) for part in key) if isinstance(key, tuple) else key


def as_array(members: Sequence[Any]) -> Indices:
    """Return keys as an array of whole numbers, numbers, or objects; tuples become rows."""
    if members and isinstance(members[0], tuple):
        table: Indices = np.empty((len(members), len(members[0])), dtype=object)
        table[:] = members
        return table
    if all(type(member) is int for member in members):
        return np.array(members, dtype=np.int64)
    if all(type(member) in (int, float) for member in members):
        return np.array(members, dtype=float)
    array: Indices = np.empty(len(members), dtype=object)
    array[:] = members
    return array


def _is_range(members: Indices) -> bool:
    """Tell whether the members are whole numbers that follow one another."""
    if members.ndim != 1 or members.dtype.kind != "i" or not len(members):
        return False
    return bool(members[-1] - members[0] + 1 == len(members) and (np.diff(members) == 1).all())
