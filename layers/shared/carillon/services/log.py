"""The log: messages, and decisions not to send."""

import re
from dataclasses import replace
from datetime import datetime

from carillon.domain.errors import NotFound
from carillon.domain.listing import Page
from carillon.domain.manual import Written
from carillon.domain.messages import Message, MessageFilter, is_by, places_of
from carillon.domain.times import parse_instant
from carillon.domain.values import value
from carillon.ports.manual import WrittenTexts
from carillon.ports.messages import Messages
from carillon.ports.reading import Reader, Snapshot, Want
from carillon.ports.system import Clock
from carillon.services.activation import require_active

REFERENCE = re.compile(r"[a-z]+/[A-Za-z0-9._:-]{1,64}")


@value
class Logged:
    """A message, and the others of the same occasion to the same recipient: what it followed, and what followed it.

    `written`: what a manual one says.
    """

    message: Message
    others: tuple[Message, ...] = ()
    written: Written | None = None


@value
class Log:
    """Reads what was sent, and what was not and why."""

    messages: Messages
    reader: Reader
    clock: Clock
    words: WrittenTexts | None = None

    def page(self, org_id: str, wanted: MessageFilter, *, limit: int, position: str | None) -> Page[Message]:
        """List messages, newest first.

        No message is older than its organization or the record it is about, which spares the walk through years of
        empty days.
        """
        named = (wanted.client_id,) if wanted.client_id is not None else ()
        snapshot = self.reader.read([Want(org_id, record=_reference(wanted.record), clients=named)])[0]
        require_active(snapshot)
        client = snapshot.clients.get(wanted.client_id or "")
        if client is not None:
            wanted = replace(wanted, client_id=client.id, former=tuple(client.merged))
        wanted = replace(wanted, since=beginning(snapshot, wanted.since))
        return self.messages.page(org_id, wanted, limit=limit, position=position, now=self.clock.now())

    def get(self, org_id: str, message_id: str, author: tuple[str, str | None] | None = None) -> Logged:
        """Read one message with its timeline, and what went to the same recipient on other channels instead or beside.

        NotFound when there is none, or when it is not this author's if one is named.
        """
        require_active(self.reader.read([Want(org_id)])[0])
        message = self.messages.find(org_id, message_id, now=self.clock.now())
        if message is None or (author is not None and not is_by(message.author, author)):
            raise NotFound(f"There is no message {message_id!r}.")
        words = self.words if message.occasion.kind == "manual" else None
        written = words.find(org_id, message.key) if words is not None else None
        places = [place for place in places_of(org_id, message) if place != message.key]
        return Logged(message, tuple(self.messages.among(org_id, places, now=self.clock.now())), written)


def _reference(text: str | None) -> str | None:
    """Give a record's reference if it can be one; anything else fits no message."""
    return text if text is not None and REFERENCE.fullmatch(text) else None


def beginning(snapshot: Snapshot, since: datetime | None) -> datetime | None:
    """Say from when on there can be messages: not before the organization, nor before the record that was read."""
    known = [since] if since is not None else []
    if snapshot.organization is not None and snapshot.organization.created_at:
        known.append(parse_instant(snapshot.organization.created_at))
    if snapshot.record is not None:
        known.append(snapshot.record.created_at)
    return max(known, default=None)
