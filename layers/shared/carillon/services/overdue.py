"""Overdue: when a task's due time passes while it is open, that becomes an event of its record.

The event is written into the record, once per due time, together with the mark that it was; from there on it goes the
way of every other event. A schedule of an older due time, or of a task that is done, finds no entry of its own in the
plan and does nothing.
"""

from collections.abc import Sequence
from dataclasses import replace

from carillon.domain.errors import Contended
from carillon.domain.overdue import due_instant, fired_with
from carillon.domain.record_documents import Task
from carillon.domain.record_events import overdue_event
from carillon.domain.records import StoredRecord
from carillon.domain.settings import Settings
from carillon.domain.times import iso
from carillon.domain.values import value
from carillon.ports.queues import Due, Queues
from carillon.ports.reading import Reader, Want
from carillon.ports.records import Records
from carillon.ports.system import Clock
from carillon.services.dispatching import Dispatched
from carillon.services.due_tasks import overdue_job, seconds_until, still_overdue
from carillon.services.record_plans import ANNOUNCED_KEPT, replanned, written

ROUNDS = 5


@value
class Overdue:
    """Announces tasks whose due time has passed. One read and one write each; whatever raises may be repeated."""

    reader: Reader
    records: Records
    queues: Queues
    clock: Clock

    def fire(self, batch: Sequence[Due]) -> list[Dispatched]:
        """Announce what is due; what comes before its time is asked for again."""
        return [self._one(due) for due in batch]

    def _one(self, due: Due) -> Dispatched:
        for _ in range(ROUNDS):
            snapshot, now = self.reader.read([Want(due.org_id, record=due.record)])[0], self.clock.now()
            record, settings, organization = snapshot.record, snapshot.settings, snapshot.organization
            if record is None or settings is None or organization is None or not still_overdue(due, record):
                return Dispatched(due, "stale_schedule")
            if due_instant(task_of(record), settings.time_zone) != due.start:
                if self._plan_anew(due.org_id, record, settings):
                    return Dispatched(due, "stale_schedule")
                continue
            if due.at > now:
                self.queues.send_job(overdue_job(due), delay=seconds_until(due, now))
                return Dispatched(due, "too_soon")
            version = record.version + 1
            # Of a time of silence nothing is announced later, so it counts as told.
            events = (overdue_event(version, iso(now)),) if organization.active else ()
            told = replace(
                record,
                version=version,
                accepted_at=now,
                fired=fired_with(record, due.start),
                announced=(*record.announced, *((event.type, version) for event in events))[-ANNOUNCED_KEPT:],
            )
            if self.records.save(due.org_id, written(told, record, settings, now, events)):
                return Dispatched(due, "fired" if events else "notifications_inactive")
        raise Contended(f"{due.record} kept changing while its due time passed")

    def _plan_anew(self, org_id: str, record: StoredRecord, settings: Settings) -> bool:
        """Plan a task whose due wall time has become another instant: the organization has moved to another zone."""
        now = self.clock.now()
        entries, fired, revision = replanned(record, record.document, None, settings, now, late="drop")
        moved = replace(record, plan=entries, fired=fired, plan_revision=revision)
        return self.records.save(org_id, written(moved, record, settings, now))


def task_of(record: StoredRecord) -> Task:
    """Give the task a record is."""
    if not isinstance(record.document, Task):
        raise TypeError(f"{record.ref} is no task")
    return record.document
