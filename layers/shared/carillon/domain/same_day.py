"""One client's appointments of one day: the first one's reminder may stand for the others, which it lists.

Days are each appointment's own, in the zone in which it takes place. A message says which appointments it listed; only
that silences the reminder of a later one, so nothing is left unsaid when the first is cancelled, fails, or went out
before the later one was booked.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from carillon.domain.ids import digest
from carillon.domain.messages import Message
from carillon.domain.record_documents import CONFIRMED, Appointment
from carillon.domain.records import StoredRecord
from carillon.domain.times import iso, to_wall
from carillon.domain.values import value

WEST, EAST = timedelta(hours=13), timedelta(hours=15)
"""A day begins up to 14 hours earlier in the east of the world than at UTC, and up to 12 later in the west."""
TOLD = frozenset({"sent", "delivered", "read"})
"""A message in one of these has been handed over. One that is `unknown` may not have been, and silences nothing."""
LOOK_AGAIN = timedelta(seconds=30)
"""How long a later appointment's reminder waits before it looks again what became of the first one's."""
FIRST_IS_LOST = timedelta(hours=1)
"""A reminder that was due so long ago and left no message is not waited for; the sweep would have brought it."""
MARK = 12


@value
class Earlier:
    """An earlier appointment of the day, with the messages of its reminder."""

    record: StoredRecord
    messages: tuple[Message, ...] = ()


@value
class Day:
    """A client's other appointments of the day: those before this one, and those that follow it, by start."""

    earlier: tuple[Earlier, ...] = ()
    later: tuple[StoredRecord, ...] = ()


def day_of(appointment: Appointment, zone: str) -> date:
    """Give the day on which an appointment takes place, where it does."""
    return to_wall(appointment.starts(zone), appointment.time_zone or zone).date()


def span(appointment: Appointment, zone: str) -> tuple[datetime, datetime]:
    """Bound the instants at which appointments of the same day can start, wherever they take place."""
    start = appointment.starts(zone)
    wall = to_wall(start, appointment.time_zone or zone)
    begin = start - (wall - wall.replace(hour=0, minute=0, second=0, microsecond=0))
    return begin - WEST - EAST, begin + timedelta(days=1) + WEST + EAST


def mark_of(record: StoredRecord, zone: str) -> str:
    """Name an appointment at its start, briefly: as such a message lists it."""
    return digest(record.ref, iso(record.appointment.starts(zone)))[:MARK]


def arranged(record: StoredRecord, found: Iterable[Earlier], zone: str) -> Day:
    """Arrange what was found of a client round an appointment.

    An earlier one that has taken place still counts, a later one only while it is to; others don't.
    """
    own, today = _order(record, zone), day_of(record.appointment, zone)
    same = [
        each
        for each in found
        if each.record.ref != record.ref
        and not each.record.deleted
        and each.record.client_id == record.client_id
        and day_of(each.record.appointment, zone) == today
    ]
    same.sort(key=lambda each: _order(each.record, zone))
    before = (each for each in same if _order(each.record, zone) < own)
    after = (each.record for each in same if _order(each.record, zone) > own)
    return Day(
        earlier=tuple(each for each in before if each.record.appointment.status in CONFIRMED | {"completed"}),
        later=tuple(each for each in after if each.appointment.status in CONFIRMED),
    )


def listed_by(mark: str, messages: Sequence[Message]) -> bool:
    """Whether one of these messages told of an appointment."""
    return any(message.status in TOLD and mark in message.listed for message in messages)


def waits_for(earlier: Earlier, key: str, of_channel: Sequence[Message], now: datetime, zone: str) -> datetime | None:
    """Say until when an earlier appointment's reminder may still come to list a later one; None: it won't any more.

    `of_channel`: those of its messages that could stand for the later one's.
    """
    under_way = [message for message in of_channel if message.status in ("queued", "sending")]
    if under_way:
        return max(now, *(message.not_before or now for message in under_way)) + LOOK_AGAIN
    record = earlier.record
    if earlier.messages or record.appointment.status not in CONFIRMED:
        return None
    start = record.appointment.starts(zone)
    entry = next((each for each in record.plan if (each.name, each.start, each.state) == (key, start, "planned")), None)
    if entry is None or now >= entry.fires + FIRST_IS_LOST:
        return None
    return max(now, entry.fires) + LOOK_AGAIN


def _order(record: StoredRecord, zone: str) -> tuple[datetime, str]:
    return record.appointment.starts(zone), record.ref
