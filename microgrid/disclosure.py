"""The disclosure sheet: a carbon account as one HTML file that opens offline, and as CSV."""

from __future__ import annotations

from base64 import b64encode
from importlib.resources import files
from pathlib import Path
from typing import Any

from microgrid.account import Account, Total, account
from microgrid.account_contracts import Contracted
from microgrid.account_lines import PARTS, Line
from microgrid.account_table import account_table
from microgrid.plots.numbers import amount, decimals_for
from microgrid.results import Result


def save_account(result: Result, folder: Path) -> list[Path]:
    """Write the account of a plan: `account.csv`, `account.png` and `account.html`; return their paths."""
    from microgrid.plots.canvas import drawing
    from microgrid.plots.sankey import sankey

    told = account(result)
    paths = [folder / "account.csv"]
    account_table(told).to_csv(paths[0], index=False, float_format="%.9g")
    with drawing():
        figure = sankey(result)
        if figure is not None:
            paths.append(folder / "account.png")
            figure.savefig(paths[1], metadata={"Software": None}, pil_kwargs={"compress_level": 6})
    paths.append(folder / "account.html")
    picture = paths[1].read_bytes() if figure is not None else None
    paths[-1].write_text(sheet(told, picture), encoding="utf-8")
    return paths


def sheet(told: Account, picture: bytes | None = None) -> str:
    """Return an account as HTML; `picture` is a PNG of its flows."""
    from jinja2 import Environment, StrictUndefined

    source = files("microgrid").joinpath("templates/account.html.j2").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    sums = [each for total in told.gross for each in (total.location, total.market)]
    decimals = max(decimals_for(max((abs(each) for each in sums), default=0.0)), 1)
    return environment.from_string(source).render(
        told=told,
        parts=[
            (name, [_line(each, decimals) for each in told.lines if each.part == part]) for part, name in PARTS.items()
        ],
        gross=[_total(total, decimals) for total in told.gross],
        apart=[_total(total, decimals) for total in told.apart],
        residual=_total(told.residual, decimals),
        contracted=[_contracted(each) for each in told.contracted],
        offsets=[{**offset, "told": amount(offset["amount"], decimals)} for offset in told.offsets],
        factors=[_factor(factor) for factor in told.factors],
        picture=b64encode(picture).decode("ascii") if picture is not None else "",
    )


def _line(line: Line, decimals: int) -> dict[str, Any]:
    activity = "" if line.activity is None else f"{amount(line.activity, 1)} {line.activity_unit}"
    return {
        "asset": line.asset,
        "line": line.line,
        "activity": activity,
        "place": line.place or line.factor,
        "trace": line.trace,
        "unit": f"kg{line.gas}",
        "amounts": ["" if each is None else amount(each, decimals) for each in (line.location, line.market)],
    }


def _total(total: Total, decimals: int) -> dict[str, Any]:
    return {
        "label": total.label,
        "unit": f"kg{total.gas}",
        "trace": total.trace,
        "amounts": [amount(each, decimals) for each in (total.location, total.market)],
    }


def _contracted(each: Contracted) -> dict[str, str]:
    return {
        "name": f"{each.asset}: {each.contract}",
        "rule": each.rule,
        "kept": f"broken in {each.broken} of {each.periods}" if each.broken else "kept",
        "available": amount(each.available, 1),
        "matched": amount(each.matched, 1),
        "share": f"{each.share:.1%}",
        "cost": amount(each.cost, 2),
        "place": each.place,
        "trace": each.trace,
    }


def _factor(factor: dict[str, Any]) -> dict[str, str]:
    changes = "mean of a series, " if factor["varies"] else ""
    return {
        "name": factor["name"] or factor["text"] or factor["where"],
        "where": factor["where"],
        "value": f"{changes}{factor['value']:.6g} {factor['unit']}".strip(),
        "family": factor["family"].replace("_", " "),
        "valid": " ".join(part for part in (factor["region"], str(factor["year"] or "")) if part),
        "source": factor["source"] or "not told",
        "status": factor["status"] or "not told",
        "place": factor["place"],
    }
