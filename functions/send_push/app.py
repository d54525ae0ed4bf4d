"""Sends push messages: see `services/sending.py` for what makes it once."""

from typing import Any

from carillon.bootstrap import senders
from carillon.runtime.batch import Answer
from carillon.runtime.sending import report, send_batch


def lambda_handler(event: dict[str, Any], _context: object) -> Answer:
    """Handle a batch of the channel's queue."""
    return send_batch(event, senders.reader("push"), senders.push(report).send)
