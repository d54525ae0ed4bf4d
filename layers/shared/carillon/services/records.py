"""Records: what the integrator states is compared with what is stored; differences become events and a plan.

One mechanism for all collections. What each of them is, whom it names and what becomes an event of it says a small
class of its own (`services/appointments.py`, `orders.py`, `leads.py`, `tasks.py`).
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar, Generic, TypeVar

from carillon.domain.clients import Client
from carillon.domain.codec import Json
from carillon.domain.constraints import Id, Instant, document
from carillon.domain.errors import Contended, Fault, Invalid, NotFound
from carillon.domain.listing import Page
from carillon.domain.organizations import Caller
from carillon.domain.plan import fired_keys
from carillon.domain.record_documents import Actor, Document
from carillon.domain.records import Event, StoredRecord
from carillon.domain.settings import Settings
from carillon.domain.times import parse_instant
from carillon.domain.values import value
from carillon.ports.directory import ClientChange
from carillon.ports.reading import Reader, Snapshot, Want
from carillon.ports.records import RecordChange, Records
from carillon.ports.system import Clock
from carillon.services.clients import ClientInput, ClientKeeping, duplicate
from carillon.services.record_plans import ANNOUNCED_KEPT, replanned, with_client, written

ROUNDS = 5
"""How often a PUT starts again because another writer came first."""


@document
class Stated:
    """What a statement of any record says beside the record itself.

    `id` may repeat the path's. `actor` says who made this change, `updated_at` when the integrator's system did: an
    older one than the stored is ignored. `notify` false stores silently; plans still follow.
    """

    id: Id | None = None
    actor: Actor | None = None
    updated_at: Instant | None = None
    notify: bool = True


S = TypeVar("S", bound=Stated)
Named = Sequence[tuple[str, str]]
"""Pointers into a statement, each with the id that stands there."""


@value
class Put:
    """What a PUT did: the record as it is now, the events derived, and whether it was new or stale."""

    record: StoredRecord
    events: tuple[Event, ...]
    created: bool = False
    stale: bool = False


class RecordKeeping(ABC, Generic[S]):
    """Use cases on the records of a collection."""

    collection: ClassVar[str]
    noun: ClassVar[str]

    def __init__(self, *, reader: Reader, records: Records, clients: ClientKeeping, clock: Clock) -> None:
        self._reader = reader
        self._records = records
        self._clients = clients
        self._clock = clock

    def put(self, caller: Caller, record_id: str, stated: S, *, known: Sequence[Snapshot] | None = None) -> Put:
        """Store a record with its events and its plan in one atomic write.

        One batch read and one write; a PUT that differs in nothing writes nothing. One that brings its client along
        takes another read, and a transaction. `known`: what `wants` names, read already. Raises Invalid with all
        faults, Conflict for a contact that another client has, Contended when other writers kept coming first.
        """
        org_id, ref = caller.org_id, f"{self.collection}/{record_id}"
        stated_wrong = self._faults(record_id, stated)
        for _ in range(ROUNDS):
            read = known or self._reader.read(self.wants(org_id, record_id, stated))
            known, snapshot = None, read[0]
            brought, faults = self._brought(caller, stated, snapshot.record)
            client = brought.after if brought is not None else snapshot.clients.get(_client_id(stated) or "")
            faults = [*stated_wrong, *faults, *self._unknown(stated, read, client)]
            if faults:
                raise Invalid(list({fault.pointer: fault for fault in reversed(faults)}.values())[::-1])
            done, change = self._change(ref, stated, snapshot, client)
            if self._save(org_id, change, brought):
                return done
        raise Contended(f"{ref} is being written by others; repeat the call")

    def wants(self, org_id: str, record_id: str, stated: S) -> list[Want]:
        """Say what to read for a statement: the record with everybody named, and other records."""
        client_id = _client_id(stated)
        named = (client_id,) if client_id is not None else ()
        staff = tuple(dict.fromkeys(name for _, name in self._staff(stated)))
        first = Want(org_id, record=f"{self.collection}/{record_id}", clients=named, staff=staff)
        return [first, *(Want(org_id, record=other) for _, other in self._others(stated))]

    def get(self, org_id: str, record_id: str) -> StoredRecord:
        """Read a record; NotFound if there is none."""
        snapshot = self._reader.read([Want(org_id, record=f"{self.collection}/{record_id}")])[0]
        if snapshot.record is None or snapshot.record.is_gone(self._clock.now()):
            raise NotFound(f"There is no {self.noun} {record_id!r}.")
        return snapshot.record

    def page(self, org_id: str, *, limit: int, position: str | None, since: datetime | None) -> Page[StoredRecord]:
        """List records by the instant by which they stand in lists, from one on."""
        now = self._clock.now()
        first, last = self._span(since, now)
        page = self._records.page(org_id, self.collection, limit=limit, position=position, since=first, until=last)
        return Page([record for record in page.items if not record.is_gone(now)], page.position)

    def delete(self, org_id: str, record_id: str) -> None:
        """Delete silently: the plan is cancelled, no event is derived; deleting what is gone is fine."""
        ref = f"{self.collection}/{record_id}"
        for _ in range(ROUNDS):
            snapshot = self._reader.read([Want(org_id, record=ref)])[0]
            record, now = snapshot.record, self._clock.now()
            if record is None or record.deleted:
                return
            gone = replace(
                record,
                version=record.version + 1,
                accepted_at=now,
                deleted=True,
                plan=tuple(replace(entry, state="cancelled", reason=None) for entry in record.plan),
                plan_revision=record.plan_revision + 1,
                fired=fired_keys(record.plan, record.fired, now),
                announced=(),
            )
            if self._records.save(org_id, deletion(gone, record, settings_of(snapshot), now)):
                return
        raise Contended(f"{ref} is being written by others; repeat the call")

    # What a collection says of itself.

    @abstractmethod
    def _span(self, since: datetime | None, now: datetime) -> tuple[datetime, datetime | None]:
        """Say from when to when a list goes."""

    @abstractmethod
    def _staff(self, stated: S) -> Named:
        """Name the members of staff in a statement."""

    def _others(self, stated: S) -> Named:  # noqa: ARG002 - most name none
        """Name the other records in a statement."""
        return ()

    @abstractmethod
    def _wrong(self, stated: S) -> list[Fault]:
        """Find what is wrong in a statement beyond its form."""

    @abstractmethod
    def _document(self, stated: S, client_id: str | None, before: Document | None, settings: Settings) -> Document:
        """Give the record as it is to be stored; raises Invalid."""

    @abstractmethod
    def _derive(
        self, before: Document | None, after: Document, *, actor: Actor, version: int, now: datetime, settings: Settings
    ) -> list[Event]:
        """Derive the events of a change."""

    # The mechanism.

    def _faults(self, record_id: str, stated: S) -> list[Fault]:
        faults = self._wrong(stated)
        if stated.id is not None and stated.id != record_id:
            faults.append(Fault("/id", "invalid_value", f"must equal the path's id, {record_id!r}"))
        return faults

    def _brought(
        self, caller: Caller, stated: S, record: StoredRecord | None
    ) -> tuple[ClientChange | None, list[Fault]]:
        """Work out the client that came along: named by its id, or else the one the record has already."""
        client: ClientInput | None = getattr(stated, "client", None)
        if client is None:
            return None, []
        same = record.client_id if record is not None and not record.deleted else None
        try:
            return self._clients.along(caller, client.id or same, client), []
        except Invalid as error:
            return None, list(error.faults)

    def _unknown(self, stated: S, read: Sequence[Snapshot], client: Client | None) -> list[Fault]:
        """Find who and what is named and is not there: whoever left may stay where he is, but not join."""
        snapshot, stored = read[0], read[0].record
        before = stored if stored is not None and not stored.deleted else None
        client_id, was = _client_id(stated), before.client_id if before is not None else None
        faults = []
        if client_id is not None and (client is None or (client.removed and was != client.id)):
            faults.append(Fault("/client_id", "unknown_reference", f"There is no client {client_id!r}."))
        known = {*snapshot.staff, *(before.staff_ids if before is not None else ())}
        faults += [
            Fault(pointer, "unknown_reference", f"There is no member of staff {staff_id!r}.")
            for pointer, staff_id in self._staff(stated)
            if staff_id not in known
        ]
        named_before = {getattr(before.document, "record", None)} if before is not None else set()
        for (pointer, ref), other in zip(self._others(stated), read[1:], strict=True):
            there = other.record is not None and not other.record.deleted
            if not there and ref not in named_before:
                faults.append(Fault(pointer, "unknown_reference", f"There is no record {ref!r}."))
        return faults

    def _save(self, org_id: str, change: RecordChange | None, client: ClientChange | None) -> bool:
        if client is None or not client.differs:
            return change is None or self._records.save(org_id, change)
        saved = self._records.save_with_client(org_id, change, client, self._clock.now())
        if saved.duplicate_of is not None:
            raise duplicate(saved.duplicate_of, "this phone or e-mail")
        return saved.version is not None

    def _change(
        self, ref: str, stated: S, snapshot: Snapshot, client: Client | None
    ) -> tuple[Put, RecordChange | None]:
        settings, stored, now = settings_of(snapshot), snapshot.record, self._clock.now()
        if stored is not None and client is not None and stored.client_id in client.merged:
            # Merged since, and not moved yet: it is the same person's, so nothing is passed on.
            stored = replace(stored, document=with_client(stored.document, client.id))
        live = stored if stored is not None and not stored.deleted else None
        before = live.document if live is not None else None
        after = self._document(stated, client.id if client is not None else None, before, settings)
        updated_at = parse_instant(stated.updated_at) if stated.updated_at else None
        if live is not None:
            if updated_at is not None and live.updated_at is not None and updated_at < live.updated_at:
                return Put(live, (), stale=True), None
            if after == before:
                return Put(live, ()), None
        base = stored or StoredRecord(ref, 0, after, created_at=now, accepted_at=now)
        active = snapshot.organization is not None and snapshot.organization.active
        events: list[Event] = []
        if stated.notify and active:
            actor, version = stated.actor or Actor(), base.version + 1
            events = self._derive(before, after, actor=actor, version=version, now=now, settings=settings)
        base = replace(base, completed_at=_completed_at(base, before, after, now), deleted=False)
        entries, fired, revision = replanned(
            base, after, client if active else None, settings, now, late=settings.late_booking
        )
        announced = dict.fromkeys((*base.announced, *((event.type, event.version) for event in events)))
        record = replace(
            base,
            version=base.version + 1,
            document=after,
            accepted_at=now,
            updated_at=updated_at or base.updated_at,
            plan=entries,
            plan_revision=revision,
            fired=fired,
            announced=tuple(announced)[-ANNOUNCED_KEPT:],
        )
        return Put(record, tuple(events), created=live is None), written(record, stored, settings, now, tuple(events))


def deletion(gone: StoredRecord, stored: StoredRecord, settings: Settings, now: datetime) -> RecordChange:
    """Give the write of a deleted record, which is kept as long as the settings say from now on."""
    change = written(gone, stored, settings, now)
    return replace(change, retention=now + timedelta(days=settings.retention_days))


def settings_of(snapshot: Snapshot) -> Settings:
    """Give the settings; NotFound when the organization is gone."""
    if snapshot.settings is None:
        raise NotFound("The organization has no settings; it may have been deleted.")
    return snapshot.settings


def whose(data: Json) -> list[Fault]:
    """Find what is wrong about whose record it is: `client_id` or `client`, and not both."""
    named, brought = data.get("client_id") is not None, data.get("client") is not None
    if not named and not brought:
        return [Fault("/client_id", "missing_field", "name a client, or bring one along in `client`")]
    if named and brought:
        return [Fault("/client", "invalid_value", "give `client_id` or `client`, not both")]
    return []


def each_of(name: str, ids: Sequence[str]) -> list[tuple[str, str]]:
    """Name the ids of a list with their pointers."""
    return [(f"/{name}/{place}", each) for place, each in enumerate(ids)]


def _client_id(stated: Stated) -> str | None:
    return getattr(stated, "client_id", None)


def _completed_at(base: StoredRecord, before: Document | None, after: Document, now: datetime) -> datetime | None:
    """Say when an appointment was completed: when the PUT that did so was accepted, not for imported history."""
    if after.status != "completed" or before is None or not base.ref.startswith("appointments/"):
        return None
    return base.completed_at if before.status == "completed" else now
