"""SQS: what is put on which queue, in batches, fair between organizations."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from carillon.adapters.queues import SqsQueues, due_from_data, due_to_data, ready_from_data
from carillon.domain.errors import Contended
from carillon.domain.messages import MessageKey
from carillon.ports.queues import Due, Ready
from tests.builders import NOW, ORG, REF, START

URL = "https://sqs.eu-central-1.amazonaws.com/000000000000"
DUE = Due(ORG, REF, "anna", "day_before", START, datetime.fromisoformat("2026-11-30T17:00:00Z"), 3)
READY = Ready(ORG, "email", MessageKey("c:anna", "x" * 32), REF, "anna", ("s1", "s2"))
BODY = {"o": ORG, "p": "c:anna", "d": "x" * 32, "r": REF, "c": "anna", "s": ["s1", "s2"]}


class PlayedSqs:
    """Takes batches, and refuses some entries."""

    def __init__(self, refuse: int = 0) -> None:
        self.calls: list[tuple[str, list[dict[str, Any]]]] = []
        self.refuse = refuse

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - AWS's names
        self.calls.append((QueueUrl.rpartition("/")[2], Entries))
        return {"Failed": [{"Id": "0", "Code": "Throttled"}] * self.refuse}

    def bodies(self) -> list[Any]:
        return [json.loads(entry["MessageBody"]) for _, entries in self.calls for entry in entries]


def queues(sqs: Any) -> SqsQueues:
    return SqsQueues(sqs, channels={"email": f"{URL}/email", "sms": f"{URL}/sms"}, due=f"{URL}/due", jobs=f"{URL}/jobs")


def test_the_request_is_one_that_aws_takes() -> None:
    sqs = boto3.client("sqs", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
    entry = {
        "Id": "0",
        "MessageBody": json.dumps(BODY, separators=(",", ":")),
        "DelaySeconds": 0,
        "MessageGroupId": ORG,
    }
    with Stubber(sqs) as stub:
        done = {"Successful": [{"Id": "0", "MessageId": "m", "MD5OfMessageBody": "x"}], "Failed": []}
        stub.add_response("send_message_batch", done, {"QueueUrl": f"{URL}/email", "Entries": [entry]})
        queues(sqs).send_ready([READY])
        stub.assert_no_pending_responses()


def test_messages_go_to_their_channels_queues_ten_a_call() -> None:
    sqs = PlayedSqs()
    queues(sqs).send_ready([READY] * 21 + [replace(READY, channel="sms")] * 2)
    assert [(name, len(entries)) for name, entries in sqs.calls] == [
        ("email", 10),
        ("email", 10),
        ("email", 1),
        ("sms", 2),
    ]
    assert all(len({entry["Id"] for entry in entries}) == len(entries) for _, entries in sqs.calls)


def test_each_message_is_in_the_group_of_its_organization() -> None:
    sqs = PlayedSqs()
    queues(sqs).send_ready([READY, replace(READY, org_id="other~test")])
    assert [entry["MessageGroupId"] for _, entries in sqs.calls for entry in entries] == [ORG, "other~test"]


@pytest.mark.parametrize(("delay", "waits"), [(0, 0), (17, 17), (900, 900), (36_000, 900)])
def test_a_delay_is_at_most_what_sqs_takes(delay: int, waits: int) -> None:
    sqs = PlayedSqs()
    queues(sqs).send_ready([replace(READY, delay=delay)])
    assert sqs.calls[0][1][0]["DelaySeconds"] == waits


def test_due_reminders_and_jobs_have_their_own_queues() -> None:
    sqs = PlayedSqs()
    queues(sqs).send_due([DUE])
    queues(sqs).send_job({"kind": "plan_record", "o": ORG, "record": REF})
    assert [name for name, _ in sqs.calls] == ["due", "jobs"]
    assert sqs.bodies() == [due_to_data(DUE), {"kind": "plan_record", "o": ORG, "record": REF}]


def test_nothing_to_send_is_no_call() -> None:
    sqs = PlayedSqs()
    queues(sqs).send_ready([])
    queues(sqs).send_due([])
    assert sqs.calls == []


def test_an_entry_that_sqs_did_not_take_is_an_error() -> None:
    with pytest.raises(Contended, match="Throttled"):
        queues(PlayedSqs(refuse=1)).send_ready([READY])


def test_a_function_without_a_queues_address_does_not_send_there() -> None:
    lonely = SqsQueues(PlayedSqs(), channels={})  # type: ignore[arg-type]
    with pytest.raises(LookupError):
        lonely.send_due([DUE])
    with pytest.raises(LookupError):
        lonely.send_job({"o": ORG})


ids = st.text("abXY09._:-", min_size=1, max_size=64)
dues = st.builds(
    Due,
    org_id=ids,
    record=ids.map("appointments/{}".format),
    client_id=ids,
    key=ids,
    start=st.just(START),
    at=st.integers(0, 10**12).map(lambda us: NOW.replace(microsecond=us % 10**6)),
    generation=st.integers(1, 10**6),
)


@given(dues)
def test_a_due_reminder_survives_its_queue(due: Due) -> None:
    assert due_from_data(json.loads(json.dumps(due_to_data(due)))) == due


def test_a_message_survives_its_queue() -> None:
    sqs = PlayedSqs()
    queues(sqs).send_ready([READY])
    assert ready_from_data(sqs.bodies()[0], "email") == READY
