"""Dead letters: shown without what is personal, and sent on their way again, each to where it is understood."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tools import redrive
from tools.redrive import BATCH, main

REGION = "eu-central-1"
STACK = "carillon-dev"
WORK = ("Due", "Recaps", "Jobs", "Email", "Receipts")
REMINDER = {"o": "salon", "r": "appointments/1", "c": "anna", "key": "day_before", "start": "x", "at": "y", "gen": 3}
RECAP = {"o": "salon", "recap": "staff", "at": "2026-12-01T06:00:00Z", "n": "c-1"}
MESSAGE = {"o": "salon", "p": "c:anna", "d": "abc", "r": "appointments/1", "c": "anna", "s": []}
RECEIPT = {"eventType": "Bounce", "mail": {"destination": ["anna@example.com"]}}


def template() -> str:
    queues: dict[str, Any] = {"StreamFailureQueue": {}, "SchedulerDeadLetterQueue": {}}
    for name in WORK:
        queues[f"{name}DeadLetterQueue"] = {}
        target = {"Fn::GetAtt": [f"{name}DeadLetterQueue", "Arn"]}
        queues[f"{name}Queue"] = {"RedrivePolicy": {"deadLetterTargetArn": target, "maxReceiveCount": 5}}
    resources = {name: {"Type": "AWS::SQS::Queue", "Properties": properties} for name, properties in queues.items()}
    return json.dumps({"Resources": resources})


class Queues:
    """The stack's queues by their names in the template."""

    def __init__(self) -> None:
        self.sqs: Any = boto3.client("sqs", region_name=REGION)
        cloudformation = boto3.client("cloudformation", region_name=REGION)
        cloudformation.create_stack(StackName=STACK, TemplateBody=template())
        listed = cloudformation.list_stack_resources(StackName=STACK)["StackResourceSummaries"]
        self.urls = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in listed}

    def put(self, name: str, *bodies: object, **options: Any) -> None:
        for body in bodies:
            text = body if isinstance(body, str) else json.dumps(body)
            self.sqs.send_message(QueueUrl=self.urls[name], MessageBody=text, **options)

    def bodies(self, name: str) -> list[Any]:
        found: list[Any] = []
        while batch := self.sqs.receive_message(QueueUrl=self.urls[name], MaxNumberOfMessages=10).get("Messages"):
            found += [json.loads(message["Body"]) for message in batch]
        return found

    def count(self, name: str) -> int:
        wanted = ["ApproximateNumberOfMessages"]
        answer = self.sqs.get_queue_attributes(QueueUrl=self.urls[name], AttributeNames=wanted)
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])


@pytest.fixture
def queues(monkeypatch: pytest.MonkeyPatch) -> Iterator[Queues]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setattr(redrive, "WAIT_S", 0)
    with mock_aws():
        yield Queues()


def test_what_lies_there_is_shown_and_stays_there(queues: Queues, capsys: pytest.CaptureFixture[str]) -> None:
    queues.put("EmailDeadLetterQueue", MESSAGE, MESSAGE, {**MESSAGE, "o": "studio"})
    queues.put("DueDeadLetterQueue", REMINDER)
    queues.put("RecapsDeadLetterQueue", RECAP)
    queues.put("JobsDeadLetterQueue", {"kind": "sweep", "o": "salon"}, "not JSON")
    queues.put("ReceiptsDeadLetterQueue", RECEIPT)
    queues.put("StreamFailureQueue", {"DDBStreamBatchInfo": {"batchSize": 7}})
    assert main(["--stack", STACK]) == 0
    said = capsys.readouterr().out
    for line in (
        "EmailDeadLetterQueue: 3",
        "2 x message, salon",
        "1 x message, studio",
        "1 x reminder day_before, salon",
        "1 x recap staff, salon",
        "1 x job sweep, salon",
        "1 x unreadable, -",
        "1 x receipt Bounce, -",
        "1 x part of the stream, 7 records",
        "SchedulerDeadLetterQueue: 0",
    ):
        assert line in said
    assert "anna" not in said
    assert queues.count("EmailDeadLetterQueue") == 3


