"""`load_runs()`: the cases of a result store as tidy frames, for tables, plots and questions of one's own.

>>> runs = load_runs("results")  # doctest: +SKIP
>>> runs.figures.join(runs.axes).plot(x="carbon price", y="emissions")  # doctest: +SKIP
>>> runs.table("flows").query("port == 'import'").groupby("case", observed=True)["rate"].max()  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from microgrid.errors import InputError, Problem
from microgrid.faults import did_you_mean, shown
from microgrid.figures import units_of
from microgrid.store.folder import PLANS, Store
from microgrid.store.journal import Record
from microgrid.store.tables import TABLES, in_zone
from microgrid.sweeps import number_of

STORE = "results"


@dataclass(frozen=True, eq=False)
class Runs:
    """Cases of a store, family by family, in the order of their sweeps."""

    store: Store
    records: Mapping[str, Record]

    def __repr__(self) -> str:
        """Say how many there are."""
        return (
            f"<Runs: {len(self.records)} cases in {self.store.path}, along {', '.join(self.axes.columns) or 'no axis'}>"
        )

    @cached_property
    def cases(self) -> pd.DataFrame:
        """One row a case: family, label on each axis, status, message, run (the hash), seconds, currency."""
        told = ("status", "message", "currency", "seconds", "finished")
        rows = [
            {"case": name, "family": record["family"]}
            | record["labels"]
            | {key: record.get(key) for key in told}
            | {"run": record["id"]}
            for name, record in self.records.items()
        ]
        frame = pd.DataFrame(rows) if rows else pd.DataFrame(columns=["case", "family", *told, "run"])
        return frame.set_index("case")

    @cached_property
    def figures(self) -> pd.DataFrame:
        """One row a case that has a plan, one column a figure: cost, emissions, sizes, energies, peaks, shares."""
        rows = {name: record["figures"] for name, record in self.records.items() if record["status"] in PLANS}
        frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("case")
        costs = [name for name in frame.columns if str(name).startswith("cost.")]
        return frame.fillna(dict.fromkeys(costs, 0.0))  # a plan without a category pays nothing there

    @cached_property
    def units(self) -> dict[str, str]:
        """The unit of each figure; empty where it is a share or a number, or cases tell it in different ones."""
        found: dict[str, str] = {}
        seen = set[tuple[Any, ...]]()
        for name, record in self.records.items():
            if record["status"] not in PLANS:
                continue
            what = record["family"], record["currency"], frozenset(record["figures"])
            if what not in seen:
                seen.add(what)
                for figure, unit in units_of(self.store.result(name)).items():
                    found[figure] = unit if found.get(figure, unit) == unit else ""
        return found

    @cached_property
    def axes(self) -> pd.DataFrame:
        """One row a case, one column an axis: numbers where all its labels are numbers of one unit, else texts.

        ``axes.attrs["units"]`` tells the units.
        """
        names = dict.fromkeys(axis for record in self.records.values() for axis in record["labels"])
        units: dict[str, str] = {}
        columns: dict[str, Any] = {}
        for axis in names:
            labels = [record["labels"].get(axis) for record in self.records.values()]
            numbers = [number_of(label) for label in labels if label is not None]
            found = {number[1] for number in numbers if number is not None}
            if None not in numbers and len(found) == 1:
                units[axis] = found.pop()
                columns[axis] = [np.nan if label is None else number_of(label)[0] for label in labels]  # type: ignore[index]
            else:
                columns[axis] = pd.Categorical(labels, list(dict.fromkeys(label for label in labels if label)))
        frame = pd.DataFrame(columns, index=pd.Index(list(self.records), name="case"))
        frame.attrs["units"] = units
        return frame

    @property
    def zone(self) -> str:
        """The time zone of the plans where they share one, else UTC."""
        found = {self.store.result(name).manifest["horizon"]["zone"] for name in self._one_a_family()}
        return found.pop() if len(found) == 1 else "UTC"

    def table(self, name: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return one of the tables of all plans, with the column `case` in front.

        Parameters
        ----------
        name
            steps, flows, stocks, states, costs, emissions or prices.
        columns
            Those that are wanted; all by default.

        Raises
        ------
        InputError
            If there is no such table, or files are torn.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        known = [table for table in TABLES if table != "manifests"]
        if name not in known:
            raise InputError([Problem("table", shown(name), f"one of {', '.join(known)}", did_you_mean(name, known))])
        wanted = None if columns is None else [column for column in columns if column != "case"]
        parts, cases = [], []
        for case, record in self.records.items():
            if record["status"] not in PLANS:
                continue
            try:
                part = pq.read_table(self.store.file(name, record["id"]), columns=wanted)
            except (OSError, pa.ArrowException) as error:
                cure = f"remove {self.store.file('*', record['id'])}, and `microgrid batch` solves it again"
                raise InputError([Problem(case, f"torn: {error}", "files that are whole", cure)]) from error
            parts.append(part.drop_columns(["run"]) if "run" in part.column_names else part)
            cases += [case] * part.num_rows
        frame = pa.concat_tables(parts).to_pandas() if parts else pd.DataFrame(columns=wanted or [])
        frame.insert(0, "case", pd.Series(pd.Categorical(cases, list(self.records))))
        return in_zone(frame, self.zone)

    def only(self, cases: Iterable[str] = (), families: Collection[str] = ()) -> Runs:
        """Return some of the cases, by their names and by the names of their families.

        Raises
        ------
        InputError
            If there is no such case or family.
        """
        names = [self.store.record(case)["name"] for case in cases]
        known = {str(record["family"]) for record in self.records.values()}
        for family in families:
            if family not in known:
                wanted = f"one of {', '.join(sorted(known)) or 'no family'}"
                raise InputError([Problem("family", shown(family), wanted, did_you_mean(family, known))])
        chosen = {
            name: record
            for name, record in self.records.items()
            if (not names or name in names) and (not families or record["family"] in families)
        }
        ordered = [name for name in names if name in chosen] or list(chosen)
        return Runs(self.store, {name: chosen[name] for name in ordered})

    def _one_a_family(self) -> list[str]:
        """Return a case with a plan of every family, and of every value of an axis that could be a place."""
        found: dict[Any, str] = {}
        for name, record in self.records.items():
            if record["status"] in PLANS:
                found.setdefault(record["family"], name)
        return list(found.values())


def load_runs(store: Path | str = STORE) -> Runs:
    """Return the cases of a result store.

    Raises
    ------
    InputError
        If there is no store, or one of another format.
    """
    opened = Store.open(store)
    records = opened.records()
    families = {record["family"]: None for record in records.values()}
    order = {family: number for number, family in enumerate(families)}
    ordered = sorted(records.items(), key=lambda item: (order[item[1]["family"]], item[1]["place"]))
    return Runs(opened, dict(ordered))
