"""A result as the bytes of Parquet files, and back.

The same plan gives the same bytes, wherever it was made: what differs from run to run, such as seconds, is kept in the
index instead. Times are UTC; the zone stands in the manifest. Every table has the column `run`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from microgrid.claims import from_plain, to_plain
from microgrid.results import FRAMES, Result, plain_manifest

MANIFESTS = "manifests"
TABLES = (*FRAMES, MANIFESTS)
_TEXT = pa.dictionary(pa.int32(), pa.string())
_TIME = pa.timestamp("us", tz="UTC")


def packed(result: Result, run: str) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Return the Parquet files of a result by table, and what of its manifest differs from run to run."""
    manifest, told = _without_times(result.manifest)
    claims = {asset: [to_plain(claim) for claim in claims] for asset, claims in result.claims.items()}
    plain = json.dumps(plain_manifest(manifest), ensure_ascii=False, allow_nan=False)
    texts = {"manifest": plain, "claims": json.dumps(claims)}
    tables = {name: _table(getattr(result, name), run) for name in FRAMES}
    tables[MANIFESTS] = pa.table({"run": [run]} | {key: [text] for key, text in texts.items()})
    return {name: _bytes(table) for name, table in tables.items()}, told


def unpacked(read: Callable[[str], pa.Table], told: Mapping[str, Any]) -> Result:
    """Return the result that `read` gives the tables of."""
    row = read(MANIFESTS).to_pylist()[0]
    manifest, claims = json.loads(row["manifest"]), json.loads(row["claims"])
    manifest |= {key: value for key, value in told.items() if key != "seconds"}
    for goal, seconds in zip(manifest["outcome"]["goals"], told.get("seconds", {}).get("goals", ()), strict=False):
        goal["seconds"] = seconds
    manifest["outcome"]["seconds"] = told.get("seconds", {}).get("solver", 0.0)
    zone = manifest["horizon"]["zone"]
    frames = {name: _frame(read(name), zone) for name in FRAMES}
    return Result(manifest, **frames, claims={a: [from_plain(c) for c in found] for a, found in claims.items()})


def in_zone(frame: pd.DataFrame, zone: str) -> pd.DataFrame:
    """Return a frame of a store with its times in a zone."""
    return frame.assign(time=frame["time"].dt.tz_convert(zone)) if "time" in frame else frame


def _without_times(manifest: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    outcome = dict(manifest["outcome"])
    outcome["goals"] = [dict(goal) for goal in outcome["goals"]]
    kept = dict(manifest) | {"outcome": outcome}
    goals = [goal.pop("seconds", 0.0) for goal in outcome["goals"]]
    told = {key: kept.pop(key) for key in ("created", "total_seconds") if key in kept}
    return kept, told | {"seconds": {"solver": outcome.pop("seconds", 0.0), "goals": goals}}


def _table(frame: pd.DataFrame, run: str) -> pa.Table:
    columns = {str(name): _column(frame[name]) for name in frame.columns}
    ones = pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(frame), dtype=np.int32)), pa.array([run], pa.string()))
    return pa.table({"run": ones} | columns)


def _column(series: pd.Series) -> pa.Array:
    """Return a column in one of three types, whatever is in it: files of one table must fit each other."""
    if series.name == "time":
        times = pd.DatetimeIndex(series.array) if len(series) else pd.DatetimeIndex([], tz="UTC")
        return pa.array(times.as_unit("us").asi8, mask=np.asarray(times.isna())).cast(_TIME)
    if isinstance(series.array, pd.Categorical):
        texts = pa.array([str(text) for text in series.array.categories], pa.string())
        codes = series.array.codes.astype(np.int32)
        return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), texts)
    if pd.api.types.is_numeric_dtype(series.dtype):
        return pa.array(series.to_numpy(dtype=float), pa.float64())
    return pa.array(series.astype(str), pa.string()).dictionary_encode().cast(_TEXT)


def _bytes(table: pa.Table) -> bytes:
    """Return a table as a Parquet file: texts by number as they are, all else compressed.

    Texts by number take next to nothing either way; times and rates do not repeat, so that numbering them is wasted.
    """
    texts = [field.name for field in table.schema if pa.types.is_dictionary(field.type)]
    packing = {name: "none" if name in texts else "zstd" for name in table.column_names}
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression=packing, use_dictionary=texts)
    return bytes(sink.getvalue().to_pybytes())


def _frame(table: pa.Table, zone: str) -> pd.DataFrame:
    frame = in_zone(table.drop_columns(["run"]).to_pandas(), zone)
    for name in frame.columns:
        if isinstance(frame[name].dtype, pd.CategoricalDtype) and name == "scope":
            frame[name] = frame[name].cat.rename_categories(int)
    return frame
