"""Messages: their identity, their states, and which moves between states are allowed."""

from collections.abc import Iterable
from dataclasses import field
from datetime import datetime, timedelta
from typing import Literal, get_args

from carillon.domain.catalog import Audience
from carillon.domain.channels import ALL, Channel
from carillon.domain.ids import digest
from carillon.domain.settings import When
from carillon.domain.times import iso
from carillon.domain.values import value

Status = Literal[
    "queued", "sending", "sent", "delivered", "read", "failed", "unknown", "suppressed", "expired", "cancelled"
]
STATUSES: tuple[Status, ...] = get_args(Status)
PROBLEMS: frozenset[str] = frozenset({"failed", "unknown", "suppressed", "expired", "sending"})
"""Statuses that the sparse index lists; `sending` is among them so that a sweep finds what stopped there."""
REACHED: frozenset[str] = frozenset({"sending", "sent", "delivered", "read", "unknown"})
"""Statuses of messages that a person may have in front of him."""

MOVES: dict[str, frozenset[str]] = {
    "queued": frozenset({"queued", "sending", "suppressed", "cancelled", "expired", "failed"}),
    "sending": frozenset({"sent", "queued", "failed", "unknown", "delivered", "read"}),
    "unknown": frozenset({"sent", "delivered", "read", "failed"}),
    "sent": frozenset({"delivered", "read", "failed"}),
    "delivered": frozenset({"read", "failed"}),
    "failed": frozenset({"delivered", "read"}),
    "read": frozenset(),
    "suppressed": frozenset(),
    "expired": frozenset(),
    "cancelled": frozenset(),
}
"""Allowed moves. `failed → delivered` comes from a receipt only: the provider contradicts itself."""

LEASE = timedelta(seconds=20)
"""How long a claim holds: longer than the provider's timeout (10 s), shorter than the function's (30 s)."""
MAX_ATTEMPTS = 6
Kind = Literal["trial", "answer", "notice", "recap", "manual", "posted"]
"""`trial`: a test of a text. `answer`: to a reply, by the reply's id. `notice`: what the organization itself is told of
its account. `recap`: the list of a day. `manual`: somebody wrote it. `posted`: an event that no record shows."""
AFTERWARDS: frozenset[str] = frozenset({"appointment.completed", "appointment.no_show"})


@value
class MessageKey:
    """Where a message lies: its recipient (`c:42`, `s:7`, `r:manager#<day>`) and the hash of its identity."""

    recipient: str
    digest: str


@value
class Occasion:
    """What a message is about: an event in the version it was derived in, or a reminder with the start it is for.

    Never the due time and never a reminder's record version, or an edited note would send it again. Other occasions
    are of a `kind` and have an `id` of their own; most of them are about no record (`record` is empty). `status` is
    no part of the identity: the order's or lead's since the event, by which its message is true only so long.
    """

    record: str
    event: str | None = None
    version: int | None = None
    reminder: str | None = None
    start: datetime | None = None
    kind: Kind | None = None
    id: str = ""
    status: str | None = field(default=None, compare=False)

    @property
    def alone(self) -> bool:
        """Whether it is about no record."""
        return not self.record

    def parts(self) -> tuple[str, ...]:
        """The parts of the identity, as text."""
        if self.kind is not None:
            return self.kind, self.id
        if self.event is not None:
            return self.record, "event", self.event, str(self.version)
        if self.start is None:
            raise ValueError("a reminder's occasion has a start")
        return self.record, "reminder", str(self.reminder), iso(self.start)


def message_key(o: str, occasion: Occasion, audience: Audience, recipient: str, channel: Channel | None) -> MessageKey:
    """Give the one place of a message; a decision not to send has no channel."""
    return MessageKey(recipient, digest(o, *occasion.parts(), audience, recipient, channel or "-"))


def reminder_places(o: str, occasion: Occasion, client_id: str) -> list[MessageKey]:
    """Name every place where a reminder's message to a client may lie: one per channel, and the decision not to."""
    return _all_places(o, occasion, "client", f"c:{client_id}")


def staff_reminder_places(o: str, occasion: Occasion, staff: Iterable[str]) -> list[MessageKey]:
    """Name every place where a reminder's messages to collaborators may lie."""
    return [place for staff_id in staff for place in _all_places(o, occasion, "collaborator", f"s:{staff_id}")]


