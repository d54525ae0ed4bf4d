"""Schedules of EventBridge Scheduler, made once and deleted, never updated; here those that fire once."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from carillon.adapters.queues import due_to_data, waiting_to_data
from carillon.domain.messages import MessageKey
from carillon.domain.scheduling import at_expression, schedule_name, waiting_name
from carillon.ports.queues import Due, Ready

if TYPE_CHECKING:
    from mypy_boto3_scheduler.client import EventBridgeSchedulerClient

MAXIMUM_AGE = 3600
"""Seconds after which an undelivered reminder goes to the dead-letter queue: the sweep finds it sooner than that."""
RETRIES = 30


class ScheduleGroup:
    """The schedules of one group, which put messages on one queue. Each is made once and deleted, never updated."""

    def __init__(
        self,
        client: "EventBridgeSchedulerClient",
        *,
        group: str,
        queue_arn: str,
        role_arn: str,
        dead_letter_arn: str,
    ) -> None:
        self._client = client
        self._group = group
        self._queue_arn = queue_arn
        self._role_arn = role_arn
        self._dead_letter_arn = dead_letter_arn

    def put(self, name: str, expression: str, zone: str, body: Mapping[str, Any], *, once: bool) -> None:
        """Make a schedule; a conflict means that it was made before, which is what we want. `once`: it then goes."""
        try:
            self._client.create_schedule(
                Name=name,
                GroupName=self._group,
                ScheduleExpression=expression,
                ScheduleExpressionTimezone=zone,
                FlexibleTimeWindow={"Mode": "OFF"},
                ActionAfterCompletion="DELETE" if once else "NONE",
                Target={
                    "Arn": self._queue_arn,
                    "RoleArn": self._role_arn,
                    "Input": json.dumps(body, separators=(",", ":")),
                    "DeadLetterConfig": {"Arn": self._dead_letter_arn},
                    "RetryPolicy": {"MaximumEventAgeInSeconds": MAXIMUM_AGE, "MaximumRetryAttempts": RETRIES},
                },
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConflictException":
                raise

    def remove(self, name: str) -> None:
        """Delete a schedule; one that has fired or was deleted is gone, which is what we want."""
        try:
            self._client.delete_schedule(Name=name, GroupName=self._group)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise


class EventBridgeSchedules(ScheduleGroup):
    """See the port `Schedules`."""

    def create(self, reminder: Due) -> None:
        """Schedule a reminder."""
        self._create(_name(reminder), reminder.fires, due_to_data(reminder))

    def wait(self, message: Ready, at: datetime) -> None:
        """Schedule the turn of a stored message; it comes by way of the due queue."""
        name = waiting_name(message.org_id, message.key.recipient, message.key.digest, at)
        self._create(name, at, waiting_to_data(message))

    def _create(self, name: str, at: datetime, body: Mapping[str, Any]) -> None:
        self.put(name, at_expression(at), "UTC", body, once=True)

    def delete(self, reminder: Due) -> None:
        """Delete a reminder's schedule."""
        self.remove(_name(reminder))

    def forget(self, org_id: str, key: MessageKey, at: datetime) -> None:
        """Delete the schedule of a message that waits."""
        self.remove(waiting_name(org_id, key.recipient, key.digest, at))


def _name(reminder: Due) -> str:
    return schedule_name(reminder.org_id, reminder.record, reminder.name, reminder.at, reminder.generation)
