"""One-time schedules of EventBridge Scheduler, made once and deleted, never updated."""

import json
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from carillon.adapters.queues import due_to_data
from carillon.domain.scheduling import at_expression, schedule_name
from carillon.ports.queues import Due

if TYPE_CHECKING:
    from mypy_boto3_scheduler.client import EventBridgeSchedulerClient

MAXIMUM_AGE = 3600
"""Seconds after which an undelivered reminder goes to the dead-letter queue: the sweep finds it sooner than that."""
RETRIES = 30


class EventBridgeSchedules:
    """See the port `Schedules`."""

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

    def create(self, reminder: Due) -> None:
        """Schedule a reminder; a conflict means that it was scheduled before, which is what we want."""
        try:
            self._client.create_schedule(
                Name=_name(reminder),
                GroupName=self._group,
                ScheduleExpression=at_expression(reminder.fires),
                ScheduleExpressionTimezone="UTC",
                FlexibleTimeWindow={"Mode": "OFF"},
                ActionAfterCompletion="DELETE",
                Target={
                    "Arn": self._queue_arn,
                    "RoleArn": self._role_arn,
                    "Input": json.dumps(due_to_data(reminder), separators=(",", ":")),
                    "DeadLetterConfig": {"Arn": self._dead_letter_arn},
                    "RetryPolicy": {"MaximumEventAgeInSeconds": MAXIMUM_AGE, "MaximumRetryAttempts": RETRIES},
                },
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConflictException":
                raise

    def delete(self, reminder: Due) -> None:
        """Delete a reminder's schedule; one that has fired or was deleted is gone, which is what we want."""
        try:
            self._client.delete_schedule(Name=_name(reminder), GroupName=self._group)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise


def _name(reminder: Due) -> str:
    return schedule_name(reminder.org_id, reminder.record, reminder.key, reminder.at, reminder.generation)
