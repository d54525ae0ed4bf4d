# ruff: noqa: SLF001 - ministack has no public way to what is reached into here
"""The process that runs ministack, with the simulated clock put in and a control channel to the cloud.

The channel is a socket pair, one JSON object a line. The cloud asks `{"id", "op", ...}` and is answered
`{"id", "ok"}` or `{"id", "error", "message"}`; `{"wake": true}` tells it that a queue or a stream has changed.
When the other end closes, the cloud is gone: state is saved and the process ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import time
import warnings
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from ministack import app as ministack_app  # type: ignore[import-untyped]
from ministack.services import dynamodb, secretsmanager, sns, sqs  # type: ignore[import-untyped]

from local.asgi_server import serve
from local.backend_calls import CountingBackend
from local.backend_faults import FaultyBackend
from local.backend_state import (
    Streams,
    delete_snapshot,
    dump,
    load_snapshot,
    queue_states,
    save_snapshot,
    sent_messages,
)
from local.clock import SimulatedClock

_SNAPSHOT_EVERY_S = 2.0
_LINE_LIMIT = 64 * 1024 * 1024


class SimulatedTime:
    """Stands in for the module `time` inside ministack's services."""

    def __init__(self, clock: SimulatedClock) -> None:
        self.time = clock.time

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


class Wake:
    """Takes the place of ministack's own wake-up event and passes it on to the cloud."""

    def __init__(self) -> None:
        self.notify: Callable[[], None] = lambda: None

    def set(self) -> None:
        """Note that some queue or stream has something new."""
        self.notify()


class ControlChannel:
    """Answers the cloud's requests and sends it wake-ups."""

    def __init__(self, streams: Streams, faulty: FaultyBackend, counting: CountingBackend, state_dir: Path) -> None:
        self._streams = streams
        self._state_dir = state_dir
        self._faulty = faulty
        self._questions: dict[str, Callable[[], Any]] = {
            "messages": sent_messages,
            "fault_counts": faulty.describe,
            "calls": counting.counts,
        }
        self._writer: asyncio.StreamWriter | None = None
        self._told = False
        self.dirty = False

    def notify(self) -> None:
        """Send one wake-up for all changes since the cloud last asked for the state."""
        self.dirty = True
        if self._writer is not None and not self._told:
            self._told = True
            self._writer.write(b'{"wake":true}\n')

    def crash(self, process_id: int) -> None:
        """Ask the cloud to end the worker that made the call just answered."""
        if self._writer is not None:
            self._writer.write(json.dumps({"crash": process_id}).encode() + b"\n")

    async def run(self, channel: socket.socket) -> None:
        """Serve until the cloud closes its end."""
        reader, self._writer = await asyncio.open_connection(sock=channel, limit=_LINE_LIMIT)
        while line := await reader.readline():
            request = json.loads(line)
            try:
                answer: dict[str, Any] = {"ok": await self._answer(request)}
            except Exception as error:  # noqa: BLE001 - whatever it is, the asker is told
                answer = {"error": getattr(error, "code", type(error).__name__), "message": str(error)}
            self._writer.write(dump({"id": request["id"], **answer}).encode() + b"\n")

    async def _answer(self, request: dict[str, Any]) -> Any:
        match request["op"]:
            case "sqs":
                self.dirty = True
                return await sqs._dispatch(request["action"], request["data"], request["data"]["QueueUrl"])
            case "state":
                self._told = False
                return {"queues": queue_states(), "streams": self._streams.unread()}
            case "stream_open":
                return self._streams.open(request["table"], request["consumer"])
            case "stream_read":
                return self._streams.read(request["table"], request["consumer"], request["limit"])
            case "stream_advance":
                self.dirty = True
                return self._streams.advance(request["table"], request["consumer"], request["count"])
            case "faults":
                return self._faulty.replace(request["faults"])
            case "reset":
                self._streams.reset()
                delete_snapshot(self._state_dir)
                ministack_app._reset_all_state()
                return None
            case str(question) if question in self._questions:
                return self._questions[question]()
            case other:
                raise ValueError(f"unknown operation {other}")


async def _snapshots(channel: ControlChannel, streams: Streams, state_dir: Path) -> None:
    """Save the state now and then while it changes, in a forked child, so that a kill -9 loses only seconds."""
    pause = _SNAPSHOT_EVERY_S
    while True:
        await asyncio.sleep(pause)
        if not channel.dirty:
            continue
        channel.dirty = False
        began = time.monotonic()
        with warnings.catch_warnings():  # other threads only wait; the alarm covers the rest
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            signal.alarm(60)  # a lock held by another thread at the fork would never be released
            try:
                save_snapshot(state_dir, streams)
            finally:
                os._exit(0)
        await asyncio.get_running_loop().run_in_executor(None, os.waitpid, child, 0)
        pause = max(_SNAPSHOT_EVERY_S, 10 * (time.monotonic() - began))


def remember_expressions() -> None:
    """Keep what reading an expression gives: ministack reads it again for every item that it looks at."""
    tokens = lru_cache(maxsize=1024)(dynamodb._tokenize)
    dynamodb._tokenize = lambda expression: list(tokens(expression))
    dynamodb._condition_syntax_error = lru_cache(maxsize=1024)(dynamodb._condition_syntax_error)


async def _main() -> None:
    clock = SimulatedClock(Path(os.environ["LOCAL_CLOCK"]))
    state_dir = Path(os.environ["LOCAL_STATE_DIR"])
    wake = Wake()
    simulated = SimulatedTime(clock)
    for module in (sqs, dynamodb, sns, secretsmanager):
        module.time = simulated
    for module in (sqs, dynamodb, sns):
        module.esm_wake = wake
    remember_expressions()
    streams = Streams()
    faulty = FaultyBackend(ministack_app.app)
    counting = CountingBackend(faulty)
    channel = ControlChannel(streams, faulty, counting, state_dir)
    wake.notify = channel.notify
    faulty.on_crash = channel.crash

    load_snapshot(state_dir, streams)
    control = socket.socket(fileno=int(os.environ["LOCAL_CONTROL_FD"]))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the cloud ends us in order

    async def serve_control() -> None:
        await channel.run(control)
        stop.set()

    ministack_app._MAIN_LOOP = loop  # what its lifespan handler would set; the rest of that isn't needed here
    server = await serve(counting, socket.socket(fileno=int(os.environ["LOCAL_LISTEN_FD"])))
    tasks = [
        asyncio.create_task(serve_control()),
        asyncio.create_task(_snapshots(channel, streams, state_dir)),
    ]
    await stop.wait()
    server.close()
    for task in tasks:
        task.cancel()
    save_snapshot(state_dir, streams)


if __name__ == "__main__":
    asyncio.run(_main())
