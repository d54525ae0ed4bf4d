"""Takes what is due from its queue, ten at once: reminders to decide on, due times, messages that waited."""

from collections.abc import Sequence
from typing import Any

from carillon.bootstrap import dispatching
from carillon.runtime.batch import Answer, Message, queue_messages, whole
from carillon.runtime.logging import logger


def lambda_handler(event: dict[str, Any], _context: object) -> Answer:
    """Handle a batch of the due queue."""
    return whole(queue_messages(event), _dispatch)


def _dispatch(messages: Sequence[Message]) -> None:
    waited = [dispatching.read_waiting(message.body) for message in messages]
    stored = [message for message in waited if message is not None]
    if stored:
        dispatching.dispatcher().queues.send_ready(stored)
        logger().info("waited", extra={"messages": len(stored)})
    due = [dispatching.read_due(each.body) for each, other in zip(messages, waited, strict=True) if other is None]
    tasks = [each for each in due if dispatching.is_of_task(each)]
    reminders = [each for each in due if each not in tasks]
    done_with = [
        *(dispatching.dispatcher().dispatch(reminders) if reminders else ()),
        *(dispatching.overdue().fire(tasks) if tasks else ()),
    ]
    for done in done_with:
        ids = {"organization_id": done.due.org_id, "record": done.due.record, "reminder": done.due.key}
        logger().info(done.result, extra=ids | {"reason": done.reason})
