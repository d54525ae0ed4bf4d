"""ministack in a process of its own, with the cloud's end of the control channel."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_LINE_LIMIT = 64 * 1024 * 1024
_STOP_S = 20.0


class BackendError(Exception):
    """The backend refused an operation. `code` is its error code (`QueueDoesNotExist`, …)."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(f"{code}: {message}")


class Backend:
    """DynamoDB, SQS, SNS topics and Secrets Manager, for the cloud itself and, over HTTP, for the workers."""

    def __init__(self, state_dir: Path, log_file: Path, clock_file: Path, region: str) -> None:
        self._state_dir = state_dir
        self._log_file = log_file
        self._clock_file = clock_file
        self._region = region
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._pending: dict[int, asyncio.Future[Any]] = {}
        self._ids = itertools.count(1)
        self.port = 0
        self.on_wake: Callable[[], None] = lambda: None
        self.on_crash: Callable[[int], None] = lambda _: None
        self.on_end: Callable[[], None] = lambda: None

    @property
    def url(self) -> str:
        """Where the AWS clients of the workers find it."""
        return f"http://127.0.0.1:{self.port}"

    def queue_url(self, name: str) -> str:
        """Build the URL of a queue by its name."""
        return f"{self.url}/000000000000/{name}"

    async def start(self) -> None:
        """Start the process; it answers as soon as it has loaded its state."""
        listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = listener.getsockname()[1]
        ours, theirs = socket.socketpair()
        environment = os.environ | {
            "LOCAL_CONTROL_FD": str(theirs.fileno()),
            "LOCAL_LISTEN_FD": str(listener.fileno()),
            "LOCAL_CLOCK": str(self._clock_file),
            "LOCAL_STATE_DIR": str(self._state_dir),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            # Part of the names under which queues are kept, so it must not follow the port really listened on.
            "GATEWAY_PORT": "4566",
            "MINISTACK_REGION": self._region,
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "PERSIST_STATE": "0",
            "LOG_LEVEL": "WARNING",
            "DOCKER_HOST": "unix:///nonexistent",  # never look for a Docker daemon
            "PYTHONPATH": str(Path(__file__).parents[1]),
        }
        self._log_file.parent.mkdir(parents=True, exist_ok=True)
        with self._log_file.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "local.backend_server",
                env=environment,
                pass_fds=(theirs.fileno(), listener.fileno()),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        listener.close()
        theirs.close()
        reader, self._writer = await asyncio.open_connection(sock=ours, limit=_LINE_LIMIT)
        self._reading = asyncio.create_task(self._read(reader))
        await self.state()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            message = json.loads(line)
            if "wake" in message:
                self.on_wake()
            elif "crash" in message:
                self.on_crash(message["crash"])
            else:
                future = self._pending.pop(message["id"])
                if future.cancelled():
                    continue
                if "error" in message:
                    future.set_exception(BackendError(message["error"], message["message"]))
                else:
                    future.set_result(message["ok"])
        for future in self._pending.values():
            if not future.done():
                future.set_exception(BackendError("BackendEnded", f"see {self._log_file}"))
        self._pending.clear()
        self.on_end()

    async def call(self, op: str, **arguments: Any) -> Any:
        """Ask the backend. Raises BackendError."""
        if self._writer is None or self._writer.is_closing():
            raise BackendError("BackendEnded", "not running")
        number = next(self._ids)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._pending[number] = future
        self._writer.write(json.dumps({"id": number, "op": op, **arguments}).encode() + b"\n")
        return await future

    async def sqs(self, action: str, queue: str, **data: Any) -> dict[str, Any]:
        """Do one SQS action on the queue of this name, past all faults."""
        answer: dict[str, Any] = await self.call("sqs", action=action, data={"QueueUrl": self.queue_url(queue), **data})
        return answer

    async def state(self) -> dict[str, Any]:
        """Ask what waits in queues and streams."""
        answer: dict[str, Any] = await self.call("state")
        return answer

    async def stop(self) -> None:
        """Let it save its state and end."""
        if self._process is None or self._writer is None:
            return
        self._writer.close()
        try:
            await asyncio.wait_for(self._process.wait(), _STOP_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL)
            await self._process.wait()
        if self._reading is not None:
            self._reading.cancel()
