"""Plays faults on the calls that functions make to DynamoDB and SQS."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from local.faults import CALL_KINDS, Fault, FaultRegistry, parse
from local.played import STRUCK, TIMED_OUT, WORKER

SERVICES = {b"DynamoDB_20120810": "dynamodb", b"AmazonSQS": "sqs"}
"""By the first part of the header that names the operation."""
_DYING_S = 60.0
# Real time, and long enough for what runs beside it to overtake.
_DELAY_S = 0.05
_THROTTLED = {"dynamodb": "ProvisionedThroughputExceededException", "sqs": "ThrottlingException"}

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class FaultyBackend:
    """An ASGI application in front of ministack."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._registry = FaultRegistry()
        self.on_crash: Callable[[int], None] = lambda _: None

    def replace(self, faults: list[Mapping[str, Any]]) -> None:
        """Put these faults in force instead of the present ones."""
        self._registry.clear()
        for fault in faults:
            self._registry.add(parse(fault))

    def describe(self) -> list[dict[str, Any]]:
        """Answer the faults in force with how often each struck."""
        return self._registry.describe()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI request, with the fault that strikes it if there is one."""
        fault = self._drawn(scope)
        if fault is None:
            await self._app(scope, receive, send)
            return
        if fault.kind in ("timeout_after", "crash_after"):
            await self._app(scope, receive, _discard)
            if fault.kind == "crash_after":
                self.on_crash(caller(scope))
                await asyncio.sleep(_DYING_S)  # the connection ends with the process
            await _answer(send, TIMED_OUT, b"", fault)
        elif fault.kind == "timeout_before":
            await _answer(send, TIMED_OUT, b"", fault)
        elif fault.kind == "delay":
            await asyncio.sleep(_DELAY_S)
            await self._app(scope, receive, send)
        else:
            await _refuse(send, fault)

    def _drawn(self, scope: Scope) -> Fault | None:
        if scope["type"] != "http":
            return None
        target = dict(scope["headers"]).get(b"x-amz-target", b"").split(b".")[0]
        service = SERVICES.get(target)
        return self._registry.draw(service, CALL_KINDS) if service and caller(scope) else None


def caller(scope: Scope) -> int:
    """Read the process id of the worker that calls; 0 for anyone else."""
    return int(dict(scope["headers"]).get(WORKER.encode(), b"0"))


async def _discard(_: Any) -> None:
    """Drop the answer: the caller never gets it."""


async def _refuse(send: Send, fault: Fault) -> None:
    status, code = 500, "InternalServerError"
    if fault.kind == "throttle":
        status, code = 400, _THROTTLED[fault.target]
    elif fault.kind == "reject":
        status, code = 400, str(fault.code or "ValidationException")
    await _answer(send, status, json.dumps({"__type": code, "message": "played by the local cloud"}).encode(), fault)


async def _answer(send: Send, status: int, body: bytes, fault: Fault) -> None:
    headers = [
        (b"content-type", b"application/x-amz-json-1.0"),
        (b"content-length", str(len(body)).encode()),
        (STRUCK.encode(), fault.kind.encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
