"""Bookings as a file tells them. All times are wall times in the organization's zone unless a field says otherwise."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

STATUSES: Final = ("booked", "completed", "cancelled", "no_show")


class InvalidFileError(ValueError):
    """A file that can't be read as bookings; the message names line and column."""


@dataclass(frozen=True)
class Guest:
    """Who booked. `consents` are the channels on which service messages are allowed."""

    id: str
    first_name: str
    last_name: str
    locale: str | None = None
    phone: str | None = None
    email: str | None = None
    consents: tuple[str, ...] = ()
    enrolled: bool = True


@dataclass(frozen=True)
class Change:
    """New values of a booking's fields, from `at` on. `actor` is client, staff or system."""

    at: datetime
    values: Mapping[str, Any]
    actor: str = "staff"


@dataclass(frozen=True)
class Booking:
    """One booking from being made to its end. `start` is wall time in `time_zone`, or in the organization's."""

    id: str
    booked_at: datetime
    start: datetime
    duration_minutes: int
    guest: Guest
    status: str = "booked"
    status_at: datetime | None = None
    status_actor: str = "staff"
    service: str | None = None
    source: str = "api"
    actor: str = "system"
    time_zone: str | None = None
    staff: tuple[str, ...] = ()
    changes: tuple[Change, ...] = field(default=())


@dataclass(frozen=True)
class BookingFile:
    """What was read, and the organization it fits."""

    bookings: tuple[Booking, ...]
    time_zone: str
    country: str
    locale: str
    notes: tuple[str, ...] = ()

    def first(self, count: int | None) -> BookingFile:
        """Answer the file's first bookings only; None: all."""
        return replace(self, bookings=self.bookings[:count])


Reader = Callable[[Iterable[Mapping[str, str]]], BookingFile]


def read_file(path: Path, readers: Mapping[frozenset[str], Reader]) -> BookingFile:
    """Read a CSV file with the reader whose columns its header holds. Raises InvalidFileError."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidFileError(f"{path} can't be read: {error}") from error
    rows = csv.DictReader(text.splitlines())
    header = frozenset(rows.fieldnames or ())
    for columns, reader in readers.items():
        if columns <= header:
            found = reader(rows)
            if not found.bookings:
                raise InvalidFileError(f"{path} holds no booking")
            return found
    wanted = " or ".join(", ".join(sorted(columns)) for columns in readers)
    raise InvalidFileError(f"{path} lacks columns: it takes {wanted}")
