"""The schedules that the template itself sets on functions: housekeeping."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from local.clock import SimulatedClock
from local.scheduler.expressions import Expression, parse
from local.store import Store
from local.template import ACCOUNT_ID
from local.triggers.invocations import AsyncInvocations
from local.wiring import PeriodicSpec

_DAY_S = 86_400.0
_RUNS_PER_MOVE = 26


class PeriodicTimer:
    """Invokes them when due. While the clock is moved, each runs at most once a simulated day and once at the end.

    A very long move has them run less often still: their work is repair, and a year of it would be all one waits for.
    Whoever moves the clock may ask for another pace.
    """

    def __init__(
        self,
        specs: Sequence[PeriodicSpec],
        store: Store,
        invocations: AsyncInvocations,
        clock: SimulatedClock,
        region: str,
    ) -> None:
        self._store = store
        self._invocations = invocations
        self._clock = clock
        self._region = region
        start = datetime.fromtimestamp(0, UTC)
        self._specs: dict[str, tuple[PeriodicSpec, Expression]] = {
            spec.name: (spec, parse(spec.expression, spec.time_zone, start)) for spec in specs
        }
        self._due: dict[str, float] = {}
        self._moving = False
        self._pause = _DAY_S
        self._ran: dict[str, float] = {}
        for name in self._specs:
            self._set_on(name)

    @property
    def busy(self) -> bool:
        """Its work is only to hand over."""
        return False

    def next_due(self) -> float | None:
        """Answer when the next one is due."""
        return min(self._due.values(), default=None)

    async def run_due(self, now: float) -> bool:
        """Invoke what is due."""
        ran = False
        for name, due in list(self._due.items()):
            if due <= now:
                self._run(name, due)
                ran = True
        return ran

    def begin_move(self, target: float, pause_s: float | None = None) -> None:
        """From now on, and until the move to `target` ends, run each at most once in `pause_s`, or else daily."""
        self._moving = True
        begin = self._clock.time()
        self._pause = pause_s if pause_s is not None else max(_DAY_S, (target - begin) / _RUNS_PER_MOVE)
        self._ran = dict.fromkeys(self._specs, begin)
        for name in self._specs:
            self._set_on(name)

    def end_move(self) -> None:
        """Run once more what was due on the way, and return to the usual pace."""
        if not self._moving:
            return
        self._moving = False
        now = self._clock.time()
        for name, (_, expression) in self._specs.items():
            since = datetime.fromtimestamp(self._ran[name], UTC)
            missed = expression.after(since)
            if missed is not None and missed.timestamp() <= now:
                self._run(name, now)
            self._set_on(name)

    def _set_on(self, name: str) -> None:
        now = self._clock.time()
        # In a move, the first instant long enough after it last ran.
        since = max(now, self._ran[name] + self._pause - 1) if self._moving else now
        following = self._specs[name][1].after(datetime.fromtimestamp(since, UTC))
        if following is None:
            self._due.pop(name, None)
        else:
            self._due[name] = following.timestamp()

    def _run(self, name: str, due: float) -> None:
        spec, _ = self._specs[name]
        self._ran[name] = self._clock.time()
        self._invocations.invoke(spec.function, self._event(spec, due))
        self._set_on(name)

    def _event(self, spec: PeriodicSpec, due: float) -> Any:
        if spec.input is not None:
            return json.loads(spec.input)
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events" if spec.is_rule else "aws.scheduler",
            "account": ACCOUNT_ID,
            "time": (datetime.fromtimestamp(0, UTC) + timedelta(seconds=int(due))).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": self._region,
            "resources": [spec.arn],
            "detail": {} if spec.is_rule else "{}",
        }
