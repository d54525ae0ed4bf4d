"""The process in which one function runs: events come in and answers go out as JSON lines over a socket.

Started as `python -m local.worker <fd> <parent pid> <clock file> <function> <handler> <timeout>`, with exactly
the environment of the function, so nothing of it is read from there.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import played
from local.clock import SimulatedClock

_PR_SET_PDEATHSIG = 1
Handler = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class LambdaContext:
    """What Lambda hands to a handler beside the event."""

    function_name: str
    aws_request_id: str
    invoked_function_arn: str
    memory_limit_in_mb: int
    deadline: float
    function_version: str = "$LATEST"
    log_stream_name: str = "local"
    identity: None = None
    client_context: None = None

    @property
    def log_group_name(self) -> str:
        """Answer the log group that the function would have on AWS."""
        return f"/aws/lambda/{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """Answer the real time left in milliseconds before the process is killed."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))


def end_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, however that happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def load_handler(path: str, clock: SimulatedClock) -> Handler:
    """Import the handler `package.module.name`, with the simulated clock in place of the machine's."""
    module, name = path.rsplit(".", 1)
    try:
        bootstrap = importlib.import_module("carillon.bootstrap")
    except ModuleNotFoundError as error:
        if error.name not in ("carillon", "carillon.bootstrap"):
            raise
    else:
        setattr(bootstrap, "clock", clock)  # noqa: B010 - the module is only known at run time
    handler: Handler = getattr(importlib.import_module(module), name)
    return handler


def describe(error: BaseException) -> dict[str, Any]:
    """Describe an exception as Lambda answers it to the invoker."""
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "stackTrace": traceback.format_tb(error.__traceback__),
    }


class Worker:
    """Answers invocations one after another until the cloud closes the socket."""

    def __init__(
        self, channel: socket.socket, clock: SimulatedClock, function: str, handler: str, waits: played.Waits
    ) -> None:
        self._channel = channel
        self._clock = clock
        self._waits = waits
        self._function = function
        self._path = handler
        self._handler: Handler | None = None

    def run(self, timeout_s: float) -> None:
        """Import the handler, say so, and serve. An exception of the handler is answered, and the process goes on."""
        with self._channel.makefile("rwb") as stream:
            try:
                self._handler = load_handler(self._path, self._clock)
            except Exception:  # noqa: BLE001 - the next invocation tries again and answers what is wrong
                traceback.print_exc()
            stream.write(b"{}\n")
            stream.flush()
            while line := stream.readline():
                request = json.loads(line)
                stream.write(self._answer(request, timeout_s) + b"\n")
                stream.flush()

    def _answer(self, request: dict[str, Any], timeout_s: float) -> bytes:
        context = LambdaContext(
            function_name=self._function,
            aws_request_id=request["request_id"],
            invoked_function_arn=request["arn"],
            memory_limit_in_mb=request["memory_mb"],
            deadline=time.monotonic() + timeout_s,
        )
        self._waits.begin(timeout_s)
        try:
            if self._handler is None:
                self._handler = load_handler(self._path, self._clock)
            return json.dumps({"ok": self._handler(request["event"], context)}).encode()
        except Exception as error:  # noqa: BLE001 - the runtime's edge: everything is answered
            traceback.print_exc()
            return json.dumps({"error": describe(error)}).encode()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()


def main() -> None:
    """Take the socket over and serve."""
    handle, parent, clock_file, function, handler, timeout_s = sys.argv[1:]
    end_with_parent(int(parent))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    waits = played.install()
    channel = socket.socket(fileno=int(handle))
    Worker(channel, SimulatedClock(Path(clock_file)), function, handler, waits).run(float(timeout_s))


if __name__ == "__main__":
    main()
