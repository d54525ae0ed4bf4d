"""Does what could not be done in passing: plans records whose turn in the stream failed."""

from typing import Any

from carillon.bootstrap import pipeline
from carillon.runtime.batch import Answer, Message, each, queue_messages
from carillon.runtime.logging import logger


def lambda_handler(event: dict[str, Any], _context: object) -> Answer:
    """Handle a batch of the jobs queue."""
    return each(queue_messages(event), _run)


def _run(message: Message) -> None:
    job = message.body
    if job.get("kind") != "plan_record":
        raise ValueError(f"there is no job of the kind {job.get('kind')!r}")
    pipeline.jobs_planner().follow(job["o"], job["record"])
    logger().info("record followed", extra={"organization_id": job["o"], "record": job["record"]})
