"""A task that works off one source whenever it is told that there is something."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

_log = logging.getLogger(__name__)


class Pump(ABC):
    """Base of the pumps. `drain` works until the source has nothing more to give now."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._wanted = asyncio.Event()
        self._busy = False
        self._task: asyncio.Task[None] | None = None
        self.on_idle: Callable[[], None] = lambda: None

    @property
    def idle(self) -> bool:
        """Whether it neither works nor has been told to."""
        return not self._busy and not self._wanted.is_set()

    def wake(self) -> None:
        """Have it look at its source."""
        self._wanted.set()

    def start(self) -> None:
        """Begin to wait for work."""
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def stop(self) -> None:
        """End, leaving what is under way to be delivered again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def forget(self) -> None:
        """Drop what is remembered of a source that was emptied."""
        self._wanted.clear()
        self._busy = False

    async def _run(self) -> None:
        while True:
            await self._wanted.wait()
            self._busy = True
            self._wanted.clear()
            try:
                await self.drain()
            except Exception:  # noqa: BLE001 - what was received comes again
                _log.exception("%s failed", self.name)
            finally:
                self._busy = False
                self.on_idle()

    @abstractmethod
    def has_work(self, state: Mapping[str, Any], now: float) -> bool:
        """Whether the backend's `state` shows something that it could take now."""

    @abstractmethod
    def next_due(self, state: Mapping[str, Any]) -> float | None:
        """Answer the simulated time at which the source will have something, if that is known."""

    @abstractmethod
    async def drain(self) -> None:
        """Work off what there is."""
