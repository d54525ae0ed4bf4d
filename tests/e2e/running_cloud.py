"""A local cloud in a process of its own, and what tests do with it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import httpx

REPOSITORY = Path(__file__).parents[2]
PROBE = Path(__file__).parent / "fixtures" / "cloud"
READY_S = 60


@dataclass
class RunningCloud:
    """The process and what it wrote into cloud.json."""

    process: subprocess.Popen[bytes]
    state_dir: Path
    facts: dict[str, Any]
    api: httpx.Client = field(init=False)
    tools: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.api = httpx.Client(base_url=self.facts["api_url"], timeout=60)
        self.tools = httpx.Client(base_url=self.facts["tools_url"], timeout=300)

    def aws(self, service: str) -> Any:
        """Build a boto3 client as a function has it."""
        urls = self.facts["aws_endpoints"]
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=urls.get(service, urls["default"]),
            region_name=self.facts["region"],
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )

    def advance(self, duration: str) -> str:
        """Move the clock on and answer where it is."""
        response = self.tools.post("/clock", json={"advance": duration})
        assert response.status_code == 200, response.text
        return str(response.json()["now"])

    def now(self) -> str:
        """Answer the clock's instant."""
        return str(self.tools.get("/clock").json()["now"])

    def queue_url(self, name: str) -> str:
        """Build a queue's URL."""
        return f"{self.facts['aws_endpoints']['default']}/000000000000/{name}"

    def seen(self, kind: str) -> list[dict[str, str]]:
        """Read what the probe's functions noted of one kind, in the order in which they did."""
        pages = (
            self.aws("dynamodb")
            .get_paginator("query")
            .paginate(
                TableName="carillon-Table",
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": {"S": f"seen {kind}"}},
            )
        )
        items = [item for page in pages for item in page["Items"]]
        return [{"text": item["text"]["S"], "at": item["at"]["S"]} for item in items]

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        self.api.close()
        self.tools.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout=30)
        if self.process.stdout is not None:
            self.process.stdout.close()


def start_cloud(state_dir: Path, *, probe: bool, **environment: str) -> RunningCloud:
    """Start `python -m local` on free ports and wait until it is ready."""
    state_dir.mkdir(parents=True, exist_ok=True)
    (state_dir / "cloud.json").unlink(missing_ok=True)
    variables = {
        **os.environ,
        "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{REPOSITORY / 'layers' / 'shared'}",
        "LOCAL_DIR": str(state_dir),
        "API_PORT": "0",
        "TOOLS_PORT": "0",
        "DEMO": "0",
        **environment,
    }
    if probe:
        variables |= {"LOCAL_TEMPLATE": str(PROBE / "template.yaml"), "LOCAL_CODE": str(PROBE)}
    process = subprocess.Popen(
        [sys.executable, "-m", "local"],
        cwd=REPOSITORY,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout is not None
    output = b""
    for line in process.stdout:
        output += line
        if b"Ctrl-C" in line:
            break
    if not (state_dir / "cloud.json").exists():
        process.kill()
        process.wait()
        process.stdout.close()
        raise AssertionError(output.decode(errors="replace"))
    return RunningCloud(process, state_dir, json.loads((state_dir / "cloud.json").read_text()))


StartCloud = Callable[..., RunningCloud]
