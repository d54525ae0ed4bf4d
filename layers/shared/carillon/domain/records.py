"""Records: what the integrator's system says is so, with the plan and the pending events that follow from it."""

from dataclasses import field
from datetime import datetime, timedelta
from typing import Annotated, Literal, get_args

from carillon.domain.clients import Consents
from carillon.domain.constraints import (
    Check,
    Currency,
    Email,
    Id,
    Instant,
    Items,
    Line,
    Locale,
    Name,
    PhoneInput,
    Start,
    Text,
    Url,
    Whole,
    Zone,
    document,
)
from carillon.domain.errors import InvalidValue
from carillon.domain.times import start_instant
from carillon.domain.values import value

Status = Literal["requested", "booked", "accepted", "refused", "cancelled", "completed", "no_show", "awaiting_payment"]
STATUSES: tuple[Status, ...] = get_args(Status)
CONFIRMED: frozenset[str] = frozenset({"booked", "accepted"})
"""Only these have reminders before the start; `accepted` is a synonym of `booked`, stored as sent."""
LIVE: frozenset[str] = CONFIRMED | {"requested", "awaiting_payment"}
"""The appointment may still take place, so a change of it is worth telling."""
Source = Literal["widget", "console", "api"]
StatusName = Annotated[str, Text(max=64, min=1)]
"""A status of the business's own; one that its settings don't name is shown as it is."""
FieldValue = str | int | float | bool | None
MAX_FIELDS_BYTES = 8_000


def _fields(value: dict[str, FieldValue]) -> None:
    size = sum(len(name) + len(str(item)) for name, item in value.items())
    if size > MAX_FIELDS_BYTES:
        raise InvalidValue(f"must hold at most {MAX_FIELDS_BYTES} characters in all")


def _amount(value: float) -> None:
    if not 0 <= value <= 1e9:  # noqa: PLR2004 - also refuses NaN and infinity
        raise InvalidValue("must be an amount between 0 and 1,000,000,000")


Fields = Annotated[
    dict[Annotated[str, Text(max=64, min=1, pattern=r"[A-Za-z_][A-Za-z0-9_]*")], FieldValue],
    Items(max=50),
    Check(_fields),
]


@document
class Price:
    """An amount of money in major units (12.5 is twelve and a half)."""

    amount: Annotated[float, Check(_amount)]
    currency: Currency


@document
class Actor:
    """Who made a change."""

    type: Literal["client", "staff", "system"] = "system"
    id: Id | None = None


@document
class AppointmentBody:
    """What an appointment is, apart from whose it is.

    `start` is wall time in `time_zone` (the organization's when None), or an instant with an offset.
    """

    staff_ids: Annotated[list[Id], Items(max=20)] = field(default_factory=list)
    start: Start
    time_zone: Zone | None = None
    duration_minutes: Annotated[int, Whole(1, 366 * 24 * 60)]
    service: Line | None = None
    location: Line | None = None
    price: Price | None = None
    manage_url: Url | None = None
    payment_url: Url | None = None
    status: Status
    fields: Fields = field(default_factory=dict)


@document
class Appointment(AppointmentBody):
    """An appointment as stored; `source` says where it was made and is fixed by the first PUT."""

    client_id: Id
    source: Source = "api"

    def starts(self, organization_zone: str) -> datetime:
        """The start as an instant."""
        return start_instant(self.start, self.time_zone or organization_zone)

    def ends(self, organization_zone: str) -> datetime:
        """The end as an instant."""
        return self.starts(organization_zone) + timedelta(minutes=self.duration_minutes)


RecordRef = Annotated[str, Text(max=80, min=3, pattern=r"(?:appointments|orders|leads|tasks)/[A-Za-z0-9._:\-]{1,64}")]
"""Names a record of another's: `orders/117`."""


@document
class OrderBody:
    """What an order is, apart from whose it is; `status` is the business's own.

    `final`: nothing follows any more. `due`: when it is to be done, as a wall time of the organization or an instant.
    """

    number: Line
    summary: Line | None = None
    status: StatusName
    final: bool = False
    total: Price | None = None
    executor_ids: Annotated[list[Id], Items(max=20)] = field(default_factory=list)
    manager_ids: Annotated[list[Id], Items(max=20)] = field(default_factory=list)
    due: Start | None = None
    fields: Fields = field(default_factory=dict)


@document
class Order(OrderBody):
    """An order as stored: what a client asked for and what became of it."""

    client_id: Id


@document
class Contact:
    """Somebody who is no client yet, with his own consents."""

    name: Name
    phone: PhoneInput | None = None
    email: Email | None = None
    locale: Locale | None = None
    consents: Consents = field(default_factory=Consents)


@document
class LeadBody:
    """What a lead is, apart from whose it is; `status` is the business's own. `final`: nothing follows any more."""

    status: StatusName
    final: bool = False
    summary: Line | None = None
    manager_ids: Annotated[list[Id], Items(max=20)] = field(default_factory=list)
    fields: Fields = field(default_factory=dict)


@document
class Lead(LeadBody):
    """Somebody who may become a client: a client already known, or a contact with its phone in E.164."""

    client_id: Id | None = None
    contact: Contact | None = None


@document
class Task:
    """Something that members of staff are to do; `record` names what it is about (`orders/117`).

    `due`: when it is to be done, as a wall time of the organization or an instant.
    """

    title: Line
    author_id: Id
    assignee_ids: Annotated[list[Id], Items(max=20)] = field(default_factory=list)
    status: Literal["open", "done"]
    due: Start | None = None
    record: RecordRef | None = None
    fields: Fields = field(default_factory=dict)


Document = Appointment | Order | Lead | Task
DOCUMENTS: dict[str, type[Document]] = {"appointments": Appointment, "orders": Order, "leads": Lead, "tasks": Task}
"""What a record of each collection is."""


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
