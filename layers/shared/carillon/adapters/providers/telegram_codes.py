"""Telegram's refusals, in the contract's words: the status is coarse, the description tells.

`blocked_by_recipient` is kept for what the person did, because it ends the link; a 403 that says anything else was
seen to pass by itself, so it is tried again and then given up without ending anything.
"""

from collections.abc import Mapping
from typing import Any

from carillon.ports.delivery import Outcome

BLOCKED = ("bot was blocked by the user", "user is deactivated")
"""What a 403 says of a person who does not want, or no longer has, this chat."""
PERMANENT: tuple[tuple[int, str, str], ...] = (
    (400, "chat not found", "recipient_rejected"),
    (400, "user not found", "recipient_rejected"),
    (400, "chat_id is empty", "recipient_rejected"),
    (400, "peer_id_invalid", "recipient_rejected"),
    (400, "group chat was upgraded", "recipient_rejected"),  # a link is to a private chat; this is none
    (400, "message is too long", "content_rejected"),
    (400, "message text is empty", "content_rejected"),
    (400, "message must be non-empty", "content_rejected"),
    (400, "can't parse entities", "content_rejected"),
    (400, "have no rights to send", "unreachable"),
    (400, "chat_write_forbidden", "unreachable"),
    (403, "bot can't initiate conversation", "unreachable"),  # never started this bot
    (403, "bot can't send messages to bots", "recipient_rejected"),
    (413, "", "content_rejected"),
)
"""Status, what its description says (any case), and the reason."""
FORBIDDEN_TRIES = 3
FORBIDDEN_PAUSE = 300
"""Seconds between tries of a message that was forbidden without a word about the person."""
OK = 200
FORBIDDEN = 403
TOO_MANY = 429
SERVER_FAULT = 500
UNKNOWN_TOKEN = frozenset({401, 404})
"""Not a bot's token (any more), or not one at all: the path is not found."""


def outcome_of(status: int, document: Mapping[str, Any], attempt: int) -> Outcome:
    """Read a refusal: HTTP status, body, and which attempt it answers (from 1)."""
    code = str(status)
    says = str(document.get("description", "")).casefold()
    if status == TOO_MANY:
        return Outcome("retry", code=code, retry_after=_retry_after(document))
    if status in UNKNOWN_TOKEN:
        return Outcome("misconfigured", code=code)
    if status >= SERVER_FAULT:
        return Outcome("unknown", reason="provider_5xx", code=code)
    if status == FORBIDDEN and any(text in says for text in BLOCKED):
        return Outcome("permanent", reason="blocked_by_recipient", code=code)
    for listed, text, reason in PERMANENT:
        if status == listed and text in says:
            return Outcome("permanent", reason=reason, code=code)
    if status == FORBIDDEN:
        if attempt < FORBIDDEN_TRIES:
            return Outcome("retry", code=code, retry_after=FORBIDDEN_PAUSE)
        return Outcome("permanent", reason="unreachable", code=code)
    return Outcome("permanent", reason="provider_error", code=code)


def _retry_after(document: Mapping[str, Any]) -> int | None:
    parameters = document.get("parameters")
    stated = parameters.get("retry_after") if isinstance(parameters, Mapping) else None
    return stated if isinstance(stated, int) and stated > 0 else None
