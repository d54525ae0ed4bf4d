"""Messages as the API shows them."""

from typing import Literal

from carillon.domain.channels import Channel
from carillon.domain.constraints import Id, Instant, document
from carillon.domain.listing import ListQuery
from carillon.domain.manual import Written
from carillon.domain.messages import Message, Status
from carillon.domain.times import iso
from carillon.services.log import Logged


@document
class MessageQuery(ListQuery):
    """Which messages. Filters may be combined; `from` and `to` bound when they were made."""

    channel: Channel | None = None
    status: Status | None = None
    client_id: Id | None = None
    record: str | None = None
    from_: Instant | None = None
    to: Instant | None = None
    origin: Literal["automatic", "manual"] | None = None


@document
class TriedChannel:
    """A channel that was passed over, and why."""

    channel: str
    reason: str


@document
class Step:
    """One step of a message's way."""

    at: Instant
    status: Status
    reason: str | None = None


@document
class MessageView:
    """A message, or a decision not to send one (`suppressed`, then `channel` is null where several were tried).

    `actor`: who sent a manual one, by its key and, with `On-Behalf-Of`, by its user.
    """

    id: str
    channel: Channel | None
    audience: str
    client_id: str | None
    staff_id: str | None
    to: str | None
    record: str | None
    key: str
    origin: str
    status: Status
    reason: str | None
    at: Instant
    parts: int | None
    provider_id: str | None
    channels: list[TriedChannel]
    timeline: list[Step]
    actor: dict[str, str] | None = None


@document
class OtherChannel:
    """A message of the same occasion to the same recipient on another channel (null: a decision not to send)."""

    id: str
    channel: Channel | None
    status: Status
    reason: str | None
    at: Instant


@document
class FileView:
    """A file that went along; it is kept for 7 days."""

    filename: str
    content_type: str
    size: int


@document
class ContentView:
    """What a manual message says."""

    subject: str | None
    text: str
    attachments: list[FileView]


@document
class LoggedView(MessageView):
    """A message with what went out for the same occasion on other channels: before it, after it, or beside it.

    `content`: what a manual one says.
    """

    other_channels: list[OtherChannel]
    content: ContentView | None


def logged_view(found: Logged) -> LoggedView:
    """Show one message of the log."""
    others = sorted(found.others, key=lambda message: message.id)
    return LoggedView(
        **vars(message_view(found.message)),
        other_channels=[
            OtherChannel(
                id=message.id,
                channel=message.channel,
                status=message.status,
                reason=message.reason,
                at=iso(message.created_at),
            )
            for message in others
        ],
        content=_content_view(found.written) if found.written is not None else None,
    )


def _content_view(written: Written) -> ContentView:
    files = [FileView(filename=each.filename, content_type=each.content_type, size=each.size) for each in written.files]
    return ContentView(subject=written.subject, text=written.text, attachments=files)


def message_view(message: Message) -> MessageView:
    """Show a message."""
    return MessageView(
        id=message.id,
        channel=message.shown_channel,  # type: ignore[arg-type]
        audience=message.audience,
        client_id=message.client_id,
        staff_id=message.staff_id,
        to=message.to,
        record=message.occasion.record or None,
        key=message.template,
        origin=message.origin,
        status=message.status,
        reason=message.reason,
        at=iso(message.created_at),
        parts=message.parts,
        provider_id=message.provider_id,
        channels=[TriedChannel(channel=name, reason=reason) for name, reason in message.tried],
        timeline=[Step(at=iso(at), status=status, reason=why) for at, status, why in message.timeline],  # type: ignore[arg-type]
        actor=message.author.actor if message.author is not None else None,
    )
