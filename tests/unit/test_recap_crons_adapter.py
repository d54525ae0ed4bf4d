"""The recurring schedules of recaps: complete, made once, deleted, never changed; and what they put on the queue."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from carillon.adapters.recap_crons import EventBridgeCrons, SqsRecaps, recap_from_data
from carillon.domain.recaps import Cron
from carillon.domain.scheduling import cron_name
from carillon.ports.recaps import RecapDue
from tests.builders import NOW, ORG
from tests.doubles import SetClock

CRON = Cron("staff", "02:30", "Europe/Amsterdam", 7, NOW)
NAME = cron_name(ORG, "staff", "02:30", "Europe/Amsterdam", 7)
ARN = "arn:aws:sqs:eu-central-1:000000000000"
ROLE = "arn:aws:iam::000000000000:role/scheduler"
FIRED = datetime(2026, 12, 1, 1, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def scheduler() -> Any:
    return boto3.client("scheduler", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")


@pytest.fixture
def crons(scheduler: Any) -> EventBridgeCrons:
    return EventBridgeCrons(
        scheduler,
        SetClock(NOW),
        group="recaps",
        queue_arn=f"{ARN}:recaps",
        role_arn=ROLE,
        dead_letter_arn=f"{ARN}:dlq",
    )


def test_a_recap_is_a_complete_recurring_schedule_in_its_zone(scheduler: Any, crons: EventBridgeCrons) -> None:
    body = {"o": ORG, "recap": "staff", "at": "<aws.scheduler.scheduled-time>", "n": NAME}
    with Stubber(scheduler) as stub:
        stub.add_response(
            "create_schedule",
            {"ScheduleArn": f"{ARN}:s"},
            {
                "Name": NAME,
                "GroupName": "recaps",
                "ScheduleExpression": "cron(30 2,3 * * ? *)",
                "ScheduleExpressionTimezone": "Europe/Amsterdam",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "ActionAfterCompletion": "NONE",
                "Target": {
                    "Arn": f"{ARN}:recaps",
                    "RoleArn": ROLE,
                    "Input": json.dumps(body, separators=(",", ":")),
                    "DeadLetterConfig": {"Arn": f"{ARN}:dlq"},
                    "RetryPolicy": {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 30},
                },
            },
        )
        crons.create(ORG, CRON)
        stub.assert_no_pending_responses()


def test_what_fires_names_the_instant_and_the_schedule(scheduler: Any, crons: EventBridgeCrons) -> None:
    sent: list[Any] = []
    with Stubber(scheduler) as stub:
        stub.add_response("create_schedule", {"ScheduleArn": f"{ARN}:s"})
        scheduler.meta.events.register_first(
            "provide-client-params.scheduler.CreateSchedule", lambda params, **_: sent.append(params), unique_id="look"
        )
        crons.create(ORG, CRON)
        scheduler.meta.events.unregister("provide-client-params.scheduler.CreateSchedule", unique_id="look")
    text = sent[0]["Target"]["Input"].replace("<aws.scheduler.scheduled-time>", "2026-12-01T01:30:00Z")
    assert recap_from_data(json.loads(text)) == RecapDue(ORG, "staff", FIRED, NAME)


def test_one_that_was_made_or_deleted_before_is_fine(scheduler: Any, crons: EventBridgeCrons) -> None:
    with Stubber(scheduler) as stub:
        stub.add_client_error("create_schedule", "ConflictException", http_status_code=409)
        stub.add_client_error("delete_schedule", "ResourceNotFoundException", http_status_code=404)
        stub.add_response("delete_schedule", {}, {"Name": NAME, "GroupName": "recaps"})
        crons.create(ORG, CRON)
        crons.delete(NAME)
        crons.delete(NAME)
        stub.assert_no_pending_responses()


def test_a_zone_that_the_scheduler_does_not_know_is_written_out_in_utc(scheduler: Any, crons: EventBridgeCrons) -> None:
    sent: list[Any] = []
    with Stubber(scheduler) as stub:
        stub.add_client_error("create_schedule", "ValidationException", http_status_code=400)
        stub.add_response("create_schedule", {"ScheduleArn": f"{ARN}:s"})
        scheduler.meta.events.register_first(
            "provide-client-params.scheduler.CreateSchedule", lambda params, **_: sent.append(params), unique_id="look"
        )
        crons.create(ORG, replace(CRON, at="07:00"))
        scheduler.meta.events.unregister("provide-client-params.scheduler.CreateSchedule", unique_id="look")
        stub.assert_no_pending_responses()
    wanted = [(each["ScheduleExpression"], each["ScheduleExpressionTimezone"]) for each in sent]
    assert wanted == [("cron(0 7 * * ? *)", "Europe/Amsterdam"), ("cron(0 5,6 * * ? *)", "UTC")]
    assert sent[0]["Name"] == sent[1]["Name"]


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerException", "ServiceQuotaExceededException"])
def test_any_other_error_is_for_the_caller_to_repeat(scheduler: Any, crons: EventBridgeCrons, code: str) -> None:
    with Stubber(scheduler) as stub:
        stub.add_client_error("create_schedule", code)
        stub.add_client_error("delete_schedule", code)
        with pytest.raises(ClientError):
            crons.create(ORG, CRON)
        with pytest.raises(ClientError):
            crons.delete(NAME)


def test_a_recap_without_a_schedule_is_put_on_the_queue_for_its_organization() -> None:
    sqs = boto3.client("sqs", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
    body = '{"o":"aurora","recap":"managers","at":"2026-12-01T01:30:00Z"}'
    with Stubber(sqs) as stub:
        stub.add_response(
            "send_message",
            {"MessageId": "1", "MD5OfMessageBody": "x"},
            {"QueueUrl": "https://q", "MessageBody": body, "DelaySeconds": 20, "MessageGroupId": "aurora"},
        )
        due = RecapDue(ORG, "managers", FIRED)
        SqsRecaps(sqs, "https://q").send_recap(due, delay=20)
    assert recap_from_data(json.loads(body)) == due


def test_what_is_no_recap_is_refused() -> None:
    with pytest.raises(ValueError, match="no recap"):
        recap_from_data({"o": ORG, "recap": "clients", "at": "2026-12-01T01:30:00Z"})
