"""EventBridge Scheduler: each schedule complete, made once, deleted, never changed."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from carillon.adapters.queues import due_to_data
from carillon.adapters.schedules import EventBridgeSchedules
from carillon.domain.scheduling import schedule_name
from carillon.ports.queues import Due
from tests.builders import ORG, REF, START

DUE = Due(ORG, REF, "anna", "day_before", START, datetime.fromisoformat("2026-11-30T17:00:00Z"), 3)
NAME = schedule_name(ORG, REF, "day_before", DUE.at, 3)
ARN = "arn:aws:sqs:eu-central-1:000000000000"
ROLE = "arn:aws:iam::000000000000:role/scheduler"


@pytest.fixture(scope="module")
def scheduler() -> Any:
    return boto3.client("scheduler", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")


@pytest.fixture
def schedules(scheduler: Any) -> EventBridgeSchedules:
    return EventBridgeSchedules(
        scheduler, group="reminders", queue_arn=f"{ARN}:due", role_arn=ROLE, dead_letter_arn=f"{ARN}:dlq"
    )


def expected(due: Due, **changes: Any) -> dict[str, Any]:
    return {
        "Name": NAME,
        "GroupName": "reminders",
        "ScheduleExpression": "at(2026-11-30T17:00:00)",
        "ScheduleExpressionTimezone": "UTC",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "DELETE",
        "Target": {
            "Arn": f"{ARN}:due",
            "RoleArn": ROLE,
            "Input": json.dumps(due_to_data(due), separators=(",", ":")),
            "DeadLetterConfig": {"Arn": f"{ARN}:dlq"},
            "RetryPolicy": {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 30},
        },
    } | changes


def test_a_reminder_is_a_complete_one_time_schedule(scheduler: Any, schedules: EventBridgeSchedules) -> None:
    with Stubber(scheduler) as stub:
        stub.add_response("create_schedule", {"ScheduleArn": f"{ARN}:s"}, expected(DUE))
        schedules.create(DUE)
        stub.assert_no_pending_responses()


def test_parts_of_a_second_never_fire_early(scheduler: Any, schedules: EventBridgeSchedules) -> None:
    late = replace(DUE, at=DUE.at + timedelta(microseconds=1))
    name = schedule_name(ORG, REF, "day_before", late.at, 3)
    with Stubber(scheduler) as stub:
        changed = expected(late, Name=name, ScheduleExpression="at(2026-11-30T17:00:01)")
        stub.add_response("create_schedule", {"ScheduleArn": f"{ARN}:s"}, changed)
        schedules.create(late)


def test_a_schedule_that_was_made_before_is_fine(scheduler: Any, schedules: EventBridgeSchedules) -> None:
    with Stubber(scheduler) as stub:
        stub.add_client_error("create_schedule", "ConflictException", http_status_code=409)
        schedules.create(DUE)
        stub.assert_no_pending_responses()


def test_deleting_names_the_very_schedule(scheduler: Any, schedules: EventBridgeSchedules) -> None:
    with Stubber(scheduler) as stub:
        stub.add_response("delete_schedule", {}, {"Name": NAME, "GroupName": "reminders"})
        schedules.delete(DUE)
        stub.assert_no_pending_responses()


def test_a_schedule_that_has_fired_is_gone_already(scheduler: Any, schedules: EventBridgeSchedules) -> None:
    with Stubber(scheduler) as stub:
        stub.add_client_error("delete_schedule", "ResourceNotFoundException", http_status_code=404)
        schedules.delete(DUE)
        stub.assert_no_pending_responses()


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerException", "ServiceQuotaExceededException"])
def test_any_other_error_is_for_the_caller_to_repeat(
    scheduler: Any, schedules: EventBridgeSchedules, code: str
) -> None:
    for operation, call in (("create_schedule", schedules.create), ("delete_schedule", schedules.delete)):
        with Stubber(scheduler) as stub:
            stub.add_client_error(operation, code)
            with pytest.raises(ClientError):
                call(DUE)
