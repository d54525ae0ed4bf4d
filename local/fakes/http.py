"""Calls to the fakes over HTTP, with the faults that are to be played on them."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from aiohttp import web

from local.faults import CALL_KINDS, Fault, FaultRegistry
from local.played import STRUCK, TIMED_OUT, WORKER

_HANG_S = 60.0
# Real time, and long enough for what runs beside it to overtake.
_DELAY_S = 0.05


@dataclass(frozen=True)
class Call:
    """One HTTP call to a fake. `path` begins with a slash and is undecoded."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    peer_port: int = 0


@dataclass(frozen=True)
class Answer:
    """What a fake answers: JSON, or bytes as they are."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Fake(Protocol):
    """A service that can be called and can refuse."""

    async def answer(self, call: Call) -> Answer:
        """Do what the service does."""

    def refuse(self, fault: Fault, call: Call) -> Answer | None:
        """Answer a fault of the kinds error_5xx, throttle and reject; None lets the call through."""


class FakeServer:
    """Serves the fakes: each has a path prefix, and one answers whatever no prefix claims."""

    def __init__(self, faults: FaultRegistry) -> None:
        self._faults = faults
        self._fakes: list[tuple[str, str, Fake]] = []
        self.calls: Counter[str] = Counter()
        """How often functions called each fake, by method: `scheduler.POST`."""
        self.on_crash: Callable[[int, int], None] = lambda _process, _port: None

    def add(self, prefix: str, target: str, fake: Fake) -> None:
        """Serve `fake` under a prefix; `target` is its name in faults."""
        self._fakes.append((prefix, target, fake))
        self._fakes.sort(key=lambda entry: len(entry[0]), reverse=True)

    async def handle(self, http: web.BaseRequest) -> web.StreamResponse:
        """Answer one HTTP request."""
        path = http.raw_path.partition("?")[0]
        # Not by aiohttp's `read`, which takes no more than a megabyte: SES takes mail of 40.
        body = await http.content.read()
        for prefix, target, fake in self._fakes:
            if path.startswith(prefix):
                call = Call(
                    http.method,
                    "/" + path.removeprefix(prefix).lstrip("/") if prefix.startswith("/aws") else path,
                    http.query,
                    {name.lower(): value for name, value in http.headers.items()},
                    body,
                    http.transport.get_extra_info("peername")[1] if http.transport else 0,
                )
                if caller(call.headers):
                    self.calls[f"{target}.{call.method}"] += 1
                return _response(await self._play(target, fake, call))
        return web.json_response({"message": "no such service in the local cloud"}, status=404)

    async def _play(self, target: str, fake: Fake, call: Call) -> Answer:
        fault = self._faults.draw(target, CALL_KINDS)
        if fault is None:
            return await fake.answer(call)
        if fault.kind == "delay":
            await asyncio.sleep(_DELAY_S)
            return await fake.answer(call)
        if fault.kind in ("error_5xx", "throttle", "reject"):
            refusal = fake.refuse(fault, call)
            return _struck(refusal, fault) if refusal is not None else await fake.answer(call)
        if fault.kind != "timeout_before":
            await fake.answer(call)
        process = caller(call.headers)
        if fault.kind == "crash_after":
            self.on_crash(process, call.peer_port)
        elif process:
            return _struck(Answer(TIMED_OUT), fault)
        await asyncio.sleep(_HANG_S)  # any other client waits as it would for the provider
        return Answer(504)


def caller(headers: Mapping[str, str]) -> int:
    """Read the process id of the calling worker; 0 for anyone else."""
    return int(headers.get(WORKER, "0"))


def _struck(answer: Answer, fault: Fault) -> Answer:
    return replace(answer, headers={**answer.headers, STRUCK: fault.kind})


def _response(answer: Answer) -> web.Response:
    headers = dict(answer.headers)
    if isinstance(answer.body, bytes):
        return web.Response(status=answer.status, body=answer.body, headers=headers)
    body = b"" if answer.body is None else json.dumps(answer.body).encode()
    headers.setdefault("content-type", "application/json")
    return web.Response(status=answer.status, body=body, headers=headers)
