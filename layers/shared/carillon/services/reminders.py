"""Planned reminders, and what became of them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from carillon.domain.errors import NotFound
from carillon.domain.listing import Page
from carillon.domain.messages import Message, MessageKey, Occasion, reminder_places, staff_reminder_places
from carillon.domain.overdue import OVERDUE, has_fired
from carillon.domain.records import Planned, StoredRecord, reminder_name
from carillon.domain.values import value
from carillon.ports.reading import Reader, Want
from carillon.ports.records import DueRows, Records
from carillon.ports.system import Clock
from carillon.services.activation import require_active

LONG_AGO = datetime(1971, 1, 1, tzinfo=UTC)
LOOK_AHEAD = timedelta(days=31)


@value
class ReminderState:
    """A reminder of a record's plan. `state` is planned, fired, suppressed or cancelled; `at` the intended instant."""

    record: StoredRecord
    entry: Planned
    state: str
    reason: str | None = None


@value
class WantedReminders:
    """What a listing is narrowed to; `since` and `until` bound the intended instant."""

    client_id: str | None = None
    record: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@value
class Reminders:
    """Lists reminders by record, by client, or by when they are due."""

    reader: Reader
    records: Records
    due_rows: DueRows
    clock: Clock

    def of_record(self, org_id: str, ref: str) -> list[ReminderState]:
        """List a record's reminders; NotFound when there is no such record."""
        snapshot = self.reader.read([Want(org_id, record=ref)])[0]
        require_active(snapshot)
        if snapshot.record is None or snapshot.record.deleted:
            raise NotFound(f"There is no record {ref!r}.")
        return self.states(org_id, [snapshot.record])

    def page(self, org_id: str, wanted: WantedReminders, *, limit: int, position: str | None) -> Page[ReminderState]:
        """List reminders by record, by client, or by when they are due (from now on, a month ahead)."""
        if wanted.record is not None:
            return Page(_within(self.of_record(org_id, wanted.record), wanted))
        named = (wanted.client_id,) if wanted.client_id is not None else ()
        snapshot = self.reader.read([Want(org_id, clients=named)])[0]
        require_active(snapshot)
        if wanted.client_id is not None:
            client = snapshot.clients.get(wanted.client_id)
            client_id = client.id if client is not None else wanted.client_id
            records = self.records.of_client(org_id, client_id, since=LONG_AGO)
            found = sorted(_within(self.states(org_id, records), wanted), key=lambda item: item.entry.at)
            begin = int(position or 0)
            more = len(found) > begin + limit
            return Page(found[begin : begin + limit], str(begin + limit) if more else None)
        since = wanted.since or self.clock.now()
        return self._due(org_id, since, wanted.until or since + LOOK_AHEAD, limit, position)

    def _due(
        self, org_id: str, since: datetime, until: datetime, limit: int, position: str | None
    ) -> Page[ReminderState]:
        """List what is due in a span of time; rows that a later change of the record left behind are passed over."""
        rows = self.due_rows.between(org_id, since, until, limit=limit, position=position)
        refs = list(dict.fromkeys(row.ref for row in rows.items))
        records = [snapshot.record for snapshot in self.reader.read([Want(org_id, record=ref) for ref in refs])]
        states = self.states(org_id, [record for record in records if record is not None and not record.deleted])
        current = {(item.record.ref, item.entry.name, item.entry.at, item.entry.generation): item for item in states}
        rows_names = [(row, reminder_name(row.key, row.audience)) for row in rows.items]
        named = [current.get((row.ref, name, row.at, row.generation)) for row, name in rows_names]
        return Page([item for item in named if item is not None], rows.position)

    def states(self, org_id: str, records: Sequence[StoredRecord]) -> list[ReminderState]:
        """Say what became of each entry of the records' plans: one more read where something has been due."""
        now = self.clock.now()
        entries = [(record, entry) for record in records for entry in record.plan]
        wants = [
            Want(org_id, messages=_places(org_id, record, entry)) for record, entry in entries if _was_due(entry, now)
        ]
        told = iter(self.reader.read(wants)) if wants else iter(())
        return [
            _state(record, entry, list(next(told).messages.values()) if _was_due(entry, now) else [])
            for record, entry in entries
        ]


def _places(org_id: str, record: StoredRecord, entry: Planned) -> tuple[MessageKey, ...]:
    occasion = Occasion(record.ref, reminder=entry.key, start=entry.start)
    if entry.audience == "collaborator":
        return tuple(staff_reminder_places(org_id, occasion, record.staff_ids))
    clients = record.client_id or "", *record.former
    return tuple(place for client_id in clients for place in reminder_places(org_id, occasion, client_id))


def _was_due(entry: Planned, now: datetime) -> bool:
    return entry.state == "planned" and entry.fires <= now and entry.key != OVERDUE


def _state(record: StoredRecord, entry: Planned, messages: Sequence[Message]) -> ReminderState:
    if record.collection == "tasks":
        return ReminderState(record, entry, "fired" if has_fired(record, entry.start) else entry.state)
    sent = [message for message in messages if message.status != "suppressed"]
    if sent:
        return ReminderState(record, entry, "fired")
    if messages:
        return ReminderState(record, entry, "suppressed", messages[0].reason)
    return ReminderState(record, entry, entry.state, entry.reason)


def _within(items: Sequence[ReminderState], wanted: WantedReminders) -> list[ReminderState]:
    return [
        item
        for item in items
        if (wanted.since is None or item.entry.at >= wanted.since)
        and (wanted.until is None or item.entry.at < wanted.until)
    ]
