"""Names and limits of schedules, as EventBridge Scheduler states them.

Emulators accept names and expressions that AWS refuses, so the rules are ours, and tested.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from carillon.domain.ids import digest
from carillon.domain.times import iso, parse_local_time, to_wall, wall_on

_NAME = re.compile(r"[0-9a-zA-Z_.\-]{1,64}")
SOON = timedelta(seconds=60)
"""Schedules have minute precision and none may lie in the past, so what is due this soon goes straight to the queue."""
LOOKS_AHEAD = timedelta(days=10 * 366)
"""How far ahead changes of the clocks are looked for: nobody leaves a setting alone for longer."""


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


def cron_name(o: str, kind: str, at: str, zone: str, generation: int) -> str:
    """Name the schedule of a recap; `generation` is never used twice, so no name is deleted and made again."""
    return f"c-{digest(o, 'recap', kind, at, zone, str(generation))}"


def cron_expression(at: str, zone: str, today: date) -> str:
    """Write a daily expression for a wall time such as 07:00, to be read in the zone.

    On a day whose clocks jump over that time the scheduler would leave the day out, so the time to which it moves then
    is among the expression's own. Who takes what fires decides which of them is meant.
    """
    return _daily({parse_local_time(at), *(to_wall(instant, zone).time() for instant in _to_come(at, zone, today))})


def utc_expression(at: str, zone: str, today: date) -> str:
    """Write a daily expression for a wall time of a zone that the scheduler does not know, to be read in UTC.

    It has the times that the wall time comes to in summer and in winter; again, not all of them are meant on each day.
    """
    return _daily({instant.time() for instant in _to_come(at, zone, today)})


def _to_come(at: str, zone: str, today: date) -> Iterator[datetime]:
    return (wall_on(today + timedelta(days=ahead), at, zone) for ahead in range(LOOKS_AHEAD.days))


def _daily(times: set[time]) -> str:
    minutes, hours = ({getattr(each, part) for each in times} for part in ("minute", "hour"))
    return f"cron({','.join(map(str, sorted(minutes)))} {','.join(map(str, sorted(hours)))} * * ? *)"


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
