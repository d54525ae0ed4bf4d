"""The reminders of an appointment: a pure function of the record, the reminders in force, and now."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from carillon.domain.records import CONFIRMED, Appointment, Planned, StoredRecord
from carillon.domain.settings import Reminder, When
from carillon.domain.times import to_wall, wall_on
from carillon.domain.timing import Quiet, early_call
from carillon.domain.values import value

AFTER_END = CONFIRMED | {"completed"}
Late = Literal["skip", "send_now", "drop"]
KEPT_ENTRIES = 24
"""A plan keeps what has passed or was cancelled for this start, up to this many entries; the oldest cancelled go."""


@value
class Subject:
    """What the plan needs to know of an appointment: instants in UTC, and the zone in which people read them."""

    start: datetime
    end: datetime
    zone: str
    status: str
    completed_at: datetime | None

    @classmethod
    def of(cls, appointment: Appointment, completed_at: datetime | None, organization_zone: str) -> "Subject":
        """Take the subject out of an appointment."""
        return cls(
            start=appointment.starts(organization_zone),
            end=appointment.ends(organization_zone),
            zone=appointment.time_zone or organization_zone,
            status=appointment.status,
            completed_at=completed_at,
        )


def instant(when: When, subject: Subject) -> datetime | None:
    """Say at which instant a reminder is meant; None while it isn't known or the status does not call for it."""
    if when.days_before is not None and when.at is not None:
        day = to_wall(subject.start, subject.zone).date() - timedelta(days=when.days_before)
        return wall_on(day, when.at, subject.zone) if subject.status in CONFIRMED else None
    if when.before is not None:
        return subject.start - when.offset if subject.status in CONFIRMED else None
    if subject.status == "completed" and subject.completed_at is None:
        return None  # new as completed: imported history, which nothing follows
    if when.after_end is not None:
        return subject.end + when.offset if subject.status in AFTER_END else None
    if subject.completed_at is None or subject.status != "completed":
        return None
    return subject.completed_at + when.offset


def called_for(when: When, record: StoredRecord, organization_zone: str) -> bool:
    """Whether an appointment's status (still) calls for a reminder of this form."""
    return instant(when, Subject.of(record.appointment, record.completed_at, organization_zone)) is not None


def plan(
    subject: Subject,
    reminders: Iterable[Reminder],
    *,
    previous: Sequence[Planned],
    fired: Sequence[str],
    late_booking: Late,
    now: datetime,
    revision: int,
    quiet: Quiet | None = None,
) -> tuple[Planned, ...]:
    """Plan an appointment's reminders.

    What was planned before for the same start and instant stays as it is, so planning again changes nothing. An
    instant that had passed when it was planned is `too_late`, or is sent at once if `late_booking` says so: only the
    latest of several, only before the start, and never one whose key was sent before; `drop` leaves it out, for a
    plan that is made again although nobody booked or moved anything. `revision` is the generation of new entries.
    What `quiet` hours would hold past the appointment is looked at before they begin; its instant stays as it is meant.
    """
    same_start = {entry.key: entry for entry in previous if entry.start == subject.start}
    entries: dict[str, Planned] = {}
    missed: list[Planned] = []
    for reminder in reminders:
        at = instant(reminder.when, subject) if reminder.enabled else None
        before = same_start.pop(reminder.key, None)
        early = early_call(reminder, at, subject.start, quiet, now) if quiet and at and at < subject.start else None
        if before is not None and _stays(before, at, early, now):
            entries[reminder.key] = before
        elif at is not None:
            fresh = Planned(reminder.key, subject.start, at, "planned", revision, early=early)
            if reminder.when.ahead_of_start and at >= subject.start:
                entries[reminder.key] = replace(fresh, state="suppressed", reason="too_late")
            elif at <= now and reminder.when.after_completed is None:
                missed.append(fresh)
            else:
                entries[reminder.key] = fresh
        elif before is not None:
            entries[reminder.key] = _cancelled(before)
    entries |= {key: entry if _passed(entry, now) else _cancelled(entry) for key, entry in same_start.items()}
    if late_booking != "drop":
        entries |= _late(missed, subject, fired, late_booking == "send_now", now)
    kept = sorted(entries.values(), key=lambda entry: (entry.state == "cancelled", -entry.generation))[:KEPT_ENTRIES]
    return tuple(sorted(kept, key=lambda entry: (entry.at, entry.key)))


def fired_keys(previous: Sequence[Planned], fired: Sequence[str], now: datetime) -> tuple[str, ...]:
    """Name the reminder keys that have gone out for this record, whatever start they belonged to."""
    return tuple(sorted({*fired, *(entry.key for entry in previous if _passed(entry, now))}))


def due_entries(entries: Iterable[Planned]) -> tuple[Planned, ...]:
    """Give the entries that are to fire (or have fired)."""
    return tuple(entry for entry in entries if entry.state == "planned")


def _passed(entry: Planned, now: datetime) -> bool:
    return entry.state == "planned" and entry.fires <= now


def _stays(before: Planned, at: datetime | None, early: datetime | None, now: datetime) -> bool:
    return _passed(before, now) or (before.state != "cancelled" and (before.at, before.early) == (at, early))


def _cancelled(entry: Planned) -> Planned:
    return entry if entry.state == "cancelled" else replace(entry, state="cancelled", reason=None)


def _late(
    late: list[Planned], subject: Subject, fired: Sequence[str], send_now: bool, now: datetime
) -> dict[str, Planned]:
    entries = {entry.key: replace(entry, state="suppressed", reason="too_late") for entry in late}
    if send_now and late and now < subject.start:
        latest = max(late, key=lambda entry: (entry.at, entry.key))
        if latest.key in fired:
            entries[latest.key] = replace(latest, state="suppressed", reason="duplicate")
        else:
            entries[latest.key] = replace(latest, at=now)
    return entries
