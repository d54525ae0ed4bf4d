"""Whatever stopped is moved on by the sweep: each of these stays where it is without it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from carillon.adapters.dynamodb.message_items import message_from_item
from carillon.adapters.dynamodb.messages import DynamoMessages
from carillon.adapters.dynamodb.table import Table
from carillon.adapters.providers.twilio_whatsapp import TwilioWhatsapp
from carillon.bootstrap import jobs
from carillon.domain.listing import Page
from carillon.domain.messages import Message
from carillon.ports.messages import Claim, Moved
from carillon.ports.queues import Due, Ready
from carillon.services.sweeping import Swept
from tests.integration.account import REGION, Aws, activate, call, new_organization
from tests.integration.world import World, unwatch

ORG = "aurora"
BOOKING: dict[str, Any] = {
    "client_id": "anna",
    "start": "2026-12-01T14:30:00",
    "duration_minutes": 45,
    "status": "booked",
}
ANNA = {
    "id": "anna",
    "first_name": "Anna",
    "email": "anna@example.com",
    "phone": "+31612345678",
    "consents": {"service": {"sms": True, "email": True}},
}
REMINDED = datetime(2026, 11, 30, 17, 1, tzinfo=UTC)
"""Just after the reminder of the day before was due."""
QUARTER = timedelta(minutes=16)


@pytest.fixture
def world(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    new_organization()
    activate()
    call("POST", "/v1/clients", ANNA)
    made = World(aws)
    made.settle()
    monkeypatch.setattr(TwilioWhatsapp, "send", lambda _, outgoing: made.twilio(outgoing))
    yield made
    unwatch()


def put(**fields: Any) -> None:
    answer = call("PUT", "/v1/appointments/42", BOOKING | fields)
    assert answer.status in (200, 201), answer.body


def swept(world: World, times: int = 1) -> Swept:
    """Sweep as the job does, then let everything settle; answers the last one's findings."""
    found = Swept()
    for _ in range(times):
        found = jobs.sweep().run(ORG)
        world.settle()
    return found


def lose_queued(world: World, *queues: str) -> None:
    """Take messages off queues that nobody ever sees."""
    sqs = boto3.client("sqs", region_name=REGION)
    for name in queues:
        sqs.purge_queue(QueueUrl=world._url(name))


def messages(world: World) -> list[Message]:
    items, _ = _table(world).scan_page(f"{ORG}#P#", None)
    return [message_from_item(item) for item in items if item.get("ty") == "message"]


def _table(world: World) -> Table:
    return Table(boto3.client("dynamodb", region_name=REGION), world.aws.environment["TABLE_NAME"])


def claimed(world: World, message: Message) -> Claim:
    """Claim a message for a sender that dies with it in hand."""
    claim = Claim("a-sender-that-died", world.aws.clock.now(), "+31612345678", 1)
    assert DynamoMessages(_table(world)).claim(ORG, message, claim)
    return claim


def finished(world: World, message: Message, moved: Moved) -> None:
    """Write an outcome as a sender does that dies right after."""
    owner = claimed(world, message).owner
    assert DynamoMessages(_table(world)).finish(ORG, replace(message, attempt=1), moved, owner=owner)


def told(world: World) -> Counter[str]:
    return Counter(channel for channel, _, _ in world.sent)


def reminder_is_due(world: World) -> Message:
    """Book without a word, and let the day before come; answers the reminder's message, queued."""
    put(notify=False)
    world.settle()
    (due,) = [item for item in world.schedules() if item[0] <= REMINDED]
    world.aws.clock.at = REMINDED
    event = {"Records": [{"messageId": "1", "body": due[2], "attributes": {}}]}
    assert world._run("dispatch_reminder", event) == {"batchItemFailures": []}
    (message,) = messages(world)
    assert message.status == "queued"
    return message


def test_a_message_whose_queue_lost_it_is_queued_again(world: World) -> None:
    put()
    world._stream()
    lose_queued(world, "email")
    world.aws.clock.advance(QUARTER)
    world.settle()
    assert told(world) == {}
    assert swept(world).queued == 1
    assert told(world) == {"email": 1}
    world.aws.clock.advance(QUARTER)
    assert swept(world).queued == 0


def test_a_message_that_its_index_shows_late_is_found_all_the_same(world: World, monkeypatch: Any) -> None:
    put()
    world._stream()
    lose_queued(world, "email")
    world.aws.clock.advance(QUARTER)
    with monkeypatch.context() as before:
        before.setattr("carillon.adapters.dynamodb.message_listing.MessageListing._by_day", lambda *_, **__: Page([]))
        assert swept(world).queued == 0
    world.aws.clock.advance(QUARTER)
    assert swept(world).queued == 1


