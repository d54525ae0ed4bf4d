"""Keeps everything going: wakes the pumps, lets timers run, and moves the clock from one due instant to the next."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from local.backend import Backend
from local.clock import SimulatedClock
from local.timers import Timer
from local.triggers.periodic import PeriodicTimer
from local.triggers.pump import Pump
from local.workers import Workers

_log = logging.getLogger(__name__)
_LONGEST_SLEEP_S = 3600.0
# The clock runs on while a request is read: "now" as a caller just saw it is no step back.
_SAME_INSTANT_S = 0.05


class ClockGoesBackError(ValueError):
    """The clock was asked to go to an instant that is over."""


class Engine:
    """The heart of the local cloud. One lock: either time runs at its own pace, or it is being moved."""

    def __init__(
        self,
        clock: SimulatedClock,
        backend: Backend,
        workers: Workers,
        pumps: Sequence[Pump],
        timers: Sequence[Timer],
        periodic: PeriodicTimer,
    ) -> None:
        self._clock = clock
        self._backend = backend
        self._workers = workers
        self._pumps = pumps
        self._timers: list[Timer] = [*timers, periodic]
        self._periodic = periodic
        self._moving = asyncio.Lock()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def notify(self) -> None:
        """Have the engine look: something was queued, or something that ran has ended."""
        self._changed.set()

    def start(self) -> None:
        """Begin to work."""
        self._backend.on_wake = self.notify
        self._workers.on_finished = self.notify
        for pump in self._pumps:
            pump.on_idle = self.notify
            pump.start()
        self._task = asyncio.create_task(self._run(), name="engine")

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for pump in self._pumps:
            await pump.stop()

    async def _run(self) -> None:
        while True:
            try:
                async with self._moving:
                    self._changed.clear()
                    await self._run_timers()
                    state = await self._backend.state()
                    self._wake_pumps(state)
                    due = self._next_due(state)
                pause = _LONGEST_SLEEP_S if due is None else max(0.0, due - self._clock.time())
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), min(pause, _LONGEST_SLEEP_S))
            except Exception:  # noqa: BLE001 - the engine goes on whatever happens
                _log.exception("the engine stumbled")
                await asyncio.sleep(1.0)

    async def move(self, target_from: Callable[[float], float], housekeeping_s: float | None = None) -> None:
        """Move the clock, doing on the way all that falls due, in order, until all is settled.

        `target_from` is given the present instant once an earlier move is over; for `housekeeping_s` see
        PeriodicTimer. Raises ClockGoesBackError for a target before the present.
        """
        async with self._moving:
            target = target_from(self._clock.time())
            if target < self._clock.time() - _SAME_INSTANT_S:
                raise ClockGoesBackError("the clock never goes back")
            self._clock.freeze()
            self._periodic.begin_move(target, housekeeping_s)
            try:
                state = await self._settle()
                while (due := self._next_due(state)) is not None and due <= target:
                    self._clock.jump(due)
                    state = await self._settle()
                self._clock.jump(target)
                self._periodic.end_move()
                await self._settle()
            finally:
                self._periodic.end_move()
                self._clock.unfreeze()
                self.notify()

    async def pause(self) -> None:
        """Let nothing new begin until `resume`."""
        await self._moving.acquire()
        for pump in self._pumps:
            await pump.stop()

    def resume(self) -> None:
        """Go on after a pause."""
        for pump in self._pumps:
            pump.forget()
            pump.start()
        self._moving.release()
        self.notify()

    async def settle(self) -> None:
        """Wait until all that is due now is done."""
        async with self._moving:
            await self._settle()

    async def _settle(self) -> Mapping[str, Any]:
        """Work until nothing is due or under way; answer the backend's state."""
        while True:
            self._changed.clear()
            did = await self._run_timers()
            state = await self._backend.state()
            woken = self._wake_pumps(state)
            if did or woken:
                await asyncio.sleep(0)
                if did:
                    continue
            elif self._quiet() and not self._changed.is_set():
                return state
            await self._changed.wait()

    def _quiet(self) -> bool:
        return (
            self._workers.running == 0
            and all(pump.idle for pump in self._pumps)
            and not any(timer.busy for timer in self._timers)
        )

    async def _run_timers(self) -> bool:
        did = False
        for timer in self._timers:
            now = self._clock.time()
            due = timer.next_due()
            if due is not None and due <= now:
                did = await timer.run_due(now) or did
        return did

    def _wake_pumps(self, state: Mapping[str, Any]) -> bool:
        now = self._clock.time()
        woken = False
        for pump in self._pumps:
            if pump.has_work(state, now) and pump.idle:
                pump.wake()
                woken = True
        return woken

    def _next_due(self, state: Mapping[str, Any]) -> float | None:
        instants = [pump.next_due(state) for pump in self._pumps]
        instants += [timer.next_due() for timer in self._timers]
        return min((instant for instant in instants if instant is not None), default=None)
