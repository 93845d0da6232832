"""Contracts of green energy that settle behind a grid connection, as data.

The energy itself comes over the grid and is billed as all import is; a contract replaces the energy component of that
bill by its own price, for every kWh that it delivers while the plant imports. So networks and levies stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BeforeValidator, Field, Tag, model_validator
from pydantic import Discriminator as Chosen

from microgrid.certificates import Scheme, schemes
from microgrid.factor_fields import ContractFactor
from microgrid.faults import Fault, RefusedError, did_you_mean, shown
from microgrid.fields import (
    MONEY,
    Along,
    Energy,
    EnergyPrices,
    Part,
    PerEnergy,
    PowerCapacity,
    PowerSeries,
    Quantity,
    refuse,
)
from microgrid.names import Named
from microgrid.policies.packs import Period
from microgrid.reading import Range, Reading
from microgrid.series import Series
from microgrid.technologies.replaced_component import ReplacedPrices
from microgrid.timeline import Timeline

Sources = Literal["wind", "solar", "hydro", "biomass", "geothermal", "ocean"]
PerCertificate = Annotated[float, Quantity(MONEY, low=0.0)]
_UP_TO = 1.5


class _ByWeather(Along):
    """A series that weather may make: by its keys, from the wind or from the sun."""

    def _of_mapping(self, value: Mapping[str, Any], limits: Range, reading: Reading) -> Series:
        maker = "wind_turbine" if "turbine" in value or "hub_height" in value else "photovoltaic"
        return Along(self.unit, self.low, self.high, self.other_units, maker)._of_mapping(value, limits, reading)


class Contract(Part):
    """What all contracts of green energy say."""

    factor: ContractFactor | None = Field(
        default=None, description="Market-based scope 2 emissions per kWh matched; without it, nothing."
    )

    @property
    def emits(self) -> Series:
        """Emissions per kWh matched: zeros where no factor is told."""
        return Series(np.asarray(0.0)) if self.factor is None else self.factor


class Delivered(Contract):
    """A contract that delivers energy as it is generated: to the plant while it imports, the rest resold or lost."""

    price: EnergyPrices = Field(description="Price of each kWh.")
    replaces: ReplacedPrices = Field(
        description="Energy component of the import's price, which each kWh taken no longer pays: a price, or the name "
        "of the tariff's component."
    )
    source_of_energy: Sources | None = Field(default=None, description="What it is generated from.")
    take_or_pay: bool = Field(default=True, description="Whether all that is generated is paid, taken or not.")
    resale_price: EnergyPrices | None = Field(
        default=None, description="Price at which what is not taken is sold; without it, it is lost."
    )
    matching: Period = Field(default="hour", description="Within what green energy must come and be used.")
    surplus_certificates: Literal["sold", "kept"] = Field(
        default="sold", description="Whether certificates of what is resold go with it, or are kept and matched."
    )

    @property
    def keeps(self) -> bool:
        """Whether certificates of the surplus are matched with import at other times."""
        return self.surplus_certificates == "kept"

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.keeps and self.matching == "hour":
            found = "surplus_certificates: kept with matching: hour"
            raise refuse(found, "matching by the month or the year, for within the hour a surplus has no use")
        if self.keeps and self.resale_price is None:
            raise refuse(
                "surplus_certificates: kept without resale_price", "a resale_price: what is lost has no certificate"
            )
        return self


class PayAsProduced(Delivered):
    """A power purchase agreement on what a plant elsewhere generates, as its wind or sun allows."""

    kind: Literal["pay_as_produced"] = "pay_as_produced"
    capacity: PowerCapacity = Field(description="Contracted share of the plant's rated power, kW.")
    availability: Annotated[Series, _ByWeather("1", low=0.0, high=_UP_TO, maker="wind_turbine")] = Field(
        description="Power per kW rated that wind or sun allow there: a series, or {turbine: ...} or {tilt: ...} to "
        "compute it from the weather of the scenario."
    )

    def produced(self, timeline: Timeline) -> NDArray[np.float64]:
        """Return what each kW contracted generates, shape (n,)."""
        return self.availability.on(timeline, "availability")


class Baseload(Delivered):
    """A power purchase agreement on constant power."""

    kind: Literal["baseload"] = "baseload"
    capacity: PowerCapacity = Field(description="Contracted power, kW.")

    def produced(self, timeline: Timeline) -> NDArray[np.float64]:
        """Return ones: all of it at every step."""
        return np.ones(len(timeline))


Agreement = PayAsProduced | Baseload
"""A power purchase agreement: a share of a plant elsewhere, or constant power."""


class GreenTrade(Contract):
    """Green energy traded by the kWh used, at a premium; its certificates come with it.

    By the month (or year), a price and the component that it replaces must not change within it, for the trade does
    not tell at which hours its kWh were used. By the hour it must tell what the seller generates.
    """

    kind: Literal["green_trade"] = "green_trade"
    premium: PerEnergy = Field(default=0.0, description="Price of being green, per kWh.")
    price: EnergyPrices | None = Field(default=None, description="Price of the energy, where it is not the import's.")
    replaces: ReplacedPrices | None = Field(
        default=None,
        description="Energy component of the import's price that the price stands in for: a price, or the name of the "
        "tariff's component.",
    )
    matching: Period = Field(description="Within what green energy must come and be used: hour, month or year.")
    source_of_energy: Sources | None = Field(default=None, description="What it is generated from.")
    generation: PowerSeries | None = Field(default=None, description="What the seller generates for the plant, kW.")
    most: Energy | None = Field(default=None, description="Most energy within each matching period.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.price is None) != (self.replaces is None):
            raise refuse("price or replaces alone", "price and replaces together, or neither and a premium alone")
        if self.matching == "hour" and self.generation is None:
            wanted = "generation, by the hour: what the seller generates for the plant"
            raise refuse("matching: hour without generation", wanted, "such as {file: seller.csv, column: generation}")
        return self


class Certificates(Contract):
    """Certificates bought apart from energy, whole ones; what the last one leaves over is good in the next period."""

    kind: Literal["certificates"] = "certificates"
    scheme: str = Field(default="cn/gec", description="Scheme of the catalogue that says what one stands for.")
    price: PerCertificate = Field(description="Price of one certificate.")
    source_of_energy: str = Field(description="What its energy was generated from, such as wind.")
    vintage: int = Field(ge=2000, le=2200, description="Year in which its energy was generated.")
    matching: Literal["hour", "month", "year"] = Field(description="Within what they are matched: month or year.")
    most: int | None = Field(default=None, ge=0, description="Most certificates within each matching period.")

    @property
    def terms(self) -> Scheme:
        """What the scheme says."""
        return schemes()[self.scheme]

    @model_validator(mode="after")
    def _is_eligible(self) -> Self:
        if self.scheme not in schemes():
            raise refuse(f"scheme {shown(self.scheme)}", f"one of {', '.join(schemes())}")
        eligible = self.terms.sources.names
        if self.source_of_energy not in eligible:
            found = f"a certificate of {shown(self.source_of_energy)}"
            near = did_you_mean(self.source_of_energy, eligible)
            raise refuse(found, f"an eligible source of {self.scheme}: {', '.join(eligible)}", near)
        if self.matching == "hour":
            wanted = "matching by the month or the year: a certificate does not tell the hour of its energy"
            raise refuse("certificates matched by the hour", wanted, "match a contract with generation by the hour")
        return self


class CertificateSale(Contract):
    """Certificates of renewable energy of the plant's own that is exported, sold whole.

    What is left of a month's energy counts in the next. Whoever buys the exported energy without its certificate
    counts it with the residual factor.
    """

    kind: Literal["certificate_sale"] = "certificate_sale"
    scheme: str = Field(default="cn/gec", description="Scheme of the catalogue that says what one stands for.")
    price: PerCertificate = Field(description="What one certificate earns.")
    of: Literal["exported", "self_used"] = Field(default="exported", description="Whose certificates are sold.")

    @property
    def terms(self) -> Scheme:
        """What the scheme says."""
        return schemes()[self.scheme]

    @model_validator(mode="after")
    def _is_tradable(self) -> Self:
        if self.scheme not in schemes():
            raise refuse(f"scheme {shown(self.scheme)}", f"one of {', '.join(schemes())}")
        if self.of == "self_used" and not self.terms.self_used.tradable:
            wanted = f"of: exported, for certificates of self-used power are not tradable under {self.scheme}"
            raise refuse("certificates of self-used power for sale", wanted, "leave the contract out")
        return self


KINDS: dict[str, type[Contract]] = {
    "pay_as_produced": PayAsProduced,
    "baseload": Baseload,
    "green_trade": GreenTrade,
    "certificates": Certificates,
    "certificate_sale": CertificateSale,
}


class ContractMark:
    """Marks a contract of any kind: what a mapping is read as, by its kind."""

    models: Mapping[str, type[Contract]] = KINDS

    def expected(self, _currency: str) -> tuple[str, str]:
        """Say what is expected."""
        return f"a contract with its kind: {', '.join(KINDS)}", ""


def _with_kind(value: Any) -> Any:
    kinds = ", ".join(KINDS)
    if isinstance(value, Contract):
        return value
    if not isinstance(value, Mapping):
        raise refuse(shown(value), f"a contract with its kind: {kinds}")
    kind = value.get("kind")
    if kind not in KINDS:
        found = "missing" if kind is None else shown(kind)
        cure = did_you_mean(str(kind), KINDS) or "`microgrid describe green_contracts` tells of each"
        raise RefusedError([Fault(("kind",), found, f"one of {kinds}", cure)]).for_pydantic
    return value


def _kind_of(value: Any) -> str:
    return str(value.get("kind") if isinstance(value, Mapping) else value.kind)


AnyContract = Annotated[
    Annotated[PayAsProduced, Tag("pay_as_produced")]
    | Annotated[Baseload, Tag("baseload")]
    | Annotated[GreenTrade, Tag("green_trade")]
    | Annotated[Certificates, Tag("certificates")]
    | Annotated[CertificateSale, Tag("certificate_sale")],
    Chosen(_kind_of),
    BeforeValidator(_with_kind),
    ContractMark(),
]


Contracts = Annotated[dict[str, AnyContract], AfterValidator(Named)]
