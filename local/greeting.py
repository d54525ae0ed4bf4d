"""What `make run` prints once everything is up."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from local.cloud import Cloud
    from local.demo import Demo


def greet(console: Console, cloud: Cloud, demo: Demo | None) -> None:
    """Print where everything is and, with a demo, three commands to paste."""
    lines = {
        "API": cloud.api_url,
        "OpenAPI": f"{cloud.api_url}/docs",
        "Outbox": f"{cloud.tools_url}/outbox",
        "Operator key": cloud.operator_key,
    }
    if demo:
        lines["API key"] = f"{demo.api_key}  ({demo.organization})"
    console.print("\n[bold green]Carillon runs locally.[/bold green]\n")
    for label, value in lines.items():
        # Never wrapped: addresses and keys are there to be copied.
        console.print(Text(f"{label:<14}", style="bold") + Text(value), soft_wrap=True)
    if demo:
        console.print(f"\n{demo.summary}\n\nTry, in another terminal:\n")
        for command in commands(cloud, demo):
            console.print(command, soft_wrap=True, markup=False)
            console.print()
    console.print(f"[dim]State and logs are in {cloud.config.state_dir}. Ctrl-C ends everything.[/dim]")


def commands(cloud: Cloud, demo: Demo) -> list[str]:
    """Build the three curl commands: put an appointment, move the clock, read the outbox."""
    start = (cloud.clock.now() + timedelta(days=1)).strftime("%Y-%m-%dT14:30:00")
    body = (
        f'{{"client_id": "{demo.client_id}", "start": "{start}", "duration_minutes": 45, '
        '"service": "Knippen", "status": "booked"}'
    )
    return [
        (
            f"curl -s -X PUT {cloud.api_url}/v1/appointments/try-1 -H 'Authorization: Bearer {demo.api_key}' "
            f"-H 'Content-Type: application/json' -d '{body}'"
        ),
        f'curl -s -X POST {cloud.tools_url}/clock -d \'{{"advance": "PT24H"}}\'',
        f"curl -s {cloud.tools_url}/outbox.json",
    ]
