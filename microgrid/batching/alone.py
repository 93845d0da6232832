"""Chunks solved one after the other in this process: for a few quick cases, and for looking on with a debugger."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence

from microgrid.batching.chunks import Chunk, Event
from microgrid.batching.solving import Solver, StoppedError
from microgrid.documents import Document


class Alone:
    """The only worker."""

    def __init__(self, families: Mapping[int, Document], chunks: Sequence[Chunk]) -> None:
        self.solver = Solver(families)
        self.chunks = chunks

    def begin(self) -> None:
        """Begin nothing before it is asked for."""

    def stop(self) -> None:
        """End nothing: there is no other process."""

    def events(self) -> Generator[Event | None, None, None]:
        """Give each case as it is solved."""
        try:
            for chunk in self.chunks:
                for solved in self.solver.chunk(chunk):
                    yield Event("solved", 0, solved)
        except StoppedError as error:
            raise KeyboardInterrupt from error
