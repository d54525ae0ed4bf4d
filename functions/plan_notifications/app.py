"""Follows the table's stream: a record that changed is announced and planned; what concerns many records is a job.

The stream's image is only a wake-up: the record is read again. A record that can't be followed now becomes a job, so
that it does not block the stream behind it.
"""

from typing import Any

from carillon.bootstrap import current_clock, planning
from carillon.domain.times import iso
from carillon.runtime.batch import Answer, Message, each, stream_messages
from carillon.runtime.logging import logger
from carillon.runtime.stream import ClientChanged, EventPosted, OrganizationChanged, QuotaCrossed, RecordChanged, woken


def lambda_handler(event: dict[str, Any], _context: object) -> Answer:
    """Handle a batch of the stream."""
    return each(stream_messages(event), _follow)


def _follow(message: Message) -> None:
    match woken(message.body):
        case RecordChanged() as record:
            _plan(record)
        case OrganizationChanged(org_id, cause, revision):
            queues, since = planning.planner().queues, iso(current_clock.now())
            queues.send_job({"kind": "recaps", "o": org_id, "since": since})
            queues.send_job({"kind": "replan", "o": org_id, "cause": cause, "revision": revision})
        case QuotaCrossed(org_id, kind, bucket, at):
            job = {"kind": "tell", "o": org_id, "notice": kind, "about": bucket, "since": at}
            planning.planner().queues.send_job(job)
        case EventPosted() as posted:
            _announce(posted)
        case ClientChanged(org_id, client_id):
            planning.planner().queues.send_job({"kind": "replan_client", "o": org_id, "client": client_id})


def _announce(posted: EventPosted) -> None:
    ids = {"organization_id": posted.org_id, "posted": posted.posted_id}
    try:
        told = planning.announcer().follow(posted.org_id, posted.posted_id, posted.clients)
    except Exception as error:  # noqa: BLE001 - the job does it again, and the stream goes on
        logger().warning("posted event becomes a job", extra=ids, exc_info=error)
        planning.planner().queues.send_job({"kind": "announce", "o": posted.org_id, "posted": posted.posted_id})
        return
    logger().info("posted event announced", extra={**ids, "clients": told})


def _plan(record: RecordChanged) -> None:
    planner = planning.planner()
    ids = {"organization_id": record.org_id, "record": record.ref}
    try:
        followed = planner.follow(record.org_id, record.ref, record.clients)
    except Exception as error:  # noqa: BLE001 - the job does it again, and the stream goes on
        logger().warning("record becomes a job", extra=ids, exc_info=error)
        planner.queues.send_job({"kind": "plan_record", "o": record.org_id, "record": record.ref})
        return
    logger().info("record followed" if followed else "nothing to follow", extra=ids)
