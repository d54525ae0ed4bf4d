"""A test key's data set: the whole way, and nothing leaves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.account import Aws, activate, call, new_organization
from tests.integration.world import World, unwatch

ENDINGS = {
    "0001": ("delivered", None),
    "0002": ("failed", "recipient_rejected"),
    "0003": ("delivered", None),
    "0004": ("unknown", "provider_timeout"),
}


@pytest.fixture
def world(aws: Aws) -> Iterator[World]:
    new_organization()
    activate(mode="test")
    made = World(aws)
    made.settle()
    yield made
    unwatch()


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_test_message_ends_as_its_number_says_and_never_leaves(world: World, ending: str) -> None:
    client = {"first_name": "Anna", "phone": f"+3161234{ending}", "consents": {"service": {"sms": True}}}
    booking = {"client": client, "start": "2026-12-01T14:30:00", "duration_minutes": 30, "status": "booked"}
    assert call("PUT", "/v1/appointments/1", booking, mode="test").status == 201
    world.settle()
    world.advance_to(datetime(2026, 11, 30, 17, 0, tzinfo=UTC))
    for _ in range(3):
        world.aws.clock.advance(timedelta(minutes=5))
        world.deliver_delayed()
    listed = call("GET", "/v1/messages", mode="test", query={"channel": "sms"}).body["items"]
    assert [(item["status"], item["reason"]) for item in listed] == [ENDINGS[ending]]
    assert call("GET", "/v1/messages").status == 403, "the live data set knows nothing of it"
    assert world.sent == []


@pytest.mark.usefixtures("world")
def test_a_removed_client_can_still_be_cancelled() -> None:
    client = {"id": "anna", "first_name": "Anna"}
    booking = {"start": "2026-12-01T14:30:00", "duration_minutes": 30, "status": "booked"}
    call("PUT", "/v1/appointments/1", booking | {"client": client}, mode="test")
    assert call("DELETE", "/v1/clients/anna", mode="test", query={"force": "true"}).status == 204
    again = booking | {"client_id": "anna"}
    assert call("PUT", "/v1/appointments/1", again | {"status": "cancelled"}, mode="test").status == 200
    assert call("PUT", "/v1/appointments/2", again, mode="test").faults == {"/client_id": "unknown_reference"}
