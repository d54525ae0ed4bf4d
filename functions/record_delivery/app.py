"""Takes SES's events: moves the messages they name, and keeps addresses that bounced or complained from being used."""

from typing import Any

from carillon.bootstrap import receipts
from carillon.runtime.batch import Answer, Message, each, queue_messages
from carillon.runtime.logging import logger


def lambda_handler(event: dict[str, Any], _context: object) -> Answer:
    """Handle a batch of the receipts queue."""
    return each(queue_messages(event), _record)


def _record(message: Message) -> None:
    event = receipts.read_ses_event(message.body)
    if event is None:
        return
    done = receipts.email().take(event)
    known = {"status": event.receipt.status, "refusal": event.refusal}
    logger().info("receipt", extra={"organization_id": done.org_id, "result": done.result, **known})
