"""What follows from a record as it is: its plan, where it stands in lists by day, and until when it is kept."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from carillon.domain.clients import Client
from carillon.domain.overdue import due_instant, plan_overdue
from carillon.domain.plan import Late, Subject, fired_keys, not_the_clients, plan, reminders_for
from carillon.domain.record_documents import Appointment, Document, Task
from carillon.domain.records import Event, Planned, StoredRecord
from carillon.domain.settings import Settings
from carillon.domain.timing import Quiet
from carillon.domain.transitions import is_final
from carillon.ports.records import RecordChange

ANNOUNCED_KEPT = 6
"""How many of the latest events a record names: what may supersede what."""
AT_LEAST_KEPT = timedelta(days=2)
"""What was written just now is kept so long, whatever it is: its events are still to be announced."""
LATELY = timedelta(days=7)
"""How far back a list of what changed goes, unless it is told otherwise."""
Plan = tuple[tuple[Planned, ...], tuple[str, ...], int]


def replanned(
    record: StoredRecord, document: Document, client: Client | None, settings: Settings, now: datetime, *, late: Late
) -> Plan:
    """Plan a record anew for a document it has or is to have; returns plan, what fired, and the plan's revision.

    The revision rises only when the plan differs, so planning again changes nothing. Without a client nothing is
    planned for an appointment.
    """
    match document:
        case Appointment():
            return _appointment(record, document, client, settings, now, late)
        case Task():
            revision = record.plan_revision + 1
            entries = plan_overdue(document, record.plan, zone=settings.time_zone, now=now, revision=revision)
        case _:
            entries = ()
    return entries, record.fired, record.plan_revision + (entries != record.plan)


def placed(record: StoredRecord, settings: Settings) -> datetime:
    """Give the instant by which a record stands in the lists by day.

    An appointment stands at its start, an open task where it is due while that is ahead. All others stand on the day
    of their last change (and at its beginning, so that only the first change of a day moves them): what was changed
    lately is what is looked for, and what a lost wake-up left behind is found there.
    """
    about = record.document
    if isinstance(about, Appointment):
        return about.starts(settings.time_zone)
    if isinstance(about, Task) and not record.deleted and about.status == "open":
        due = due_instant(about, settings.time_zone)
        if due is not None and due > record.accepted_at:
            return due
    return day_of(record.accepted_at)


def day_of(instant: datetime) -> datetime:
    """Give the beginning of an instant's day in UTC."""
    return instant.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def kept_until(record: StoredRecord, settings: Settings, now: datetime) -> datetime | None:
    """Say until when a record is kept; None while it is open.

    As long as the settings say after an appointment's end, after anything else's last change once it is final or done.
    """
    about, after = record.document, timedelta(days=settings.retention_days)
    if isinstance(about, Appointment):
        return max(about.ends(settings.time_zone) + after, now + AT_LEAST_KEPT)
    return max(record.accepted_at + after, now + AT_LEAST_KEPT) if is_final(about, settings) else None


def with_client(document: Document, client_id: str) -> Document:
    """Give a document as another client's; a task has none."""
    return document if isinstance(document, Task) else replace(document, client_id=client_id)


def written(
    record: StoredRecord, stored: StoredRecord | None, settings: Settings, now: datetime, events: tuple[Event, ...] = ()
) -> RecordChange:
    """Give the write that puts a record in the place of the stored one."""
    start = placed(record, settings)
    return RecordChange(
        record=replace(record, start=start),
        expected_version=stored.version if stored is not None else 0,
        expected_revision=stored.plan_revision if stored is not None else 0,
        new_events=events,
        start=start,
        retention=kept_until(record, settings, now),
    )


def _appointment(
    record: StoredRecord,
    appointment: Appointment,
    client: Client | None,
    settings: Settings,
    now: datetime,
    late: Late,
) -> Plan:
    same_client = record.appointment.client_id == appointment.client_id
    previous, fired = record.plan, fired_keys(record.plan, record.fired, now)
    if not same_client:
        previous, fired = not_the_clients(previous, fired)
    of_client, of_staff = reminders_for(appointment, client, settings) if client is not None else ([], [])
    entries = plan(
        Subject.of(appointment, record.completed_at, settings.time_zone),
        of_client,
        staff=of_staff,
        previous=previous,
        fired=fired,
        late_booking=late,
        now=now,
        revision=record.plan_revision + 1,
        quiet=Quiet.of(settings, client, appointment),
    )
    return entries, fired, record.plan_revision + (entries != record.plan)
