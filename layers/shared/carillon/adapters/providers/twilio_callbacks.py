"""Twilio's callbacks: verified by signature, read into moves of a message or into what a person wrote.

The signature is ours to check (an HMAC over the address and the sorted parameters, as Twilio's security page states
it), so that this function does not carry the SDK; a test holds it against the SDK's own validator.
"""

import base64
import hashlib
import hmac
import re
from datetime import datetime
from urllib.parse import parse_qsl

from carillon.adapters.providers.twilio_codes import failure_reason
from carillon.domain.replies import Reply

_WHATSAPP = "whatsapp:"
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
STATUSES = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "failed": "failed",
    "undelivered": "failed",
    "canceled": "failed",
}
"""Twilio's statuses that tell us something new; the ones before `sent` do not."""


def signature(auth_token: str, url: str, parameters: list[tuple[str, str]]) -> str:
    """Sign a form post the way Twilio does; `url` is exactly the one Twilio was given, query included."""
    signed = url + "".join(f"{name}{value}" for name, value in sorted(set(parameters)))
    return base64.b64encode(
        hmac.new(auth_token.encode(), signed.encode(errors="replace"), hashlib.sha1).digest()
    ).decode()


def is_signed(auth_token: str, url: str, body: str, given: str | None) -> bool:
    """Whether a form post was signed with this token; a missing signature is none."""
    if not given or not auth_token:
        return False
    return hmac.compare_digest(signature(auth_token, url, form(body)).encode(), given.encode(errors="replace"))


def form(body: str) -> list[tuple[str, str]]:
    """Read a form body; blank fields are part of what was signed."""
    return parse_qsl(body, keep_blank_values=True)


def reply_of(parameters: dict[str, str], at: datetime) -> Reply | None:
    """Read an inbound message, as one to the sender `to`; None for what did not come over WhatsApp from a phone.

    Twilio does not say when it was written; `at` is when it came.
    """
    sender, receiver = parameters.get("From", ""), parameters.get("To", "")
    sid = parameters.get("MessageSid") or parameters.get("SmsMessageSid") or ""
    address = sender.removeprefix(_WHATSAPP)
    if sender == address or not receiver.startswith(_WHATSAPP) or not sid or not _PHONE.fullmatch(address):
        return None
    to = receiver.removeprefix(_WHATSAPP)
    return Reply("whatsapp", address, parameters.get("Body", ""), sid, at, to)


def status_of(parameters: dict[str, str]) -> tuple[str, str | None] | None:
    """Read a status callback into (our status, reason); None for a status that tells nothing new."""
    status = STATUSES.get(parameters.get("MessageStatus", parameters.get("SmsStatus", "")))
    if status is None:
        return None
    return status, failure_reason(parameters.get("ErrorCode")) if status == "failed" else None
