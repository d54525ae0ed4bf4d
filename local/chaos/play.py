"""Plays the steps of a booking file while faults strike, lets everything settle, and judges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from bench.recount import World, recount
from bench.recount_faults import Judgement, judge
from local.chaos.client import PatientClient
from local.chaos.gather import Held, gather
from local.chaos.rates import faults
from local.replay.bookings import BookingFile
from local.replay.cloud import Addresses
from local.replay.player import PROBE, set_up, staff_of, whatsapp_has_templates
from local.replay.steps import Step, make_steps, shift_days

AFTER_LAST = timedelta(hours=4)
"""Faults go on so long after the last step or start."""
SETTLING = (timedelta(hours=4), timedelta(hours=16))
"""How long everything then has to settle without faults: the second part only if a record is not planned by then,
since the sweep looks through all records within 18 hours."""
SETTLING_PACE = "PT15M"
"""As often as the sweep runs on AWS: a day of records is looked through each time."""
SEND_ALL = "hour_before"
"""The reminder that goes out on all its channels, so that both strategies meet faults."""
Progress = Callable[[int, datetime], None]


@dataclass
class Outcome:
    """What a simulation came to. `struck` counts faults by (target, kind)."""

    judgement: Judgement
    struck: dict[tuple[str, str], int]
    repeats: Counter[str]
    unplanned: list[str] = field(default_factory=list)
    unbalanced: list[str] = field(default_factory=list)
    dead_letters: dict[str, int] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        """Whether nothing was lost, doubled or wrong, and the quotas are exact."""
        return self.judgement.clean and not self.unplanned and not self.unbalanced


class Simulation:
    """One run in an organization of its own. `pace` is an ISO 8601 duration: how often housekeeping runs."""

    def __init__(self, addresses: Addresses, seed: int, pace: str) -> None:
        self._addresses = addresses
        self._seed = seed
        self._organization = f"chaos-{seed}"
        self._pace = pace
        self._client = PatientClient(addresses)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def run(self, file: BookingFile, progress: Progress) -> Outcome:
        """Play a file from its first day to its last, and what follows. Raises RefusedError."""
        client = self._client
        steps = make_steps(file, shift_days(file.bookings, client.now.date()))
        client.move_to(steps[0].at.replace(hour=0, minute=0))
        key, settings = set_up(client, file, self._organization)
        reminders = [{**r, "strategy": "all"} if r["key"] == SEND_ALL else r for r in settings["reminders"]]
        settings = client.change_settings(key, {"reminders": reminders})
        templates = whatsapp_has_templates(client, key)
        before = len(client.tools("read the outbox", "GET", "/outbox.json")["items"])
        client.tools("set faults", "POST", "/faults", list(faults(self._seed)))
        self._play(steps, key, progress)
        self._move(_end(steps) + AFTER_LAST)
        struck = client.tools("read faults", "GET", "/faults")["items"]
        client.tools("end faults", "DELETE", "/faults")
        held = self._settled(before)
        expected = recount(steps, World(settings, staff_of(file), whatsapp_templates=templates))
        judgement = judge(steps, expected.messages, held.messages, settings["reminders"])
        judgement.doubled += held.strays
        return Outcome(
            judgement,
            {(fault["target"], fault["kind"]): fault["struck"] for fault in struck},
            client.repeats,
            held.unplanned,
            held.unbalanced,
            self._dead_letters(),
        )

    def _settled(self, before: int) -> Held:
        """Let everything come to rest; answers what the system holds then, and the outbox took since `before`."""
        held = Held()
        for time in SETTLING:
            self._client.move_to(self._client.now + time, housekeeping=SETTLING_PACE)
            outbox = self._client.tools("read the outbox", "GET", f"/outbox.json?after={before}")["items"]
            held = gather(self._addresses, self._organization, outbox, PROBE)
            if not held.unplanned:
                break
        return held

    def _play(self, steps: Sequence[Step], key: str, progress: Progress) -> None:
        done = 0
        for at, group in groupby(steps, key=lambda step: step.at):
            self._move(at)
            for step in group:
                self._state(step, key)
                done += 1
            progress(done, at)

    def _state(self, step: Step, key: str) -> None:
        body: dict[str, Any] = dict(step.body)
        if step.client is not None and step.inline:
            body.pop("client_id")
            body["client"] = step.client
        elif step.client is not None:
            self._client.api("create clients", "PUT", f"/v1/clients/{step.client['id']}", key, step.client)
        self._client.api("state appointments", "PUT", f"/v1/appointments/{step.record}", key, body)

    def _move(self, instant: datetime) -> None:
        self._client.move_to(instant, housekeeping=self._pace)

    def _dead_letters(self) -> dict[str, int]:
        queues = self._client.tools("read the queues", "GET", "/queues.json")["queues"]
        dead = {
            name: int(state["visible"]) for name, state in queues.items() if "DeadLetter" in name or "Failure" in name
        }
        return {name: count for name, count in dead.items() if count}


def _end(steps: Sequence[Step]) -> datetime:
    """Answer when the last step is over and the last appointment has begun."""
    last = {step.record: step for step in steps}.values()
    starts = [datetime.fromisoformat(step.body["start"]).replace(tzinfo=UTC) for step in last]
    return max([steps[-1].at, *starts])
