"""Clients and staff: who can be told something, where, and whether they agreed."""

from dataclasses import field
from typing import Annotated, Literal

from carillon.domain.channels import ALL, CHANNELS, Channel, Purpose
from carillon.domain.constraints import (
    Email,
    Id,
    Instant,
    Items,
    Line,
    Locale,
    Name,
    PhoneInput,
    Prose,
    Text,
    Zone,
    document,
)
from carillon.domain.reach import Reach
from carillon.domain.settings import OwnReminders, Reminder, Settings

Grants = dict[Channel, bool]
"""Per channel: agreed or not; a channel left out was never asked for and counts as no."""


@document
class Consents:
    """A client's consents by purpose, as an integrator states them; a channel left out is unchanged."""

    service: Grants = field(default_factory=dict)
    marketing: Grants = field(default_factory=dict)
    source: Line = "api"
    wording: Prose | None = None
    at: Instant | None = None


@document
class ConsentState:
    """Consents in force: the projection of the ledger."""

    service: Grants = field(default_factory=dict)
    marketing: Grants = field(default_factory=dict)

    def of(self, purpose: Purpose) -> Grants:
        """The grants of one purpose."""
        return self.service if purpose == "service" else self.marketing


@document
class Client:
    """A client as stored.

    `reminders` is the client's own copy, None until the first enrolment; `custom` says it was edited since.
    `opted_out` lists channels on which the person said STOP. `removed`: hidden by DELETE. `alias_of`: merged
    into that one, nothing else is left here. `merged`: the ids that lead here; history lies under them too. `reach`
    holds the ways to the person that no one states in a profile.
    """

    id: Id
    first_name: Name | None = None
    last_name: Name | None = None
    email: Email | None = None
    phone: PhoneInput | None = None
    locale: Locale | None = None
    time_zone: Zone | None = None
    tags: Annotated[list[Annotated[str, Text(max=50, min=1)]], Items(max=20)] = field(default_factory=list)
    allow_shared_contact: bool = False
    enrolled: bool = False
    reminders: OwnReminders | None = None
    custom: bool = False
    consents: ConsentState = field(default_factory=ConsentState)
    opted_out: list[Channel] = field(default_factory=list)
    removed: bool = False
    alias_of: Id | None = None
    merged: list[Id] = field(default_factory=list)
    reach: Reach = field(default_factory=Reach)

    @property
    def full_name(self) -> str:
        """First and last name, as far as known."""
        return " ".join(part for part in (self.first_name, self.last_name) if part)


StaffRole = Literal["collaborator", "manager", "owner"]


@document
class Staff:
    """A member of the business."""

    id: Id
    name: Name
    email: Email | None = None
    mobile: PhoneInput | None = None
    roles: Annotated[list[StaffRole], Items(max=3)] = field(default_factory=lambda: ["collaborator"])
    locale: Locale | None = None
    active: bool = True
    opted_out: list[Channel] = field(default_factory=list)
    reach: Reach = field(default_factory=Reach)


def default_consents(settings: Settings) -> ConsentState:
    """What a new client has agreed to when nothing is said: only `service`, and only as the organization set it."""
    defaults = {"phone": settings.consent_defaults.phone, "email": settings.consent_defaults.email}
    covered = ((channel, CHANNELS[channel].consent_default) for channel in ALL)
    return ConsentState(service={channel: True for channel, kind in covered if kind is not None and defaults[kind]})


def reminders_of(client: Client) -> list[Reminder]:
    """The reminders in force for a client: none while not enrolled."""
    return list(client.reminders or []) if client.enrolled and not client.removed else []
