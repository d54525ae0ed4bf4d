"""What happens at simulated instants, seen alike by the engine that moves the clock."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

_log = logging.getLogger(__name__)


class Timer(Protocol):
    """Something with instants of its own."""

    @property
    def busy(self) -> bool:
        """Whether something that came due is still under way."""

    def next_due(self) -> float | None:
        """Answer the simulated time of what comes next, or None."""

    async def run_due(self, now: float) -> bool:
        """Do, or begin, all that is due by `now`; answer whether there was anything."""


class Background:
    """Tasks begun by a timer, which end on their own."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self.on_idle: Callable[[], None] = lambda: None

    @property
    def busy(self) -> bool:
        """Whether any of them still runs."""
        return bool(self._tasks)

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` beside everything else; its failure is logged."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("background work failed", exc_info=task.exception())
        self.on_idle()

    async def stop(self) -> None:
        """End all of them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
