"""Twilio's error codes, as its error reference describes them, in the contract's words.

A code may come with the answer or, later, with a status callback: WhatsApp's refusals mostly come later.
`blocked_by_recipient` is kept for what the person did: whoever reads it may take it as an opt-out of this channel.
"""

from carillon.ports.delivery import Outcome

PERMANENT: dict[int, str] = {
    21211: "recipient_rejected",  # invalid 'To'
    21614: "recipient_rejected",  # not a mobile number
    21635: "recipient_rejected",  # a landline
    21610: "blocked_by_recipient",  # opted out with Twilio, until they say START
    21654: "content_rejected",  # no such ContentSid
    21656: "content_rejected",  # content variables are wrong: an empty one, for instance
    63028: "content_rejected",  # number of variables differs
    63021: "content_rejected",  # content is too long
    63016: "content_rejected",  # outside the window without a template
    63005: "content_rejected",  # the channel did not accept the content
    63013: "content_rejected",  # against the channel's policy
    63027: "content_rejected",  # no such template in this language
    63030: "content_rejected",  # a parameter that this kind of message does not have
    63003: "unreachable",  # the channel does not find the address
    63015: "unreachable",  # a sandbox, which this person did not join
    63024: "recipient_rejected",  # not able to receive (Meta 1026), or not a number (1002)
    63014: "blocked_by_recipient",  # blocked the sender, or withdrew consent
    63032: "unreachable",  # Meta keeps this person out, for an experiment of its own (472)
    63049: "provider_error",  # Meta chose not to deliver
    30004: "unreachable",  # blocked by the carrier, which says nothing of the person
    30005: "recipient_rejected",  # unknown handset
    30006: "recipient_rejected",  # a landline, or a carrier without SMS
    30007: "content_rejected",  # filtered
}
MISCONFIGURED = frozenset(
    {
        20003,  # authentication
        63001,  # the channel does not let this account in
        63007,  # 'From' is no sender of this channel
        63008,  # the channel is not set up
        63020,  # Meta's invitation was not accepted
        63022,  # the sender's display name is not certified
    }
)
RETRY: dict[int, int | None] = {
    20429: None,  # too many API calls
    21611: None,  # the sender's queue is full
    30001: None,  # queue overflow
    63017: None,  # more than 2,000 a second
    # Days' allowances, which roll on: hours, not seconds.
    63018: 3600,
    63038: 6 * 3600,
}
"""Codes that pass, with the least delay in seconds where one is known."""
RETRY_ONCE: dict[int, tuple[int, str]] = {
    30003: (300, "unreachable"),  # the handset is off or away, or never will be there
}
"""Codes that Twilio advises to try again once: the delay in seconds, and the reason if it comes again."""
UNAUTHORIZED = 401
TOO_MANY = 429
SERVER_FAULT = 500


def outcome_of(code: int | None, status: int, attempt: int = 1) -> Outcome:
    """Read a refusal: its Twilio code, the HTTP status it came with, and which attempt it answers (from 1).

    A code that nobody listed is permanent when Twilio blames the request, and unknown when it blames itself: a 5xx
    does not say whether the message was taken.
    """
    text = str(code or status)
    if code in RETRY or status == TOO_MANY:
        return Outcome("retry", code=text, retry_after=RETRY.get(code or 0))
    if code in RETRY_ONCE:
        delay, reason = RETRY_ONCE[code]
        if attempt == 1:
            return Outcome("retry", code=text, retry_after=delay)
        return Outcome("permanent", reason=reason, code=text)
    if code in MISCONFIGURED or status == UNAUTHORIZED:
        return Outcome("misconfigured", code=text)
    if code in PERMANENT:
        return Outcome("permanent", reason=PERMANENT[code], code=text)
    if status >= SERVER_FAULT:
        return Outcome("unknown", reason="provider_5xx", code=text)
    return Outcome("permanent", reason="provider_error", code=text)


def failure_reason(code: str | None) -> str:
    """Name the reason of a failure that a status callback reports.

    By then Twilio took the message, so nothing is tried again on this channel; the next one has its turn.
    """
    number = int(code) if code is not None and code.isdecimal() else 0
    if number in MISCONFIGURED:
        return "sender_misconfigured"
    if number in RETRY_ONCE:
        return RETRY_ONCE[number][1]
    return PERMANENT.get(number, "provider_error")
