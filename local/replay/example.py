"""Writes an example of a booking file: a salon's bookings, always the same for the same seed.

python -m local.replay.example --first 2027-03-01 --count 240 > examples/bookings.csv
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Final

from local.replay.bookings import Booking, Change, Guest
from local.replay.hotel import fictional_phone
from local.replay.own_format import write

# Off the quarters of an hour at which appointments begin, so that no step meets a reminder's own instant.
_MINUTES: Final = (7, 22, 37, 52)
_SLOT: Final = timedelta(minutes=15)
_SERVICES: Final = (("Cut", 45), ("Colour", 90), ("Blow-dry", 30), ("Beard trim", 30), ("Highlights", 120))
_STAFF: Final = ("mila", "jonas")
_NAMES: Final = ("Sanne", "Daan", "Zofia", "Piotr", "Camille", "Hugo", "Olivia", "James", "Noor", "Aoife")
_LOCALES: Final = ("nl", "nl", "pl", "pl", "fr", "fr", "en", "en", "", "de")
_CONSENTS: Final = (
    ("whatsapp", "sms", "email"),
    ("whatsapp", "sms", "email"),
    ("sms", "email"),
    ("whatsapp",),
    ("email",),
    (),
)
# Zones that change their clocks on other days, and one that changes it by half an hour.
_ZONES: Final = ("America/New_York", "Australia/Lord_Howe", "Europe/Warsaw")
_SHARE_ELSEWHERE: Final = 0.15
_SHARE_NIGHT: Final = 0.05


def make(count: int, first: date, days: int, seed: int) -> list[Booking]:
    """Make `count` bookings, made from `first` on and all over some three weeks after `days` days."""
    chosen = random.Random(seed)  # noqa: S311 - repeatable, not secret
    guests = [_guest(number, chosen) for number in range(1, max(2, count // 3) + 1)]
    bookings = [_booking(number, chosen, chosen.choice(guests), first, days) for number in range(1, count + 1)]
    return sorted(bookings, key=lambda booking: booking.booked_at)


def _guest(number: int, chosen: random.Random) -> Guest:
    index = number % len(_NAMES)
    reach = chosen.random()
    return Guest(
        id=f"client-{number:03d}",
        first_name=_NAMES[index],
        last_name=f"Example {number}",
        locale=_LOCALES[index] or None,
        phone=fictional_phone(500_000 + number) if reach < 0.75 else None,  # noqa: PLR2004 - three of four
        email=f"client{number:03d}@example.org" if 0.15 < reach < 0.9 else None,  # noqa: PLR2004 - three of four
        consents=chosen.choice(_CONSENTS),
        enrolled=chosen.random() > 0.1,  # noqa: PLR2004 - all but a tenth
    )


def slot(moment: datetime) -> datetime:
    """Put an instant on a minute at which nothing else happens."""
    return moment.replace(minute=_MINUTES[moment.minute // 15], second=0, microsecond=0)


def _booking(number: int, chosen: random.Random, guest: Guest, first: date, days: int) -> Booking:
    day = first + timedelta(days=chosen.randrange(days))
    booked_at = slot(datetime.combine(day, time(chosen.randrange(7, 21), chosen.randrange(60))))
    start = _start(chosen, day)
    while start < booked_at + 12 * _SLOT:
        start += timedelta(days=1)
    service, minutes = chosen.choice(_SERVICES)
    time_zone = chosen.choice(_ZONES) if chosen.random() < _SHARE_ELSEWHERE else None
    # A start in another zone may be half a day earlier or later than the same wall time at home.
    margin = timedelta(days=1) if time_zone else timedelta()
    start += margin
    status = chosen.choices(("completed", "cancelled", "no_show", "booked"), (60, 20, 8, 12))[0]
    status_at = None
    end = start - margin
    if status == "cancelled":
        status_at = end = slot(booked_at + 6 * _SLOT + (end - booked_at - 6 * _SLOT) * chosen.uniform(0, 0.9))
    elif status != "booked":
        status_at = slot(start + margin + timedelta(days=9, minutes=minutes + 20))
    by_client = chosen.random() < 0.5  # noqa: PLR2004 - half of them
    staff = (chosen.choice(_STAFF),) if chosen.random() < 0.4 else ()  # noqa: PLR2004 - two of five
    return Booking(
        id=f"booking-{number:04d}",
        booked_at=booked_at,
        start=start,
        duration_minutes=minutes,
        guest=guest,
        status=status,
        status_at=status_at,
        status_actor=chosen.choice(("client", "staff")),
        service=service,
        source="widget" if by_client else chosen.choice(("console", "api")),
        actor="client" if by_client else f"staff:{staff[0]}" if staff else "system",
        time_zone=time_zone,
        staff=staff,
        changes=_changes(chosen, booked_at, end, start, staff),
    )


def _start(chosen: random.Random, day: date) -> datetime:
    """Choose a start: by day as a rule, now and then at an hour that a clock change skips or repeats."""
    day += timedelta(days=min(chosen.randrange(21), chosen.randrange(21)))
    if chosen.random() < _SHARE_NIGHT:
        return datetime.combine(day, time(2, 30))
    return datetime.combine(day, time(chosen.randrange(7, 20), chosen.choice((0, 15, 30, 45))))


def _changes(
    chosen: random.Random, booked_at: datetime, end: datetime, start: datetime, staff: tuple[str, ...]
) -> tuple[Change, ...]:
    count = chosen.choices((0, 1, 2, 3), (60, 22, 12, 6))[0]
    changes: list[Change] = []
    for number in range(1, count + 1):
        at = slot(booked_at + (end - booked_at) * number / (count + 1))
        if at <= (changes[-1].at if changes else booked_at) or at >= end:
            break
        actor = chosen.choice(("client", "system", *(f"staff:{name}" for name in staff)))
        later = start + timedelta(days=chosen.randrange(1, 6), hours=chosen.randrange(3))
        kind = chosen.randrange(7)
        # The third kind takes a move back: the start is what it was at first.
        values = (
            {"start": later},
            {"start": later, "service": "Cut and colour"},
            {"start": start},
            {"duration_minutes": 15 * chosen.randrange(2, 9)},
            {"note": f"asked for a window seat, {number}"},
            {"staff": (chosen.choice(_STAFF),)},
            {"start": later, "notify": False},
        )[kind]
        changes.append(Change(at, values, actor))
    return tuple(changes)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a command."""
    parser = argparse.ArgumentParser(prog="python -m local.replay.example", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--count", type=int, default=240, help="how many bookings (240)")
    parser.add_argument("--first", type=date.fromisoformat, required=True, help="the first day, yyyy-mm-dd")
    parser.add_argument("--days", type=int, default=35, help="over how many days bookings are made (35)")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args(arguments)
    write(make(options.count, options.first, options.days, options.seed), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
