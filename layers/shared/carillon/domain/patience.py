"""How long a channel's receipt is waited for, before the next channel of a reminder's strategy gets its turn."""

from datetime import timedelta

from carillon.domain.channels import CHANNELS
from carillon.domain.clients import Client
from carillon.domain.decide import in_force
from carillon.domain.messages import Message
from carillon.domain.settings import Settings
from carillon.domain.times import parse_duration

SHORTEST = timedelta(minutes=1)
"""Less time than this would tell everybody twice on purpose: no receipt is faster for certain."""


def patience(message: Message, settings: Settings, client: Client | None) -> timedelta | None:
    """Say for how long a message's receipt is waited for once it is sent; None: for as long as it takes.

    Only where the settings say so, the channel has receipts, and a channel is left to go on with.
    """
    channel, key = message.channel, message.occasion.reminder
    if settings.fallback_after is None or key is None or channel is None or not CHANNELS[channel].receipts:
        return None
    reminder = in_force(client, key)
    if reminder is None or reminder.strategy != "first_reachable" or channel not in reminder.channels[:-1]:
        return None
    return max(SHORTEST, parse_duration(settings.fallback_after))
