"""`python -m local`: starts the local cloud, makes the demo organization, says where everything is."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import logging
import signal
import sys
from typing import Any

from rich.console import Console

from local.cloud import AlreadyRunningError, Cloud
from local.config import CloudConfig, from_environment
from local.demo import Demo, DemoFailedError, make_demo
from local.greeting import greet

_PRIVATE = 0o600


async def run(config: CloudConfig, console: Console) -> int:
    """Run until a signal comes; answers the exit status."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    cloud = Cloud(config)
    broken: list[str] = []

    def backend_ended() -> None:
        if not stop.is_set():
            broken.append(f"The backend ended by itself; see {config.state_dir / 'logs' / 'backend.log'}")
            stop.set()

    cloud.backend.on_end = backend_ended  # without it nothing works any more
    starting = asyncio.create_task(_start(cloud, console))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            demo = starting.result()
            greet(console, cloud, demo)
            await stopping
            console.print(*(f"[red]{text}[/red]" for text in broken), "[dim]ending …[/dim]")
    finally:
        for task in (starting, stopping):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task
        await cloud.stop()
    return 1 if broken else 0


async def _start(cloud: Cloud, console: Console) -> Demo | None:
    with console.status("starting") as status:
        await cloud.start(lambda what: status.update(f"starting: {what}"))
        demo = None
        if cloud.config.demo:
            status.update("making the demo organization")
            demo = await make_demo(cloud, lambda what: status.update(f"demo: {what}"))
        status.update("starting: WhatsApp templates")
        await cloud.templates_approved()
        _write_facts(cloud, demo)
        return demo


def _write_facts(cloud: Cloud, demo: Demo | None) -> None:
    facts: dict[str, Any] = {
        "api_url": cloud.api_url,
        "tools_url": cloud.tools_url,
        "operator_key": cloud.operator_key,
        "api_key": demo.api_key if demo else None,
        "region": cloud.config.region,
        "aws_endpoints": {
            "default": cloud.backend.url,
            "sns": f"{cloud.fakes_url}/aws/sns",
            "sesv2": f"{cloud.fakes_url}/aws/ses",
            "scheduler": f"{cloud.fakes_url}/aws/scheduler",
            "twilio": cloud.fakes_url,
        },
    }
    path = cloud.config.state_dir / "cloud.json"
    temporary = path.with_suffix(".new")
    temporary.touch(mode=_PRIVATE)
    temporary.write_text(json.dumps(facts, indent=2) + "\n")
    temporary.replace(path)


def main() -> int:
    """Run as a command."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    console = Console(highlight=False)
    try:
        config = from_environment()
        return asyncio.run(run(config, console))
    except (AlreadyRunningError, DemoFailedError) as error:
        console.print(f"[red]{error}[/red]")
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        console.print("[red]A port is taken.[/red] Choose others: make run API_PORT=9080 TOOLS_PORT=9081")
    except ValueError as error:
        console.print(f"[red]{error}[/red]")
    return 1


if __name__ == "__main__":
    sys.exit(main())
