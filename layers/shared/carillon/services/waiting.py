"""Waiting: a stored message whose turn comes later is brought to its channel's queue then.

Up to 15 minutes its queue holds a delayed copy. For longer the jobs' function makes a one-time schedule, so that it
alone needs the right to, and no message hops from quarter of an hour to quarter of an hour. What the message waits for
lies in the message (`not_before`): a copy that comes too early waits on, and one that is lost is found by the sweep.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil

from carillon.domain.values import value
from carillon.ports.queues import Queues, Ready, Schedules
from carillon.ports.system import Clock

LONGEST_DELAY = timedelta(seconds=900)
"""What a queue holds back."""


def hand_over(queues: Queues, messages: Iterable[Ready], now: datetime) -> None:
    """Put stored messages on their channels' queues: now, or when their turn comes."""
    soon = []
    for message in messages:
        if message.at is not None and message.at - now > LONGEST_DELAY:
            queues.send_wait(message, message.at)
        else:
            soon.append(replace(message, delay=_seconds(message.at, now)))
    queues.send_ready(soon)


def _seconds(at: datetime | None, now: datetime) -> int:
    return max(0, min(ceil((at - now).total_seconds()), int(LONGEST_DELAY.total_seconds()))) if at is not None else 0


@value
class Waiting:
    """Makes the schedules of what waits for long."""

    queues: Queues
    schedules: Schedules
    clock: Clock

    def wait(self, message: Ready, at: datetime) -> None:
        """Have a message brought at an instant; a job that comes late, or again, does no harm."""
        now = self.clock.now()
        if at - now > LONGEST_DELAY:
            self.schedules.wait(message, at)
        else:
            hand_over(self.queues, [replace(message, at=at)], now)
