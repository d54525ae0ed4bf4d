"""Does what can't be done in passing: plans records whose turn in the stream failed, sweeps organizations."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from carillon.bootstrap import pipeline
from carillon.runtime.batch import Answer, Message, each, queue_messages
from carillon.runtime.logging import logger


def lambda_handler(event: dict[str, Any], _context: object) -> Answer:
    """Handle a batch of the jobs queue."""
    return each(queue_messages(event), _run)


def plan_record(job: dict[str, Any]) -> None:
    """Follow a record that the stream's function could not."""
    pipeline.jobs_planner().follow(job["o"], job["record"])
    logger().info("record followed", extra={"organization_id": job["o"], "record": job["record"]})


def sweep(job: dict[str, Any]) -> None:
    """Move on what is stuck in one organization."""
    swept = pipeline.sweep().run(job["o"])
    logger().info("swept", extra={"organization_id": job["o"], **asdict(swept)})


JOBS: dict[str, Callable[[dict[str, Any]], None]] = {"plan_record": plan_record, "sweep": sweep}


def _run(message: Message) -> None:
    kind = message.body.get("kind")
    if kind not in JOBS:
        raise ValueError(f"there is no job of the kind {kind!r}")
    JOBS[kind](message.body)
