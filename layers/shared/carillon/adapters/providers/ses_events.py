"""SES's events, as its configuration set publishes them, read into moves of a message."""

from collections.abc import Mapping
from typing import Any

from carillon.adapters.providers.ses import TAG
from carillon.domain.values import value


@value
class EmailEvent:
    """What SES reports of one message: its token, our status and reason, and SES's own id."""

    token: str
    status: str
    reason: str | None
    provider_id: str


def read_event(event: Mapping[str, Any]) -> EmailEvent | None:
    """Read an event; None for one that tells nothing new, or that is not about a message of ours.

    Only a permanent bounce says that the address is bad; a transient one is a failure of this message alone.
    """
    mail = event.get("mail", {})
    tokens = mail.get("tags", {}).get(TAG) or []
    found = _status(event)
    if not tokens or found is None:
        return None
    return EmailEvent(tokens[0], found[0], found[1], str(mail.get("messageId", "")))


def _status(event: Mapping[str, Any]) -> tuple[str, str | None] | None:
    match event.get("eventType"):
        case "Send":
            return "sent", None
        case "Delivery":
            return "delivered", None
        case "Bounce":
            permanent = event.get("bounce", {}).get("bounceType") == "Permanent"
            return "failed", "recipient_rejected" if permanent else "unreachable"
        case "Reject" | "Rendering Failure":
            return "failed", "content_rejected"
    return None
