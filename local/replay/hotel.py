"""Reads the columns of "Hotel booking demand datasets" (N. Antonio, A. de Almeida, L. Nunes, 2019).

Those files have days, but neither hours nor contacts. Both are given here by a hash of the line's number, so that
every run is the same: an hour for each step, a name, a phone and an e-mail address or none, consents, enrolment.
"""

from __future__ import annotations

import calendar
import hashlib
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from local.replay.bookings import Booking, BookingFile, Change, Guest, InvalidFileError

REQUIRED: Final = frozenset(
    {
        "lead_time", "arrival_date_year", "arrival_date_month", "arrival_date_day_of_month",
        "stays_in_weekend_nights", "stays_in_week_nights", "booking_changes",
        "reservation_status", "reservation_status_date",
    }
)  # fmt: skip
NOTES: Final = (
    "The file has days only: hours, names, phones, e-mail addresses, consents and the kind of each change",
    "are invented by the line's number, the same in every run.",
)
_STATUSES: Final = {"Check-Out": "completed", "Canceled": "cancelled", "No-Show": "no_show"}
_MONTHS: Final = {name: number for number, name in enumerate(calendar.month_name) if name}
# Steps lie on quarters of an hour, off the full ones at which reminders are due.
_MINUTES: Final = (7, 22, 37, 52)
_SLOT: Final = timedelta(minutes=15)
_ROOMS: Final = ("Double room", "Twin room", "Suite", "Family room", "Sea view")
_LOCALES: Final = {
    "PRT": "pt", "BRA": "pt-BR", "GBR": "en", "IRL": "en", "USA": "en", "ESP": "es", "DEU": "de", "AUT": "de",
    "FRA": "fr", "BEL": "fr", "ITA": "it", "POL": "pl", "NLD": "nl",
}  # fmt: skip
_FIRST: Final = ("Ana", "Rui", "Marta", "Tom", "Elena", "Jan", "Chloé", "Piotr", "Inês", "Liam", "Sofia", "Hugo")
_LAST: Final = ("Silva", "Costa", "Smith", "Murphy", "García", "Müller", "Dubois", "Kowalski", "Jansen", "Rossi")
_ALL: Final = ("whatsapp", "sms", "email")
# (phone, e-mail, consents, enrolled), each as often as it stands here.
_CONTACTS: Final[tuple[tuple[bool, bool, tuple[str, ...], bool], ...]] = (
    *((True, True, _ALL, True),) * 7,
    *((True, True, ("whatsapp", "email"), True),) * 2,
    *((True, True, ("email",), True),) * 2,
    *((True, False, ("sms",), True),) * 2,
    (True, False, ("whatsapp", "sms"), True),
    (False, True, ("email",), True),
    (False, False, _ALL, True),
    (True, True, (), True),
    (True, True, _ALL, False),
    (False, True, ("whatsapp", "sms"), True),
    (False, True, _ALL, True),
)


def read(rows: Iterable[Mapping[str, str]]) -> BookingFile:
    """Read bookings, one a line. Raises InvalidFileError."""
    bookings = []
    for line, row in enumerate(rows, 2):
        try:
            bookings.append(_Line(line, row).booking())
        except (KeyError, ValueError) as error:
            raise InvalidFileError(f"line {line}: {error}") from error
    return BookingFile(tuple(bookings), "Europe/Lisbon", "PT", "en", NOTES)


