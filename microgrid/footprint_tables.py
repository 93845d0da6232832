"""Product footprints on paper: CSV files with what every figure rests on, and a table for the terminal."""

from __future__ import annotations

from pathlib import Path

from microgrid.footprint import Footprint

METHOD = (
    "Energy by its origin at each step; all that leaves a bus takes the bus's mix; stores give out what they were "
    "filled with; losses raise what is left; outputs of one converter share its inputs by energy; batches share a load "
    "by their meters, then by output mass. Life-cycle factors, kgCO2e. Materials, transport and use are not in it."
)


def save_footprint(found: Footprint, folder: Path) -> list[Path]:
    """Write batches by load, products, the closing balance and the factors as CSV; return the paths."""
    tables = {
        "footprint_products": found.products(),
        "footprint_batches": found.batches,
        "footprint_balance": found.balance,
        "footprint_factors": found.factors,
    }
    paths = []
    for name, frame in tables.items():
        path = folder / f"{name}.csv"
        frame.to_csv(path, index=False, float_format="%.9g")
        paths.append(path)
    return paths


def table(found: Footprint) -> str:
    """Return the products as a terminal shows them, by the hour beside the average."""
    head = f"{'batch':<20}{'product':<20}{'kg':>12}{'kWh':>14}{'by the hour':>16}{'average':>12}   kgCO2e/kg"
    lines = [head]
    for row in found.products().itertuples(index=False):
        name, product, mass, energy, _, _, hourly, average = row
        lines.append(f"{name:<20}{product:<20}{mass:>12,.1f}{energy:>14,.1f}{hourly:>16.4f}{average:>12.4f}")
    unsure = found.factors.loc[found.factors["status"] == "M", "source"].tolist()
    if unsure:
        lines.append(f"mind: unverified factors of {', '.join(unsure)}")
    lines.append(METHOD)
    lines.append(f"sources, batches, common energy, exports and stocks close to {found.imbalance:.1e}")
    return "\n".join(lines)
