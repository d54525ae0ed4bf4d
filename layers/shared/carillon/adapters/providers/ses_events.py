"""SES's events, as its configuration set publishes them: moves of a message, and what they say of its address."""

from collections.abc import Mapping
from datetime import datetime
from email.utils import parseaddr
from typing import Any

from carillon.adapters.providers.ses import TAG
from carillon.domain.reach import Refusal
from carillon.domain.times import parse_instant
from carillon.domain.values import value

_UNFIT = frozenset({"MessageTooLarge", "ContentRejected", "AttachmentRejected"})
"""Why a mailbox that is there didn't take this message."""
_NEVER_TRIED = "OnAccountSuppressionList"
_TAKEN_BACK = "not-spam"
"""The feedback of someone who took a message out of the spam folder."""


@value
class EmailEvent:
    """What SES reports of one message: its token, our status and reason, and SES's own id.

    `soft`: a failure that a delivery contradicts. `refusal`: what the event says against `addresses`, from mail that
    was sent, or a complaint that was made, at an instant; None: nothing.
    """

    token: str
    status: str
    reason: str | None
    provider_id: str
    soft: bool = False
    refusal: Refusal | None = None
    addresses: tuple[str, ...] = ()
    at: datetime | None = None


def read_event(event: Mapping[str, Any]) -> EmailEvent | None:
    """Read an event; None for one that tells nothing, or that is not about a message of ours.

    Only a permanent bounce and a complaint say that an address must not be written to again.
    """
    mail = event.get("mail", {})
    tokens = mail.get("tags", {}).get(TAG) or []
    if not tokens:
        return None
    token, provider_id = tokens[0], str(mail.get("messageId", ""))
    match event.get("eventType"):
        case "Send" | "DeliveryDelay":
            # A delay is no failure; both tell that SES has the message, should its answer have been lost.
            return EmailEvent(token, "sent", None, provider_id)
        case "Delivery":
            return EmailEvent(token, "delivered", None, provider_id)
        case "Bounce":
            return _bounced(token, provider_id, mail, event.get("bounce", {}))
        case "Complaint":
            return _complained(token, provider_id, mail, event.get("complaint", {}))
        case "Reject" | "Rendering Failure":
            return EmailEvent(token, "failed", "content_rejected", provider_id)
    return None


def _bounced(token: str, provider_id: str, mail: Mapping[str, Any], bounce: Mapping[str, Any]) -> EmailEvent:
    if bounce.get("bounceType") == "Permanent":
        found = _addresses(bounce.get("bouncedRecipients", ()), mail)
        # From when the mail was sent: whoever sees to the address afterwards has seen to this bounce too.
        at = _instant(mail.get("timestamp"))
        return EmailEvent(token, "failed", "recipient_rejected", provider_id, False, "address_bounced", found, at)
    reason = "content_rejected" if bounce.get("bounceSubType") in _UNFIT else "unreachable"
    # Also how the answers of automatic responders come back, after the message was delivered.
    return EmailEvent(token, "failed", reason, provider_id, soft=True)


def _complained(
    token: str, provider_id: str, mail: Mapping[str, Any], complaint: Mapping[str, Any]
) -> EmailEvent | None:
    if complaint.get("complaintFeedbackType") == _TAKEN_BACK:
        return None
    found = _addresses(complaint.get("complainedRecipients", ()), mail)
    at = _instant(complaint.get("timestamp") or mail.get("timestamp"))
    if complaint.get("complaintSubType") == _NEVER_TRIED:
        return EmailEvent(token, "failed", "recipient_rejected", provider_id, False, "address_complained", found, at)
    # Who complains about a message has got it.
    return EmailEvent(token, "delivered", None, provider_id, False, "address_complained", found, at)


def _addresses(recipients: Any, mail: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the addresses a report is about: a message has one recipient, so at worst it is that one."""
    named = [parseaddr(str(each.get("emailAddress", "")))[1] for each in recipients]
    named = [each for each in named if "@" in each] or [parseaddr(str(to))[1] for to in mail.get("destination", ())]
    return tuple(dict.fromkeys(each for each in named if "@" in each))


def _instant(text: object) -> datetime | None:
    try:
        return parse_instant(str(text))
    except ValueError:
        return None
