"""The command line as a function of its arguments, for tests of what people type."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest

from microgrid import cli


class Ran(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


@contextmanager
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Ran]]:
    """Give the command line as a function; what it does to signals ends with it."""
    earlier = signal.getsignal(signal.SIGTERM)

    def ran(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["microgrid", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return Ran(int(ended.value.code or 0), out, err)

    yield ran
    signal.signal(signal.SIGTERM, earlier)
