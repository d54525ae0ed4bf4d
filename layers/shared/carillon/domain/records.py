"""Records: what the integrator's system says is so, with the plan and the pending events that follow from it."""

from dataclasses import field
from datetime import datetime
from typing import Literal

from carillon.domain.constraints import Id, Instant, document
from carillon.domain.record_documents import Actor, Appointment, Contact, Document, Lead, Order, Source, Task
from carillon.domain.values import value


@document
class Event:
    """Something that happened to a record, derived from a difference, waiting to be announced.

    `version` is the record's version in which it was derived. `audiences` None means every audience of its row;
    `staff` None means everybody on the record, else only these. `client_id` is the client concerned. `status` is the
    order's or lead's since, `was` the one before; both are None for other records.
    """

    type: str
    version: int
    at: Instant
    actor: Actor
    client_id: Id | None = None
    audiences: list[str] | None = None
    staff: list[Id] | None = None
    status: str | None = None
    was: str | None = None


PlannedState = Literal["planned", "suppressed", "cancelled"]
Reminded = Literal["client", "collaborator"]
"""Whom a planned reminder is for: the client, or the collaborators on the record."""


@value
class Planned:
    """An entry of a record's plan.

    `start` is the appointment's start this entry belongs to, `at` the intended instant, both UTC. `generation` is
    the plan revision that planned it: a schedule of another generation is stale. A planned entry whose instant has
    passed has fired, or is about to. `early`: when it is looked at instead, because quiet hours would hold part of it
    until after the appointment. `audience`: whom it is for; the client's preferences and the organization's reminders
    may put the same key at different instants, so each has its own entries.
    """

    key: str
    start: datetime
    at: datetime
    state: PlannedState
    generation: int
    reason: str | None = None
    early: datetime | None = None
    audience: Reminded = "client"

    @property
    def name(self) -> str:
        """The key, and for whom if not for the client: what tells it from the other entries of a start."""
        return reminder_name(self.key, self.audience)

    @property
    def fires(self) -> datetime:
        """When its schedule fires."""
        return self.early or self.at


def reminder_name(key: str, audience: Reminded) -> str:
    """Name a reminder among those of its record: no key has an `@`."""
    return key if audience == "client" else f"{key}@{audience}"


@value
class StoredRecord:
    """A record as stored, with its outbox (`events`) and its plan.

    `plan_revision` rises with every change of the plan, `planned_*` say up to where the planner has followed, and
    `scheduled` which entries have their schedule. `fired` names reminder keys already sent for earlier starts.
    `announced` holds the latest events by (type, version), newest last: what may supersede what. `start` is the start
    as it was last understood: another time zone of the organization makes it another instant. `former` names ids of
    its client from before merges: what was sent then lies under them. `expires`: when its time to live ends; it may be
    stored for days after that.
    """

    ref: str
    version: int
    document: Document
    created_at: datetime
    accepted_at: datetime
    updated_at: datetime | None = None
    completed_at: datetime | None = None
    deleted: bool = False
    plan: tuple[Planned, ...] = ()
    plan_revision: int = 0
    events: tuple[Event, ...] = ()
    planned_version: int = 0
    planned_revision: int = 0
    scheduled: tuple[Planned, ...] = ()
    fired: tuple[str, ...] = ()
    announced: tuple[tuple[str, int], ...] = ()
    start: datetime | None = None
    former: tuple[str, ...] = ()
    expires: datetime | None = field(default=None, compare=False)

    def is_gone(self, now: datetime) -> bool:
        """Whether it is to be shown no more: deleted, or its time is over although it is still stored."""
        return self.deleted or (self.expires is not None and self.expires <= now)

    @property
    def collection(self) -> str:
        """Which kind of record it is: `appointments`, `orders`, `leads`, `tasks`."""
        return self.ref.partition("/")[0]

    @property
    def appointment(self) -> Appointment:
        """The appointment it is; only where nothing else can come along."""
        if not isinstance(self.document, Appointment):
            raise TypeError(f"{self.ref} is no appointment")
        return self.document

    @property
    def source(self) -> Source:
        """Where it was made; only appointments say so."""
        return self.document.source if isinstance(self.document, Appointment) else "api"

    @property
    def contact(self) -> Contact | None:
        """The contact of a lead that is no client's."""
        return self.document.contact if isinstance(self.document, Lead) else None

    def begins(self, organization_zone: str) -> datetime | None:
        """The instant an appointment starts; other records have none."""
        return self.document.starts(organization_zone) if isinstance(self.document, Appointment) else None

    @property
    def client_id(self) -> str | None:
        """The client it is about, if there is one."""
        return None if isinstance(self.document, Task) else self.document.client_id

    @property
    def staff_ids(self) -> tuple[str, ...]:
        """The members of staff it names, each once."""
        about = self.document
        match about:
            case Appointment():
                named = about.staff_ids
            case Order():
                named = [*about.executor_ids, *about.manager_ids]
            case Lead():
                named = about.manager_ids
            case Task():
                named = [*about.assignee_ids, about.author_id]
        return tuple(dict.fromkeys(named))

    @property
    def settled(self) -> bool:
        """Whether the planner has nothing left to do."""
        return not self.events and self.planned_version == self.version and self.planned_revision == self.plan_revision
