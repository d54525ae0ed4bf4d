"""Queues and streams feed their functions as event source mappings do."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.running_cloud import RunningCloud


def waiting(cloud: RunningCloud, queue: str) -> list[str]:
    answer = cloud.aws("sqs").receive_message(
        QueueUrl=cloud.queue_url(queue), MaxNumberOfMessages=10, VisibilityTimeout=0
    )
    return [message["Body"] for message in answer.get("Messages", [])]


def texts(entries: list[dict[str, str]]) -> list[str]:
    return [entry["text"] for entry in entries]


def send(cloud: RunningCloud, queue: str, *bodies: str, **options: Any) -> None:
    for body in bodies:
        cloud.aws("sqs").send_message(QueueUrl=cloud.queue_url(queue), MessageBody=body, **options)


def put(cloud: RunningCloud, name: str, kind: str = "record") -> None:
    item = {"pk": {"S": "p"}, "sk": {"S": name}, "ty": {"S": kind}}
    cloud.aws("dynamodb").put_item(TableName="carillon-Table", Item=item)


def test_a_partial_answer_keeps_only_the_failed_and_gives_them_up_after_three_tries(cloud: RunningCloud) -> None:
    send(cloud, "carillon-WorkQueue", "one", "fail-1", "two")
    cloud.advance("PT1S")
    assert sorted(texts(cloud.seen("work"))) == ["fail-1", "one", "two"]
    cloud.advance("PT10M")
    assert texts(cloud.seen("work")).count("fail-1") == 3
    assert texts(cloud.seen("work")).count("one") == 1
    assert waiting(cloud, "carillon-WorkDeadLetterQueue") == ["fail-1"]


@pytest.mark.parametrize("how", ["raise", "exit", "hang"])
def test_a_batch_that_breaks_its_function_comes_again_after_the_visibility_timeout(
    cloud: RunningCloud, how: str
) -> None:
    send(cloud, "carillon-WorkQueue", how)
    cloud.advance("PT1S")
    assert texts(cloud.seen("work")) == [how]
    cloud.advance("PT58S")
    assert texts(cloud.seen("work")) == [how]
    cloud.advance("PT2S")
    assert texts(cloud.seen("work")) == [how] * 2
    send(cloud, "carillon-WorkQueue", "after")
    cloud.advance("PT10M")
    assert texts(cloud.seen("work")).count("after") == 1
    assert waiting(cloud, "carillon-WorkDeadLetterQueue") == [how]


def test_without_partial_answers_a_success_deletes_the_whole_batch(cloud: RunningCloud) -> None:
    send(cloud, "carillon-PlainQueue", "fail-ignored")
    cloud.advance("PT10M")
    assert texts(cloud.seen("work")) == ["fail-ignored"]


def test_a_delayed_message_arrives_at_its_simulated_instant(cloud: RunningCloud) -> None:
    send(cloud, "carillon-WorkQueue", "later", DelaySeconds=900)
    cloud.advance("PT14M")
    assert cloud.seen("work") == []
    before = cloud.now()
    cloud.advance("P1D")
    (entry,) = cloud.seen("work")
    assert before[:10] <= entry["at"][:10] < cloud.now()[:10]


def test_the_stream_feeds_only_what_its_filter_wants(cloud: RunningCloud) -> None:
    put(cloud, "a")
    put(cloud, "noise", "other")
    put(cloud, "b")
    cloud.advance("PT1S")
    assert texts(cloud.seen("plan")) == ["a", "b"]


def test_a_poison_record_is_isolated_given_up_and_reported(cloud: RunningCloud) -> None:
    for name in ("a", "b", "poison", "c", "d"):
        put(cloud, name)
    cloud.advance("PT10M")
    seen = texts(cloud.seen("plan"))
    assert {"a", "b", "c", "d"} <= set(seen)
    assert seen[-1] == "d"
    (notice,) = waiting(cloud, "carillon-StreamFailures")
    assert '"batchSize": 1' in notice
    put(cloud, "e")
    cloud.advance("PT1S")
    assert texts(cloud.seen("plan"))[-1] == "e"


def test_a_topic_reaches_the_queue_that_is_subscribed(cloud: RunningCloud) -> None:
    topic = f"arn:aws:sns:{cloud.facts['region']}:000000000000:carillon-Events"
    cloud.aws("sns").publish(TopicArn=topic, Message="from the topic")
    cloud.advance("PT1S")
    assert texts(cloud.seen("work")) == ["from the topic"]


def test_faults_on_queues_are_played_to_functions_and_counted(cloud: RunningCloud) -> None:
    answer = cloud.tools.post("/faults", json={"target": "sqs", "kind": "duplicate_delivery", "count": 1})
    assert answer.status_code == 200
    send(cloud, "carillon-WorkQueue", "twice")
    cloud.advance("PT1S")
    assert texts(cloud.seen("work")) == ["twice", "twice"]
    assert cloud.tools.get("/faults").json()["items"][0]["struck"] == 1
    assert cloud.tools.post("/faults", json={"target": "moon", "kind": "delay"}).status_code == 422


def test_a_fault_on_the_table_is_an_error_for_the_function_and_spares_everyone_else(cloud: RunningCloud) -> None:
    cloud.tools.post("/faults", json={"target": "dynamodb", "kind": "reject", "count": 1})
    send(cloud, "carillon-WorkQueue", "struck")
    cloud.advance("PT1S")
    assert cloud.seen("work") == []
    cloud.advance("PT1M")
    assert texts(cloud.seen("work")) == ["struck"]


@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after", "error_5xx", "throttle", "crash_after", "delay"])
def test_a_call_that_was_struck_is_repeated_by_its_client_or_its_queue(cloud: RunningCloud, kind: str) -> None:
    cloud.tools.post("/faults", json={"target": "dynamodb", "kind": kind, "count": 1})
    send(cloud, "carillon-WorkQueue", "struck")
    cloud.advance("PT1S")
    cloud.advance("PT1M")
    found = texts(cloud.seen("work"))
    # The work was done before the process ended, here by a wait for the answer that is longer than it may run.
    assert found == ["struck"] * (2 if kind in ("crash_after", "timeout_after") else 1)
    assert cloud.tools.get("/faults").json()["items"][0]["struck"] == 1
    cloud.tools.delete("/faults")


def test_a_function_whose_waits_are_longer_than_it_may_run_ends_as_on_lambda(cloud: RunningCloud) -> None:
    cloud.tools.post("/faults", json={"target": "dynamodb", "kind": "timeout_before", "count": 1})
    before = cloud.tools.get("/functions.json").json()["carillon-Worker"]["errors"]
    send(cloud, "carillon-WorkQueue", "waits for ever")
    cloud.advance("PT1S")
    assert cloud.tools.get("/functions.json").json()["carillon-Worker"]["errors"] == before + 1
    cloud.tools.delete("/faults")
    cloud.advance("PT1M")
    assert texts(cloud.seen("work")) == ["waits for ever"]
