"""The reminders of an appointment: a pure function of the record, the reminders in force, and now."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from carillon.domain.catalog import REVIEW
from carillon.domain.clients import Client, reminders_of
from carillon.domain.record_documents import CONFIRMED, Appointment
from carillon.domain.records import Planned, Reminded, StoredRecord, reminder_name
from carillon.domain.settings import Reminder, Settings, When
from carillon.domain.times import to_wall, wall_on
from carillon.domain.timing import Quiet, early_call
from carillon.domain.values import value

AFTER_END = CONFIRMED | {"completed"}
Late = Literal["skip", "send_now", "drop"]
Wanted = tuple[Reminded, Iterable[Reminder], Quiet | None]
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


def clients_reminders(client: Client | None, settings: Settings) -> list[Reminder]:
    """Give the reminders to plan for a client; a review is asked for only where it can be written."""
    known = reminders_of(client) if client is not None else []
    return [each for each in known if each.key != REVIEW or settings.review.url is not None]


def staff_reminders(settings: Settings) -> list[Reminder]:
    """Give the reminders to the collaborators: the organization's before the start, over the channels set for them.

    Whatever the client prefers, and each on every channel.
    """
    told = settings.remind_staff
    if not told.enabled:
        return []
    ahead = [each for each in settings.reminders if each.enabled and each.when.ahead_of_start]
    return [replace(each, channels=told.channels, strategy="all") for each in ahead]


def reminders_for(
    appointment: Appointment, client: Client | None, settings: Settings
) -> tuple[list[Reminder], list[Reminder]]:
    """Give what is planned for an appointment: for its client, and for the collaborators if there are any."""
    return clients_reminders(client, settings), staff_reminders(settings) if appointment.staff_ids else []


def called_for(when: When, record: StoredRecord, organization_zone: str) -> bool:
    """Whether an appointment's status (still) calls for a reminder of this form."""
    return instant(when, Subject.of(record.appointment, record.completed_at, organization_zone)) is not None


def plan(
    subject: Subject,
    reminders: Iterable[Reminder],
    *,
    staff: Iterable[Reminder] = (),
    previous: Sequence[Planned],
    fired: Sequence[str],
    late_booking: Late,
    now: datetime,
    revision: int,
    quiet: Quiet | None = None,
) -> tuple[Planned, ...]:
    """Plan an appointment's reminders: those to its client, and those to the `staff` on it.

    What was planned before for the same start and instant stays as it is, so planning again changes nothing. An
    instant that had passed when it was planned is `too_late`, or is sent at once if `late_booking` says so: only the
    latest of several, only before the start, and never one whose key was sent before; `drop` leaves it out, for a
    plan that is made again although nobody booked or moved anything. `revision` is the generation of new entries.
    What `quiet` hours would hold past the appointment is looked at before they begin; its instant stays as it is meant.
    They spare clients only.
    """
    same_start = {entry.name: entry for entry in previous if entry.start == subject.start}
    entries: dict[str, Planned] = {}
    both: tuple[Wanted, Wanted] = (("client", reminders, quiet), ("collaborator", staff, None))
    for audience, wanted, hours in both:
        missed: list[Planned] = []
        for reminder in wanted:
            name = reminder_name(reminder.key, audience)
            at = instant(reminder.when, subject) if reminder.enabled else None
            before = same_start.pop(name, None)
            early = early_call(reminder, at, subject.start, hours, now) if hours and at and at < subject.start else None
            if before is not None and _stays(before, at, early, now):
                entries[name] = before
            elif at is not None:
                fresh = Planned(reminder.key, subject.start, at, "planned", revision, early=early, audience=audience)
                if reminder.when.ahead_of_start and at >= subject.start:
                    entries[name] = replace(fresh, state="suppressed", reason="too_late")
                elif at <= now and reminder.when.after_completed is None:
                    missed.append(fresh)
                else:
                    entries[name] = fresh
            elif before is not None:
                entries[name] = _cancelled(before)
        if late_booking != "drop":
            entries |= _late(missed, subject, fired, late_booking == "send_now", now)
    entries |= {name: entry if _passed(entry, now) else _cancelled(entry) for name, entry in same_start.items()}
    kept = sorted(entries.values(), key=lambda entry: (entry.state == "cancelled", -entry.generation))[:KEPT_ENTRIES]
    return tuple(sorted(kept, key=lambda entry: (entry.at, entry.name)))


def fired_keys(previous: Sequence[Planned], fired: Sequence[str], now: datetime) -> tuple[str, ...]:
    """Name the reminders that have gone out for this record, whatever start they belonged to."""
    return tuple(sorted({*fired, *(entry.name for entry in previous if _passed(entry, now))}))


def not_the_clients(previous: Iterable[Planned], fired: Iterable[str]) -> tuple[tuple[Planned, ...], tuple[str, ...]]:
    """Keep of a plan, and of what was sent, what still counts when the appointment becomes another client's."""
    return tuple(each for each in previous if each.audience != "client"), tuple(each for each in fired if "@" in each)


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
    entries = {entry.name: replace(entry, state="suppressed", reason="too_late") for entry in late}
    if send_now and late and now < subject.start:
        latest = max(late, key=lambda entry: (entry.at, entry.key))
        if latest.name in fired:
            entries[latest.name] = replace(latest, state="suppressed", reason="duplicate")
        else:
            entries[latest.name] = replace(latest, at=now)
    return entries
