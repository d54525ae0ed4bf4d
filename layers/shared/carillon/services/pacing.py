"""Pacing: an organization's burst is spread out before it reaches the channels' queues.

It stands in front of the queues, so that whoever hands over messages need not know of it. What a process sees of an
organization is little as a rule and passes free of any call; in a burst each batch takes its slots in one write. A slot
becomes the delay of the queue's message. One that is minutes away is noted in the message too, where everyone looks who
hands it over again, the sweep among them.

Slots taken before a crash are lost, and only they: whoever repeats the batch takes others, and a message that has one
noted keeps it. If slots can't be had, messages go without: queues are fair by themselves, and nothing may be lost here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil
from threading import Lock
from typing import Any

from carillon.domain.errors import Contended
from carillon.domain.rates import Rate, Used, micros, slot_instant
from carillon.ports.messages import Messages
from carillon.ports.queues import Due, Queues, Ready
from carillon.ports.rates import Rates
from carillon.ports.system import Clock

NOTED_AFTER = timedelta(minutes=5)
"""What waits longer says so in the message: the sweep takes up what rests for 15 minutes and doesn't."""
LONGEST_DELAY = timedelta(seconds=900)
ROUNDS = 6
REMEMBERED = 1000
"""How many organizations a process remembers."""

Report = Callable[[str, Exception], None]
"""Told of an organization whose slots could not be taken."""


class Pace:
    """What this process knows of organizations' rates; one for all queues of a process."""

    def __init__(self, rate: Rate, rates: Rates, on_error: Report) -> None:
        self.rate = rate
        self._rates = rates
        self._on_error = on_error
        self._free: dict[str, int] = {}
        self._known: dict[str, Used] = {}
        self._lock = Lock()

    def slots(self, org_id: str, urgent: Sequence[bool], now: int) -> list[int]:
        """Give a slot for each message of a batch, in microseconds; now for all where there is no burst."""
        if self._is_free(org_id, len(urgent), now):
            return [now] * len(urgent)
        try:
            return self._taken(org_id, urgent, now)
        except Exception as error:  # noqa: BLE001 - a rate must not hold up what is to be sent
            self._on_error(org_id, error)
            return [now] * len(urgent)

    def _is_free(self, org_id: str, count: int, now: int) -> bool:
        """Pass a batch by the process's own allowance. A burst uses it up, and it stays so until the burst is over."""
        lane = self.rate.free
        with self._lock:
            if len(self._free) > REMEMBERED:
                self._free = {name: tat for name, tat in self._free.items() if tat > now}
                self._known = {name: used for name, used in self._known.items() if name in self._free}
            after = lane.after(self._free.get(org_id, 0), count, now)
            if after <= now + lane.burst * lane.interval and not self._is_behind(org_id, now):
                self._free[org_id] = after
                return True
            self._free[org_id] = now + lane.burst * lane.interval
            return False

    def _is_behind(self, org_id: str, now: int) -> bool:
        return org_id in self._known and self.rate.is_behind(self._known[org_id], now)

    def _taken(self, org_id: str, urgent: Sequence[bool], now: int) -> list[int]:
        used = self._known.get(org_id, Used())
        for _ in range(ROUNDS):
            taking = self.rate.taking(used, urgent, now)
            taken, used = self._rates.take(org_id, self.rate, taking, used, now)
            if taken:
                slots, after = self.rate.given(used, urgent, taking, now)
                with self._lock:
                    self._known[org_id] = after
                return slots
        raise Contended("an organization's lanes kept changing")


class PacedQueues:
    """See the port `Queues`: what goes to the channels' queues goes at its organization's pace."""

    def __init__(self, queues: Queues, pace: Pace, messages: Messages, clock: Clock) -> None:
        self._queues = queues
        self._pace = pace
        self._messages = messages
        self._clock = clock

    def send_ready(self, messages: Sequence[Ready]) -> None:
        """Put stored messages on their channels' queues, each in its slot; what waits for something has its turn."""
        now = self._clock.now()
        by_org: dict[str, list[int]] = {}
        for place, message in enumerate(messages):
            if not message.paced and not message.delay:
                by_org.setdefault(message.org_id, []).append(place)
        paced = list(messages)
        for org_id, places in by_org.items():
            slots = self._pace.slots(org_id, [not messages[place].patient for place in places], micros(now))
            for place, slot in zip(places, slots, strict=True):
                paced[place] = self._placed(messages[place], slot, now)
        self._queues.send_ready([message for message in paced if _far(message, now) is None])
        for message in paced:
            at = _far(message, now)
            if at is not None:
                self._queues.send_wait(message, at)

    def _placed(self, message: Ready, slot: int, now: datetime) -> Ready:
        if slot <= micros(now):
            return message
        at = slot_instant(slot, message.deadline, now)
        wait = at - now
        if wait > NOTED_AFTER and self._messages.postpone(message.org_id, message.key, at, at=now):
            message = replace(message, at=at, paced=True)
        return replace(message, delay=min(ceil(wait.total_seconds()), int(LONGEST_DELAY.total_seconds())))

    def send_due(self, reminders: Sequence[Due]) -> None:
        """Put reminders on the due queue at once."""
        self._queues.send_due(reminders)

    def send_job(self, job: Mapping[str, Any], *, delay: int = 0) -> None:
        """Put a job on the jobs queue."""
        self._queues.send_job(job, delay=delay)

    def send_wait(self, message: Ready, at: datetime) -> None:
        """Have a job see to it that a stored message comes to its channel's queue at a later instant."""
        self._queues.send_wait(message, at)


def _far(message: Ready, now: datetime) -> datetime | None:
    """Give the slot of a message that no queue holds back for so long."""
    return message.at if message.paced and message.at is not None and message.at - now > LONGEST_DELAY else None
