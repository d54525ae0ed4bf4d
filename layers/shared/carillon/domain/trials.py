"""Tests of a text: sent to addresses of the organization itself, and to no other."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from carillon.domain.channels import CHANNELS, Channel
from carillon.domain.clients import Staff
from carillon.domain.constraints import document
from carillon.domain.messages import Message
from carillon.domain.organizations import Organization
from carillon.domain.recheck import Recheck
from carillon.domain.recipients import Recipient, role_recipient, staff_recipient
from carillon.domain.settings import Settings
from carillon.domain.templates import OwnText
from carillon.domain.values import value


@document
class TrialText:
    """What a test sends: an own text (None: the built-in one), filled with sample data in a locale."""

    locale: str
    text: OwnText | None = None


@value
class Owned:
    """Someone of the organization's own, with an address on the channel asked for."""

    ref: str
    address: str
    opted_out: bool


def owned_addresses(
    channel: Channel, organization: Organization, settings: Settings, staff: Iterable[Staff], now: datetime
) -> list[Owned]:
    """List who may be sent a test: the manager and owner of the settings, and the active staff."""
    day = now.date().isoformat()
    people: list[Recipient | None] = [
        role_recipient("manager", f"r:manager#{day}", settings, organization),
        role_recipient("owner", f"r:owner#{day}", settings, organization),
        *(staff_recipient(member, "collaborator", settings) for member in staff if member.active),
    ]
    kind = CHANNELS[channel].address
    return [
        Owned(person.ref, address, channel in person.opted_out)
        for person in people
        if person is not None and (address := person.addresses.get(kind))
    ]


def recheck_trial(
    message: Message,
    organization: Organization | None,
    settings: Settings | None,
    staff: Mapping[str, Staff],
    connected: frozenset[Channel],
    now: datetime,
) -> Recheck:
    """Check a test just before it is claimed: its address must still be one of the organization's own."""
    if organization is None or settings is None or message.channel is None:
        return Recheck(status="suppressed", reason="superseded")
    if not organization.sends:
        return Recheck(status="suppressed", reason="notifications_inactive")
    if now >= message.deadline:
        return Recheck(status="expired", reason="too_late")
    if message.channel not in connected:
        return Recheck(status="suppressed", reason="channel_not_connected")
    known = owned_addresses(message.channel, organization, settings, staff.values(), message.created_at)
    found = next((each for each in known if (each.ref, each.address) == (message.key.recipient, message.to)), None)
    if found is None or found.opted_out:
        return Recheck(status="suppressed", reason="no_address" if found is None else "opted_out")
    return Recheck(address=found.address)
