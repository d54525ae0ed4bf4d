"""When a message is tried again: exponentially later, spread by its id, and never sooner than the provider says."""

import base64
from datetime import timedelta

from carillon.domain.ids import digest

FIRST = 15
LONGEST = 900
"""Seconds: a delayed copy on a queue waits no longer."""


def next_attempt(attempt: int, provider_delay: int | None, spread_by: str) -> timedelta:
    """Say how long to wait after attempt number `attempt` (1 is the first).

    The spread (half to all of the exponential delay) comes from the message's id, so the same message waits equally
    long wherever it is computed, and a thousand messages refused at once do not come back at once.
    """
    delay = min(LONGEST, FIRST * 2 ** (attempt - 1))
    share = spread(spread_by, str(attempt))
    return timedelta(seconds=max(provider_delay or 0, delay / 2 + delay / 2 * share))


def spread(*parts: str) -> float:
    """Give a share between 0 and 1, always the same for the same parts."""
    noise = base64.b32decode(digest(*parts), casefold=True)
    return int.from_bytes(noise[:4], "big") / 0xFFFFFFFF
