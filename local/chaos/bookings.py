"""Bookings that happen in a few days, so that much meets in little simulated time: always the same for a seed."""

from __future__ import annotations

import random
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from local.replay.bookings import Booking, BookingFile, Change, Guest
from local.replay.example import slot
from local.replay.hotel import fictional_phone
from local.replay.own_format import COUNTRY, LOCALE, ZONE

_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)
_QUARTERS: Final = (0, 15, 30, 45)
_STAFF: Final = ("mila", "jonas")
_ALL: Final = ("whatsapp", "sms", "email")
# Whom no channel reaches says little about faults, so most have several.
_REACH: Final[tuple[tuple[tuple[str, ...], bool, bool], ...]] = (
    (_ALL, True, True),
    (_ALL, True, True),
    (("whatsapp",), True, False),
    (("sms", "email"), True, True),
    (("sms",), True, True),
    (("email",), False, True),
    (_ALL, False, True),
    ((), True, True),
)


def make(count: int, first: date, seed: int) -> BookingFile:
    """Make `count` bookings, twenty a day from `first` on, each with its appointment on that day or the next."""
    chosen = random.Random(f"bookings/{seed}")  # noqa: S311 - repeatable, not secret
    days = max(1, count // 20)
    guests = [_guest(number, chosen) for number in range(max(2, count // 2))]
    bookings = [_booking(number, chosen, chosen.choice(guests), first, days) for number in range(1, count + 1)]
    ordered = sorted(bookings, key=lambda booking: booking.booked_at)
    return BookingFile(tuple(ordered), time_zone=ZONE, country=COUNTRY, locale=LOCALE)


def _guest(number: int, chosen: random.Random) -> Guest:
    consents, phone, email = chosen.choice(_REACH)
    return Guest(
        id=f"client-{number:03d}",
        first_name="Chaos",
        last_name=f"Example {number}",
        locale=chosen.choice(("nl", "en", "pl", "fr")),
        phone=fictional_phone(700_000 + number) if phone else None,
        email=f"client{number:03d}@example.org" if email else None,
        consents=consents,
        enrolled=chosen.random() > 0.1,  # noqa: PLR2004 - all but a tenth
    )


def _booking(number: int, chosen: random.Random, guest: Guest, first: date, days: int) -> Booking:
    day = first + timedelta(days=chosen.randrange(days))
    booked_at = slot(datetime.combine(day, time(chosen.randrange(7, 20), chosen.randrange(60))))
    start = datetime.combine(day, time(chosen.randrange(8, 20), chosen.choice(_QUARTERS)))
    start += _DAY * chosen.randrange(2)
    while start < booked_at + 2 * _HOUR:
        start += _DAY
    status = chosen.choices(("completed", "cancelled", "no_show", "booked"), (50, 20, 5, 25))[0]
    end = start
    status_at = None
    if status == "cancelled":
        status_at = end = slot(booked_at + _HOUR + (start - booked_at - _HOUR) * chosen.uniform(0, 0.9))
    staff = (chosen.choice(_STAFF),) if chosen.random() < 0.4 else ()  # noqa: PLR2004 - two of five
    changes = _changes(chosen, booked_at, end, start)
    if status in ("completed", "no_show"):
        last = max([start, *(change.values["start"] for change in changes if "start" in change.values)])
        status_at = slot(last + 2 * _HOUR)
    by_client = chosen.random() < 0.5  # noqa: PLR2004 - half of them
    return Booking(
        id=f"booking-{number:04d}",
        booked_at=booked_at,
        start=start,
        duration_minutes=chosen.choice((30, 45, 60)),
        guest=guest,
        status=status,
        status_at=status_at,
        status_actor=chosen.choice(("client", "staff")),
        service="Cut",
        source="widget" if by_client else "console",
        actor="client" if by_client else "system",
        staff=staff,
        changes=changes,
    )


def _changes(chosen: random.Random, booked_at: datetime, end: datetime, start: datetime) -> tuple[Change, ...]:
    """Up to three changes before the end, some of them minutes apart, so that one finds the other's still under way."""
    changes: list[Change] = []
    at = booked_at
    for number in range(chosen.choices((0, 1, 2, 3), (50, 25, 15, 10))[0]):
        at = slot(at + timedelta(minutes=15) * chosen.choice((1, 1, 2, 8, 24)))
        if at <= (changes[-1].at if changes else booked_at) or at >= end - _HOUR:
            break
        later = start + _HOUR * chosen.choice((1, 2, 5))
        values: dict[str, Any] = (
            {"start": later},
            {"start": start},
            {"start": later, "service": "Colour"},
            {"duration_minutes": chosen.choice((30, 90, 120))},
            {"note": f"asked for a window seat, {number}"},
            {"staff": (chosen.choice(_STAFF),)},
        )[chosen.randrange(6)]
        changes.append(Change(at, values, chosen.choice(("client", "staff", "system"))))
    return tuple(changes)
