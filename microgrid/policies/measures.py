"""What rules speak of, read off the written frames: shares no code with the model's expressions."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.accounts import EMISSION_COLUMNS
from microgrid.books import Books, books_of
from microgrid.carriers import HYDROGEN_LOWER_HEATING_VALUE
from microgrid.claims import Means, StockBalance
from microgrid.policies.grey_power import grey_intensity
from microgrid.results import Result
from microgrid.source_factors import roles_of

Array = NDArray[np.float64]
_BY_CONTRACT = ("hour", "month", "year")


class StoredPower(NamedTuple):
    """A store of electricity in the frames: its power both ways, its level and its losses."""

    asset: str
    charge: Array
    discharge: Array
    level: Array
    into: float
    out_of: float
    loss: float


class ContractedPower(NamedTuple):
    """What a contract delivers in the frames: its name, kW, and kg for each kWh."""

    name: str
    power: Array
    factor: Array


class Measures:
    """Power, hydrogen and emissions at each step, by what flows are to rules."""

    def __init__(self, result: Result) -> None:
        self.result = result
        self.books: dict[str, Books] = books_of(result)
        self.hours = result.steps["hours"].to_numpy(dtype=float)
        self.weights = result.steps["weight"].to_numpy(dtype=float)
        self.time = pd.DatetimeIndex(result.steps["time"])

    @cached_property
    def means(self) -> list[tuple[Books, Means]]:
        """What assets say of their quantities."""
        return [
            (self.books[asset], claim)
            for asset, claims in self.result.claims.items()
            for claim in claims
            if isinstance(claim, Means)
        ]

    def rate(self, *roles: str) -> Array:
        """Return the power or mass flow of all that has one of several roles, as an amount above zero."""
        parts = (np.abs(books.quantity(claim.quantity)) for books, claim in self.means if claim.role in roles)
        return self._sum(parts)

    def has(self, *roles: str) -> bool:
        """Tell whether anything has one of several roles."""
        return any(claim.role in roles for _, claim in self.means)

    def knows(self, quantity: str) -> bool:
        """Tell whether the plant has what a quantity counts, so that a share of it says something."""
        needed = {
            "available": ("renewable",),
            "generation": ("renewable",),
            "self_use": ("renewable",),
            "hydrogen": ("hydrogen",),
            "electricity_into_hydrogen": ("electrolysis",),
        }
        return quantity not in needed or self.has(*needed[quantity])

    def amount(self, quantity: str) -> Array:
        """Return a quantity at each step in kWh, kg or kgCO2e, as often as the step counts."""
        if quantity in EMISSION_COLUMNS:
            return self._emitted(quantity)
        return np.asarray(self.power(quantity) * self.hours * self.weights, dtype=float)

    def power(self, quantity: str) -> Array:
        """Return a quantity at each step in kW or kg/h."""
        electric, fuels = self._supplied
        imported, exported = self.rate("import") + electric, self.rate("export")
        made = self.rate("renewable")
        rates = {
            "available": self._available,
            "generation": made,
            "self_use": made - exported,
            "export": exported,
            "import": imported,
            "consumption": made + self.rate("generation") + imported - exported,
            "contracted": self.contracted("year"),
            "energy": made + imported + fuels - exported,
            "hydrogen": self.rate("hydrogen"),
            "electricity_into_hydrogen": self.rate("electrolysis"),
        }
        return np.asarray(rates[quantity], dtype=float)

    def contracted(self, within: str) -> Array:
        """Return the power of contracts matched within a period or a shorter one."""
        return self._sum(contract.power for contract in self._contracts(within))

    def contracted_green(self, within: str) -> Array:
        """Return the part of it that emits nothing."""
        return self._sum(contract.power for contract in self._contracts(within) if not contract.factor.any())

    def emitting(self, within: str) -> list[ContractedPower]:
        """Return the contracts among them whose own factor is above zero."""
        return [contract for contract in self._contracts(within) if contract.factor.any()]

    def _contracts(self, within: str) -> list[ContractedPower]:
        fine = [f"contracted by the {period}" for period in _BY_CONTRACT[: _BY_CONTRACT.index(within) + 1]]
        return [
            ContractedPower(
                f"{books.asset} {claim.quantity}",
                np.abs(books.quantity(claim.quantity)),
                np.zeros(len(self.hours)) + (0.0 if claim.intensity is None else np.asarray(claim.intensity)),
            )
            for books, claim in self.means
            if claim.role in fine
        ]

    @cached_property
    def intensity(self) -> Array | None:
        """What each kWh emits that electrolysers draw and that is not green, by origin; None where nobody says."""
        return grey_intensity(self.result, roles_of(self.result))

    @cached_property
    def stores(self) -> list[StoredPower]:
        """Every store of electricity."""
        return [
            StoredPower(
                asset,
                np.abs(self.books[asset].quantity("charge")),
                np.abs(self.books[asset].quantity("discharge")),
                self.books[asset].on_points[claim.stock],
                -float(np.asarray(dict(claim.gains)["charge"])),
                -1.0 / float(np.asarray(dict(claim.gains)["discharge"])),
                claim.loss,
            )
            for asset, claims in self.result.claims.items()
            if {c.role for c in claims if isinstance(c, Means)} >= {"charge", "discharge"}
            for claim in claims
            if isinstance(claim, StockBalance) and {"charge", "discharge"} == {name for name, _ in claim.gains}
        ]

    @cached_property
    def _available(self) -> Array:
        return self._sum(
            books.total(claim.available)[0] if claim.available else np.abs(books.quantity(claim.quantity))
            for books, claim in self.means
            if claim.role == "renewable"
        )

    @cached_property
    def _supplied(self) -> tuple[Array, Array]:
        """Return what suppliers gave: electricity, and all else in kWh."""
        flows = self.result.flows
        carriers = flows.groupby(["asset", "port"], observed=True)[["carrier", "unit"]].first()
        electric, fuels = np.zeros(len(self.hours)), np.zeros(len(self.hours))
        for books, claim in self.means:
            if claim.role == "supply":
                carrier, unit = (str(carriers[column][books.asset, claim.quantity]) for column in ("carrier", "unit"))
                rate = np.abs(books.quantity(claim.quantity))
                if carrier == "electricity":
                    electric = electric + rate
                else:
                    fuels = fuels + rate * (HYDROGEN_LOWER_HEATING_VALUE if unit == "kg/h" else 1.0)
        return electric, fuels

    def _emitted(self, column: str) -> Array:
        """Add up the lines of a column of the carbon ledger, step by step."""
        frame, manifest = self.result.emissions, self.result.manifest
        scope, basis, part = (frame[name].astype(str) for name in ("scope", "basis", "part"))
        chosen = (
            column.rpartition("_")[2] if column.endswith(("_location", "_market")) else manifest["objective"]["basis"]
        )
        scopes = [str(s) for s in manifest["objective"]["scopes"]] if column == "emissions" else ["1", "2"]
        counted = scope.isin(scopes)
        if manifest["accounting"]["standard"] == "gb_t_32150" and "2" in scopes:
            counted |= part == "exported"
        if column in ("exported", "biogenic"):
            counted = part == column
        elif column.startswith("scope_"):
            counted = scope == column.split("_")[1]
        sums = frame[counted & basis.isin(["both", chosen])].groupby("time")["amount"].sum()
        return np.asarray(sums.reindex(self.result.steps["time"], fill_value=0.0), dtype=float)

    def _sum(self, parts: Iterable[Array]) -> Array:
        return np.asarray(np.sum([np.zeros(len(self.hours)), *parts], axis=0), dtype=float)
