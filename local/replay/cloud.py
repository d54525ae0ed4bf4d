"""A fresh local cloud for one replay, in a process and a folder of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.config import REPOSITORY

_READY_S = 60.0
_END_S = 30.0


class CloudFailedError(RuntimeError):
    """The local cloud did not start; the message ends with what it said."""


@dataclass(frozen=True)
class Addresses:
    """Where a local cloud answers."""

    api_url: str
    tools_url: str
    operator_key: str
    backend_url: str = ""
    region: str = ""
    twilio_url: str = ""


@contextmanager
def own_cloud(keep: Path | None = None) -> Iterator[Addresses]:
    """Start a local cloud on free ports, and end it; `keep` has its state and logs then. Raises CloudFailedError."""
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="carillon-replay-")))
        state = folder / "local"
        state.mkdir(parents=True, exist_ok=True)
        said = folder / "output"
        variables = {
            **os.environ,
            "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{REPOSITORY / 'layers' / 'shared'}",
            "LOCAL_DIR": str(state),
            "API_PORT": "0",
            "TOOLS_PORT": "0",
            "DEMO": "0",
            "FRESH": "1",
        }
        (state / "cloud.json").unlink(missing_ok=True)
        with said.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "local"],
                cwd=REPOSITORY,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield _wait(process, state / "cloud.json", said)
        finally:
            _end(process)


def _wait(process: subprocess.Popen[bytes], facts: Path, said: Path) -> Addresses:
    until = time.monotonic() + _READY_S
    while not facts.exists():
        if process.poll() is not None or time.monotonic() > until:
            raise CloudFailedError(f"the local cloud did not start:\n{said.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)
    found = json.loads(facts.read_text())
    endpoints = found["aws_endpoints"]
    return Addresses(
        api_url=found["api_url"],
        tools_url=found["tools_url"],
        operator_key=found["operator_key"],
        backend_url=endpoints["default"],
        region=found["region"],
        twilio_url=endpoints["twilio"],
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
