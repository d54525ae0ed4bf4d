"""What the organization is connected to, and whether its notifications are on."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from carillon.domain.channels import ALL, Channel
from carillon.domain.connections import own_sender
from carillon.domain.constraints import Country, Id, Locale, Name, Zone, document
from carillon.domain.errors import Contended, NotFound
from carillon.domain.idempotency import Attempt
from carillon.domain.listing import Page
from carillon.domain.organizations import Caller, Mode, Organization, Role, organization_of
from carillon.domain.settings import Settings
from carillon.ports.delivery import Connections
from carillon.ports.directory import AuditEntry, Organizations, Stored
from carillon.ports.reading import Reader, Want
from carillon.ports.system import Clock, Ids

CardId = Literal["notifications", "email", "sms", "whatsapp", "push", "telegram", "viber", "payments"]
CardStatus = Literal["active", "inactive", "not_connected", "error"]
FEATURES = ("rules", "templates", "preferences", "enrolment", "messages", "reminders")
"""What is open only while notifications are active."""
ROUNDS = 8


@document
class Card:
    """One integration.

    `own`: the state of the organization's own sender, where it has one; without it, or while it is `pending`, an
    active channel sends with the deployment's. `error`: the own sender is needed and out of order, see
    `GET /v1/channels`.
    """

    __omit_none__ = True

    id: CardId
    status: CardStatus
    own: Literal["active", "pending", "paused"] | None = None


@document
class Tenant:
    """The organization of the key."""

    id: Id
    name: Name
    time_zone: Zone
    locale: Locale
    country: Country


@document
class Me:
    """Whom a key belongs to, and what is open to it."""

    organization: Tenant
    role: Role
    mode: Mode
    notifications_active: bool
    features: list[str]


class Integrations:
    """Use cases on activation and connections."""

    def __init__(
        self,
        organizations: Organizations,
        reader: Reader,
        connections: Connections,
        payments: Callable[[], CardStatus],
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._organizations = organizations
        self._reader = reader
        self._connections = connections
        self._payments = payments
        self._clock = clock
        self._ids = ids

    def me(self, caller: Caller) -> Me:
        """Tell whom the caller's key belongs to."""
        organization = self._load(caller.org_id).document
        return Me(
            organization=Tenant(
                id=organization_of(organization.id),
                name=organization.name,
                time_zone=organization.time_zone,
                locale=organization.locale,
                country=organization.country,
            ),
            role=caller.role,
            mode=caller.mode,
            notifications_active=organization.active,
            features=list(FEATURES) if organization.active else [],
        )

    def cards(self, org_id: str) -> Page[Card]:
        """Show every integration."""
        snapshot = self._reader.read([Want(org_id)])[0]
        organization, settings = snapshot.organization, snapshot.settings
        if organization is None or settings is None:
            raise NotFound("there is no such organization")
        connected = self._connections.connected(organization, settings)
        channels = [_of_channel(each, organization, settings, connected=each in connected) for each in ALL]
        return Page([_card(organization), *channels, Card(id="payments", status=self._payments())])

    def switch(self, caller: Caller, attempt: Attempt | None, *, active: bool) -> Card:
        """Activate or deactivate notifications; nothing is written when nothing changes."""
        for _ in range(ROUNDS):
            stored = self._load(caller.org_id)
            card = _card(replace(stored.document, active=active))
            if stored.document.active == active and attempt is None:
                return card
            now = self._clock.now()
            changed = Stored(replace(stored.document, active=active), stored.version)
            entry = AuditEntry(
                self._ids.ulid(now), now, caller.actor, "notifications", stored.version + 1, {"active": active}
            )
            remember = attempt.answered(200, card) if attempt else None
            if self._organizations.save([changed], now, audit=entry, remember=remember):
                return card
        raise Contended("the organization is being changed by others")

    def _load(self, org_id: str) -> Stored[Organization]:
        found = self._organizations.load(org_id)
        if not found:
            raise NotFound("there is no such organization")
        return found[0]


def _card(organization: Organization) -> Card:
    return Card(id="notifications", status="active" if organization.active else "inactive")


def _of_channel(channel: Channel, organization: Organization, settings: Settings, *, connected: bool) -> Card:
    state, used = organization.channels.get(channel), own_sender(channel, organization, settings)
    paused = used is not None and used.status == "paused"
    chosen = channel != "whatsapp" or settings.message_mode.mode == "own"
    missing = state is not None and chosen and not connected
    status: CardStatus = "error" if paused or missing else "active" if connected else "not_connected"
    return Card(id=channel, status=status, own=state.status if state is not None else None)
