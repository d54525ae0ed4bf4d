"""Takes due reminders from their queue, ten at once: decided, stored, and put on the channels' queues."""

from collections.abc import Sequence
from typing import Any

from carillon.bootstrap import pipeline
from carillon.runtime.batch import Answer, Message, queue_messages, whole
from carillon.runtime.logging import logger


def lambda_handler(event: dict[str, Any], _context: object) -> Answer:
    """Handle a batch of the due queue."""
    return whole(queue_messages(event), _dispatch)


def _dispatch(messages: Sequence[Message]) -> None:
    for done in pipeline.dispatcher().dispatch([pipeline.read_due(message.body) for message in messages]):
        due = done.due
        ids = {"organization_id": due.org_id, "record": due.record, "reminder": due.key}
        logger().info(done.result, extra=ids | {"reason": done.reason})
