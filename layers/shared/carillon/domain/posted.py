"""Posted events: what no record shows, stated by the integrator for some clients at once.

`appointment.earlier_slot` and `slot.available` are rows of the catalog and go by their rules. An event of an
integrator's own, `custom.<slug>`, goes by the organization's own texts `own.<slug>` for clients: on each channel that
has one.
"""

import re
from collections.abc import Mapping
from dataclasses import field, replace
from datetime import datetime, timedelta
from typing import Annotated

from carillon.domain.catalog import EVENT_ROWS
from carillon.domain.channels import ALL, CHANNELS, Channel
from carillon.domain.clients import Client
from carillon.domain.constraints import Id, Instant, Items, Line, Start, Text, Url, document
from carillon.domain.decide import PUSH, obstacle, purpose_of
from carillon.domain.decisions import Account, Decision, Verdict
from carillon.domain.messages import Message
from carillon.domain.own_texts import OwnTexts, Place
from carillon.domain.quiet import windows_for
from carillon.domain.recheck import Recheck
from carillon.domain.recipients import Recipient, client_recipient
from carillon.domain.record_documents import Fields, FieldValue
from carillon.domain.rules import RulesInForce
from carillon.domain.templates import candidates
from carillon.domain.times import parse_instant, start_instant
from carillon.domain.timing import timed

POSTED: tuple[str, ...] = tuple(row.event for row in EVENT_ROWS if row.posted)
CUSTOM = "custom."
_CUSTOM = re.compile(r"custom\.[a-z0-9_-]{1,32}")
LASTS = timedelta(hours=24)
"""How long an event without an end of its own is worth telling."""
COLLECTION = "events"


@document
class SlotData:
    """What is known of a time that became free; `start` as in an appointment, in the organization's zone."""

    __omit_none__ = True

    start: Start | None = None
    service: Line | None = None
    staff: Line | None = None
    booking_url: Url | None = None


@document
class PostedEvent:
    """An event as it was posted. `data` is the slot's; whatever else it had is in `fields`."""

    __omit_none__ = True

    type: Annotated[str, Text(max=64, min=1)]
    client_ids: Annotated[list[Id], Items(max=100)]
    data: SlotData = field(default_factory=SlotData)
    fields: Fields = field(default_factory=dict)
    occurred_at: Instant | None = None
    expires_at: Instant | None = None
    accepted_at: Instant

    def deadline(self, zone: str) -> datetime:
        """Say until when it may be told: its end, else a day; never past the start of what became free."""
        if self.expires_at is not None:
            until = parse_instant(self.expires_at)
        else:
            until = parse_instant(self.occurred_at or self.accepted_at) + LASTS
        return min(until, start_instant(self.data.start, zone)) if self.data.start is not None else until

    @property
    def shown_data(self) -> dict[str, FieldValue]:
        """The data as it was posted."""
        slot = {name: getattr(self.data, name) for name in SLOT_NAMES}
        return {name: value for name, value in slot.items() if value is not None} | self.fields


SLOT_NAMES = ("start", "service", "staff", "booking_url")


def known_type(name: str) -> bool:
    """Whether an event of this type can be posted."""
    return name in POSTED or _CUSTOM.fullmatch(name) is not None


def reference(posted_id: str) -> str:
    """Name a posted event where records are named."""
    return f"{COLLECTION}/{posted_id}"