def _all_places(o: str, occasion: Occasion, audience: Audience, recipient: str) -> list[MessageKey]:
    channels: tuple[Channel | None, ...] = (*ALL, None)
    return [message_key(o, occasion, audience, recipient, channel) for channel in channels]


@value
class Author:
    """Who had a manual message sent: the key, and for whom it acted.

    `another`: it goes to another address than the person's stored one. `free`: in words of somebody's own, not in those
    of an approved template.
    """

    key_id: str
    user: str | None = None
    another: bool = False
    free: bool = True

    @property
    def actor(self) -> dict[str, str]:
        """The author as answers show it."""
        return {"key_id": self.key_id} | ({"user": self.user} if self.user else {})


def is_by(author: Author | None, wanted: tuple[str, str | None]) -> bool:
    """Whether a message was sent with a key and, where one is named, on behalf of a user."""
    key_id, user = wanted
    return author is not None and author.key_id == key_id and user in (None, author.user)


@value
class Message:
    """A message as stored, or a decision not to send one (`suppressed`).

    `to` is the address; `template` the template key. `tried` lists channels given up before this one, with reasons.
    `timeline` holds `(instant, status, reason)` of every move. `fallback_at`: when the next channel gets its turn,
    should no receipt have come by then. `author` is a manual message's. `listed`: the other appointments of the day
    that its text told of, when it was last claimed.
    """

    key: MessageKey
    id: str
    status: Status
    channel: Channel | None
    audience: Audience
    to: str | None
    occasion: Occasion
    template: str
    created_at: datetime
    deadline: datetime
    origin: Literal["automatic", "manual"] = "automatic"
    reason: str | None = None
    tried: tuple[tuple[str, str], ...] = ()
    not_before: datetime | None = None
    fallback_at: datetime | None = None
    owner: str | None = None
    lease_until: datetime | None = None
    attempt: int = 0
    provider_id: str | None = None
    parts: int | None = None
    timeline: tuple[tuple[datetime, str, str | None], ...] = ()
    units: int = 0
    shard: int | None = None
    assumed: bool = False
    author: Author | None = None
    listed: tuple[str, ...] = ()

    @property
    def shown_channel(self) -> str | None:
        """The channel it is told as: its own, or the only one that a decision not to send was about."""
        return self.tried[0][0] if self.channel is None and len(self.tried) == 1 else self.channel

    @property
    def client_id(self) -> str | None:
        """The client it goes to, if it goes to one."""
        return self.key.recipient[2:] if self.key.recipient.startswith("c:") else None

    @property
    def staff_id(self) -> str | None:
        """The member of staff it goes to, if it goes to one."""
        return self.key.recipient[2:] if self.key.recipient.startswith("s:") else None


def places_of(o: str, message: Message) -> list[MessageKey]:
    """Name every place of a message's occasion and recipient: one per channel, and the decision not to send."""
    return _all_places(o, message.occasion, message.audience, message.key.recipient)


@value
class MessageFilter:
    """What a listing is narrowed to; `former`: ids that were merged into the client's.

    `author`: only what was sent with this key, and on behalf of this user if one is named.
    """

    channel: str | None = None
    status: str | None = None
    record: str | None = None
    client_id: str | None = None
    former: tuple[str, ...] = ()
    origin: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    author: tuple[str, str | None] | None = None


def event_deadline(event: str, at: datetime, start: datetime | None) -> datetime:
    """After this instant an event is no longer sent: 24 h, and of an appointment not past the `start`."""
    latest = at + timedelta(hours=24)
    return latest if start is None or event in AFTERWARDS else min(start, latest)


def reminder_deadline(when: When, due: datetime, start: datetime) -> datetime:
    """After this instant a reminder is `expired` instead of late."""
    if when.before is not None:
        return min(start, due + timedelta(hours=2))
    if when.days_before is not None:
        last_call = start - timedelta(minutes=30)
        # One that is due at the last call itself would never be in time.
        return last_call if due < last_call else start
    return due + timedelta(hours=24)


REVIEW_DEADLINE = timedelta(hours=72)
