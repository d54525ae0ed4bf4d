"""Names and limits of schedules, as EventBridge Scheduler states them.

Emulators accept names and expressions that AWS refuses, so the rules are ours, and tested.
"""

import re
from datetime import UTC, datetime, timedelta

from carillon.domain.ids import digest
from carillon.domain.times import iso

_NAME = re.compile(r"[0-9a-zA-Z_.\-]{1,64}")
SOON = timedelta(seconds=60)
"""Schedules have minute precision and none may lie in the past, so what is due this soon goes straight to the queue."""


def schedule_name(o: str, record: str, key: str, at: datetime, generation: int) -> str:
    """Name a reminder's schedule: the same reminder always has the same name, and no other has it."""
    name = f"r-{digest(o, record, key, iso(at), str(generation))}"
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"{name!r} is no name for a schedule")
    return name


def waiting_name(o: str, recipient: str, message: str, at: datetime) -> str:
    """Name the schedule of a stored message that waits; `message` is its digest.

    By whole seconds, as the message keeps its turn, so whoever reads it there names the same schedule.
    """
    return f"m-{digest(o, recipient, message, iso(at.replace(microsecond=0)))}"


def at_expression(at: datetime) -> str:
    """Write a one-time expression for an instant, in UTC without a suffix, never before the instant.

    The scheduler's precision is the minute; seconds are kept as they are, parts of seconds are rounded up.
    """
    instant = at.astimezone(UTC)
    if instant.microsecond:
        instant = instant.replace(microsecond=0) + timedelta(seconds=1)
    return f"at({instant:%Y-%m-%dT%H:%M:%S})"


def is_soon(at: datetime, now: datetime) -> bool:
    """Whether an instant is too near (or past) for a schedule."""
    return at <= now + SOON
