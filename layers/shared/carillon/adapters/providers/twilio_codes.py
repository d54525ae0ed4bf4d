"""Twilio's error codes, as its error reference describes them, in the contract's words."""

from carillon.ports.delivery import Outcome

PERMANENT: dict[int, str] = {
    21211: "recipient_rejected",  # invalid 'To'
    21614: "recipient_rejected",  # not a mobile number
    21635: "recipient_rejected",  # a landline
    21610: "blocked_by_recipient",  # opted out
    21654: "content_rejected",  # no such ContentSid
    21656: "content_rejected",  # content variables are wrong
    63028: "content_rejected",  # number of variables differs
    63021: "content_rejected",  # content is too long
    63016: "content_rejected",  # outside the window without a template
    63003: "unreachable",  # not on this channel
    63024: "recipient_rejected",
    63014: "blocked_by_recipient",
    63032: "recipient_rejected",  # Meta does not let this person be written to
    63049: "provider_error",  # Meta chose not to deliver
    30003: "unreachable",
    30004: "blocked_by_recipient",
    30005: "unreachable",
    30006: "unreachable",
    30007: "content_rejected",  # filtered
}
MISCONFIGURED = frozenset({20003, 63007, 63008, 63020})
RETRY: dict[int, int | None] = {
    20429: None,
    21611: None,
    30001: None,
    63017: None,
    # Limits of Meta's tiers: hours, not seconds.
    63018: 3600,
    63038: 6 * 3600,
}
"""Codes that pass, with the least delay in seconds where one is known."""
SERVER_FAULT = 500
TOO_MANY = 429


def outcome_of(code: int | None, status: int) -> Outcome:
    """Read a refusal: its Twilio code and the HTTP status it came with."""
    text = str(code or status)
    if code in RETRY or status == TOO_MANY:
        return Outcome("retry", code=text, retry_after=RETRY.get(code or 0))
    if code in MISCONFIGURED:
        return Outcome("misconfigured", code=text)
    if code in PERMANENT:
        return Outcome("permanent", reason=PERMANENT[code], code=text)
    if status >= SERVER_FAULT:
        return Outcome("unknown", reason="provider_5xx", code=text)
    return Outcome("permanent", reason="provider_error", code=text)


def failure_reason(code: str | None) -> str:
    """Name the reason of a failure that a status callback reports."""
    return PERMANENT.get(int(code), "provider_error") if code is not None and code.isdecimal() else "provider_error"
