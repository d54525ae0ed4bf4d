"""Test data: nothing leaves, and what would have happened is told by the address.

Phones ending in 0001 deliver, 0002 fail for good, 0003 fail twice and then deliver, 0004 end unknown; delivered@,
bounced@, complained@ and retried@ at example.com likewise. Every other address delivers.
"""

from typing import Literal

from carillon.domain.organizations import TEST_SUFFIX
from carillon.domain.values import value

Ending = Literal["delivered", "rejected", "bounced", "retried", "unknown"]
PHONES: dict[str, Ending] = {"0002": "rejected", "0003": "retried", "0004": "unknown"}
MAILBOXES: dict[str, Ending] = {
    # A complaint comes after delivery, so a complained message is a delivered one first.
    "delivered@example.com": "delivered",
    "complained@example.com": "delivered",
    "bounced@example.com": "bounced",
    "retried@example.com": "retried",
}
FAILURES_BEFORE_DELIVERY = 2


@value
class Simulated:
    """What a provider would have answered, and what its receipt would have said afterwards."""

    kind: Literal["accepted", "permanent", "retry", "unknown"]
    reason: str | None = None
    receipt: Literal["delivered", "failed"] | None = None


def is_test_data(org_id: str) -> bool:
    """Whether a data set is an organization's test data."""
    return org_id.endswith(TEST_SUFFIX)


def simulate(to: str, attempt: int) -> Simulated:
    """Play a provider's part for an address, at the given attempt (from 1)."""
    ending = MAILBOXES.get(to.casefold(), "delivered") if "@" in to else PHONES.get(to[-4:], "delivered")
    if ending == "retried" and attempt <= FAILURES_BEFORE_DELIVERY:
        return Simulated("retry", "provider_error")
    match ending:
        case "rejected":
            return Simulated("permanent", "recipient_rejected")
        case "bounced":
            return Simulated("accepted", "recipient_rejected", "failed")
        case "unknown":
            return Simulated("unknown", "provider_timeout")
    return Simulated("accepted", receipt="delivered")
