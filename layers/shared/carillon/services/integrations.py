"""What the organization is connected to, and whether its notifications are on."""

from dataclasses import replace
from typing import Literal

from carillon.domain.constraints import Country, Id, Locale, Name, Zone, document
from carillon.domain.errors import Contended, NotFound
from carillon.domain.idempotency import Attempt
from carillon.domain.listing import Page
from carillon.domain.organizations import Caller, Mode, Organization, Role, organization_of
from carillon.domain.values import value
from carillon.ports.directory import AuditEntry, Organizations, Stored
from carillon.ports.system import Clock, Ids

CardId = Literal["notifications", "email", "sms", "whatsapp", "push", "telegram", "viber", "payments"]
CardStatus = Literal["active", "inactive", "not_connected", "error"]
FEATURES = ("rules", "templates", "preferences", "enrolment", "messages", "reminders")
"""What is open only while notifications are active."""
ROUNDS = 8


@value
class Senders:
    """Which of the deployment's shared senders are set up."""

    email: bool
    sms: bool
    whatsapp: bool


@document
class Card:
    """One integration."""

    id: CardId
    status: CardStatus


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

    def __init__(self, organizations: Organizations, clock: Clock, ids: Ids, senders: Senders) -> None:
        self._organizations = organizations
        self._clock = clock
        self._ids = ids
        self._senders = senders

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
        notifications = _card(self._load(org_id).document)
        shared = {"email": self._senders.email, "sms": self._senders.sms, "whatsapp": self._senders.whatsapp}
        others: tuple[CardId, ...] = ("email", "sms", "whatsapp", "push", "telegram", "viber", "payments")
        cards = [Card(id=each, status="active" if shared.get(each) else "not_connected") for each in others]
        return Page([notifications, *cards])

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
