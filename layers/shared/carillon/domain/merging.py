"""Two clients that turn out to be one person: what the kept one is from then on, and what the other leaves behind."""

from dataclasses import replace
from datetime import datetime

from carillon.domain.clients import Client, ConsentState, Grants
from carillon.domain.consents import PURPOSES, Granted, LedgerEntry
from carillon.domain.reach import MAX_DEVICES, Reach
from carillon.domain.times import iso

MAX_MERGED = 25
"""How many ids may lead to one client: each is a partition that its history is read from."""
MAX_TAGS = 20
SOURCE = "merge"


def merged(keep: Client, gone: Client) -> Client:
    """Give the kept client: its own fields, those it lacks from the other, and the stricter consents and opt-outs."""
    # What a client shares with somebody else it doesn't own; the kept one would take it from them.
    theirs = gone.allow_shared_contact and not keep.allow_shared_contact
    return replace(
        keep,
        first_name=keep.first_name or gone.first_name,
        last_name=keep.last_name or gone.last_name,
        email=keep.email or (None if theirs else gone.email),
        phone=keep.phone or (None if theirs else gone.phone),
        locale=keep.locale or gone.locale,
        time_zone=keep.time_zone or gone.time_zone,
        tags=list(dict.fromkeys([*keep.tags, *gone.tags]))[:MAX_TAGS],
        consents=ConsentState(
            service=stricter(keep.consents.service, gone.consents.service),
            marketing=stricter(keep.consents.marketing, gone.consents.marketing),
        ),
        opted_out=list(dict.fromkeys([*keep.opted_out, *gone.opted_out])),
        merged=list(dict.fromkeys([*keep.merged, gone.id, *gone.merged])),
        reach=_joined(keep.reach, gone.reach),
    )


def _joined(keep: Reach, gone: Reach) -> Reach:
    known = {device.id for device in keep.devices}
    devices = [*keep.devices, *(device for device in gone.devices if device.id not in known)]
    return Reach(
        chats=gone.chats | keep.chats,
        devices=devices[:MAX_DEVICES],
        refused=[*keep.refused, *(each for each in gone.refused if each not in keep.refused)],
        replied_at=gone.replied_at | keep.replied_at,
        conversations=gone.conversations | keep.conversations,
        opted_at=gone.opted_at | keep.opted_at,
    )


def stricter(keep: Grants, gone: Grants) -> Grants:
    """Give the stricter of two people's grants, per channel: agreed only where both did.

    Never asked counts as no, as it does when sending; it stays unasked where neither ever agreed or refused.
    """
    channels = dict.fromkeys([*keep, *gone])
    found = {channel: keep.get(channel, False) and gone.get(channel, False) for channel in channels}
    return {channel: granted for channel, granted in found.items() if granted or channel in keep or not gone[channel]}


def entry_of(before: Client, after: Client, gone_id: str, actor: dict[str, str], now: datetime) -> LedgerEntry | None:
    """Give what the kept client's consent ledger adds; None where its consents stay."""
    changes = [
        Granted(channel=channel, purpose=purpose, granted=granted)
        for purpose in PURPOSES
        for channel, granted in after.consents.of(purpose).items()
        if before.consents.of(purpose).get(channel) != granted
    ]
    if not changes:
        return None
    wording = f"merged with client {gone_id}: the stricter consent counts"
    return LedgerEntry(changes=changes, at=iso(now), source=SOURCE, actor=actor, wording=wording)


def alias(gone_id: str, keep_id: str) -> Client:
    """Give what stays under the other id: where it leads, and nothing of the person."""
    return Client(id=gone_id, removed=True, alias_of=keep_id)