def test_a_claim_whose_holder_is_gone_becomes_unknown(world: World) -> None:
    claimed(world, reminder_is_due(world))
    lose_queued(world, "sms")
    world.aws.clock.advance(QUARTER)
    assert swept(world).claims == 1
    (message,) = messages(world)
    assert (message.status, message.reason) == ("unknown", "connection_lost")
    assert world.sent == []


def test_the_sender_of_an_abandoned_claim_is_asked_to_look_it_up(world: World, monkeypatch: Any) -> None:
    message = reminder_is_due(world)
    claimed(world, message)
    lose_queued(world, "sms")
    world.aws.clock.advance(QUARTER)
    brought: list[Ready] = []
    monkeypatch.setattr("carillon.adapters.queues.SqsQueues.send_ready", lambda _, ready: brought.extend(ready))
    jobs.sweep().run(ORG)
    assert [(ready.channel, ready.key) for ready in brought] == [("sms", message.key)]


def test_a_reminder_whose_schedule_got_lost_goes_out(world: World) -> None:
    put(notify=False)
    world.settle()
    scheduler, group = boto3.client("scheduler", region_name=REGION), world.aws.environment["REMINDERS_GROUP"]
    for _, name, _ in world.schedules():
        scheduler.delete_schedule(Name=name, GroupName=group)
    world.advance_to(REMINDED + QUARTER)
    assert world.sent == []
    assert swept(world).due == 1
    assert told(world) == {"sms": 1}
    world.aws.clock.advance(QUARTER)
    assert swept(world).due == 0


def test_a_reminder_that_nobody_calls_for_any_more_is_left_alone(world: World) -> None:
    put(notify=False)
    world.settle()
    world.aws.clock.at = REMINDED
    put(notify=False, status="cancelled")
    world.aws.clock.advance(QUARTER)
    assert swept(world).due == 0
    assert world.sent == []


def test_a_record_that_the_stream_never_showed_is_planned(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    put()
    monkeypatch.setattr(World, "_stream", lambda _: False)
    world.aws.clock.advance(QUARTER)
    assert swept(world, times=12).unplanned == 0
    assert told(world) == {"email": 1}
    assert len(world.schedules()) >= 1


def test_a_reminder_planned_after_its_time_goes_out_though_it_was_looked_for_before(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(notify=False)
    monkeypatch.setattr(World, "_stream", lambda _: False)
    world.aws.clock.at = REMINDED + QUARTER
    swept(world, times=2)  # yesterday's records and today's
    lost: list[Due] = []
    with monkeypatch.context() as patched:
        # The planner sends it on at once, and that message is lost.
        patched.setattr("carillon.adapters.queues.SqsQueues.send_due", lambda _, due: lost.extend(due))
        swept(world)
    assert lost
    world.aws.clock.advance(QUARTER)
    assert swept(world).due == 1
    assert told(world) == {"sms": 1}


def test_the_next_channel_gets_its_turn_if_whoever_noted_the_failure_died(world: World) -> None:
    finished(world, reminder_is_due(world), Moved("failed", world.aws.clock.now(), "unreachable"))
    lose_queued(world, "sms")
    world.aws.clock.advance(QUARTER)
    assert swept(world).followed == 1
    assert told(world) == {"email": 1}
    world.aws.clock.advance(QUARTER)
    assert swept(world).followed == 0
    assert told(world) == {"email": 1}


def test_an_outcome_unknown_for_an_hour_counts_for_a_day(world: World) -> None:
    finished(world, reminder_is_due(world), Moved("unknown", world.aws.clock.now(), "provider_timeout"))
    counted = []
    for hours in (0, 1, 1, 22, 2):
        world.aws.clock.advance(timedelta(hours=hours, minutes=1))
        counted.append(swept(world).unknown)
    assert counted == [0, 1, 1, 1, 0]


def test_a_message_of_a_record_that_is_gone_rests_no_longer(world: World) -> None:
    put()
    world._stream()
    lose_queued(world, "email")
    (record,) = [item for item in world.aws.items() if item.get("ty") == "record"]
    world.aws.table.delete_item(Key={"pk": record["pk"], "sk": record["sk"]})
    world.aws.clock.advance(QUARTER)
    assert swept(world).queued == 1
    (message,) = messages(world)
    assert (message.status, message.reason) == ("suppressed", "superseded")
