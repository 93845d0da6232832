"""How likely several futures are: told of each of them, or of none."""

from __future__ import annotations

from collections.abc import Mapping

from microgrid.faults import refuse, shown

_SUM = 1e-6


def probabilities_of(told: Mapping[str, float | None]) -> dict[str, float]:
    """Return how likely each future is; all are equally likely where nothing is told.

    Parameters
    ----------
    told
        By name, a share from 0 to 1, or None.

    Raises
    ------
    PydanticCustomError
        If it is told of some alone, is not above zero, or does not add up to 1.
    """
    known = {name: share for name, share in told.items() if share is not None}
    if not known:
        return dict.fromkeys(told, 1 / len(told))
    if len(known) < len(told):
        missing = next(name for name in told if name not in known)
        found = f"a probability of {shown(next(iter(known)))}, none of {shown(missing)}"
        raise refuse(found, "one of each future, or of none")
    total = sum(known.values())
    if abs(total - 1) > _SUM:
        raise refuse(f"probabilities of {100 * total:g} % together", "100 %")
    if min(known.values()) <= 0:
        raise refuse("a future that never comes", "probabilities above zero", "leave it out")
    return known
