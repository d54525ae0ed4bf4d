"""Explain: reads what a decision depends on, and asks what it would be."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated

from carillon.domain.catalog import REVIEW, Collection
from carillon.domain.constraints import Text, document
from carillon.domain.decide import in_force
from carillon.domain.decisions import Facts
from carillon.domain.errors import Fault, Invalid, NotFound
from carillon.domain.explaining import Explanation, events_of, explain_event, explain_reminder
from carillon.domain.plan import staff_reminders
from carillon.domain.record_documents import Actor
from carillon.domain.records import Event, StoredRecord
from carillon.domain.reviews import Asked
from carillon.domain.times import iso
from carillon.domain.values import value
from carillon.ports.delivery import Connections
from carillon.ports.quota import Quota
from carillon.ports.reading import Reader, Snapshot, Want
from carillon.ports.suppressions import AddressMarks
from carillon.ports.system import Clock
from carillon.services.activation import require_active
from carillon.services.asking import Asking
from carillon.services.facts import exhausted_of, facts_of, marks_of
from carillon.services.same_day import SameDay

Reference = Annotated[str, Text(max=80, min=3, pattern=r"[a-z]+/[A-Za-z0-9._:-]{1,64}")]


@document
class Question:
    """What is asked: of which record, and of which `event` or `reminder`; with neither, of everything it could have.

    `actor`: who would make the event; by default the system.
    """

    record: Reference
    event: Annotated[str, Text(max=64, min=1)] | None = None
    reminder: Annotated[str, Text(max=32, min=1)] | None = None
    actor: Actor | None = None


@value
class Explaining:
    """Answers what would be sent about a record, and why not."""

    reader: Reader
    connections: Connections
    clock: Clock
    marks: AddressMarks | None = None
    quota: Quota | None = None
    same_day: SameDay | None = None
    asking: Asking | None = None

    def explain(self, org_id: str, asked: Question) -> list[Explanation]:
        """Explain, without writing anything.

        Raises Forbidden while inactive, NotFound for an unknown record, Invalid for what it can't have.
        """
        snapshot = self._read(org_id, asked.record)
        record = snapshot.record
        if record is None or record.is_gone(self.clock.now()):
            raise NotFound(f"There is no record {asked.record!r}.")
        now = self.clock.now()
        client = snapshot.clients.get(record.client_id or "")
        staff = self.reader.all_staff(org_id)
        facts = facts_of(snapshot, record, self.connections, client=client, staff=staff, now=now)
        if facts is None:
            raise NotFound("The organization has no settings; it may have been deleted.")
        exhausted = exhausted_of(self.quota, facts.organization)
        facts = replace(facts, marks=marks_of(self.marks, org_id, record), exhausted=exhausted)
        collection: Collection = record.collection  # type: ignore[assignment]
        own = client.reminders or [] if client is not None else []
        known = [*own, *staff_reminders(facts.settings)] if collection == "appointments" else []
        reminders = list(dict.fromkeys(item.key for item in known))
        _check(asked, collection, reminders)
        facts = self._of_client(org_id, facts, now)
        everything = asked.event is None and asked.reminder is None
        events = events_of(collection) if everything else (asked.event,) if asked.event else ()
        keys = reminders if everything else [asked.reminder] if asked.reminder else []
        told = [
            item
            for kind in events
            for item in explain_event(
                Event(
                    type=kind,
                    version=record.version,
                    at=iso(now),
                    actor=asked.actor or Actor(),
                    status=getattr(record.document, "status", None) if collection in ("orders", "leads") else None,
                ),
                facts,
            )
        ]
        return told + [item for key in keys for item in self._reminder(org_id, snapshot, facts, key, now)]

    def _reminder(self, org_id: str, snapshot: Snapshot, facts: Facts, key: str, now: datetime) -> list[Explanation]:
        if self.same_day is not None:
            day = self.same_day.with_day(org_id, snapshot, facts.client, key).same_day
            facts = replace(facts, same_day=day)
        return explain_reminder(key, facts, now)

    def _of_client(self, org_id: str, facts: Facts, now: datetime) -> Facts:
        """Add what the client's other appointments have to do with a reminder of this one."""
        client, start = facts.client, facts.record.start
        known = start is not None and client is not None and in_force(client, REVIEW) is not None
        if self.asking is None or not known or client is None or start is None:
            return facts
        asked = Asked(facts.record.ref, start, now)
        return replace(facts, review_asked=self.asking.before(org_id, client, facts.settings, asked))

    def _read(self, org_id: str, ref: str) -> Snapshot:
        known: tuple[str, ...] = ()
        while True:
            want = Want(org_id, record=ref, clients=known, rules=True, texts=True)
            snapshot = self.reader.read([want])[0]
            require_active(snapshot)
            named = _client(snapshot.record)
            if named is None or named in known:
                return snapshot
            known = (named,)


def _client(record: StoredRecord | None) -> str | None:
    return record.client_id if record is not None else None


def _check(asked: Question, collection: Collection, reminders: list[str]) -> None:
    faults = []
    if asked.event is not None and asked.reminder is not None:
        faults.append(Fault("/reminder", "invalid_value", "ask of an event or of a reminder, not of both"))
    if asked.event is not None and asked.event not in events_of(collection):
        known = ", ".join(events_of(collection))
        faults.append(Fault("/event", "invalid_value", f"the events of {collection} are {known}"))
    if asked.reminder is not None and asked.reminder not in reminders:
        faults.append(
            Fault("/reminder", "invalid_value", f"the client's reminders are {', '.join(reminders) or 'none'}")
        )
    if faults:
        raise Invalid(faults)
