"""Records follow their client into another one: the same plan for the same person, under the kept client's id."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from carillon.domain.clients import Client
from carillon.domain.plan import Subject, fired_keys, plan, reminders_for
from carillon.domain.record_documents import Appointment, Document
from carillon.domain.records import Planned, StoredRecord
from carillon.domain.settings import Settings
from carillon.domain.values import value
from carillon.ports.reading import Reader, Want
from carillon.ports.records import RecordChange, Records
from carillon.ports.system import Clock
from carillon.services.record_plans import with_client, written

LONG_AGO = datetime(1971, 1, 1, tzinfo=UTC)
ROUNDS = 4


@value
class RecordMover:
    """Moves the records of a merged client. Each is one conditional write; whatever dies between, the rest follows."""

    reader: Reader
    records: Records
    clock: Clock

    def move(self, org_id: str, gone_id: str, keep_id: str, *, limit: int) -> int:
        """Move up to `limit` records, nearest last; gives how many moved. Repeating it moves what is left."""
        found = self.records.of_client(org_id, gone_id, since=LONG_AGO, limit=limit)
        return sum(self._one(org_id, record.ref, gone_id, keep_id) for record in reversed(found))

    def _one(self, org_id: str, ref: str, gone_id: str, keep_id: str) -> bool:
        for _ in range(ROUNDS):
            snapshot = self.reader.read([Want(org_id, record=ref, clients=(keep_id,))])[0]
            record, settings, keep = snapshot.record, snapshot.settings, snapshot.clients.get(keep_id)
            if record is None or settings is None or keep is None or record.client_id != gone_id:
                return False
            active = snapshot.organization is not None and snapshot.organization.active
            if self.records.save(org_id, moved(record, keep, settings, self.clock.now(), active=active)):
                return True
        return False


def moved(record: StoredRecord, keep: Client, settings: Settings, now: datetime, *, active: bool) -> RecordChange:
    """Give a record as it is under the kept client.

    What fired or was decided against stays in the plan, so nothing is sent a second time; what is ahead is planned
    anew, in a new generation, because a schedule carries the client it was made for. The version rises: a PUT that
    read the record before must read it again.
    """
    document = with_client(record.document, keep.id)
    entries = _planned(record, document, keep, settings, now, active=active)
    former = (*((record.client_id,) if record.client_id is not None else ()), *record.former)
    after = replace(
        record,
        document=document,
        version=record.version + 1,
        plan=entries,
        plan_revision=record.plan_revision + (entries != record.plan),
        fired=fired_keys(record.plan, record.fired, now),
        former=tuple(dict.fromkeys(former)),
    )
    return written(after, record, settings, now)


def _planned(
    record: StoredRecord, document: Document, keep: Client, settings: Settings, now: datetime, *, active: bool
) -> tuple[Planned, ...]:
    if not isinstance(document, Appointment):
        return record.plan
    of_client, of_staff = reminders_for(document, keep, settings) if active else ([], [])
    return plan(
        Subject.of(document, record.completed_at, settings.time_zone),
        of_client,
        staff=of_staff,
        previous=tuple(_done(record.plan, now)),
        fired=fired_keys(record.plan, record.fired, now),
        late_booking="drop",
        now=now,
        revision=record.plan_revision + 1,
    )


def _done(entries: Iterable[Planned], now: datetime) -> Iterable[Planned]:
    fired = (entry.state == "suppressed" or (entry.state == "planned" and entry.fires <= now) for entry in entries)
    return (entry for entry, done in zip(entries, fired, strict=True) if done)
