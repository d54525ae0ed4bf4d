"""Recurring schedules of EventBridge Scheduler for recaps, and the queue that they fire into."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from carillon.adapters.schedules import ScheduleGroup
from carillon.domain.recaps import Cron
from carillon.domain.scheduling import cron_expression, cron_name, utc_expression
from carillon.domain.times import iso, parse_instant
from carillon.ports.recaps import RecapDue
from carillon.ports.system import Clock

if TYPE_CHECKING:
    from mypy_boto3_scheduler.client import EventBridgeSchedulerClient
    from mypy_boto3_sqs.client import SQSClient

SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"
"""The scheduler puts the instant here for which it fires, in UTC; a repeated delivery has the same one."""


class EventBridgeCrons(ScheduleGroup):
    """See the port `Crons`."""

    def __init__(
        self,
        client: "EventBridgeSchedulerClient",
        clock: Clock,
        *,
        group: str,
        queue_arn: str,
        role_arn: str,
        dead_letter_arn: str,
    ) -> None:
        super().__init__(client, group=group, queue_arn=queue_arn, role_arn=role_arn, dead_letter_arn=dead_letter_arn)
        self._clock = clock

    def create(self, org_id: str, cron: Cron) -> None:
        """Make a recap's schedule."""
        today = self._clock.now().date()
        name = cron_name(org_id, cron.kind, cron.at, cron.zone, cron.generation)
        body = {"o": org_id, "recap": cron.kind, "at": SCHEDULED_TIME, "n": name}
        try:
            self.put(name, cron_expression(cron.at, cron.zone, today), cron.zone, body, once=False)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationException":
                raise
            # A zone that is newer than the scheduler's list of them.
            self.put(name, utc_expression(cron.at, cron.zone, today), "UTC", body, once=False)

    def delete(self, name: str) -> None:
        """Delete a recap's schedule."""
        self.remove(name)


class SqsRecaps:
    """See the port `RecapQueue`."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def send_recap(self, due: RecapDue, *, delay: int = 0) -> None:
        """Put a recap on the queue."""
        body = {"o": due.org_id, "recap": due.kind, "at": iso(due.at)}
        self._client.send_message(
            QueueUrl=self._url,
            MessageBody=json.dumps(body, separators=(",", ":")),
            DelaySeconds=delay,
            # Fair queues: a busy organization does not hold up the others.
            MessageGroupId=due.org_id,
        )


def recap_from_data(data: Mapping[str, Any]) -> RecapDue:
    """Read a message of the queue of recaps."""
    kind = data["recap"]
    if kind not in ("staff", "managers"):
        raise ValueError(f"there is no recap of the kind {kind!r}")
    return RecapDue(data["o"], kind, parse_instant(data["at"]), data.get("n", ""))
