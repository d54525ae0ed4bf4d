"""Does what can't be done in passing: planning again after a change, records whose turn failed, the sweep."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from carillon.bootstrap import jobs, quotas, replies
from carillon.domain.notices import Notice
from carillon.domain.times import parse_instant
from carillon.runtime.batch import Answer, Message, each, queue_messages
from carillon.runtime.logging import logger


def lambda_handler(event: dict[str, Any], _context: object) -> Answer:
    """Handle a batch of the jobs queue."""
    return each(queue_messages(event), _run)


def plan_record(job: dict[str, Any]) -> None:
    """Follow a record that the stream's function could not."""
    jobs.jobs_planner().follow(job["o"], job["record"])
    logger().info("record followed", extra={"organization_id": job["o"], "record": job["record"]})


def replan(job: dict[str, Any]) -> None:
    """Start planning an organization's appointments anew after a change."""
    begun = jobs.replanner().begin(job["o"], job["cause"], job["revision"])
    ids = {"organization_id": job["o"], "cause": job["cause"], "revision": job["revision"]}
    logger().info("replanning" if begun else "already replanned", extra=ids)


def replan_page(job: dict[str, Any]) -> None:
    """Plan one page of an organization's appointments anew."""
    changed = jobs.replanner().page(job["o"], job["run"], job["position"])
    logger().info("page replanned", extra={"organization_id": job["o"], "run": job["run"], "changed": changed})


def replan_client(job: dict[str, Any]) -> None:
    """Plan a client's appointments anew."""
    changed = jobs.replanner().client(job["o"], job["client"])
    logger().info(
        "client replanned", extra={"organization_id": job["o"], "client_id": job["client"], "changed": changed}
    )


def sweep(job: dict[str, Any]) -> None:
    """Move on what is stuck in one organization."""
    swept = jobs.sweep().run(job["o"])
    replied = replies.mending().mend(job["o"])
    announced = jobs.announcer().again(job["o"])
    recapped = jobs.recap_schedules().mend(job["o"])
    tidied = quotas.days().run(job["o"])
    kept = {"assumed": tidied.assumed, "quota_days": tidied.days}
    paying = jobs.payments().mend(job["o"])
    done = {**asdict(swept), "replies": replied, "recaps": recapped, "payments": paying, "posted": announced, **kept}
    logger().info("swept", extra={"organization_id": job["o"], **done})


def count_day(job: dict[str, Any]) -> None:
    """Add up what a day's messages took from a quota, and close the day once it can't change."""
    done = quotas.days().count(job["o"], job["bucket"], job["day"], job)
    ids = {"organization_id": job["o"], "bucket": job["bucket"], "day": job["day"]}
    logger().info("day counted" if done else "part of a day counted", extra=ids)


def tell(job: dict[str, Any]) -> None:
    """Tell an organization's manager that something became of its account."""
    new = quotas.telling().tell(job["o"], Notice(job["notice"], job["about"], parse_instant(job["since"])))
    ids = {"organization_id": job["o"], "notice": job["notice"], "about": job["about"]}
    logger().info("told" if new else "told before", extra=ids)


def look_through(job: dict[str, Any]) -> None:
    """Look through part of an organization's records for what is not planned."""
    unplanned = jobs.sweep().look_through(job["o"], job["position"])
    logger().info("looked through", extra={"organization_id": job["o"], "unplanned": unplanned})


def look_through_all(_job: dict[str, Any]) -> None:
    """Have all records of all organizations looked through, after a part of the stream was given up."""
    logger().info("looking through", extra={"organizations": jobs.enqueue_looking_through()})


def purge(job: dict[str, Any]) -> None:
    """Remove part of what a removed organization left."""
    gone = jobs.purge().run(job["o"], job["position"])
    logger().info("purged", extra={"organization_id": job["o"], "items": gone})


def wait(job: dict[str, Any]) -> None:
    """Have a message that waits for long brought to its channel's queue when its turn comes."""
    message = jobs.read_waiting(job)
    if message is None:
        raise ValueError("a message that waits names its channel")
    jobs.waiting().wait(message, parse_instant(job["at"]))
    logger().info("waiting", extra={"organization_id": job["o"], "record": job["r"], "until": job["at"]})


def recaps(job: dict[str, Any]) -> None:
    """Have the schedules of an organization's recaps follow its settings."""
    changed = jobs.recap_schedules().follow(job["o"], parse_instant(job["since"]), job.get("stale", ()))
    logger().info("recaps scheduled" if changed else "recaps as they were", extra={"organization_id": job["o"]})


def overdue(job: dict[str, Any]) -> None:
    """Look at a task whose due time was too near for a schedule."""
    for done in jobs.overdue().fire([jobs.read_due(job)]):
        logger().info(done.result, extra={"organization_id": job["o"], "record": job["r"]})


def announce(job: dict[str, Any]) -> None:
    """Tell the clients of a posted event that the stream's function could not, or did not finish with."""
    told = jobs.announcer().follow(job["o"], job["posted"])
    ids = {"organization_id": job["o"], "posted": job["posted"]}
    logger().info("posted event announced", extra={**ids, "clients": told})


JOBS: dict[str, Callable[[dict[str, Any]], None]] = {
    "plan_record": plan_record,
    "replan": replan,
    "replan_page": replan_page,
    "replan_client": replan_client,
    "sweep": sweep,
    "count_day": count_day,
    "tell": tell,
    "recaps": recaps,
    "look_through": look_through,
    "look_through_all": look_through_all,
    "purge": purge,
    "wait": wait,
    "overdue": overdue,
    "announce": announce,
}


def _run(message: Message) -> None:
    kind = message.body.get("kind")
    if kind not in JOBS:
        raise ValueError(f"there is no job of the kind {kind!r}")
    JOBS[kind](message.body)