class _Line:
    """One line with the choices that its number makes."""

    def __init__(self, number: int, row: Mapping[str, str]) -> None:
        self.number = number
        self.row = row
        self.arrival = date(
            int(row["arrival_date_year"]),
            _MONTHS[row["arrival_date_month"]],
            int(row["arrival_date_day_of_month"]),
        )
        month, day, year = (int(part) for part in row["reservation_status_date"].split("/"))
        self.status_day = date(year, month, day)
        self.status = _STATUSES[row["reservation_status"]]
        self.nights = int(row["stays_in_weekend_nights"]) + int(row["stays_in_week_nights"])

    def number_for(self, what: str, below: int) -> int:
        """Answer a whole number below `below`, always the same for this line and purpose."""
        digest = hashlib.sha256(f"{self.number}:{what}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % below

    def slot(self, day: date, first_hour: int, last_hour: int, what: str) -> datetime:
        hour = first_hour + self.number_for(f"{what} hour", last_hour - first_hour + 1)
        return datetime.combine(day, time(hour, _MINUTES[self.number_for(f"{what} minute", len(_MINUTES))]))

    def booking(self) -> Booking:
        booked_day = self.arrival - timedelta(days=int(self.row["lead_time"]))
        hurried = booked_day in (self.arrival, self.status_day)
        booked_at = self.slot(booked_day, 6, 9, "booked") if hurried else self.slot(booked_day, 8, 22, "booked")
        start = self._start(hurried=hurried)
        status_at = self._status_at(start)
        if status_at <= booked_at:
            raise ValueError("the status is older than the booking")
        end = datetime.combine(self.arrival + timedelta(days=self.nights), time(11))
        values: dict[str, Any] = {
            "start": start,
            "duration_minutes": int((end - start).total_seconds()) // 60 if self.nights else 180,
            "service": _ROOMS[self.number_for("room", len(_ROOMS))],
        }
        values, changes = self._changes(values, booked_at, min(status_at, start))
        segment = self.row.get("market_segment", "")
        by_client = segment in ("Online TA", "Direct")
        return Booking(
            id=f"line-{self.number:05d}",
            booked_at=booked_at,
            guest=self._guest(),
            status=self.status,
            status_at=status_at,
            status_actor="client" if self.status == "cancelled" and self.number_for("canceller", 2) else "staff",
            source="widget" if by_client else "api" if segment == "Corporate" else "console",
            actor="client" if by_client else "system" if segment == "Corporate" else "staff",
            changes=changes,
            **values,
        )

    def _start(self, *, hurried: bool) -> datetime:
        """Choose the hour of arrival; now and then one too early for the morning's reminder."""
        if not hurried and self.status_day != self.arrival and self.number_for("early", 12) == 0:
            return datetime.combine(self.arrival, time(7, 30))
        hour = 14 + self.number_for("arrival hour", 7)
        return datetime.combine(self.arrival, time(hour, 30 * self.number_for("arrival minute", 2)))

    def _status_at(self, start: datetime) -> datetime:
        if self.status_day == self.arrival:
            if self.status == "cancelled":
                return self.slot(self.status_day, 11, 13, "status")
            return datetime.combine(self.status_day, time(22 if self.status == "completed" else 23, 37))
        if self.status == "cancelled":
            last = start.hour - 1 if self.status_day == start.date() else 22
            return self.slot(self.status_day, 11, last, "status")
        return self.slot(self.status_day, 9, 12, "status")

    def _changes(
        self, final: dict[str, Any], booked_at: datetime, end: datetime
    ) -> tuple[dict[str, Any], tuple[Change, ...]]:
        """Go back from the final values to the first ones: the file tells how often a booking was changed, not how."""
        count = int(self.row["booking_changes"])
        values = dict(final)
        changes: list[Change] = []
        for number in range(count, 0, -1):
            name, before = self._former(number, values)
            at = _on_slot(booked_at + (end - booked_at) * number / (count + 1))
            changes.insert(0, Change(at, {name: values.get(name, "late arrival")}, ("client", "staff")[number % 2]))
            if name != "note":
                values[name] = before
        spaced: list[Change] = []
        for change in changes:
            earliest = (spaced[-1].at if spaced else booked_at) + _SLOT
            spaced.append(Change(max(change.at, earliest), change.values, change.actor))
        return values, tuple(spaced)

    def _former(self, number: int, values: Mapping[str, Any]) -> tuple[str, Any]:
        kind = self.number_for(f"change {number}", 6)
        if kind == 0:
            return "note", None
        if kind == 1:
            return "service", _ROOMS[(_ROOMS.index(values["service"]) + 1) % len(_ROOMS)]
        if kind == 2:  # noqa: PLR2004 - one of six kinds
            return "duration_minutes", values["duration_minutes"] + 24 * 60
        if kind == 3:  # noqa: PLR2004 - later on the same day
            return "start", values["start"] + timedelta(hours=1, minutes=30)
        return "start", values["start"] + timedelta(days=1 + self.number_for(f"days {number}", 5))

    def _guest(self) -> Guest:
        phone, email, consents, enrolled = _CONTACTS[self.number_for("contacts", len(_CONTACTS))]
        country = self.row.get("country", "")
        return Guest(
            id=f"guest-{self.number:05d}",
            first_name=_FIRST[self.number_for("first name", len(_FIRST))],
            last_name=_LAST[self.number_for("last name", len(_LAST))],
            locale=_LOCALES.get(country),
            phone=fictional_phone(self.number) if phone else None,
            email=f"guest{self.number:05d}@example.org" if email else None,
            consents=consents,
            enrolled=enrolled,
        )


def fictional_phone(number: int) -> str:
    """Build a phone that belongs to nobody: Dutch numbers for machines."""
    return f"+3197010{number:06d}"


def _on_slot(moment: datetime) -> datetime:
    quarter = moment.minute // 15
    return moment.replace(minute=_MINUTES[quarter], second=0, microsecond=0)