def test_messages_go_back_to_the_queue_they_came_from(queues: Queues, capsys: pytest.CaptureFixture[str]) -> None:
    queues.put("EmailDeadLetterQueue", *[{**MESSAGE, "d": str(number)} for number in range(BATCH + 2)])
    queues.put("ReceiptsDeadLetterQueue", RECEIPT)
    assert main(["--stack", STACK, "--replay"]) == 0
    assert sorted(int(body["d"]) for body in queues.bodies("EmailQueue")) == list(range(BATCH + 2))
    assert queues.bodies("ReceiptsQueue") == [RECEIPT]
    assert queues.count("EmailDeadLetterQueue") == queues.count("ReceiptsDeadLetterQueue") == 0
    assert f"{BATCH + 2} replayed" in capsys.readouterr().out


def test_one_queue_alone_can_be_replayed(queues: Queues) -> None:
    queues.put("EmailDeadLetterQueue", MESSAGE)
    queues.put("DueDeadLetterQueue", REMINDER)
    assert main(["--stack", STACK, "--replay", "--queue", "DueDeadLetterQueue"]) == 0
    assert queues.bodies("DueQueue") == [REMINDER]
    assert queues.count("EmailDeadLetterQueue") == 1


def test_an_organizations_messages_stay_its_own_on_a_fair_queue(queues: Queues) -> None:
    queues.put("DueDeadLetterQueue", REMINDER)
    main(["--stack", STACK, "--replay"])
    wanted = {"QueueUrl": queues.urls["DueQueue"], "AttributeNames": ["All"]}
    (message,) = queues.sqs.receive_message(**wanted)["Messages"]
    assert message["Attributes"]["MessageGroupId"] == "salon"


def test_what_the_scheduler_could_not_deliver_goes_to_the_queue_it_was_meant_for(queues: Queues) -> None:
    queues.put("SchedulerDeadLetterQueue", REMINDER, {**MESSAGE, "ch": "email"}, {"source": "aws.scheduler"}, RECAP)
    assert main(["--stack", STACK, "--replay"]) == 0
    # The sweep's own schedule asked for nothing that a later run has not done.
    assert len(queues.bodies("DueQueue")) == 2
    assert queues.bodies("RecapsQueue") == [RECAP]
    assert queues.count("SchedulerDeadLetterQueue") == 0


def test_parts_of_the_stream_become_one_look_through_all_records(queues: Queues) -> None:
    queues.put("StreamFailureQueue", *[{"DDBStreamBatchInfo": {"batchSize": 1}}] * 3)
    assert main(["--stack", STACK, "--replay"]) == 0
    assert queues.bodies("JobsQueue") == [{"kind": "look_through_all", "o": "@"}]
    assert queues.count("StreamFailureQueue") == 0
    assert main(["--stack", STACK, "--replay"]) == 0
    assert queues.bodies("JobsQueue") == []


def test_what_sqs_refuses_stays_a_dead_letter(queues: Queues, monkeypatch: pytest.MonkeyPatch) -> None:
    queues.put("EmailDeadLetterQueue", MESSAGE)
    refused = {"Failed": [{"Id": "0", "SenderFault": False, "Code": "InternalError"}]}
    real = boto3.client

    def client(service: str, **options: Any) -> Any:
        made = real(service, **options)  # type: ignore[call-overload]
        if service == "sqs":
            made.send_message_batch = lambda **_: refused
        return made

    monkeypatch.setattr(boto3, "client", client)
    assert main(["--stack", STACK, "--replay", "--queue", "EmailDeadLetterQueue"]) == 1
    attributes = ["ApproximateNumberOfMessagesNotVisible"]
    answer = queues.sqs.get_queue_attributes(QueueUrl=queues.urls["EmailDeadLetterQueue"], AttributeNames=attributes)
    assert answer["Attributes"]["ApproximateNumberOfMessagesNotVisible"] == "1"


def test_what_is_not_there_is_said(queues: Queues, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert queues.urls
    assert main(["--stack", STACK, "--queue", "EmailQueue"]) == 2
    assert main(["--local", str(tmp_path)]) == 2
    assert "no local cloud" in capsys.readouterr().err
