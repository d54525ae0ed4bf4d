"""Planned reminders, and what became of them."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from carillon.domain.errors import NotFound
from carillon.domain.listing import Page
from carillon.domain.messages import Message, MessageKey, Occasion, reminder_places, staff_reminder_places
from carillon.domain.overdue import OVERDUE, has_fired
from carillon.domain.records import Planned, StoredRecord, reminder_name
from carillon.domain.values import value
from carillon.ports.reading import Reader, Want
from carillon.ports.records import DUE_ROWS_KEPT, DueRows, Records
from carillon.ports.system import Clock
from carillon.services.activation import require_active

RECORDS = 25
"""How many of a client's records one page looks at."""
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
        if snapshot.record is None or snapshot.record.is_gone(self.clock.now()):
            raise NotFound(f"There is no record {ref!r}.")
        return self.states(org_id, [snapshot.record])

    def page(self, org_id: str, wanted: WantedReminders, *, limit: int, position: str | None) -> Page[ReminderState]:
        """List reminders by record, by client, or by when they are due (from now on, a month ahead).

        By when they are due, they go back as far as the rows of what was due are kept.
        """
        named = (wanted.client_id,) if wanted.client_id is not None else ()
        snapshot = self.reader.read([Want(org_id, clients=named)])[0]
        require_active(snapshot)
        client = snapshot.clients.get(wanted.client_id or "")
        client_id = client.id if client is not None else wanted.client_id
        if wanted.record is not None:
            found = _within(self.of_record(org_id, wanted.record), wanted)
            found = [item for item in found if client_id in (None, item.record.client_id)]
            begin = int(position or 0)
            more = len(found) > begin + limit
            return Page(found[begin : begin + limit], str(begin + limit) if more else None)
        if client_id is not None:
            return self._of_client(org_id, client_id, wanted, limit, position)
        now = self.clock.now()
        since = wanted.since or now
        until = wanted.until or since + LOOK_AHEAD
        return self._due(org_id, max(since, now - DUE_ROWS_KEPT), until, limit, position)

    def _of_client(
        self, org_id: str, client_id: str, wanted: WantedReminders, limit: int, position: str | None
    ) -> Page[ReminderState]:
        """List a client's reminders, some of its records at a time, each time by when they are meant."""
        place: dict[str, Any] = json.loads(position) if position is not None else {"after": None, "skip": 0}
        page = self.records.page_of_client(org_id, client_id, limit=RECORDS, position=place["after"])
        shown = [record for record in page.items if not record.is_gone(self.clock.now())]
        found = sorted(_within(self.states(org_id, shown), wanted), key=lambda item: (item.entry.at, item.record.ref))
        end = place["skip"] + limit
        if len(found) > end:
            return Page(found[place["skip"] : end], json.dumps({"after": place["after"], "skip": end}))
        following = json.dumps({"after": page.position, "skip": 0}) if page.position is not None else None
        return Page(found[place["skip"] :], following)

    def _due(
        self, org_id: str, since: datetime, until: datetime, limit: int, position: str | None
    ) -> Page[ReminderState]:
        """List what is due in a span of time; rows that a later change of the record left behind are passed over."""
        rows = self.due_rows.between(org_id, since, until, limit=limit, position=position)
        refs = list(dict.fromkeys(row.ref for row in rows.items))
        records = [snapshot.record for snapshot in self.reader.read([Want(org_id, record=ref) for ref in refs])]
        now = self.clock.now()
        states = self.states(org_id, [each for each in records if each is not None and not each.is_gone(now)])
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
