"""EventBridge Scheduler through boto3: what it refuses, and when and what it delivers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.e2e.running_cloud import RunningCloud

GROUP = "carillon-reminders"


def queue_arn(cloud: RunningCloud, name: str) -> str:
    return f"arn:aws:sqs:{cloud.facts['region']}:000000000000:{name}"


def instant(cloud: RunningCloud, **later: int) -> datetime:
    return datetime.fromisoformat(cloud.now()) + timedelta(**later)


def at(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("at(%Y-%m-%dT%H:%M:%S)")


def request(cloud: RunningCloud, **changes: Any) -> dict[str, Any]:
    target = {
        "Arn": queue_arn(cloud, "carillon-WorkQueue"),
        "RoleArn": "arn:aws:iam::000000000000:role/carillon-SchedulerRole",
        "Input": "hello",
        **changes.pop("Target", {}),
    }
    return {
        "Name": "one",
        "GroupName": GROUP,
        "ScheduleExpression": at(instant(cloud, hours=2)),
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "DELETE",
        "Target": target,
        **changes,
    }


def refused(cloud: RunningCloud, code: str, **changes: Any) -> None:
    with pytest.raises(ClientError) as caught:
        cloud.aws("scheduler").create_schedule(**request(cloud, **changes))
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["Error"]["Message"]


def names(cloud: RunningCloud) -> list[str]:
    return [entry["Name"] for entry in cloud.aws("scheduler").list_schedules(GroupName=GROUP)["Schedules"]]


@pytest.mark.parametrize(
    "changes",
    [
        {"ScheduleExpression": "at(2020-01-01T00:00:00)"},
        {"ScheduleExpression": "at(2199-01-01T00:00:00Z)"},
        {"ScheduleExpression": "soon"},
        {"ScheduleExpressionTimezone": "Mars/Base"},
        {"Name": "tenant#1"},
        {"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}},
        {"Target": {"RoleArn": "arn:aws:iam::000000000000:role/someone-else"}},
        {"Target": {"DeadLetterConfig": {"Arn": "arn:aws:sqs:eu-central-1:000000000000:dead.fifo"}}},
        {"Target": {"Input": "x" * 262_145}},
    ],
)
def test_what_aws_refuses_is_refused(probe_cloud: RunningCloud, changes: dict[str, Any]) -> None:
    refused(probe_cloud, "ValidationException", **changes)


def test_a_name_has_at_most_64_characters(probe_cloud: RunningCloud) -> None:
    # boto3 refuses it before it asks; another client would be refused here.
    url = probe_cloud.facts["aws_endpoints"]["scheduler"]
    answer = probe_cloud.tools.post(f"{url}/schedules/{'x' * 65}", json={})
    assert answer.status_code == 400
    assert answer.headers["x-amzn-errortype"] == "ValidationException"


def test_an_unknown_group_and_a_taken_name_are_refused(cloud: RunningCloud) -> None:
    refused(cloud, "ResourceNotFoundException", GroupName="nobody")
    cloud.aws("scheduler").create_schedule(**request(cloud))
    refused(cloud, "ConflictException")


def test_a_repeated_request_with_its_token_is_the_same_request(cloud: RunningCloud) -> None:
    document = request(cloud, ClientToken="token-1")
    first = cloud.aws("scheduler").create_schedule(**document)
    assert cloud.aws("scheduler").create_schedule(**document)["ScheduleArn"] == first["ScheduleArn"]
    refused(cloud, "ConflictException", ClientToken="token-2")


def test_a_one_time_schedule_fires_at_its_instant_and_is_gone(cloud: RunningCloud) -> None:
    due = instant(cloud, hours=2).replace(microsecond=0)
    cloud.aws("scheduler").create_schedule(**request(cloud, ScheduleExpression=at(due)))
    cloud.advance("PT1H")
    assert names(cloud) == ["one"]
    cloud.advance("P1D")
    (entry,) = cloud.seen("work")
    assert (entry["text"], datetime.fromisoformat(entry["at"])) == ("hello", due)
    assert names(cloud) == []
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        cloud.aws("scheduler").delete_schedule(Name="one", GroupName=GROUP)


def test_a_deleted_schedule_never_fires(cloud: RunningCloud) -> None:
    cloud.aws("scheduler").create_schedule(**request(cloud))
    cloud.aws("scheduler").delete_schedule(Name="one", GroupName=GROUP)
    cloud.advance("P1D")
    assert cloud.seen("work") == []


def test_schedules_fire_in_order_whatever_the_order_they_were_made_in(cloud: RunningCloud) -> None:
    for hours in (30, 3, 300, 7):
        document = request(
            cloud,
            Name=f"after-{hours}",
            ScheduleExpression=at(instant(cloud, hours=hours)),
            Target={"Input": f"{hours} <aws.scheduler.attempt-number>"},
        )
        cloud.aws("scheduler").create_schedule(**document)
    cloud.advance("P30D")
    assert [entry["text"] for entry in cloud.seen("work")] == ["3 1", "7 1", "30 1", "300 1"]


def test_a_cron_schedule_keeps_to_the_wall_clock_over_the_shift(cloud: RunningCloud) -> None:
    zone = {"ScheduleExpression": "cron(0 7 * * ? *)", "ScheduleExpressionTimezone": "Europe/Amsterdam"}
    context = {"Input": "<aws.scheduler.scheduled-time> <aws.scheduler.schedule-arn>"}
    cloud.aws("scheduler").create_schedule(**request(cloud, **zone, Target=context))
    cloud.advance("P365D")
    hours = {entry["text"][11:13] for entry in cloud.seen("work")}
    assert hours == {"05", "06"}
    assert len(cloud.seen("work")) in (364, 365)
    assert cloud.seen("work")[0]["text"].endswith(f":schedule/{GROUP}/one")
    assert names(cloud) == ["one"]


def test_an_update_replaces_everything(cloud: RunningCloud) -> None:
    scheduler = cloud.aws("scheduler")
    scheduler.create_schedule(**request(cloud, Description="first"))
    document = request(cloud)
    del document["ActionAfterCompletion"]
    scheduler.update_schedule(**document)
    found = scheduler.get_schedule(Name="one", GroupName=GROUP)
    assert found["ActionAfterCompletion"] == "NONE"
    assert "Description" not in found


def test_a_target_that_is_gone_is_tried_and_then_goes_to_the_dead_letter_queue(cloud: RunningCloud) -> None:
    target = {
        "Arn": queue_arn(cloud, "gone"),
        "RetryPolicy": {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 3600},
        "DeadLetterConfig": {"Arn": queue_arn(cloud, "carillon-ScheduleDeadLetterQueue")},
    }
    cloud.aws("scheduler").create_schedule(**request(cloud, Target=target))
    cloud.advance("P1D")
    (message,) = cloud.aws("sqs").receive_message(
        QueueUrl=cloud.queue_url("carillon-ScheduleDeadLetterQueue"), MessageAttributeNames=["All"]
    )["Messages"]
    assert message["Body"] == "hello"
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert attributes["RETRY_ATTEMPTS"] == "3"
    assert attributes["EXHAUSTED_RETRY_CONDITION"] == "MaximumRetryAttempts"
    assert names(cloud) == []


def test_a_function_can_be_the_target(cloud: RunningCloud) -> None:
    arn = f"arn:aws:lambda:{cloud.facts['region']}:000000000000:function:carillon-Sweep"
    target = {"Arn": arn, "Input": json.dumps({"time": "from a schedule"})}
    cloud.aws("scheduler").create_schedule(**request(cloud, Target=target))
    cloud.advance("PT3H")
    assert "from a schedule" in [entry["text"] for entry in cloud.seen("sweep")]


def test_a_fault_can_fire_a_schedule_twice(cloud: RunningCloud) -> None:
    cloud.tools.post("/faults", json={"target": "scheduler", "kind": "duplicate_delivery", "rate": 1, "seed": 7})
    cloud.aws("scheduler").create_schedule(**request(cloud))
    cloud.advance("PT3H")
    assert [entry["text"] for entry in cloud.seen("work")] == ["hello", "hello"]
