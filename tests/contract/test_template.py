"""What template.yaml promises about every queue, function and resource, read after the SAM transform."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from carillon.domain.channels import ALL
from carillon.runtime.sending import MISCONFIGURED
from local.template import load

ROOT: Final = Path(__file__).parents[2]
Resources = Mapping[str, Mapping[str, Any]]

# Schedules carry the ARNs of the queue, the role and the group for as long as a year; the table holds the data;
# and operators know the others from the outputs and from dashboards.
KEPT_FOR_EVER: Final = {
    "Table": "AWS::DynamoDB::Table",
    "DueQueue": "AWS::SQS::Queue",
    "RecapsQueue": "AWS::SQS::Queue",
    "SchedulerDeadLetterQueue": "AWS::SQS::Queue",
    "SchedulerRole": "AWS::IAM::Role",
    "RemindersGroup": "AWS::Scheduler::ScheduleGroup",
    "RecapsGroup": "AWS::Scheduler::ScheduleGroup",
    "DeploymentSecret": "AWS::SecretsManager::Secret",
    "ChannelsKey": "AWS::KMS::Key",
    "HttpApi": "AWS::ApiGatewayV2::Api",
    "DeliveryEvents": "AWS::SNS::Topic",
}
# CloudFormation refuses more than 500; what is left is room for an alias, a version and a canary per function.
MOST_RESOURCES: Final = 450
WORKER_TIMEOUT_S: Final = 30
DOOR_TIMEOUT_S: Final = 29
VISIBILITY_S: Final = 6 * WORKER_TIMEOUT_S
FOURTEEN_DAYS_S: Final = 14 * 24 * 3600


@functools.cache
def resources() -> Resources:
    loaded: Resources = load(ROOT / "template.yaml")["Resources"]
    return loaded


def of_type(resource_type: str) -> dict[str, Mapping[str, Any]]:
    return {name: body["Properties"] for name, body in resources().items() if body["Type"] == resource_type}


def folder_of(function: Mapping[str, Any]) -> str:
    return str(function["Handler"]).split(".")[1]


def doors() -> set[str]:
    """Functions that the HTTP API calls, by logical id."""
    text = json.dumps(resources()["HttpApi"]["Properties"]["Body"]["paths"])
    return {name for name in of_type("AWS::Lambda::Function") if f"${{{name}.Arn}}" in text}


FUNCTIONS: Final = sorted(of_type("AWS::Lambda::Function"))
QUEUES: Final = sorted(of_type("AWS::SQS::Queue"))
WORK_QUEUES: Final = sorted(name for name, queue in of_type("AWS::SQS::Queue").items() if "RedrivePolicy" in queue)
DEAD_LETTER_QUEUES: Final = sorted(set(QUEUES) - set(WORK_QUEUES))
MAPPINGS: Final = sorted(of_type("AWS::Lambda::EventSourceMapping"))


def alarms(metric: str, dimension: str, target: object) -> list[str]:
    wanted = {"Name": dimension, "Value": target}
    return [
        name
        for name, alarm in of_type("AWS::CloudWatch::Alarm").items()
        if alarm["MetricName"] == metric
        and alarm.get("Dimensions") == [wanted]
        and alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}]
    ]


def test_kept_names_are_there_with_their_types() -> None:
    there = {name: resources().get(name, {}).get("Type") for name in KEPT_FOR_EVER}
    assert there == KEPT_FOR_EVER


def test_the_stack_stays_below_the_limit_of_resources() -> None:
    assert len(resources()) < MOST_RESOURCES


@pytest.mark.parametrize("name", FUNCTIONS)
class TestEveryFunction:
    def test_runs_on_the_deployed_python_and_processor(self, name: str) -> None:
        function = of_type("AWS::Lambda::Function")[name]
        assert function["Runtime"] == "python3.13"
        assert function["Architectures"] == ["arm64"]

    def test_has_both_layers_and_tracing(self, name: str) -> None:
        function = of_type("AWS::Lambda::Function")[name]
        layers = [reference["Ref"] for reference in function["Layers"]]
        assert [layer.rstrip("0123456789abcdef") for layer in layers] == ["DependenciesLayer", "SharedLayer"]
        assert function["TracingConfig"] == {"Mode": "Active"}

    def test_is_named_like_its_folder(self, name: str) -> None:
        function = of_type("AWS::Lambda::Function")[name]
        folder = folder_of(function)
        assert function["Handler"] == f"functions.{folder}.app.lambda_handler"
        assert name == "".join(part.capitalize() for part in folder.split("_")) + "Function"

    def test_writes_json_to_a_log_group_of_its_own_that_forgets(self, name: str) -> None:
        logging = of_type("AWS::Lambda::Function")[name]["LoggingConfig"]
        group = of_type("AWS::Logs::LogGroup")[logging["LogGroup"]["Ref"]]
        assert logging["LogFormat"] == "JSON"
        assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}
        users = [
            other
            for other, function in of_type("AWS::Lambda::Function").items()
            if function["LoggingConfig"]["LogGroup"] == logging["LogGroup"]
        ]
        assert users == [name]

    def test_raises_an_alarm_when_it_fails(self, name: str) -> None:
        assert alarms("Errors", "FunctionName", {"Ref": name})

    def test_has_the_timeout_that_leases_and_visibility_count_on(self, name: str) -> None:
        timeout = of_type("AWS::Lambda::Function")[name]["Timeout"]
        if name in doors():
            assert timeout <= DOOR_TIMEOUT_S
        elif name in {
            mapping["FunctionName"]["Ref"] for mapping in of_type("AWS::Lambda::EventSourceMapping").values()
        }:
            assert timeout == WORKER_TIMEOUT_S


@pytest.mark.parametrize("name", QUEUES)
def test_every_queue_is_encrypted(name: str) -> None:
    assert of_type("AWS::SQS::Queue")[name]["SqsManagedSseEnabled"] is True


@pytest.mark.parametrize("name", WORK_QUEUES)
class TestEveryWorkQueue:
    def test_gives_up_after_five_tries_into_a_dead_letter_queue(self, name: str) -> None:
        redrive = of_type("AWS::SQS::Queue")[name]["RedrivePolicy"]
        assert redrive["maxReceiveCount"] == 5
        assert redrive["deadLetterTargetArn"]["Fn::GetAtt"] == [
            name.replace("Queue", "DeadLetterQueue"),
            "Arn",
        ]

    def test_hides_a_message_for_six_times_the_timeout(self, name: str) -> None:
        assert of_type("AWS::SQS::Queue")[name]["VisibilityTimeout"] == VISIBILITY_S

    def test_raises_an_alarm_when_it_backs_up(self, name: str) -> None:
        target = {"Fn::GetAtt": [name, "QueueName"]}
        assert alarms("ApproximateAgeOfOldestMessage", "QueueName", target)

    def test_is_read_by_exactly_one_function(self, name: str) -> None:
        source = {"Fn::GetAtt": [name, "Arn"]}
        mappings = of_type("AWS::Lambda::EventSourceMapping").values()
        assert len([mapping for mapping in mappings if mapping["EventSourceArn"] == source]) == 1


@pytest.mark.parametrize("name", DEAD_LETTER_QUEUES)
class TestEveryDeadLetterQueue:
    def test_keeps_messages_for_fourteen_days(self, name: str) -> None:
        assert of_type("AWS::SQS::Queue")[name]["MessageRetentionPeriod"] == FOURTEEN_DAYS_S

    def test_raises_an_alarm_at_the_first_message(self, name: str) -> None:
        found = alarms("ApproximateNumberOfMessagesVisible", "QueueName", {"Fn::GetAtt": [name, "QueueName"]})
        assert len(found) == 1
        alarm = of_type("AWS::CloudWatch::Alarm")[found[0]]
        assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")


@pytest.mark.parametrize("name", MAPPINGS)
class TestEveryEventSource:
    def test_takes_partial_answers(self, name: str) -> None:
        # Without it a partial answer is ignored, and messages that failed are deleted with the others.
        assert of_type("AWS::Lambda::EventSourceMapping")[name]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]

    def test_waits_for_nobody(self, name: str) -> None:
        mapping = of_type("AWS::Lambda::EventSourceMapping")[name]
        assert (mapping["BatchSize"], mapping["MaximumBatchingWindowInSeconds"]) == (10, 0)


def test_the_stream_gives_up_on_a_record_and_says_where() -> None:
    mapping = of_type("AWS::Lambda::EventSourceMapping")["PlanNotificationsEvents"]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert 0 < mapping["MaximumRetryAttempts"] <= 10
    assert mapping["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"][0] in DEAD_LETTER_QUEUES


def test_the_stream_wakes_the_planner_for_what_changes_a_plan_or_is_to_be_told_only() -> None:
    filters = of_type("AWS::Lambda::EventSourceMapping")["PlanNotificationsEvents"]["FilterCriteria"]["Filters"]
    kinds = ["record", "settings", "organization", "client", "quota_event", "posted"]
    assert [json.loads(each["Pattern"]) for each in filters] == [{"dynamodb": {"NewImage": {"ty": {"S": kinds}}}}]


class TestTheTable:
    def test_survives_mistakes(self) -> None:
        table = resources()["Table"]
        assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
        properties = table["Properties"]
        assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert properties["SSESpecification"] == {"SSEEnabled": True}

    def test_has_its_stream_and_its_ttl(self) -> None:
        properties = of_type("AWS::DynamoDB::Table")["Table"]
        assert properties["StreamSpecification"] == {"StreamViewType": "NEW_IMAGE"}
        assert properties["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}

    def test_copies_only_what_never_changes_into_its_indexes(self) -> None:
        indexes = of_type("AWS::DynamoDB::Table")["Table"]["GlobalSecondaryIndexes"]
        assert {index["IndexName"]: index["Projection"].get("NonKeyAttributes", []) for index in indexes} == {
            "gsi1": [],
            "gsi2": ["ty", "id", "ch", "au", "or", "rec", "key"],
            "gsi3": [],
        }


def test_the_key_of_credentials_rotates_and_outlives_the_stack() -> None:
    key = resources()["ChannelsKey"]
    assert (key["DeletionPolicy"], key["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert key["Properties"]["EnableKeyRotation"] is True


def test_the_access_log_has_no_personal_data() -> None:
    stage = of_type("AWS::ApiGatewayV2::Stage")["HttpApiApiGatewayDefaultStage"]
    fields = json.loads(stage["AccessLogSettings"]["Format"])
    personal = ("identity", "path", "domainName", "requestOverride", "authorizer.principalId", "userAgent")
    assert not [value for value in fields.values() if any(word in value for word in personal)]


def test_receipts_arrive_raw() -> None:
    subscription = of_type("AWS::SNS::Subscription")["DeliveryEventsToReceipts"]
    assert subscription["RawMessageDelivery"] is True
    assert subscription["Endpoint"] == {"Fn::GetAtt": ["ReceiptsQueue", "Arn"]}


def test_every_sender_counts_refusals_of_the_deployments_sender_for_one_alarm() -> None:
    filters = [
        each
        for each in of_type("AWS::Logs::MetricFilter").values()
        if each["MetricTransformations"][0]["MetricName"] == "MisconfiguredSenders"
    ]
    names = {f"Send{channel.capitalize()}" for channel in ALL}
    senders = {
        f"{name.removesuffix('Function')}LogGroup" for name in FUNCTIONS if name.removesuffix("Function") in names
    }
    assert len(senders) == len(ALL)
    assert {each["LogGroupName"]["Ref"] for each in filters} == senders
    # As `runtime/sending.py` logs it.
    assert {each["FilterPattern"] for each in filters} == {f'{{ $.message = "{MISCONFIGURED}" }}'}
    alarm = of_type("AWS::CloudWatch::Alarm")["MisconfiguredSendersAlarm"]
    assert (alarm["MetricName"], alarm["Threshold"], alarm["Statistic"]) == ("MisconfiguredSenders", 1, "Sum")
