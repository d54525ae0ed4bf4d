"""What a worker experiences of the faults played to it: the very errors its clients would raise, without the waiting.

A server of the local cloud that plays a time-out answers at once with the status `TIMED_OUT`. Inside the worker that
answer never shows: reading it raises `TimeoutError`, exactly as a socket does on which nothing came, so urllib3,
botocore and requests take the way they take for a real one. The pause that a client makes before it repeats a call
that was struck is left out likewise. Both are counted as time passed: an invocation whose waits add up to more than
its function's timeout ends as on Lambda, with its process.
"""

from __future__ import annotations

import http.client
import os
import sys
import threading
import time
from typing import Any

WORKER = "x-local-worker"
"""Header of every call of a worker: its process id, by which a server knows whom a fault has to strike."""
STRUCK = "x-local-fault"
"""Header of every answer that is a fault."""
TIMED_OUT = 598
"""Status that stands for no answer in time."""


class Waits:
    """The seconds that an invocation would have waited, by thread; the pool's threads began when the first waited."""

    def __init__(self) -> None:
        self._seconds: dict[int, float] = {}
        self._limit = float("inf")
        self._struck = threading.local()

    def begin(self, limit_s: float) -> None:
        """Start to count for an invocation that may take so long."""
        self._seconds = {}
        self._limit = limit_s

    def add(self, seconds: float) -> None:
        """Count a wait of this thread, and end the process if the function's time is over."""
        own, first = threading.get_ident(), threading.main_thread().ident or 0
        self._seconds[own] = self._seconds.get(own, 0.0) + seconds
        before = self._seconds.get(first, 0.0) if own != first else 0.0
        if self._seconds[own] + before > self._limit:
            sys.stderr.write("Task timed out: the waits that faults would have caused are longer than it may run\n")
            sys.stderr.flush()
            os._exit(1)

    def strike(self) -> None:
        """Note that this thread's call was struck: its next pause is a client's before repeating it."""
        self._struck.now = True

    def pause(self) -> bool:
        """Whether this thread's pause is one after a fault; only the next one is."""
        now = bool(getattr(self._struck, "now", False))
        self._struck.now = False
        return now


def install() -> Waits:
    """Put it into this process's HTTP client and clock."""
    waits = Waits()
    _mark_requests()
    _read_answers(waits)
    _leave_out_pauses(waits)
    return waits


def _mark_requests() -> None:
    original = http.client.HTTPConnection.putrequest

    def putrequest(self: http.client.HTTPConnection, *arguments: Any, **named: Any) -> None:
        original(self, *arguments, **named)
        self.putheader(WORKER, str(os.getpid()))

    http.client.HTTPConnection.putrequest = putrequest  # type: ignore[method-assign]


def _read_answers(waits: Waits) -> None:
    original = http.client.HTTPResponse.begin

    def begin(self: http.client.HTTPResponse) -> None:
        limit = self.fp.raw._sock.gettimeout()  # type: ignore[attr-defined]  # noqa: SLF001 - where http.client keeps it
        original(self)
        if self.headers is None or self.headers.get(STRUCK) is None:
            return
        waits.strike()
        if self.status == TIMED_OUT:
            waits.add(limit or float("inf"))
            raise TimeoutError("timed out")

    http.client.HTTPResponse.begin = begin  # type: ignore[method-assign]


def _leave_out_pauses(waits: Waits) -> None:
    original = time.sleep

    def sleep(seconds: float, /) -> None:
        if waits.pause():
            waits.add(seconds)
        else:
            original(seconds)

    time.sleep = sleep  # type: ignore[assignment]
