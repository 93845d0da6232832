"""Small faults that a modeller makes, found in a file's syntax tree and written into its text.

Only what ends in a row or a ledger line is mutated: validators, claims and examples are not the model.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Functions whose faults are no faults of the model: they check input, state claims, or make examples.
NOT_THE_MODEL = ("claim", "refuse", "example", "_fits_together", "_takes_one_thing", "_is_possible")
LENGTHS = ("hours", "_hours")
COUNTS = ("weight", "weights")
SIZES = ("amount", "high", "rating", "years")


@dataclass(frozen=True)
class Mutant:
    """One fault.

    Parameters
    ----------
    path
        File below the root of the tree.
    line
        Line of the fault.
    fault
        What was done, such as ``drop hours``.
    before, after
        The expression as it was, and as it is now.
    text
        The whole file with the fault in it.
    """

    path: Path
    line: int
    fault: str
    before: str
    after: str
    text: str

    def __str__(self) -> str:
        """One line for a report."""
        return f"{self.path}:{self.line}  {self.fault}: {_one_line(self.before)}  ->  {_one_line(self.after)}"

    def diff(self, original: str) -> str:
        """Return the fault as a patch."""
        lines = difflib.unified_diff(
            original.splitlines(), self.text.splitlines(), str(self.path), str(self.path), n=1, lineterm=""
        )
        return "\n".join(lines)


def mutants_of(root: Path, path: Path) -> list[Mutant]:
    """Return every mutant of a file."""
    text = (root / path).read_text(encoding="utf-8")
    found = []
    for node in _model_nodes(ast.parse(text)):
        for fault, after in _faults(text, node):
            start, end = _span(text, node)
            found.append(Mutant(path, node.lineno, fault, text[start:end], after, text[:start] + after + text[end:]))
    return found


def _model_nodes(node: ast.AST) -> Iterator[ast.expr]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef) and any(word in child.name for word in NOT_THE_MODEL):
            continue
        # Annotations and the range of a field are no arithmetic.
        if isinstance(child, ast.AnnAssign | ast.arg):
            continue
        if isinstance(child, ast.expr):
            yield child
        yield from _model_nodes(child)


def _faults(text: str, node: ast.expr) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.BinOp):
        yield from _faults_of_arithmetic(text, node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
        yield "flip sign", _source(text, node.operand)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.LtE | ast.GtE):
        sign = ">=" if isinstance(node.ops[0], ast.LtE) else "<="
        yield "turn inequality", f"{_source(text, node.left)} {sign} {_source(text, node.comparators[0])}"
    elif isinstance(node, ast.Subscript) and _name(node.value) == "end":
        yield "end to start", _source(text, node).replace("end[", "start[", 1)


def _faults_of_arithmetic(text: str, node: ast.BinOp) -> Iterator[tuple[str, str]]:
    left, right = _source(text, node.left), _source(text, node.right)
    if isinstance(node.op, ast.Mult):
        # Variables stand last in a product: what is forgotten is a factor before them, a length, a count or a size.
        if _is_factor(node.left):
            yield f"drop {_kind_of(node.left)}", f"({right})"
        if _is_factor(node.right) and (_kind_of(node.right) != "factor" or _name(node.right) in SIZES):
            yield f"drop {_kind_of(node.right)}", f"({left})"
    elif isinstance(node.op, ast.Div | ast.Pow) and _is_factor(node.right):
        yield f"drop {_kind_of(node.right)}", f"({left})"
    elif isinstance(node.op, ast.Sub) and _is_one_before(node):
        yield "t - 1 to t", left
    elif isinstance(node.op, ast.Add | ast.Sub):
        sign = "-" if isinstance(node.op, ast.Add) else "+"
        yield "flip sign", f"({left} {sign} {right})"


def _is_one_before(node: ast.BinOp) -> bool:
    return isinstance(node.left, ast.Name) and node.left.id == "t" and isinstance(node.right, ast.Constant)


def _is_factor(node: ast.expr) -> bool:
    """Tell whether an operand is a quantity by name, which a modeller may forget, and no number or longer term."""
    return isinstance(node, ast.Name | ast.Attribute | ast.Subscript) and _name(node) != ""


def _kind_of(node: ast.expr) -> str:
    name = _name(node)
    if name in LENGTHS:
        return "hours"
    return "weight" if name in COUNTS else "factor"


def _name(node: ast.expr) -> str:
    """Return the last name in ``operation.timeline.hours[t]``: hours."""
    if isinstance(node, ast.Subscript):
        return _name(node.value)
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _source(text: str, node: ast.expr) -> str:
    start, end = _span(text, node)
    source = text[start:end]
    return f"({source})" if isinstance(node, ast.BinOp | ast.Compare | ast.Lambda | ast.IfExp | ast.BoolOp) else source


def _span(text: str, node: ast.expr) -> tuple[int, int]:
    """Return where an expression begins and ends in the text; syntax trees count columns in bytes of UTF-8."""
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return _position(text, node.lineno, node.col_offset), _position(text, node.end_lineno, node.end_col_offset)


def _position(text: str, line: int, column: int) -> int:
    lines = text.splitlines(keepends=True)
    before = sum(len(one) for one in lines[: line - 1])
    return before + len(lines[line - 1].encode()[:column].decode())


def _one_line(source: str) -> str:
    return " ".join(source.split())
