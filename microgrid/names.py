"""Names of assets, buses and contracts: what may stand in paths, rows and ledgers."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

from microgrid.accounts import CARBON_PRICE

LONGEST_NAME = 60
# What the ledgers and frames call lines that belong to no asset.
RESERVED_NAMES = (CARBON_PRICE,)
RESERVED_STARTS = ("bus ", "policy ")


class Named(dict[str, Any]):
    """Parts of an asset by name; hashable, as all that an asset is made of, as long as nobody changes it."""

    def __hash__(self) -> int:  # type: ignore[override]
        """Hash what it holds, which is frozen."""
        return hash(tuple(self.items()))


def unfit_name(name: str) -> tuple[str, str, str] | None:
    """Return what is found, wanted and cures, where a name could not stand in paths and rows; None where it can.

    Letters of every script are welcome; dots, brackets, quotes and the like are not, for a path such as
    ``assets.battery.energy`` or a row such as ``asset[battery].balance[3]`` is made of names.
    """
    wanted = f"a name of letters, digits, _, - and single spaces, at most {LONGEST_NAME} of them"
    if not name or len(name) > LONGEST_NAME:
        return f"a name of {len(name)} letters" if name else "an empty name", wanted, ""
    if name in RESERVED_NAMES or name.startswith(RESERVED_STARTS):
        return f"the name {json.dumps(name)}", "a name that the ledgers do not use themselves", f'write "the {name}"'
    fit = "".join(letter if letter in "_- " or unicodedata.category(letter)[0] in "LMN" else "_" for letter in name)
    fit = " ".join(fit.split())
    if fit == name:
        return None
    return f"the name {json.dumps(name, ensure_ascii=False)}", wanted, f'write "{fit}"' if fit.strip("_-") else ""
