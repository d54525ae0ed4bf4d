"""Appointments: what the integrator states is compared with what is stored; differences become events and a plan."""

from dataclasses import fields, replace
from datetime import datetime, timedelta

from carillon.domain.clients import Client
from carillon.domain.codec import Json, to_data
from carillon.domain.constraints import Id, Instant, document
from carillon.domain.errors import Contended, Fault, Invalid, NotFound
from carillon.domain.listing import Page
from carillon.domain.organizations import Caller
from carillon.domain.plan import Late, Subject, fired_keys, not_the_clients, plan, reminders_for
from carillon.domain.records import Actor, Appointment, AppointmentBody, Event, Planned, Source, StoredRecord
from carillon.domain.settings import Settings
from carillon.domain.times import parse_instant
from carillon.domain.timing import Quiet
from carillon.domain.transitions import derive
from carillon.domain.values import value
from carillon.ports.directory import ClientChange
from carillon.ports.reading import Reader, Snapshot, Want
from carillon.ports.records import RecordChange, Records
from carillon.ports.system import Clock
from carillon.services.clients import ClientInput, ClientKeeping, duplicate

ROUNDS = 5
"""How often a PUT starts again because another writer came first."""
ANNOUNCED_KEPT = 6
AT_LEAST_KEPT = timedelta(days=2)
COLLECTION = "appointments"


@document
class AppointmentInput(AppointmentBody):
    """An appointment as an integrator states it.

    Whose it is: `client_id` names a client, or `client` brings one along, made or updated together with the record.
    `id` may repeat the path's. `actor` says who made this change, `updated_at` when the integrator's system did:
    an older one than the stored is ignored. `notify` false stores silently; plans still follow.
    """

    client_id: Id | None = None
    client: ClientInput | None = None
    id: Id | None = None
    source: Source | None = None
    actor: Actor | None = None
    updated_at: Instant | None = None
    notify: bool = True


@value
class Put:
    """What a PUT did: the record as it is now, the events derived, and whether it was new or stale."""

    record: StoredRecord
    events: tuple[Event, ...]
    created: bool = False
    stale: bool = False


class Appointments:
    """Use cases on appointments."""

    def __init__(self, *, reader: Reader, records: Records, clients: ClientKeeping, clock: Clock) -> None:
        self._reader = reader
        self._records = records
        self._clients = clients
        self._clock = clock

    def put(self, caller: Caller, appointment_id: str, stated: AppointmentInput) -> Put:
        """Store an appointment with its events and its plan in one atomic write.

        One batch read and one write; a PUT that differs in nothing writes nothing. One that brings its client along
        takes another read, and a transaction. Raises Invalid for references that do not fit, Conflict for a contact
        that another client has, Contended when other writers kept coming first.
        """
        _check(appointment_id, stated)
        org_id, ref = caller.org_id, f"{COLLECTION}/{appointment_id}"
        for _ in range(ROUNDS):
            known = (stated.client_id,) if stated.client_id is not None else ()
            want = Want(org_id, record=ref, clients=known, staff=tuple(stated.staff_ids))
            snapshot = self._reader.read([want])[0]
            brought = self._brought(caller, stated, snapshot.record)
            client = brought.after if brought is not None else None
            done, change = _change(ref, stated, snapshot, _references(stated, snapshot, client), self._clock.now())
            if self._save(org_id, change, brought):
                return done
        raise Contended(f"{ref} is being written by others; repeat the call")

    def _brought(self, caller: Caller, stated: AppointmentInput, record: StoredRecord | None) -> ClientChange | None:
        """Work out the client that came along: named by its id, or else the one the appointment has already."""
        if stated.client is None:
            return None
        same = record.appointment.client_id if record is not None and not record.deleted else None
        return self._clients.along(caller, stated.client.id or same, stated.client)

    def _save(self, org_id: str, change: RecordChange | None, client: ClientChange | None) -> bool:
        if client is None or not client.differs:
            return change is None or self._records.save(org_id, change)
        saved = self._records.save_with_client(org_id, change, client, self._clock.now())
        if saved.duplicate_of is not None:
            raise duplicate(saved.duplicate_of, "this phone or e-mail")
        return saved.version is not None

    def get(self, org_id: str, appointment_id: str) -> StoredRecord:
        """Read an appointment; NotFound if there is none."""
        snapshot = self._reader.read([Want(org_id, record=f"{COLLECTION}/{appointment_id}")])[0]
        if snapshot.record is None or snapshot.record.deleted:
            raise NotFound(f"There is no appointment {appointment_id!r}.")
        return snapshot.record

    def page(self, org_id: str, *, limit: int, position: str | None, since: datetime | None) -> Page[StoredRecord]:
        """List appointments by start, from an instant (by default now) on."""
        return self._records.page(org_id, COLLECTION, limit=limit, position=position, since=since or self._clock.now())

    def delete(self, org_id: str, appointment_id: str) -> None:
        """Delete silently: the plan is cancelled, no event is derived; deleting what is gone is fine."""
        ref = f"{COLLECTION}/{appointment_id}"
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
            start = record.appointment.starts(_settings(snapshot).time_zone)
            kept = now + timedelta(days=_settings(snapshot).retention_days)
            if self._records.save(org_id, _write(gone, record, (), start, kept)):
                return
        raise Contended(f"{ref} is being written by others; repeat the call")


