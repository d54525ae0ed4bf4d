"""What the system holds at the end, read from its table, beside what the providers took."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from typing import Any

import boto3
import httpx

from bench.recount_faults import SENT, Told
from bench.recount_quota import unbalanced
from carillon.adapters.dynamodb.items import item_from_wire
from carillon.adapters.dynamodb.message_items import message_from_item
from carillon.adapters.dynamodb.record_items import record_from_item
from carillon.domain.messages import Message
from local.config import TWILIO_ACCOUNT
from local.replay.cloud import Addresses
from local.replay.player import MANAGER

_TABLE = "carillon-Table"


@dataclass
class Held:
    """Messages with the calls that took them, what is wrong with the rest, and records nobody has planned.

    `unbalanced`: what does not add up in the books of its quotas.
    """

    messages: list[Told] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    unplanned: list[str] = field(default_factory=list)
    unbalanced: list[str] = field(default_factory=list)


def gather(addresses: Addresses, org_id: str, outbox: Sequence[dict[str, Any]], leave_out: str) -> Held:
    """Read an organization's messages and records; `leave_out` is a client of whom neither they nor `outbox` count."""
    held = Held()
    messages: list[Message] = []
    items = [item_from_wire(wire) for wire in _items(addresses)]
    held.unbalanced = unbalanced(org_id, items)
    for item in items:
        if not item["pk"].startswith(f"{org_id}#"):
            continue
        if item.get("ty") == "message" and item["pk"] != f"{org_id}#P#c:{leave_out}":
            messages.append(message_from_item(item))
        elif item.get("ty") == "record" and not record_from_item(item).settled:
            held.unplanned.append(str(item["rec"]))
    calls, held.strays = _calls(messages, outbox)
    undelivered = _undelivered(addresses)
    for message in messages:
        told = replace(_told(message), calls=calls[message.id])
        if told.status in SENT and not told.calls and message.provider_id in undelivered:
            told = replace(told, calls=1, undelivered=True)
        held.messages.append(told)
    return held


def _undelivered(addresses: Addresses) -> set[str]:
    """Ask Twilio what it took and could not deliver: that stands in no outbox."""
    account, token = TWILIO_ACCOUNT
    path = f"/2010-04-01/Accounts/{account}/Messages.json"
    answer = httpx.get(f"{addresses.twilio_url}{path}", params={"PageSize": "100000"}, auth=(account, token))
    return {message["sid"] for message in answer.raise_for_status().json()["messages"] if message["error_code"]}


def _items(addresses: Addresses) -> Iterator[dict[str, Any]]:
    client = boto3.client(
        "dynamodb",
        endpoint_url=addresses.backend_url,
        region_name=addresses.region,
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - the emulator takes any
    )
    for page in client.get_paginator("scan").paginate(TableName=_TABLE, ConsistentRead=True):
        yield from page["Items"]


def _calls(messages: Sequence[Message], outbox: Sequence[dict[str, Any]]) -> tuple[Counter[str], list[str]]:
    """Count how often each message was taken. Also those of which nobody knows whose they were."""
    known = {message.id for message in messages}
    calls: Counter[str] = Counter()
    strays: list[str] = []
    nameless: list[dict[str, Any]] = []
    for entry in outbox:
        if entry["message_id"] in known:
            calls[entry["message_id"]] += 1
        elif entry["message_id"] is None:
            nameless.append(entry)
        else:
            strays.append(f"{entry['at']} {entry['channel']}: of a message that is not there")
    waiting = _without_an_answer(messages, calls)
    for entry in nameless:
        # A text message carries no token: it is the one that was being sent to this number just then.
        at = datetime.fromisoformat(entry["at"])
        mine = [m for m in waiting[(entry["channel"], entry["to"])] if m.timeline and _was_sending(m, at)]
        if mine:
            calls[mine[0].id] += 1
            waiting[(entry["channel"], entry["to"])].remove(mine[0])
        else:
            strays.append(f"{entry['at']} {entry['channel']}: of no message that was being sent")
    return calls, strays


def _without_an_answer(messages: Sequence[Message], calls: Counter[str]) -> defaultdict[tuple[str, str], list[Message]]:
    found: defaultdict[tuple[str, str], list[Message]] = defaultdict(list)
    for message in messages:
        if message.provider_id is None and not calls[message.id]:
            found[(str(message.channel), str(message.to))].append(message)
    return found


def _was_sending(message: Message, at: datetime) -> bool:
    """Whether a message was in its sender's hands at an instant (kept to the second)."""
    moves = [*message.timeline, (datetime.max.replace(tzinfo=at.tzinfo), "", None)]
    moment = at.replace(microsecond=0)
    return any(
        status == "sending" and begin.replace(microsecond=0) <= moment <= end
        for (begin, status, _), (end, _, _) in pairwise(moves)
    )


def _told(message: Message) -> Told:
    recipient = message.client_id or message.staff_id
    return Told(
        id=message.id,
        record=message.occasion.record,
        key=message.template,
        audience=message.audience,
        recipient=MANAGER if message.audience == "manager" and recipient is None else recipient,
        channel=message.channel,
        status=message.status,
        reason=message.reason,
        at=message.created_at,
        deadline=message.deadline,
        ended=message.timeline[-1][0],
        version=message.occasion.version,
        start=message.occasion.start,
        tried=message.tried,
    )
