"""What a record of each collection is, as the integrator states it."""

from dataclasses import field
from datetime import datetime, timedelta
from typing import Annotated, Literal, get_args

from carillon.domain.clients import Consents
from carillon.domain.constraints import (
    Check,
    Currency,
    Email,
    Id,
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
