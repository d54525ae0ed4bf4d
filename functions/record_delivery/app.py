"""Takes SES's events (deliveries, bounces, rejects) and moves the messages they name."""

from typing import Any

from carillon.bootstrap import receipts
from carillon.runtime.batch import Answer, Message, each, queue_messages
from carillon.runtime.logging import logger


def lambda_handler(event: dict[str, Any], _context: object) -> Answer:
    """Handle a batch of the receipts queue."""
    return each(queue_messages(event), _record)


def _record(message: Message) -> None:
    receipt = receipts.read_ses_event(message.body)
    if receipt is None:
        return
    done = receipts.email().apply(receipt)
    logger().info("receipt", extra={"organization_id": done.org_id, "result": done.result, "status": receipt.status})
