"""Finding a message in Twilio's own list, when the answer to its sending was lost.

Twilio takes no key of ours with a message, and its list doesn't show the callback's address, so a message is known by
its sender, its recipient, the seconds in which it was handed over, and what it says. Where two may be meant, none is.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from carillon.adapters.providers.twilio_callbacks import STATUSES
from carillon.adapters.providers.twilio_codes import failure_reason
from carillon.ports.delivery import Found

UNDER_WAY = frozenset({"accepted", "scheduled", "queued", "sending"})
"""Statuses of what Twilio took and has not handed on yet."""


class Listed(Protocol):
    """A message in Twilio's list, as far as it is looked at."""

    sid: str
    status: str
    direction: str
    body: str | None
    error_code: int | None
    date_created: datetime | None


def match(listed: Iterable[Listed], text: str, begin: datetime, end: datetime) -> Found | None:
    """Find the one message that says `text` and was made between two instants; None for none, or for several."""
    wanted = _words(text)
    candidates = [
        message
        for message in listed
        if str(message.direction).startswith("outbound")
        and message.date_created is not None
        and begin <= message.date_created <= end
        and _words(message.body or "") == wanted
    ]
    if len(candidates) != 1:
        return None
    (message,) = candidates
    status = "sent" if message.status in UNDER_WAY else STATUSES.get(message.status)
    if status is None:
        return None
    reason = failure_reason(str(message.error_code)) if status == "failed" else None
    return Found(status, message.sid, reason)  # type: ignore[arg-type]


def _words(text: str) -> list[str]:
    # How an approved template's text is laid out is Meta's business.
    return text.split()
