"""Cases of a store as CSV, Excel or netCDF, for those who work with other programs."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from microgrid.errors import InputError, Problem
from microgrid.runs import Runs

_EXCEL_ROWS = 1_048_575


def export_runs(runs: Runs, path: Path, table: str = "") -> None:
    """Write the cases with their axes and figures, or one table of all plans.

    Parameters
    ----------
    path
        A file that ends in .csv, .xlsx or .nc.
    table
        Such as flows; by default cases, axes and figures.

    Raises
    ------
    InputError
        If there is no case, the file is of another kind, a package for it is missing, or it cannot be written.
    """
    writers: dict[str, Callable[[pd.DataFrame, Path], None]] = {".csv": _csv, ".xlsx": _excel, ".nc": _netcdf}
    if path.suffix not in writers:
        wanted = f"a file that ends in {', '.join(writers)}"
        raise InputError([Problem("export", str(path), wanted)])
    if not runs.records:
        raise InputError([Problem("export", "no case", "a store with cases", "`microgrid batch FILE` solves some")])
    frame = runs.table(table) if table else _overview(runs)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        writers[path.suffix](frame, path)
    except ImportError as error:
        cure = "pip install 'green-microgrid[export]'"
        raise InputError([Problem("export", f"no package {error.name}", f"what {path.suffix} needs", cure)]) from error
    except OSError as error:
        found = f"{error.strerror or error}"
        raise InputError([Problem(str(path), found, "a file that can be written", "choose another")]) from error


def _overview(runs: Runs) -> pd.DataFrame:
    """Return one row a case: what it is, its axes and its figures, with their units."""
    axes, figures = (
        frame.rename(columns={name: f"{name} [{unit}]" for name, unit in units.items() if unit})
        for frame, units in ((runs.axes, runs.axes.attrs["units"]), (runs.figures, runs.units))
    )
    told = runs.cases[["family", "status", "message", "currency", "seconds", "run"]]
    return told.join(axes).join(figures).reset_index()


def _csv(frame: pd.DataFrame, path: Path) -> None:
    frame.to_csv(path, index=False)


def _excel(frame: pd.DataFrame, path: Path) -> None:
    if len(frame) > _EXCEL_ROWS:
        found = f"{len(frame):,} rows"
        raise InputError([Problem(str(path), found, f"at most {_EXCEL_ROWS:,} in a sheet", "write .csv instead")])
    timed = frame.select_dtypes("datetimetz")
    plain = frame.copy()
    for name in timed.columns:  # a sheet has no zones
        plain[name] = timed[name].map(_local)
    plain.to_excel(path, index=False, sheet_name="cases")


def _local(time: pd.Timestamp) -> str:
    return "" if pd.isna(time) else time.isoformat()


def _netcdf(frame: pd.DataFrame, path: Path) -> None:
    """Write columns along one dimension; times are UTC, which netCDF's calendars count in."""
    import xarray

    columns = {}
    attributes = {}
    for name in frame.columns:
        series, unit = frame[name], re.fullmatch(r"(.*) \[(.*)\]", str(name))
        key = re.sub(r"[^0-9A-Za-z_.]", "_", unit[1] if unit else str(name))
        attributes[key] = {"long_name": unit[1] if unit else str(name)} | ({"units": unit[2]} if unit else {})
        if isinstance(series.dtype, pd.DatetimeTZDtype):
            columns[key] = series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
        elif pd.api.types.is_numeric_dtype(series.dtype):
            columns[key] = series.to_numpy(dtype=float)
        else:
            columns[key] = series.astype(object).where(series.notna(), "").astype(str).to_numpy(dtype=str)
    data = xarray.Dataset({key: ("row", values, attributes[key]) for key, values in columns.items()})
    data.to_netcdf(path, engine="scipy")
