"""From bookings to the calls that state them, in order of time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from local.replay.bookings import Booking, BookingFile, Guest

_WEEK_DAYS = 7
_LEAD_DAYS = 2


@dataclass(frozen=True)
class Step:
    """One PUT of an appointment at `at` (UTC), with the whole document, and the client's before it if it is new."""

    at: datetime
    record: str
    body: dict[str, Any]
    client: dict[str, Any] | None = field(default=None)
    inline: bool = False


def shift_days(bookings: Sequence[Booking], today: date) -> int:
    """Answer by how many days, whole weeks, a file moves on so that it begins after `today`. 0: it does already."""
    first = min(booking.booked_at for booking in bookings).date()
    missing = (today + timedelta(days=_LEAD_DAYS) - first).days
    return math.ceil(missing / _WEEK_DAYS) * _WEEK_DAYS if missing > 0 else 0


def make_steps(file: BookingFile, days: int) -> list[Step]:
    """Lay all bookings, moved on by `days`, on one line of time. Equal instants keep the file's order."""
    zone = ZoneInfo(file.time_zone)
    steps: list[Step] = []
    for booking in file.bookings:
        steps += _steps(booking, zone, timedelta(days=days))
    steps.sort(key=lambda step: step.at)
    return list(_with_clients(steps, {booking.guest.id: booking.guest for booking in file.bookings}))


def _steps(booking: Booking, zone: ZoneInfo, shift: timedelta) -> Iterator[Step]:
    body: dict[str, Any] = {
        "client_id": booking.guest.id,
        "start": (booking.start + shift).isoformat(),
        "duration_minutes": booking.duration_minutes,
        "status": "booked",
        "source": booking.source,
    }
    if booking.service:
        body["service"] = booking.service
    if booking.time_zone:
        body["time_zone"] = booking.time_zone
    if booking.staff:
        body["staff_ids"] = list(booking.staff)

    def step(at: datetime, actor: str, **more: Any) -> Step:
        instant = (at + shift).replace(tzinfo=zone).astimezone(UTC)
        return Step(instant, booking.id, {**body, "actor": _actor(actor, booking), **more})

    yield step(booking.booked_at, booking.actor)
    for change in booking.changes:
        values = _as_fields(change.values, shift)
        # Whether anybody is told belongs to the call, not to the appointment.
        once = {"notify": values.pop("notify")} if "notify" in values else {}
        body.update(values)
        yield step(change.at, change.actor, **once)
    if booking.status_at is not None:
        body["status"] = booking.status
        yield step(booking.status_at, booking.status_actor)


def _as_fields(values: Mapping[str, Any], shift: timedelta) -> dict[str, Any]:
    """Name a change's values as the API does."""
    fields = dict(values)
    if "start" in fields:
        fields["start"] = (fields["start"] + shift).isoformat()
    if "staff" in fields:
        fields["staff_ids"] = list(fields.pop("staff"))
    if "note" in fields:
        fields["fields"] = {"note": fields.pop("note")}
    return fields


def _actor(actor: str, booking: Booking) -> dict[str, Any]:
    """Read `client`, `system`, `staff`, or `staff:<id>`."""
    kind, _, name = actor.partition(":")
    if kind == "client":
        name = booking.guest.id
    return {"type": kind, "id": name} if name else {"type": kind}


def _with_clients(steps: Sequence[Step], guests: dict[str, Guest]) -> Iterator[Step]:
    """Give each client's first step the client; every second one travels inside the appointment."""
    known: set[str] = set()
    for step in steps:
        client_id = step.body["client_id"]
        if client_id in known:
            yield step
            continue
        known.add(client_id)
        document = client_document(guests[client_id])
        yield Step(step.at, step.record, step.body, document, inline=len(known) % 2 == 0)


def client_document(guest: Guest) -> dict[str, Any]:
    """Build the client as the API takes it."""
    optional = {"locale": guest.locale, "phone": guest.phone, "email": guest.email}
    return {
        "id": guest.id,
        "first_name": guest.first_name,
        "last_name": guest.last_name,
        **{name: value for name, value in optional.items() if value},
        "enrolled": guest.enrolled,
        "consents": {"service": dict.fromkeys(guest.consents, True), "source": "replay"},
    }
