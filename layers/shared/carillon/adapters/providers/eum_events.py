"""What AWS End User Messaging tells of SMS: events of messages sent, and replies to a two-way number."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from carillon.adapters.providers.eum_sms import CONTEXT
from carillon.domain.replies import Reply
from carillon.domain.values import value

STATUSES: dict[str, tuple[str, str | None]] = {
    "TEXT_QUEUED": ("sent", None),
    "TEXT_PENDING": ("sent", None),
    "TEXT_SENT": ("sent", None),
    # The carrier took it. In some countries nobody ever says more, in others a delivery follows.
    "TEXT_SUCCESSFUL": ("sent", None),
    "TEXT_DELIVERED": ("delivered", None),
    "TEXT_INVALID": ("failed", "recipient_rejected"),
    "TEXT_INVALID_MESSAGE": ("failed", "content_rejected"),
    "TEXT_UNREACHABLE": ("failed", "unreachable"),
    "TEXT_CARRIER_UNREACHABLE": ("failed", "unreachable"),
    # By the device or the carrier: not for certain the person's own word, so it is no opt-out.
    "TEXT_BLOCKED": ("failed", "unreachable"),
    "TEXT_CARRIER_BLOCKED": ("failed", "unreachable"),
    "TEXT_SPAM": ("failed", "content_rejected"),
    "TEXT_TTL_EXPIRED": ("failed", "unreachable"),
    "TEXT_PROTECT_BLOCKED": ("failed", "recipient_rejected"),
}
"""TEXT_UNKNOWN is missing: AWS says it of what no carrier reported on for 72 hours, and it is no news."""


@value
class SmsEvent:
    """What is reported of one message: its token, our status and reason, AWS's id and its name of the event."""

    token: str
    status: str
    reason: str | None
    provider_id: str
    code: str


def is_event(event: Mapping[str, Any]) -> bool:
    """Whether something that came over the topic is about an SMS that was sent."""
    return str(event.get("eventType", "")).startswith("TEXT_")


def read_event(event: Mapping[str, Any]) -> SmsEvent | None:
    """Read an event; None for one that tells nothing new, or that is not about a message of ours.

    A failure that is not final is none: it is still being tried.
    """
    kind = str(event.get("eventType", ""))
    token = str((event.get("context") or {}).get(CONTEXT, ""))
    status, reason = STATUSES.get(kind, (None, None))
    if status is None or not token or (status == "failed" and event.get("isFinal") is False):
        return None
    return SmsEvent(token, status, reason, str(event.get("messageId", "")), kind)


def reply_of(event: Mapping[str, Any], now: datetime) -> Reply | None:
    """Read what a person wrote to a two-way number; None for anything else. AWS does not say when it was."""
    named = ("originationNumber", "messageBody", "inboundMessageId")
    if not all(isinstance(event.get(name), str) and event[name] for name in named):
        return None
    address, text, provider_id = (event[name] for name in named)
    return Reply(channel="sms", address=address, text=text, provider_id=provider_id, at=now)
