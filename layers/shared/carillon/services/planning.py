"""plan_notifications: what a record's pending events and plan call for is stored, queued and scheduled.

Every step may be repeated: ids are the same each time, and the record is marked as planned last. A crash after any
line is repaired by doing it again.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from carillon.domain.catalog import reminder_template_key
from carillon.domain.channels import Channel
from carillon.domain.decide import Told, decide_event, without
from carillon.domain.decisions import Facts, Verdict
from carillon.domain.errors import Contended
from carillon.domain.messages import MessageKey, Occasion, event_deadline, message_key
from carillon.domain.plan import due_entries
from carillon.domain.quota import Exhausted
from carillon.domain.recipients import Marks, Recipient, client_recipient, staff_recipient
from carillon.domain.records import Event, Planned, StoredRecord
from carillon.domain.scheduling import is_soon
from carillon.domain.times import parse_instant
from carillon.domain.transitions import CARRIERS, CHANGED
from carillon.domain.values import value
from carillon.ports.delivery import Connections
from carillon.ports.messages import Messages, Moved
from carillon.ports.queues import Due, Queues, Ready, Schedules
from carillon.ports.reading import Reader, Snapshot, Want
from carillon.ports.records import Committed, DueRows, Records
from carillon.ports.suppressions import AddressMarks
from carillon.ports.system import Clock
from carillon.services.due_tasks import is_of_task, overdue_job, seconds_until
from carillon.services.facts import facts_of, marks_of
from carillon.services.making import MessageMaker
from carillon.services.replanning import replan
from carillon.services.storing import due_of, store_all
from carillon.services.waiting import hand_over

ROUNDS = 5


@value
class Planner:
    """Follows records: announces their events and schedules their reminders."""

    reader: Reader
    records: Records
    due_rows: DueRows
    messages: Messages
    queues: Queues
    schedules: Schedules
    connections: Connections
    maker: MessageMaker
    clock: Clock
    marks: AddressMarks | None = None

    def follow(self, org_id: str, ref: str, clients: Sequence[str] = ()) -> bool:
        """Bring a record's messages and schedules to where its plan and events say; False if there was nothing to do.

        `clients` are the clients known to be concerned (from the stream's image), which spares a second read.
        Raises Contended when the record kept changing; the caller repeats.
        """
        known = tuple(clients)
        for _ in range(ROUNDS):
            snapshot = self.reader.read([Want(org_id, record=ref, clients=known, rules=True, texts=True)])[0]
            record = snapshot.record
            if record is None or record.settled or snapshot.organization is None or snapshot.settings is None:
                return False
            concerned = _concerned(record)
            if not set(concerned) <= set(known):
                known = concerned
                continue
            if self._refresh(org_id, record, snapshot):
                continue
            self._announce(org_id, record, snapshot)
            if self._schedule(org_id, record, snapshot):
                return True
        raise Contended(f"{ref} kept changing while it was planned")

    def _refresh(self, org_id: str, record: StoredRecord, snapshot: Snapshot) -> bool:
        """Plan anew what was planned with settings or preferences that changed while it was being written."""
        if snapshot.settings is None or snapshot.organization is None or not snapshot.organization.active:
            return False
        client = snapshot.clients.get(record.client_id or "")
        change = None if record.deleted else replan(record, client, snapshot.settings, self.clock)
        if change is not None:
            self.records.save(org_id, change)
        return change is not None

    def _announce(self, org_id: str, record: StoredRecord, snapshot: Snapshot) -> None:
        staff = self.reader.all_staff(org_id) if record.events else {}
        marks = marks_of(self.marks, org_id, record) if record.events else Marks()
        ready: list[Ready] = []
        told: dict[int, Told] = {}
        for event in record.events:
            client = snapshot.clients.get(event.client_id or record.client_id or "")
            facts = facts_of(snapshot, record, self.connections, client=client, staff=staff, now=self.clock.now())
            if facts is None:
                return
            facts = replace(facts, marks=marks)
            for verdict in decide_event(event, facts, told.setdefault(event.version, set())):
                ready += self._tell(org_id, event, verdict, facts)
        hand_over(self.queues, ready, self.clock.now())

    def _tell(self, org_id: str, event: Event, verdict: Verdict, facts: Facts) -> list[Ready]:
        record, now = facts.record, self.clock.now()
        occasion = Occasion(record.ref, event=event.type, version=event.version, status=event.status)
        start = record.begins(facts.settings.time_zone)
        deadline = event_deadline(event.type, parse_instant(event.at), start)
        if now >= deadline and verdict.send:
            recipient, template = verdict.recipient, verdict.template
            made = [self.maker.refuse(org_id, occasion, recipient, template, "too_late", deadline, now)]
        else:
            overtaken = {
                decision.channel
                for decision in verdict.send
                if self._carried_by_booking(org_id, event, decision.channel, verdict, record)
            }
            made = self.maker.make(org_id, occasion, verdict, deadline=deadline, now=now, superseded=overtaken)
        try:
            return store_all(self.messages, org_id, made, record, facts.settings.retention_days)
        except Exhausted as error:
            return self._tell(org_id, event, without(verdict, error.bucket), facts)

    def _carried_by_booking(
        self, org_id: str, event: Event, channel: Channel, verdict: Verdict, record: StoredRecord
    ) -> bool:
        """Settle an event with earlier messages to the same recipient that are still queued.

        An earlier one of the same kind is superseded by this one. A booking that has not gone out yet goes with the
        new values instead of a change: then True.
        """
        carried = False
        recipient = verdict.recipient
        for kind, version in record.announced:
            if version >= event.version:
                continue
            earlier = Occasion(record.ref, event=kind, version=version)
            key = message_key(org_id, earlier, recipient.audience, recipient.ref, channel)
            if kind == event.type:
                self._supersede(org_id, key)
            elif kind in CARRIERS and event.type == CHANGED:
                carried = self.messages.require(org_id, key, event.version) or carried
        return carried

    def _supersede(self, org_id: str, key: MessageKey) -> None:
        for _ in range(ROUNDS):
            snapshot = self.reader.read([Want(org_id, messages=(key,))])[0]
            earlier = snapshot.messages.get(key)
            if earlier is None or earlier.status != "queued":
                return
            # Its sender may have tried it in between, and put it back with other units: then it is still to be stopped.
            if self.messages.withdraw(org_id, earlier, Moved("suppressed", self.clock.now(), "superseded")):
                return
        raise Contended("a message that is superseded kept changing")

    def _schedule(self, org_id: str, record: StoredRecord, snapshot: Snapshot) -> bool:
        now = self.clock.now()
        wanted = [entry for entry in record.plan if entry.state != "cancelled"]
        fresh = [entry for entry in wanted if entry not in record.scheduled]
        self._refuse(org_id, record, snapshot, [entry for entry in fresh if entry.state == "suppressed"])
        planned = due_entries(fresh)
        if planned:
            self.due_rows.put(org_id, record.ref, record.client_id or "", planned)
        self._at_once(now, [due_of(org_id, record, entry) for entry in planned if is_soon(entry.fires, now)])
        for entry in planned:
            if not is_soon(entry.fires, now):
                self.schedules.create(due_of(org_id, record, entry))
        done = Committed(record.version, record.plan_revision, tuple(wanted))
        if not self.records.commit(org_id, record.ref, done):
            return False
        for entry in due_entries(record.scheduled):
            if entry not in wanted and entry.fires > now:
                self.schedules.delete(due_of(org_id, record, entry))
        return True

    def _at_once(self, now: datetime, due: Sequence[Due]) -> None:
        """Hand over what is too near for a schedule; a task is overdue no sooner than its due time has passed."""
        early = [each for each in due if is_of_task(each) and each.at > now]
        for each in early:
            self.queues.send_job(overdue_job(each), delay=seconds_until(each, now))
        self.queues.send_due([each for each in due if each not in early])

    def _refuse(self, org_id: str, record: StoredRecord, snapshot: Snapshot, entries: Sequence[Planned]) -> None:
        """Store, once per reminder that was too late from the start, that and why nobody got it."""
        settings = snapshot.settings
        if settings is None or not entries:
            return
        client = snapshot.clients.get(record.client_id or "")
        told: dict[str, list[Recipient]] = {"client": [client_recipient(client, settings)] if client else []}
        if any(entry.audience == "collaborator" for entry in entries):
            staff = self.reader.read([Want(org_id, staff=record.staff_ids)])[0].staff.values()
            active = [member for member in staff if member.active]
            told["collaborator"] = [staff_recipient(member, "collaborator", settings) for member in active]
        for entry in entries:
            occasion = Occasion(record.ref, reminder=entry.key, start=entry.start)
            template, reason = reminder_template_key(entry.key), entry.reason or "too_late"
            for recipient in told[entry.audience]:
                now = self.clock.now()
                refusal = self.maker.refuse(org_id, occasion, recipient, template, reason, entry.start, now)
                self.messages.create(org_id, refusal, retention_days=settings.retention_days)


def _concerned(record: StoredRecord) -> tuple[str, ...]:
    named = [record.client_id, *(event.client_id for event in record.events)]
    return tuple(dict.fromkeys(name for name in named if name))
