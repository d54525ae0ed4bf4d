"""Sends WhatsApp messages: see `services/sending.py` for what makes it once."""

from typing import Any

from carillon.bootstrap import senders
from carillon.runtime.batch import Answer, queue_messages, whole


def lambda_handler(event: dict[str, Any], _context: object) -> Answer:
    """Handle a batch of the channel's queue."""
    return whole(queue_messages(event), lambda messages: senders.send(senders.whatsapp(), messages))
