"""An organization's own senders, as far as every decision needs to know of them."""

from typing import Literal

from carillon.domain.constraints import Instant, document


@document
class ChannelState:
    """The state of an own sender.

    `pending`: stored, not usable yet (an address that is not verified). `paused`: its provider refused it as
    misconfigured; it is tried again after `paused_until`, for `reason` see the channel's page. `sender`: what people
    see it as (an address, a number, a bot's name). `revision` rises with each change of its credentials.
    """

    status: Literal["active", "pending", "paused"]
    sender: str = ""
    revision: int = 1
    paused_until: Instant | None = None
    reason: str | None = None
