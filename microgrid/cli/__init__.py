"""`microgrid ...`: what planners and plant servers type; each group of commands has a file of its own here.

Exit codes: 0 proved, 1 usable but not proved, 2 input, 3 infeasible or unbounded, 4 solver failed, 5 audit failed;
130 stopped by the user, 141 nobody reads the output any more.
"""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
from io import TextIOWrapper
from types import FrameType

import typer

from microgrid.cli import (
    as_operated,
    batches,
    bills,
    carbon,
    forecasts,
    guides,
    operating,
    pictures,
    planning,
    solving,
    stores,
)
from microgrid.cli.endings import AUDIT, FAILED, INFEASIBLE, INPUT, NOT_PROVED, PROVED, STOPPED, UNREAD, tell, told

__all__ = ["AUDIT", "FAILED", "INFEASIBLE", "INPUT", "NOT_PROVED", "PROVED", "STOPPED", "UNREAD", "app", "main"]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Plan an industrial green microgrid: a scenario file in, an optimal and audited plan out.",
)

# In the order in which `microgrid --help` lists them.
for _group in (
    solving,
    planning,
    as_operated,
    operating,
    forecasts,
    batches,
    stores,
    guides,
    bills,
    pictures,
    carbon,
):
    app.add_typer(_group.commands)


def main() -> None:
    """Run the command line; every fault becomes a message and an exit code."""
    # A run makes few objects that die young: looking for them, and at the end through all there are, takes a second.
    gc.set_threshold(200_000, 50, 50)
    atexit.register(gc.freeze)
    signal.signal(signal.SIGTERM, _terminated)
    if isinstance(sys.stdout, TextIOWrapper):  # a name that a terminal's encoding lacks is no reason to fail
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = app(standalone_mode=False)
    except SystemExit:  # typer's answer to a pipe that nobody reads any more
        _silence()
        code = UNREAD
    except (KeyboardInterrupt, typer.Abort):
        code = STOPPED
    except Exception as error:
        if os.environ.get("MICROGRID_DEBUG"):
            raise
        sys.exit(told(error))
    if code == STOPPED:
        tell("stopped")
    sys.exit(code if isinstance(code, int) else PROVED)


def _terminated(number: int, frame: FrameType | None) -> None:
    """Stop as Ctrl-C does, when a service manager asks for it: the solver's incumbent is kept, no half run stays."""
    interrupt = signal.getsignal(signal.SIGINT)
    if not callable(interrupt):
        raise KeyboardInterrupt
    interrupt(number, frame)


def _silence() -> None:
    """Keep the interpreter from writing to a closed pipe on its way out."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