def decide_posted(posted: PostedEvent, client: Client, account: Account, rules: RulesInForce) -> Verdict | None:
    """Decide who of whom a posted event names is told, and where; None: nothing is to be said to this one."""
    if client.removed:
        return None
    recipient = client_recipient(client, account.settings)
    if posted.type.startswith(CUSTOM):
        template = own_key(posted.type)
        places = [(name, template) for name in ALL if _has_text(account.own_texts, template, name, recipient, account)]
        if not any(CHANNELS[name].configurable for name, _ in places):
            reason = "rule_disabled"  # a text is the switch
            off = Decision(recipient, "email", send=False, template=template, reason=reason, level="organization")
            return Verdict(recipient, template, (off,), beside=_beside(posted, recipient, client, account, places))
    else:
        rule = rules.rules.for_row(posted.type, "client")
        if rule is None:
            return None
        template = rule.key
        places = [(name, rule.template_for(name)) for name in (*rule.enabled_channels, PUSH)]
    listed = tuple(
        _in_time(obstacle(recipient, name, key, purpose_of(key), account), posted, client, account)
        for name, key in places
        if name != PUSH
    )
    verdict = Verdict(recipient, template, listed, beside=_beside(posted, recipient, client, account, places))
    return verdict if verdict.listed or verdict.beside else None


def recheck_posted(
    message: Message, posted: PostedEvent | None, account: Account | None, client: Client | None
) -> Recheck:
    """Check a posted event's message just before it is claimed; `posted` or `account` None: it is gone."""
    if account is None or posted is None or account.now is None or message.channel is None:
        return Recheck(status="suppressed", reason="superseded")
    if not account.organization.sends:
        return Recheck(status="suppressed", reason="notifications_inactive")
    if account.now >= message.deadline:
        return Recheck(status="expired", reason="too_late")
    if client is None or client.removed:
        return Recheck(status="suppressed", reason="no_address")
    recipient = client_recipient(client, account.settings)
    found = obstacle(recipient, message.channel, message.template, purpose_of(message.template), account)
    found = _in_time(found, posted, client, account)
    if not found.send:
        return Recheck(status="suppressed", reason=found.reason)
    if found.not_before is not None:
        return Recheck(status="queued", reason=found.reason, not_before=found.not_before, until=found.until)
    return Recheck(address=found.address or "")


def own_key(event: str) -> str:
    """Name the own text of an event of the integrator's own: `own.<slug>` of `custom.<slug>`."""
    return f"own.{event.removeprefix(CUSTOM)}"


def split(data: Mapping[str, FieldValue]) -> tuple[dict[str, FieldValue], dict[str, FieldValue]]:
    """Part what is posted into what is known of a slot and the integrator's own fields."""
    slot = {name: value for name, value in data.items() if name in SLOT_NAMES}
    return slot, {name: value for name, value in data.items() if name not in SLOT_NAMES}


def _beside(
    posted: PostedEvent, recipient: Recipient, client: Client, account: Account, places: list[tuple[Channel, str]]
) -> tuple[Decision, ...]:
    """Decide on push, which goes beside the other channels and leaves no trace where it doesn't go."""
    tried = [obstacle(recipient, name, key, purpose_of(key), account) for name, key in places if name == PUSH]
    timed_ones = (_in_time(each, posted, client, account) for each in tried)
    return tuple(each for each in timed_ones if each.send)


def _in_time(decision: Decision, posted: PostedEvent, client: Client, account: Account) -> Decision:
    """Give a decision its time: now, or when quiet hours let it, but not past the event's end."""
    settings, now = account.settings, account.now
    if not decision.send or now is None:
        return decision
    windows = windows_for(decision.channel, purpose_of(decision.template), settings.quiet_hours)
    limit = posted.deadline(settings.time_zone)
    zone = client.time_zone or settings.time_zone
    found = timed(decision, windows, zone, meant=now, now=now, limit=limit)
    return replace(found, until=min(found.until, limit)) if found.until is not None else found


def _has_text(own: OwnTexts, key: str, channel: Channel, recipient: Recipient, account: Account) -> bool:
    for candidate in candidates(key, recipient.locale, account.settings.locale):
        if candidate.own and own.version(Place(candidate.key, "client", channel, candidate.locale)) is not None:
            return True
    return False


def slot_of(posted: PostedEvent) -> dict[str, FieldValue]:
    """Give the slot as texts show it."""
    return {name: getattr(posted.data, name) for name in SLOT_NAMES}
