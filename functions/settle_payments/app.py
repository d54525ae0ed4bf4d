"""Brings top-ups and the ledger to where Stripe says that they are, whatever woke it."""

from typing import Any

from carillon.bootstrap import payments
from carillon.runtime.batch import Answer, Message, each, queue_messages
from carillon.runtime.logging import logger


def lambda_handler(event: dict[str, Any], _context: object) -> Answer:
    """Handle a batch of the queue of payments."""
    return each(queue_messages(event), _settle)


def _settle(message: Message) -> None:
    reference = payments.read_reference(message.body)
    top_up = payments.settling().take(reference)
    ids = {"organization_id": reference.org_id, "event_id": reference.event, "type": reference.type}
    if top_up is None:
        # Money for an order that nobody knows is for people to look at; another's payment is not ours to know.
        logger().info("payment_unmatched" if reference.top_up else "not_ours", extra=ids)
        return
    state = {"top_up": top_up.id, "state": top_up.state, "credited": top_up.applied, "owed": top_up.owed}
    logger().info("settled", extra={**ids, **state})
