"""The documented columns (docs/replay.md), read and written."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, Final, TextIO

from local.replay.bookings import STATUSES, Booking, BookingFile, Change, Guest, InvalidFileError

REQUIRED: Final = frozenset({"booking", "booked_at", "start", "duration_minutes", "client", "status"})
COLUMNS: Final = (
    "booking", "booked_at", "source", "actor", "start", "time_zone", "duration_minutes", "service", "staff",
    "client", "first_name", "last_name", "locale", "phone", "email", "consents", "enrolled",
    "changes", "status", "status_at", "status_actor",
)  # fmt: skip
_CHANGEABLE: Final = ("start", "duration_minutes", "service", "location", "staff", "note", "notify")
_MINUTES: Final = "minutes"
ZONE, COUNTRY, LOCALE = "Europe/Amsterdam", "NL", "nl"


def read(rows: Iterable[Mapping[str, str]]) -> BookingFile:
    """Read bookings. A client's columns count where the client appears first. Raises InvalidFileError."""
    guests: dict[str, Guest] = {}
    bookings = []
    for line, row in enumerate(rows, 2):
        try:
            guest = guests.setdefault(row["client"], _guest(row))
            bookings.append(_booking(row, guest))
        except (KeyError, ValueError) as error:
            raise InvalidFileError(f"line {line}: {error}") from error
    return BookingFile(tuple(bookings), ZONE, COUNTRY, LOCALE)


def _guest(row: Mapping[str, str]) -> Guest:
    return Guest(
        id=row["client"],
        first_name=row.get("first_name") or "Guest",
        last_name=row.get("last_name") or row["client"],
        locale=row.get("locale") or None,
        phone=row.get("phone") or None,
        email=row.get("email") or None,
        consents=tuple((row.get("consents") or "").split()),
        enrolled=_yes(row.get("enrolled") or "yes"),
    )


def _booking(row: Mapping[str, str], guest: Guest) -> Booking:
    status = row["status"]
    if status not in STATUSES:
        raise ValueError(f"status is one of {', '.join(STATUSES)}, not {status!r}")
    if status != "booked" and not row.get("status_at"):
        raise ValueError("status_at is missing")
    return Booking(
        id=row["booking"],
        booked_at=datetime.fromisoformat(row["booked_at"]),
        start=datetime.fromisoformat(row["start"]),
        duration_minutes=int(row["duration_minutes"]),
        guest=guest,
        status=status,
        status_at=datetime.fromisoformat(row["status_at"]) if status != "booked" else None,
        status_actor=row.get("status_actor") or "staff",
        service=row.get("service") or None,
        source=row.get("source") or "api",
        actor=row.get("actor") or "system",
        time_zone=row.get("time_zone") or None,
        staff=tuple((row.get("staff") or "").split()),
        changes=tuple(_change(text) for text in (row.get("changes") or "").split("|") if text.strip()),
    )


def _change(text: str) -> Change:
    """Read `<at> <actor> name=value;name=value`."""
    at, _, rest = text.strip().partition(" ")
    actor, _, assignments = rest.partition(" ")
    values: dict[str, Any] = {}
    for assignment in assignments.split(";"):
        name, equals, value = assignment.strip().partition("=")
        if not equals or name not in _CHANGEABLE:
            raise ValueError(f"changes: {assignment!r} is no name=value of {', '.join(_CHANGEABLE)}")
        values[name] = _value(name, value)
    return Change(datetime.fromisoformat(at), values, actor)


def _value(name: str, text: str) -> Any:
    if name == "start":
        return datetime.fromisoformat(text)
    if name == "duration_minutes":
        return int(text)
    if name == "staff":
        return tuple(text.split(","))
    return _yes(text) if name == "notify" else text


def _yes(text: str) -> bool:
    if text not in ("yes", "no"):
        raise ValueError(f"{text!r} is neither yes nor no")
    return text == "yes"


def write(bookings: Iterable[Booking], file: TextIO) -> None:
    """Write bookings with all columns."""
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for booking in bookings:
        row = {name: _text(value) for name, value in _values(booking).items() if name in COLUMNS}
        writer.writerow(row)


def _values(booking: Booking) -> dict[str, Any]:
    values = {f.name: getattr(booking, f.name) for f in fields(booking) if f.name not in ("id", "guest", "changes")}
    guest = {f.name: getattr(booking.guest, f.name) for f in fields(booking.guest) if f.name != "id"}
    changes = "|".join(
        f"{_text(change.at)} {change.actor} "
        + ";".join(f"{name}={_text(value, ',')}" for name, value in change.values.items())
        for change in booking.changes
    )
    return {**values, **guest, "booking": booking.id, "client": booking.guest.id, "changes": changes}


def _text(value: Any, between: str = " ") -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(timespec=_MINUTES)
    return between.join(value) if isinstance(value, tuple) else str(value)
