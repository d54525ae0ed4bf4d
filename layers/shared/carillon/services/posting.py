"""Posting: an event that no record shows is taken in, whole or not at all, for up to a hundred clients."""

from collections.abc import Iterator
from dataclasses import field
from typing import Annotated, Any, get_args

from carillon.domain.constraints import Id, Instant, Items, Line, Start, Text, Url, document
from carillon.domain.errors import Fault, Invalid, InvalidValue
from carillon.domain.idempotency import Attempt
from carillon.domain.organizations import Caller
from carillon.domain.posted import POSTED, PostedEvent, SlotData, known_type, split
from carillon.domain.record_documents import Fields, FieldValue
from carillon.domain.times import iso
from carillon.domain.values import value
from carillon.ports.posted import PostedEvents
from carillon.ports.reading import Reader, Want
from carillon.ports.system import Clock, Ids
from carillon.services.activation import require_active


@document
class EventInput:
    """An event to post: `appointment.earlier_slot`, `slot.available`, or `custom.<slug>`.

    `data`: of what became free, `start` (as in an appointment, in the organization's zone), `service`, `staff` and
    `booking_url`; anything else is the texts' `fields.*`. It is told until `expires_at`, else for a day after
    `occurred_at` (by default now), and not past `start`.
    """

    type: Annotated[str, Text(max=64, min=1)]
    client_ids: Annotated[list[Id], Items(max=100, min=1)]
    data: Fields = field(default_factory=dict)
    occurred_at: Instant | None = None
    expires_at: Instant | None = None


@document
class EventView:
    """A posted event as it was taken in: each client once, whatever ids it was named by."""

    id: str
    type: str
    client_ids: list[Id]
    data: Fields
    occurred_at: Instant
    expires_at: Instant | None


@value
class Posting:
    """Takes events in."""

    reader: Reader
    posted: PostedEvents
    clock: Clock
    ids: Ids

    def post(self, caller: Caller, stated: EventInput, attempt: Attempt | None) -> EventView:
        """Store an event in one write; what follows from it is the stream's business.

        Raises Forbidden while inactive, Invalid for an unknown type or client, RepeatedError for a call that has its
        answer.
        """
        named = tuple(dict.fromkeys(stated.client_ids))
        snapshot = self.reader.read([Want(caller.org_id, clients=named)])[0]
        require_active(snapshot)
        slot, own = split(stated.data)
        faults = faults_of(stated)
        for place, client_id in enumerate(stated.client_ids):
            client = snapshot.clients.get(client_id)
            if client is None or client.removed:
                message = f"There is no client {client_id!r}."
                faults.append(Fault(f"/client_ids/{place}", "unknown_reference", message))
        if faults:
            raise Invalid(faults)
        now = self.clock.now()
        posted = PostedEvent(
            type=stated.type,
            client_ids=list(dict.fromkeys(snapshot.clients[name].id for name in named)),
            data=SlotData(**slot),  # type: ignore[arg-type]
            fields=own,
            occurred_at=stated.occurred_at or iso(now),
            expires_at=stated.expires_at,
            accepted_at=iso(now),
        )
        posted_id = self.ids.ulid(now)
        view = EventView(
            id=posted_id,
            type=posted.type,
            client_ids=posted.client_ids,
            data=stated.data,
            occurred_at=posted.occurred_at or iso(now),
            expires_at=posted.expires_at,
        )
        self.posted.put(caller.org_id, posted_id, posted, attempt.answered(201, view) if attempt else None)
        return view


def faults_of(stated: EventInput) -> list[Fault]:
    """Find what is wrong with an event by itself, beyond its form."""
    faults = []
    if not known_type(stated.type):
        known = ", ".join(POSTED)
        faults.append(Fault("/type", "unknown_reference", f"post {known}, or custom.<slug> (a-z, 0-9, _ and -)"))
    return faults + [fault for name, kind in SLOT.items() for fault in _wrong(name, stated.data.get(name), kind)]


SLOT: dict[str, Any] = {"start": Start, "service": Line, "staff": Line, "booking_url": Url}


def _wrong(name: str, given: FieldValue, kind: Any) -> Iterator[Fault]:
    """Hold a value to what a slot's is: the other data may be anything."""
    if given is None:
        return
    if not isinstance(given, str):
        yield Fault(f"/data/{name}", "invalid_value", "must be a text")
        return
    try:
        for rule in get_args(kind)[1:]:
            (rule.check if isinstance(rule, Text) else rule.function)(given)
    except InvalidValue as error:
        yield Fault(f"/data/{name}", error.code, str(error))
