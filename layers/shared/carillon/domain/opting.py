"""Opting out of a channel, and coming back: the person's own word, which stands above every consent.

Out bars the channel for both purposes, and withdraws the consent to marketing there for good. Back lifts the bar and
nothing else: what was agreed to for service before, and not withdrawn since, counts again; marketing has to be agreed
to anew, with the words it takes.
"""

from dataclasses import replace
from datetime import datetime

from carillon.domain.channels import CHANNELS, Channel
from carillon.domain.clients import Client, ConsentState, Staff
from carillon.domain.consents import PURPOSES, Granted, LedgerEntry, Opt
from carillon.domain.organizations import Organization
from carillon.domain.reach import OptedAddress, Reach
from carillon.domain.recipients import same
from carillon.domain.settings import Settings
from carillon.domain.times import iso, parse_instant

MAX_OPTED = 100
"""How many addresses an organization's list holds; the oldest go, which nobody has named in the settings for long."""


def client_opted(client: Client, channel: Channel, opt: Opt, at: datetime) -> Client:
    """Give a client after its word; the same one if it changes nothing."""
    if not _news(channel in client.opted_out, client.reach, channel, opt, at):
        return client
    marketing = client.consents.marketing
    if opt == "out":
        marketing = {name: granted and name != channel for name, granted in marketing.items()}
    return replace(
        client,
        opted_out=_with(client.opted_out, channel, opt),
        consents=ConsentState(service=client.consents.service, marketing=marketing),
        reach=_noted(client.reach, channel, at),
    )


def staff_opted(member: Staff, channel: Channel, opt: Opt, at: datetime) -> Staff:
    """Give a member of staff after his word; the same one if it changes nothing."""
    if not _news(channel in member.opted_out, member.reach, channel, opt, at):
        return member
    opted_out = _with(member.opted_out, channel, opt)
    return replace(member, opted_out=opted_out, reach=_noted(member.reach, channel, at))


def address_opted(organization: Organization, channel: Channel, address: str, opt: Opt, at: datetime) -> Organization:
    """Give an organization after the word of somebody at one of its settings' addresses; the same one if no change."""
    known = next((each for each in organization.opted if _about(each, channel, address)), None)
    was_out = known is not None and known.out
    older = known is not None and parse_instant(known.at) > at
    if older or was_out == (opt == "out"):
        return organization
    others = [each for each in organization.opted if not _about(each, channel, address)]
    said = OptedAddress(channel=channel, address=address, out=opt == "out", at=iso(at))
    return replace(organization, opted=[*others, said][-MAX_OPTED:])


def role_address(settings: Settings, role: str, channel: Channel) -> str | None:
    """Give the address of the settings' `manager` or `owner` on a channel."""
    notified = settings.manager if role == "manager" else settings.owner
    return {"email": notified.email, "phone": notified.mobile}.get(CHANNELS[channel].address)


def opt_entry(
    channel: Channel, opt: Opt, service: bool, *, at: datetime, source: str, actor: str, wording: str | None
) -> LedgerEntry:
    """Give the ledger's entry of a word: what counts on the channel from then on. `service`: agreed to before."""
    counts = {"service": opt == "back" and service, "marketing": False}
    changes = [Granted(channel=channel, purpose=purpose, granted=counts[purpose]) for purpose in PURPOSES]
    return LedgerEntry(changes=changes, at=iso(at), source=source, actor={"recipient": actor}, wording=wording, opt=opt)


def _news(is_out: bool, reach: Reach, channel: Channel, opt: Opt, at: datetime) -> bool:
    """Whether a word changes anything; one that was said before the last that counted is passed over."""
    last = reach.opted_at.get(channel)
    return is_out != (opt == "out") and (last is None or parse_instant(last) <= at)


def _noted(reach: Reach, channel: Channel, at: datetime) -> Reach:
    return replace(reach, opted_at={**reach.opted_at, channel: iso(at)})


def _with(channels: list[Channel], channel: Channel, opt: Opt) -> list[Channel]:
    others = [name for name in channels if name != channel]
    return [*others, channel] if opt == "out" else others


def _about(each: OptedAddress, channel: Channel, address: str) -> bool:
    return each.channel == channel and same(each, address)
