"""Linking a chat: from the moment a person opens the link until the person ends it.

Telegram has no other way to a person, so opening the link is the consent to service messages there, and ending the
chat withdraws it. Viber's consent is asked for with the phone's; there, linking makes the client reachable and lifts
an opt-out, and ending the chat is one.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from carillon.domain.channels import Channel
from carillon.domain.chats import ChatChannel
from carillon.domain.clients import Client, Grants
from carillon.domain.consents import Changed, Granted, LedgerEntry
from carillon.domain.opting import client_opted, opt_entry
from carillon.domain.reach import Reach
from carillon.domain.times import iso, parse_instant
from carillon.domain.values import value

VALID = timedelta(hours=24)
"""How long a link can be opened, and how long one that was opened waits for the person to join."""
CONSENTS: frozenset[Channel] = frozenset({"telegram"})
"""Channels on which linking is consent."""


@value
class Link:
    """A link as stored: for which client, until when, and the chat that used it up."""

    channel: ChatChannel
    client_id: str
    expires_at: datetime
    used_by: str | None = None


def linked(client: Client, channel: ChatChannel, chat_id: str, at: datetime) -> Changed:
    """Link a chat, in place of the one there was; the same client if it is this chat already and nothing bars it."""
    consenting = channel in CONSENTS and not client.consents.service.get(channel, False)
    barred = channel in client.opted_out
    if client.reach.chats.get(channel) == chat_id and not consenting and not barred:
        return Changed(client, None)
    back = client_opted(client, channel, "back", at)
    service = {**back.consents.service, channel: True} if channel in CONSENTS else back.consents.service
    after = replace(
        back,
        opted_out=[name for name in back.opted_out if name != channel],
        consents=replace(back.consents, service=service),
        reach=_with(back.reach, {**back.reach.chats, channel: chat_id}, channel, at),
    )
    entry = None
    if consenting or barred:
        granted = service.get(channel, False)
        entry = _entry(client, channel, {"service": granted}, at, f"{channel}_link", "back" if barred else None)
    return Changed(after, entry)


def unlinked(client: Client, channel: ChatChannel, chat_id: str, at: datetime, source: str) -> Changed:
    """End a linked chat; the same client if it is another's by now, or was linked after that was said.

    `source` says how it was heard of, for the ledger.
    """
    since = client.reach.opted_at.get(channel)
    if client.reach.chats.get(channel) != chat_id or (since is not None and parse_instant(since) > at):
        return Changed(client, None)
    chats = {name: chat for name, chat in client.reach.chats.items() if name != channel}
    if channel not in CONSENTS:
        out = client_opted(client, channel, "out", at)
        ledger = opt_entry(channel, "out", False, at=at, source=source, actor=f"c:{client.id}", wording=None)
        return Changed(replace(out, reach=_with(out.reach, chats, channel, at)), ledger)
    consents = replace(
        client.consents,
        service={**client.consents.service, channel: False},
        marketing=_without(client.consents.marketing, channel),
    )
    entry = _entry(client, channel, {"service": False, "marketing": False}, at, source, None)
    return Changed(replace(client, consents=consents, reach=_with(client.reach, chats, channel, at)), entry)


def waiting_name(channel: ChatChannel, chat_id: str) -> str:
    """Name the link of someone who opened it and is still to join; no payload's hash looks like that."""
    return f"{channel}:{chat_id}"


def _without(marketing: Grants, channel: Channel) -> Grants:
    return {name: granted and name != channel for name, granted in marketing.items()}


def _with(reach: Reach, chats: Mapping[ChatChannel, str], channel: Channel, at: datetime) -> Reach:
    return replace(reach, chats=dict(chats), opted_at={**reach.opted_at, channel: iso(at)})


def _entry(
    client: Client, channel: Channel, counts: Mapping[str, bool], at: datetime, source: str, opt: str | None
) -> LedgerEntry:
    changes = [Granted(channel=channel, purpose=purpose, granted=granted) for purpose, granted in counts.items()]  # type: ignore[arg-type]
    actor = {"recipient": f"c:{client.id}"}
    return LedgerEntry(changes=changes, at=iso(at), source=source, actor=actor, opt=opt)  # type: ignore[arg-type]
