"""Tells the list of a day when its time has come: each collaborator his own, the managers the whole of it."""

from typing import Any

from carillon.bootstrap import recapping
from carillon.runtime.batch import Answer, Message, each, queue_messages
from carillon.runtime.logging import logger


def lambda_handler(event: dict[str, Any], _context: object) -> Answer:
    """Handle a batch of the queue of recaps."""
    return each(queue_messages(event), _tell)


def _tell(message: Message) -> None:
    due = recapping.read_due(message.body)
    done = recapping.recapper().tell(due)
    day = done.day.isoformat() if done.day is not None else None
    counts = {"appointments": done.appointments, "messages": done.messages, "suppressed": done.suppressed}
    logger().info(done.result, extra={"organization_id": due.org_id, "recap": due.kind, "day": day, **counts})
