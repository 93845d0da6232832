"""What can stand on a site. The folder is scanned: a file with a Technology in it is all it takes to add one."""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache

from microgrid.technologies.base import Technology


@lru_cache(maxsize=1)
def technologies() -> dict[str, type[Technology]]:
    """Return every technology of this folder by its kind."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    found = {cls.model_fields["kind"].default: cls for cls in _concrete(Technology)}  # type: ignore[type-abstract]
    return dict(sorted(found.items()))


def _concrete(cls: type[Technology]) -> list[type[Technology]]:
    own = [cls] if "kind" in cls.model_fields and cls.__module__.startswith(f"{__name__}.") else []
    return own + [found for child in cls.__subclasses__() for found in _concrete(child)]
