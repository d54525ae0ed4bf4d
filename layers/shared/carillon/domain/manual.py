"""Manual messages: somebody writes to one person, and what decides on all others decides on these."""

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from datetime import datetime, timedelta
from typing import Annotated

from carillon.domain.attachments import StoredFile
from carillon.domain.catalog import ROWS, Audience, Collection, general_key
from carillon.domain.channels import CHANNELS, Channel
from carillon.domain.clients import Client, Staff
from carillon.domain.constraints import Items, document
from carillon.domain.decide import obstacles, purpose_of
from carillon.domain.decisions import Account
from carillon.domain.errors import Code
from carillon.domain.messages import Author, Message, Occasion, message_key
from carillon.domain.organizations import Organization
from carillon.domain.own_texts import OWN_KEY, offered
from carillon.domain.quiet import MARKETING, moment
from carillon.domain.recheck import Recheck
from carillon.domain.recipients import Recipient, client_recipient, role_recipient, same, staff_recipient
from carillon.domain.settings import Settings
from carillon.domain.spellings import spellings
from carillon.domain.values import value
from carillon.domain.window import MARGIN, is_open

OWN_WORDS = "manual"
"""The template key of a message that was written without one; nothing is approved under it."""
DEADLINE = timedelta(hours=24)
ELSEWHERE: frozenset[Channel] = frozenset({"email", "sms", "whatsapp"})
"""Channels on which somebody can be written to at another address than the stored one; a bot knows people by their
chats alone, an app by its devices."""
MAX_STORED = 300_000
"""Bytes of a message's words at most, in all their forms: an item of the table has 400 KB."""

_STANDS_AGAINST = frozenset({"address_bounced", "address_complained"})
_UNSAYABLE = "whatsapp_template_missing"
_CODES: dict[str, Code] = {
    # A complaint is the person's own word; an address that takes no mail is none.
    "address_bounced": "no_address",
    "address_complained": "opted_out",
    _UNSAYABLE: "whatsapp_window_closed",
}
_ORDER: tuple[Code, ...] = (
    "notifications_inactive",
    "channel_not_connected",
    "consent_missing",
    "opted_out",
    "no_address",
    "whatsapp_window_closed",
    "quota_exhausted",
)


@document
class Written:
    """What a manual message says, as it was shown to whoever sent it; it goes out like this.

    `content_sid` and `variables`: the approved WhatsApp template that says it.
    """

    __omit_none__ = True

    text: str
    subject: str | None = None
    html: str | None = None
    content_sid: str | None = None
    variables: dict[str, str] = field(default_factory=dict)
    files: Annotated[list[StoredFile], Items(max=10)] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of its words."""
        return sum(len(part.encode()) for part in (self.text, self.subject, self.html) if part)


@value
class Elsewhere:
    """Another address than the person's stored one, and why it must not be written to, if it must not."""

    address: str
    refused: str | None = None


def audience_for(template: str | None, member: Staff | None) -> Audience | None:
    """Say as whom a person is written to: the audience that a text is for; None where it is for nobody like that."""
    if member is None:
        known: list[Audience] = ["client"]
    else:
        roles: list[Audience] = [role for role in ("collaborator", "manager", "owner") if role in member.roles]
        known = [*roles, "collaborator", "executor", "assignee", "author", "order_manager", "lead_manager"]
    if template is None:
        return known[0]
    audiences = offered(template)
    return next((audience for audience in known if audience in audiences), None)


def collection_of(template: str | None) -> Collection | None:
    """Say of which collection a record has to be that a text is about; None: it is about none, or an own one."""
    if template is None or template.startswith(OWN_KEY) or template in _ABOUT_NONE:
        return None
    row = ROWS.get(general_key(template) or template)
    if row is None or row.posted or row.group == "recaps":
        return None
    return "appointments" if row.group == "reminders" else row.group


def is_filled_elsewhere(template: str) -> bool:
    """Whether a text says what only its own occasion knows: a posted event's, or the list of a day."""
    row = ROWS.get(template)
    return row is not None and (row.posted or row.group == "recaps")


_ABOUT_NONE = frozenset({"review"})


def written_recipient(person: Client | Staff, audience: Audience, settings: Settings) -> Recipient:
    """Take whoever is written to as someone to be told."""
    if isinstance(person, Client):
        return client_recipient(person, settings)
    return staff_recipient(person, audience, settings)


def obstacle_to(
    recipient: Recipient, channel: Channel, template: str, facts: Account, elsewhere: Elsewhere | None, *, free: bool
) -> Code | None:
    """Give the first thing in the way, in the order of the contract; None when nothing is.

    `free`: in words that nobody approved. Somebody who has no address on the channel has none elsewhere either.
    """
    found = _obstacles(recipient, channel, template, facts, elsewhere, free=free)
    codes = {_CODES.get(reason, reason) for reason in found}
    return next((code for code in _ORDER if code in codes), None)


