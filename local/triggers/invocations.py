"""Lambda's asynchronous invocation: queued, retried after 1 and 2 minutes, then to the failure destination."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from local.backend import Backend
from local.clock import SimulatedClock
from local.store import Store, Waiting
from local.timers import Background
from local.workers import Workers

_RETRY_AFTER_S = (60.0, 120.0)


class AsyncInvocations:
    """The queue that Lambda keeps before functions that nobody waits for."""

    def __init__(self, store: Store, workers: Workers, backend: Backend, clock: SimulatedClock) -> None:
        self._waiting = Waiting(store, "invocation")
        self._workers = workers
        self._backend = backend
        self._clock = clock
        self.background = Background()

    @property
    def busy(self) -> bool:
        """Whether an invocation runs."""
        return self.background.busy

    def invoke(self, function: str, event: Any) -> None:
        """Accept an invocation; it begins at once and is remembered until it is over."""
        self._waiting.add(self._clock.time(), {"function": function, "event": event, "attempt": 1})

    def next_due(self) -> float | None:
        """Answer when the next one begins."""
        return self._waiting.next_due()

    async def run_due(self, now: float) -> bool:
        """Begin what is due."""
        began = False
        for _, entry in self._waiting.take(now):
            self.background.begin(self._run(entry))
            began = True
        return began

    async def _run(self, entry: Mapping[str, Any]) -> None:
        spec = self._workers.functions[entry["function"]]
        outcome = await self._workers.invoke(spec.name, entry["event"])
        if outcome.error is None:
            return
        attempt = int(entry["attempt"])
        if attempt <= min(spec.async_retries, len(_RETRY_AFTER_S)):
            self._waiting.add(self._clock.time() + _RETRY_AFTER_S[attempt - 1], {**entry, "attempt": attempt + 1})
        elif spec.async_failure_arn and ":sqs:" in spec.async_failure_arn:
            notice = {
                "version": "1.0",
                "timestamp": self._clock.now().isoformat(),
                "requestContext": {
                    "requestId": str(uuid.uuid4()),
                    "functionArn": spec.name,
                    "condition": "RetriesExhausted",
                    "approximateInvokeCount": attempt,
                },
                "requestPayload": entry["event"],
                "responsePayload": dict(outcome.error),
            }
            queue = spec.async_failure_arn.rsplit(":", 1)[1]
            await self._backend.sqs("SendMessage", queue, MessageBody=json.dumps(notice))
