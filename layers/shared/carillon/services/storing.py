"""Storing messages before they are queued: what exists already is queued again, and its claim decides."""

from collections.abc import Iterable

from carillon.domain.messages import Message
from carillon.ports import Messages, Ready


def store_all(messages: Messages, org_id: str, made: Iterable[Message], retention_days: int) -> list[Ready]:
    """Store messages (each once, however often this runs) and name those that are to be queued.

    One that existed before is named too: whoever stored it may have died before queueing it.
    """
    ready = []
    for message in made:
        messages.create(org_id, message, retention_days=retention_days)
        if message.status == "queued" and message.channel is not None:
            ready.append(Ready(org_id, message.channel, message.key, message.occasion.record))
    return ready