def _obstacles(
    recipient: Recipient, channel: Channel, template: str, facts: Account, elsewhere: Elsewhere | None, *, free: bool
) -> list[str]:
    """Find everything in the way, as `obstacles` does, of the address that is meant."""
    purpose, sayable = purpose_of(template), OWN_WORDS if free else template
    found = [reason for reason, _ in obstacles(recipient, channel, sayable, purpose, facts)]
    if elsewhere is None:
        return found
    kind = CHANNELS[channel].address
    there = replace(recipient, addresses={**recipient.addresses, kind: elsewhere.address}, refused=())
    unsayable = [reason for reason, _ in obstacles(there, channel, sayable, purpose, facts) if reason == _UNSAYABLE]
    stands = [reason for reason in found if reason not in _STANDS_AGAINST and reason != _UNSAYABLE]
    return [*stands, *([elsewhere.refused] if elsewhere.refused is not None else []), *unsayable]


def refused_at(
    channel: Channel,
    address: str,
    clients: Iterable[Client],
    staff: Iterable[Staff],
    organization: Organization,
    settings: Settings,
) -> str | None:
    """Tell whether somebody who has an address said no more should come there, or it was marked as one that refuses."""
    people: list[Recipient | None] = [client_recipient(client, settings) for client in clients]
    people += [staff_recipient(member, "collaborator", settings) for member in staff]
    people += [role_recipient(role, f"r:{role}", settings, organization) for role in _ROLES]
    kind, spelt = CHANNELS[channel].address, {spelling.casefold() for spelling in spellings(address)}
    theirs = [person for person in people if person and (person.addresses.get(kind) or "").casefold() in spelt]
    said = any(each.channel == channel and each.out and same(each, address) for each in organization.opted)
    if said or any(channel in person.opted_out for person in theirs):
        return "opted_out"
    refusals: set[str | None] = {person.refusal(channel) for person in theirs}
    return next((reason for reason in ("address_complained", "address_bounced") if reason in refusals), None)


_ROLES: tuple[Audience, ...] = ("manager", "owner")


def manual_message(
    org_id: str,
    message_id: str,
    recipient: Recipient,
    channel: Channel,
    *,
    to: str,
    record: str,
    template: str,
    author: Author,
    now: datetime,
) -> Message:
    """Make a manual message: each call makes one of its own."""
    occasion = Occasion(record, kind="manual", id=message_id)
    return Message(
        key=message_key(org_id, occasion, recipient.audience, recipient.ref, channel),
        id=message_id,
        status="queued",
        channel=channel,
        audience=recipient.audience,
        to=to,
        occasion=occasion,
        template=template,
        created_at=now,
        deadline=now + DEADLINE,
        origin="manual",
        timeline=((now, "queued", None),),
        author=author,
    )


def recheck_manual(
    message: Message,
    facts: Account | None,
    clients: Mapping[str, Client],
    staff: Mapping[str, Staff],
    elsewhere: Elsewhere | None,
    now: datetime,
) -> Recheck:
    """Check a manual message just before it is claimed.

    `facts` None: the organization is gone. Quiet hours don't hold what a person sends, but marketing at night.
    """
    if facts is None or message.channel is None:
        return Recheck(status="suppressed", reason="superseded")
    if facts.organization.sends and now >= message.deadline:
        return Recheck(status="expired", reason="too_late")
    recipient = _recipient(message, clients, staff, facts.settings)
    if recipient is None:
        return Recheck(status="suppressed", reason="no_address")
    free = message.author is None or message.author.free
    found = _obstacles(recipient, message.channel, message.template, facts, elsewhere, free=free)
    # What was accepted was sayable: words that were approved still are, for others the window must be open yet.
    reason = next((reason for reason in found if reason != _UNSAYABLE), None)
    address = elsewhere.address if elsewhere else recipient.addresses.get(CHANNELS[message.channel].address)
    if reason is None and free and message.channel == "whatsapp":
        there = replace(recipient, addresses={**recipient.addresses, "phone": address})
        still = is_open(there, facts.organization, facts.settings, now, margin=MARGIN / 2)
        reason = None if still else _UNSAYABLE
    if reason is not None or not address:
        return Recheck(status="suppressed", reason=reason or "no_address")
    client = clients.get(message.client_id or "")
    if client is not None and purpose_of(message.template) == "marketing":
        zone = client.time_zone or facts.settings.time_zone
        at = moment(now, now, (MARKETING,), zone, None)
        if at is not None and at > now:
            return Recheck(status="queued", reason="quiet_hours", not_before=at)
    return Recheck(address=address)


def _recipient(
    message: Message, clients: Mapping[str, Client], staff: Mapping[str, Staff], settings: Settings
) -> Recipient | None:
    """Find the person as he is now; None when he is gone."""
    client, member = clients.get(message.client_id or ""), staff.get(message.staff_id or "")
    if client is not None and not client.removed:
        return client_recipient(client, settings)
    return staff_recipient(member, message.audience, settings) if member is not None and member.active else None
