"""How a command ends: the exit code of a result or of a fault, and what is told of the fault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from microgrid.results import Result
    from solvers import Outcome

PROVED, NOT_PROVED, INPUT, INFEASIBLE, FAILED, AUDIT = range(6)
STOPPED = 130
UNREAD = 141


def exit_code(result: Result) -> int:
    """Return the exit code of a plan."""
    if not result.manifest["audit"]["passed"]:
        return AUDIT
    return PROVED if result.manifest["outcome"]["proved"] else NOT_PROVED


def told(error: Exception) -> int:
    """Tell what went wrong, and return the exit code that says so."""
    from microgrid.errors import InputError, MicrogridError

    if isinstance(error, InputError):
        tell(_faults(error))
        return INPUT
    if isinstance(error, MicrogridError):
        tell(str(error))
        outcome = getattr(error, "outcome", None)
        return exit_code_without_plan(outcome) if outcome is not None else FAILED
    if type(error).__name__ == "SettingsError":
        tell(str(error))
        return INPUT
    if hasattr(error, "show") and hasattr(error, "exit_code"):  # a command line that typer cannot read
        error.show()
        return INPUT
    tell(f"unexpected fault: {type(error).__name__}: {error}\nMICROGRID_DEBUG=1 shows where; please report it")
    return FAILED


def tell(text: str) -> None:
    """Write a line to the error stream."""
    typer.echo(text, err=True)


def _faults(error: Any) -> str:
    count = len(error.problems)
    head = f"{count} faults\n" if count > 1 else ""
    return head + "\n".join(str(problem) for problem in error.problems)


def exit_code_without_plan(outcome: Outcome) -> int:
    """Return the exit code of a solve that ended without a plan."""
    from solvers import Ended

    if outcome.ended is Ended.INTERRUPTED:
        return STOPPED
    hopeless = (Ended.INFEASIBLE, Ended.UNBOUNDED, Ended.INFEASIBLE_OR_UNBOUNDED)
    return INFEASIBLE if outcome.ended in hopeless else FAILED
