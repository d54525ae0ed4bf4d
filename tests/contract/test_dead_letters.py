"""Nothing that is delivered ends nowhere: each queue, stream, schedule and subscription has its dead-letter queue."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.template import load
from tools.redrive import SCHEDULER, STREAM

ROOT = Path(__file__).parents[2]


@functools.cache
def resources() -> Mapping[str, Mapping[str, Any]]:
    loaded: Mapping[str, Mapping[str, Any]] = load(ROOT / "template.yaml")["Resources"]
    return loaded


def of_type(resource_type: str) -> dict[str, Mapping[str, Any]]:
    return {name: body["Properties"] for name, body in resources().items() if body["Type"] == resource_type}


def named(reference: Mapping[str, Any]) -> str:
    return str(reference["Fn::GetAtt"][0])


QUEUES = of_type("AWS::SQS::Queue")
GIVEN_UP_TO = {
    named(queue["RedrivePolicy"]["deadLetterTargetArn"]) for queue in QUEUES.values() if "RedrivePolicy" in queue
}


def test_every_queue_that_a_function_reads_gives_up_to_one_of_its_own() -> None:
    mappings = of_type("AWS::Lambda::EventSourceMapping").values()
    read = {named(mapping["EventSourceArn"]) for mapping in mappings} & QUEUES.keys()
    assert read
    own = [named(QUEUES[name]["RedrivePolicy"]["deadLetterTargetArn"]) for name in sorted(read)]
    assert len(set(own)) == len(own)


def test_every_stream_and_schedule_gives_up_to_the_queue_that_is_translated_back() -> None:
    streams = [m for m in of_type("AWS::Lambda::EventSourceMapping").values() if "StartingPosition" in m]
    assert streams
    assert {named(m["DestinationConfig"]["OnFailure"]["Destination"]) for m in streams} == {STREAM}
    schedules = of_type("AWS::Scheduler::Schedule").values()
    assert {named(schedule["Target"]["DeadLetterConfig"]["Arn"]) for schedule in schedules} == {SCHEDULER}
    planner = of_type("AWS::Lambda::Function")["PlanNotificationsFunction"]
    assert named(planner["Environment"]["Variables"]["SCHEDULER_DLQ_ARN"]) == SCHEDULER


def test_every_subscription_of_a_queue_gives_up_to_a_queue() -> None:
    subscriptions = [each for each in of_type("AWS::SNS::Subscription").values() if each["Protocol"] == "sqs"]
    assert subscriptions
    assert {named(each["RedrivePolicy"]["deadLetterTargetArn"]) for each in subscriptions} <= GIVEN_UP_TO


def test_every_queue_that_nobody_reads_is_one_that_is_redriven() -> None:
    mappings = of_type("AWS::Lambda::EventSourceMapping").values()
    read = {named(mapping["EventSourceArn"]) for mapping in mappings}
    assert set(QUEUES) - read == GIVEN_UP_TO | {STREAM, SCHEDULER}


def test_an_alarm_follows_the_outcomes_that_stay_unknown() -> None:
    found = of_type("AWS::Logs::MetricFilter")["UnknownOutcomes"]
    (metric,) = found["MetricTransformations"]
    alarm = of_type("AWS::CloudWatch::Alarm")["UnknownOutcomesAlarm"]
    assert (alarm["Namespace"], alarm["MetricName"]) == (metric["MetricNamespace"], metric["MetricName"])
    runner = of_type("AWS::Lambda::Function")["RunJobsFunction"]
    assert runner["LoggingConfig"]["LogGroup"] == found["LogGroupName"]
    # What run_jobs logs, see functions/run_jobs: the field is a sum over the organization's messages.
    assert found["FilterPattern"] == '{ $.message = "swept" && $.unknown > 0 }'
    assert metric["MetricValue"] == "$.unknown"
