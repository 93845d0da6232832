"""A worker as a process of its own: chunks come in by its standard input, what becomes of them goes out.

Run as ``python -m microgrid.batching.process``. Messages are pickles behind their length. It puts the files of a case
into the store and sends the record, by which the parent makes the case count. When the input ends, because the parent
has ended however suddenly, the process ends at once.
"""

from __future__ import annotations

import gc
import os
import pickle
import queue
import struct
import sys
import threading
import time
from typing import IO, Any

_LENGTH = struct.Struct(">Q")
_SELDOM = 0.5


def send(stream: IO[bytes], message: Any) -> None:
    """Write a message."""
    content = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(_LENGTH.pack(len(content)) + content)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Read a message.

    Raises
    ------
    EOFError
        If the other end is closed.
    """
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    length = _LENGTH.unpack(head)[0]
    content = stream.read(length)
    if len(content) < length:
        raise EOFError
    return pickle.loads(content)


def main() -> None:
    """Solve chunks until the input ends."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a solver prints must not get between the messages
    ahead: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, ahead), daemon=True).start()
    from microgrid.batching.solving import Solver
    from microgrid.errors import InputError

    gc.freeze()  # what was imported stays: else the search for garbage goes through all of it again and again
    families, store = ahead.get()
    solver = Solver(families)
    send(out, ("ready", None))
    while True:
        looks = [0.0]

        def watch(progress: Any, looks: list[float] = looks) -> None:
            if time.monotonic() - looks[0] > _SELDOM:
                looks[0] = time.monotonic()
                send(out, ("progress", (progress.seconds, progress.gap)))

        for solved in solver.chunk(ahead.get(), lambda job: send(out, ("begins", (job.id, job.name))), watch):
            try:
                store.put(solved.record["id"], solved.files)
            except InputError as error:
                send(out, ("refused", error.problems))
                return
            send(out, ("solved", solved._replace(files={})))
        send(out, ("chunk", None))


def _listen(stream: IO[bytes], ahead: queue.SimpleQueue[Any]) -> None:
    while True:
        try:
            ahead.put(receive(stream))
        except EOFError:
            os._exit(0)


if __name__ == "__main__":
    main()
