"""WhatsApp's window: for a day after a person wrote to a number, that number may answer with free text."""

from datetime import datetime, timedelta

from carillon.domain.connections import own_sender
from carillon.domain.organizations import Organization
from carillon.domain.recipients import Recipient
from carillon.domain.settings import Settings
from carillon.domain.spellings import spellings
from carillon.domain.times import parse_instant

LENGTH = timedelta(hours=24)
MARGIN = timedelta(minutes=30)
"""How much sooner it counts as closed: between our looking and Meta's, a message may wait at the provider."""


def is_open(
    recipient: Recipient,
    organization: Organization,
    settings: Settings,
    now: datetime | None,
    *,
    margin: timedelta = MARGIN,
) -> bool:
    """Whether free text may go to a recipient, from the number that the organization uses now; not without `now`."""
    replied, conversation = recipient.reach.replied_at.get("whatsapp"), recipient.reach.conversations.get("whatsapp")
    phone = recipient.addresses.get("phone")
    if replied is None or conversation is None or phone is None or now is None:
        return False
    own = own_sender("whatsapp", organization, settings)
    same_ends = conversation.to == (own.sender if own is not None else "") and phone in spellings(conversation.address)
    return same_ends and now < parse_instant(replied) + LENGTH - margin
