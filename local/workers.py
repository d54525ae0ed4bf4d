"""Runs functions: one warm process each (a few for those behind the API), started on first use."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.peers import process_at
from local.template import ACCOUNT_ID
from local.wiring import FunctionSpec

_LINE_LIMIT = 64 * 1024 * 1024
_PAYLOAD_LIMIT = 6 * 1024 * 1024
_IMPORT_LIMIT_S = 60.0
# A first invocation makes clients and reads secrets, which takes long on a machine that is busy with other things.
_FIRST_TIMES = 4


@dataclass(frozen=True)
class Outcome:
    """What an invocation came to. `error` is set if the function raised, ran out of time or died."""

    payload: Any = None
    error: Mapping[str, Any] | None = None


@dataclass
class Tally:
    """How often a function ran, how often it failed, and how many real seconds it took in all."""

    invocations: int = 0
    errors: int = 0
    seconds: float = 0.0

    def add(self, seconds: float, *, failed: bool) -> None:
        """Count one invocation."""
        self.invocations += 1
        self.errors += failed
        self.seconds = round(self.seconds + seconds, 6)


class _Process:
    """One worker process and our end of its socket."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter
        self.first = True

    @property
    def alive(self) -> bool:
        return self.process.returncode is None

    async def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
        self.writer.close()


class Workers:
    """All functions' processes. `environment` is what every function gets beside its own variables."""

    def __init__(
        self,
        functions: Mapping[str, FunctionSpec],
        environment: Mapping[str, str],
        clock_file: Path,
        log_dir: Path,
        region: str,
    ) -> None:
        self.functions = functions
        self._environment = environment
        self._clock_file = clock_file
        self._log_dir = log_dir
        self._region = region
        self._idle: dict[str, list[_Process]] = {name: [] for name in functions}
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._all: set[_Process] = set()
        self.concurrency: dict[str, int] = {}
        self.tallies: dict[str, Tally] = {name: Tally() for name in functions}
        self.running = 0
        self.on_finished: Callable[[], None] = lambda: None

    async def invoke(self, function: str, event: Any) -> Outcome:
        """Run the function on an event and wait for its answer; the event goes through JSON, as on AWS."""
        spec = self.functions[function]
        slots = self._slots.setdefault(function, asyncio.Semaphore(self.concurrency.get(function, 1)))
        self.running += 1
        try:
            async with slots:
                process = await self._take(spec)
                began = time.monotonic()
                outcome = await self._exchange(process, spec, event)
                self.tallies[function].add(time.monotonic() - began, failed=outcome.error is not None)
                if process.alive:
                    self._idle[function].append(process)
                else:
                    self._all.discard(process)
                return outcome
        finally:
            self.running -= 1
            self.on_finished()

    async def warm(self, function: str) -> None:
        """Start a process of the function, if there is none, and keep it for its first invocation."""
        if function in self.functions and not self._idle[function]:
            self._idle[function].append(await self._start(self.functions[function]))

    async def _take(self, spec: FunctionSpec) -> _Process:
        idle = self._idle[spec.name]
        while idle:
            process = idle.pop()
            if process.alive:
                return process
            self._all.discard(process)
        return await self._start(spec)

    async def _start(self, spec: FunctionSpec) -> _Process:
        ours, theirs = socket.socketpair()
        self._log_dir.mkdir(parents=True, exist_ok=True)
        arguments = (theirs.fileno(), os.getpid(), self._clock_file, spec.name, spec.handler, spec.timeout_s)
        with (self._log_dir / f"{spec.name}.log").open("ab") as log:
            started = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "local.worker",
                *(str(argument) for argument in arguments),
                env={**self._environment, **_lambda_variables(spec, self._region), **spec.environment},
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        theirs.close()
        process = _Process(started)
        process.reader, process.writer = await asyncio.open_connection(sock=ours, limit=_LINE_LIMIT)
        self._all.add(process)
        # Importing doesn't count as running time, as on Lambda. A process that ends meanwhile shows when it is used.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.reader.readline(), _IMPORT_LIMIT_S)
        return process

    async def _exchange(self, process: _Process, spec: FunctionSpec, event: Any) -> Outcome:
        request_id = str(uuid.uuid4())
        arn = f"arn:aws:lambda:{self._region}:{ACCOUNT_ID}:function:{spec.name}"
        request = {"request_id": request_id, "arn": arn, "memory_mb": spec.memory_mb, "event": event}
        limit = spec.timeout_s * (_FIRST_TIMES if process.first else 1)
        process.first = False
        try:
            process.writer.write(json.dumps(request).encode() + b"\n")
            line = await asyncio.wait_for(process.reader.readline(), limit)
        except TimeoutError:
            await process.kill()
            message = f"{request_id} Task timed out after {spec.timeout_s:.2f} seconds"
            return Outcome(error={"errorType": "Sandbox.Timedout", "errorMessage": message})
        except ConnectionError:
            line = b""
        except asyncio.CancelledError:
            await process.kill()
            raise
        if not line:
            await process.kill()
            message = f"RequestId: {request_id} Error: Runtime exited without providing a reason"
            return Outcome(error={"errorType": "Runtime.ExitError", "errorMessage": message})
        answer = json.loads(line)
        if "error" in answer:
            return Outcome(error=answer["error"])
        if len(line) > _PAYLOAD_LIMIT:
            message = "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
            return Outcome(error={"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message})
        return Outcome(payload=answer["ok"])

    def update(self, functions: Mapping[str, FunctionSpec]) -> None:
        """Take over changed environments; processes started from now on get them."""
        self.functions = functions

    def crash(self, process_id: int, port: int = 0) -> None:
        """Kill the worker with this process id, or else the one connected from this port, as a fault asks."""
        process_id = process_id or process_at(port, [p.process.pid for p in self._all if p.alive])
        for process in self._all:
            if process.process.pid == process_id and process.alive:
                process.process.kill()

    async def stop(self) -> None:
        """End all processes."""
        await asyncio.gather(*(process.kill() for process in self._all))
        self._all.clear()
        for idle in self._idle.values():
            idle.clear()


def _lambda_variables(spec: FunctionSpec, region: str) -> dict[str, str]:
    """Build the variables that Lambda's own runtime sets."""
    return {
        "AWS_LAMBDA_FUNCTION_NAME": spec.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory_mb),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{spec.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "_HANDLER": spec.handler,
        "TZ": ":UTC",
        "LANG": "en_US.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
    }
