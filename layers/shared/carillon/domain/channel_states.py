"""An organization's own senders, as far as every decision needs to know of them."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from carillon.domain.constraints import Instant, document
from carillon.domain.times import iso


@document
class ChannelState:
    """The state of an own sender.

    `pending`: stored, not usable yet (an address that is not verified). `paused`: its provider refused it as
    misconfigured; it is tried again after `paused_until`, for `reason` see the channel's page. `sender`: what people
    see it as (an address, a number, a bot's name). `revision` rises with each change of its credentials. `pauses`: how
    often it was refused in a row.
    """

    status: Literal["active", "pending", "paused"]
    sender: str = ""
    revision: int = 1
    paused_until: Instant | None = None
    reason: str | None = None
    pauses: int = 0


FIRST_PAUSE = timedelta(minutes=5)
LONGEST_PAUSE = timedelta(hours=1)
PROBE = timedelta(minutes=1)
"""How long the others wait while one message tries a sender whose pause is over: longer than a claim holds."""


def paused(state: ChannelState, now: datetime, reason: str | None) -> ChannelState:
    """Pause a sender that its provider refused: five minutes, and twice as long each time, up to an hour."""
    until = now + min(FIRST_PAUSE * 2 ** min(state.pauses, 8), LONGEST_PAUSE)
    return replace(state, status="paused", paused_until=iso(until), reason=reason, pauses=state.pauses + 1)


def probed(state: ChannelState, now: datetime) -> ChannelState:
    """Let one message try a paused sender, and the others wait for what becomes of it."""
    return replace(state, paused_until=iso(now + PROBE))


def tried_again(state: ChannelState) -> ChannelState:
    """Put a paused sender to use again that others stood in for; being refused once more, it goes on where it was."""
    return replace(state, status="active", paused_until=None)


def resumed(state: ChannelState) -> ChannelState:
    """Use a sender again that took a message."""
    return replace(state, status="active", paused_until=None, reason=None, pauses=0)
