"""Addresses that must not be written to again: what is kept of them, and how people are marked who have them."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from carillon.domain.channels import Channel
from carillon.domain.clients import Client, Staff
from carillon.domain.organizations import Organization
from carillon.domain.reach import Reach, Refusal, Refused
from carillon.domain.recipients import same
from carillon.domain.settings import Settings
from carillon.domain.values import value

MAX_REFUSED = 20
"""How many refusals a document holds; the oldest go, which are about addresses left long ago."""


@value
class Suppression:
    """What is known against an address. `lifted_at`: somebody saw to it since; what is older doesn't count any more."""

    reason: Refusal
    at: datetime
    lifted_at: datetime | None = None


def noted(known: Suppression | None, reason: Refusal, at: datetime) -> Suppression | None:
    """Give what is known after a report; None where an address was seen to since the report's mail was sent.

    A complaint is a person's word and weighs more than a bounce, so it stands whatever is reported after it.
    """
    if known is None:
        return Suppression(reason, at)
    if known.lifted_at is not None:
        return Suppression(reason, at) if at > known.lifted_at else None
    return replace(known, reason=reason, at=at) if reason == "address_complained" != known.reason else known


def reach_with(reach: Reach, refused: Refused) -> Reach:
    """Mark a person's address; the same reach where it is marked so already."""
    return replace(reach, refused=_with(reach.refused, refused))


def reach_without(reach: Reach, channel: Channel, address: str) -> Reach:
    """Take the mark from a person's address."""
    return replace(reach, refused=_without(reach.refused, channel, address))


def reach_at(reach: Reach, channel: Channel, known: Refused | None) -> Reach:
    """Mark a person whose address has changed as what is known of the new one says; the old one's mark goes."""
    others = [each for each in reach.refused if each.channel != channel]
    return replace(reach, refused=others if known is None else [*others, known])


def email_changes(before: Client | Staff | None, email: str | None) -> bool:
    """Whether someone comes to have an address that he had not; one that comes back from removal does."""
    if before is None or getattr(before, "removed", False):
        return True
    return (before.email or "").casefold() != (email or "").casefold()


def named_in(settings: Settings, address: str) -> bool:
    """Whether the settings name an address for the manager or the owner."""
    named = (settings.manager.email, settings.owner.email)
    return address.casefold() in {each.casefold() for each in named if each}


def organization_with(organization: Organization, refused: Refused) -> Organization:
    """Mark an address of the settings."""
    return replace(organization, refused=_with(organization.refused, refused))


def organization_without(organization: Organization, channel: Channel, address: str) -> Organization:
    """Take the mark from an address of the settings."""
    return replace(organization, refused=_without(organization.refused, channel, address))


def _with(known: list[Refused], refused: Refused) -> list[Refused]:
    if refused in known:
        return known
    return [*_without(known, refused.channel, refused.address), refused][-MAX_REFUSED:]


def _without(known: Iterable[Refused], channel: Channel, address: str) -> list[Refused]:
    return [each for each in known if each.channel != channel or not same(each, address)]
