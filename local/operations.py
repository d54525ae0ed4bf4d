"""What the tools server offers, done on the running cloud."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from local import wiring
from local.clock import SimulatedClock
from local.config import TWILIO_ACCOUNT
from local.fakes.stripe import Stripe
from local.faults import Fault
from local.provision import fill_secrets, make_resources
from local.triggers.streams import StreamPump

if TYPE_CHECKING:
    from local.cloud import Cloud

_BACKEND_TARGETS = frozenset({"dynamodb", "sqs"})


class Operations:
    """See `local.tools.Tools`."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.clock: SimulatedClock = cloud.clock
        self.shop: Stripe = cloud.stripe

    async def move_clock(self, target_from: Callable[[float], float], housekeeping_s: float | None) -> None:
        """Move the clock, working off all that falls due."""
        await self._cloud.engine.move(target_from, housekeeping_s)

    async def outbox(self) -> list[dict[str, Any]]:
        """Answer what was sent, oldest first."""
        return await self._cloud.tracer.entries()

    async def set_faults(self, faults: list[Fault]) -> None:
        """Put faults in force; those on the backend are played there."""
        for fault in faults:
            self._cloud.faults.add(fault)
        await self._tell_backend()

    async def clear_faults(self) -> None:
        """End all faults."""
        self._cloud.faults.clear()
        await self._tell_backend()

    async def _tell_backend(self) -> None:
        chosen = [f.describe() for f in self._cloud.faults.faults() if f.target in _BACKEND_TARGETS]
        await self._cloud.backend.call("faults", faults=[{**f, "struck": None} for f in chosen])

    async def describe_faults(self) -> list[dict[str, Any]]:
        """Answer the faults in force with how often they struck."""
        counts = {(f["target"], f["kind"]): f["struck"] for f in await self._cloud.backend.call("fault_counts")}
        return [
            {**fault, "struck": fault["struck"] + counts.get((fault["target"], fault["kind"]), 0)}
            for fault in self._cloud.faults.describe()
        ]

    async def reset(self) -> None:
        """Forget everything but the clock and the operator's key, and begin empty."""
        await self.clear_faults()
        await self._cloud.engine.pause()
        try:
            await self._cloud.workers.stop()
            self._cloud.store.clear()
            self._cloud.store.put_note("operator key", self._cloud.operator_key)
            await self._cloud.backend.call("reset")
            await asyncio.to_thread(make_resources, self._cloud.template, self._cloud.backend.url)
            await asyncio.to_thread(fill_secrets, self._cloud.template, self._cloud.backend.url, TWILIO_ACCOUNT)
            self._cloud.workers.update(wiring.functions(self._cloud.template))
            self._cloud.schedules.ensure_group("default")
            for group in self._cloud.template.resources("AWS::Scheduler::ScheduleGroup"):
                self._cloud.schedules.ensure_group(group.name)
            await self._cloud.approve_templates()
            self._cloud.gateway.authorizers.forget()
            for pump in self._cloud.pumps:
                if isinstance(pump, StreamPump):
                    await pump.open()
        finally:
            self._cloud.engine.resume()

    async def inbound(self, channel: str, sender: str, text: str) -> int:
        """Let a client reply."""
        return await self._cloud.inbound.deliver(channel, sender, text)

    async def set_dns(self, records: list[dict[str, str]]) -> int:
        """Set DNS records; without any, take all out."""
        if records:
            return self._cloud.identities.set_records(records)
        self._cloud.identities.clear_records()
        return 0

    async def invoke(self, function: str, event: Any) -> dict[str, Any]:
        """Run a function, by its name with or without the stack's, on an event; raises KeyError for an unknown one."""
        name = function if function in self._cloud.workers.functions else f"{self._cloud.config.stack_name}-{function}"
        outcome = await self._cloud.workers.invoke(name, event)
        return {"payload": outcome.payload, "error": outcome.error}

    def functions(self) -> dict[str, Any]:
        """Answer how often each function ran and failed, and how long it took."""
        return {name: asdict(tally) for name, tally in self._cloud.workers.tallies.items()}

    async def calls(self) -> dict[str, int]:
        """Answer how often functions called each operation of AWS and of each provider, since the start."""
        return {**await self._cloud.backend.call("calls"), **self._cloud.fakes.calls}

    async def queues(self) -> dict[str, Any]:
        """Answer what waits in queues and streams."""
        return await self._cloud.backend.state()
