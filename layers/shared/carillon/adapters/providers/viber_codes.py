"""Viber's statuses, in the contract's words. HTTP says 200 to all of them; 0 alone means accepted."""

from collections.abc import Mapping
from typing import Any

from carillon.ports.delivery import Outcome

PERMANENT: dict[int, str] = {
    3: "content_rejected",  # badData: the request itself
    4: "content_rejected",  # missingData
    5: "recipient_rejected",  # receiverNotRegistered: no Viber user
    11: "unreachable",  # receiverNoSuitableDevice
    13: "unreachable",  # apiVersionNotSupported: none of the person's devices can show it
    14: "content_rejected",  # incompatibleWithVersion: the fields need a newer version than they ask for
    16: "provider_error",  # inchatReplyMessageNotAllowed
    17: "provider_error",  # publicAccountIsNotInline
    19: "provider_error",  # cannotSendBroadcast
    20: "provider_error",  # broadcastNotAllowed
}
MISCONFIGURED = frozenset(
    {
        1,  # invalidUrl: of the webhook
        2,  # invalidAuthToken
        7,  # publicAccountBlocked
        8,  # publicAccountNotFound
        9,  # publicAccountSuspended
        10,  # webhookNotSet
        15,  # publicAccountNotAuthorized
    }
)
RETRY = frozenset({12, 18})
"""12: tooManyRequests. 18 is described as a rate and as a missing public chat; trying again harms in neither case."""
NOT_SUBSCRIBED = 6
SUBSCRIBING_PAUSE = 60
"""Seconds. A subscription that has just begun is not known to all of Viber yet."""
OK = 200
TOO_MANY = 429
SERVER_FAULT = 500
UNAUTHORIZED = frozenset({401, 403})


def outcome_of(status: int, document: Mapping[str, Any], attempt: int) -> Outcome:
    """Read an answer that is not an acceptance: HTTP status, body, and which attempt it answers (from 1).

    A status that nobody listed is permanent: Viber says that it did not take the message.
    """
    if status != OK:
        return _refused(status)
    number = document.get("status")
    if not isinstance(number, int) or isinstance(number, bool):
        # A 200 whose body is not what Viber documents: it may well have been taken.
        return Outcome("unknown", reason="connection_lost", code="unreadable_answer")
    code = str(number)
    if number in RETRY:
        return Outcome("retry", code=code)
    if number in MISCONFIGURED:
        return Outcome("misconfigured", code=code)
    if number == NOT_SUBSCRIBED:
        if attempt == 1:
            return Outcome("retry", code=code, retry_after=SUBSCRIBING_PAUSE)
        return Outcome("permanent", reason="blocked_by_recipient", code=code)
    return Outcome("permanent", reason=PERMANENT.get(number, "provider_error"), code=code)


def _refused(status: int) -> Outcome:
    code = str(status)
    if status == TOO_MANY:
        return Outcome("retry", code=code)
    if status in UNAUTHORIZED:
        return Outcome("misconfigured", code=code)
    if status >= SERVER_FAULT:
        return Outcome("unknown", reason="provider_5xx", code=code)
    return Outcome("permanent", reason="provider_error", code=code)