def replanned(
    record: StoredRecord,
    appointment: Appointment,
    client: Client | None,
    settings: Settings,
    now: datetime,
    *,
    late: Late,
) -> tuple[tuple[Planned, ...], tuple[str, ...], int]:
    """Plan a record anew with the reminders in force now; returns plan, fired keys and plan revision.

    The revision rises only when the plan differs, so planning again changes nothing.
    """
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


def kept_until(appointment: Appointment, settings: Settings) -> datetime:
    """Say how long an appointment is kept: as long after its end as the settings say."""
    return appointment.ends(settings.time_zone) + timedelta(days=settings.retention_days)


def _change(
    ref: str, stated: AppointmentInput, snapshot: Snapshot, client: Client, now: datetime
) -> tuple[Put, RecordChange | None]:
    settings = _settings(snapshot)
    stored = snapshot.record
    if stored is not None and stored.appointment.client_id in client.merged:
        # Merged since, and not moved yet: it is the same person's, so nothing is passed on.
        stored = replace(stored, document=replace(stored.appointment, client_id=client.id))
    live = stored if stored is not None and not stored.deleted else None
    before = live.appointment if live is not None else None
    after = _state(stated, client.id, before)
    updated_at = parse_instant(stated.updated_at) if stated.updated_at else None
    if live is not None:
        if updated_at is not None and live.updated_at is not None and updated_at < live.updated_at:
            return Put(live, (), stale=True), None
        if after == before:
            return Put(live, ()), None
    base = stored or StoredRecord(ref, 0, after, created_at=now, accepted_at=now)
    active = snapshot.organization is not None and snapshot.organization.active
    actor = stated.actor or Actor()
    told = stated.notify and active
    events = derive(before, after, actor=actor, version=base.version + 1, now=now, zone=settings.time_zone)
    events = events if told else []
    base = replace(base, completed_at=_completed_at(base, before, after, now), deleted=False)
    entries, fired, revision = replanned(
        base, after, client if active else None, settings, now, late=settings.late_booking
    )
    announced = (*base.announced, *((event.type, event.version) for event in events))[-ANNOUNCED_KEPT:]
    record = replace(
        base,
        version=base.version + 1,
        document=after,
        accepted_at=now,
        updated_at=updated_at or base.updated_at,
        plan=entries,
        plan_revision=revision,
        fired=fired,
        announced=announced,
    )
    kept = max(kept_until(after, settings), now + AT_LEAST_KEPT)
    change = _write(record, stored, tuple(events), after.starts(settings.time_zone), kept)
    return Put(record, tuple(events), created=live is None), change


def _state(stated: AppointmentInput, client_id: str, before: Appointment | None) -> Appointment:
    body = {field.name: getattr(stated, field.name) for field in fields(AppointmentBody)}
    source = before.source if before is not None else stated.source or "api"
    return Appointment(**body, client_id=client_id, source=source)


def _completed_at(base: StoredRecord, before: Appointment | None, after: Appointment, now: datetime) -> datetime | None:
    """Say when the appointment was completed: when the PUT that did so was accepted, not for imported history."""
    if after.status != "completed" or before is None:
        return None
    return base.completed_at if before.status == "completed" else now


def _write(
    record: StoredRecord, stored: StoredRecord | None, events: tuple[Event, ...], start: datetime, kept: datetime
) -> RecordChange:
    return RecordChange(
        record=record,
        expected_version=stored.version if stored is not None else 0,
        expected_revision=stored.plan_revision if stored is not None else 0,
        new_events=events,
        start=start,
        retention=kept,
    )


def _settings(snapshot: Snapshot) -> Settings:
    if snapshot.settings is None:
        raise NotFound("The organization has no settings; it may have been deleted.")
    return snapshot.settings


def whose(data: Json) -> list[Fault]:
    """Find what is wrong about whose appointment it is: `client_id` or `client`, and not both."""
    named, brought = data.get("client_id") is not None, data.get("client") is not None
    if not named and not brought:
        return [Fault("/client_id", "missing_field", "name a client, or bring one along in `client`")]
    if named and brought:
        return [Fault("/client", "invalid_value", "give `client_id` or `client`, not both")]
    return []


def _check(appointment_id: str, stated: AppointmentInput) -> None:
    faults = whose(to_data(stated))
    if stated.id is not None and stated.id != appointment_id:
        faults.append(Fault("/id", "invalid_value", f"must equal the path's id, {appointment_id!r}"))
    if faults:
        raise Invalid(faults)


def _references(stated: AppointmentInput, snapshot: Snapshot, brought: Client | None) -> Client:
    """Find the client, and check that everybody named exists: whoever left may stay where he is, but not join."""
    before = snapshot.record.appointment if snapshot.record is not None and not snapshot.record.deleted else None
    client = brought or snapshot.clients.get(stated.client_id or "")
    faults = []
    gone = client is None or (client.removed and (before is None or before.client_id != client.id))
    if gone:
        faults.append(Fault("/client_id", "unknown_reference", f"There is no client {stated.client_id!r}."))
    known = {*snapshot.staff, *(before.staff_ids if before is not None else ())}
    faults += [
        Fault(f"/staff_ids/{place}", "unknown_reference", f"There is no member of staff {staff_id!r}.")
        for place, staff_id in enumerate(stated.staff_ids)
        if staff_id not in known
    ]
    if faults or client is None:
        raise Invalid(faults)
    return client
