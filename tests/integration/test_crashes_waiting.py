"""Whatever dies while messages wait: over night, for a receipt, for a sender that rests. Nothing is lost or doubled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from carillon.adapters.providers.twilio_whatsapp import TwilioWhatsapp
from carillon.services import replanning
from tests.integration.account import Aws, activate, call, new_organization
from tests.integration.world import DeathError, Deaths, World, unwatch

ANNA = {
    "id": "anna",
    "first_name": "Anna",
    "phone": "+31612345678",
    "email": "anna@example.com",
    "consents": {"service": {"sms": True, "email": True}},
}
REMINDER = {"key": "own", "enabled": True, "when": {"before": "PT14H"}, "channels": ["sms"], "strategy": "all"}
EVENING, MORNING = datetime(2026, 11, 30, 23, 30, tzinfo=UTC), datetime(2026, 12, 1, 7, 0, tzinfo=UTC)
END = datetime(2026, 12, 2, tzinfo=UTC)


@pytest.fixture
def world(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(replanning, "PACE", 0)
    new_organization()
    activate()
    settings = call("GET", "/v1/settings").body
    given = {"quiet_hours": {"enabled": True, "start": "21:00", "end": "08:00"}}
    given["reminders"] = [{**each, "enabled": False} for each in settings["reminders"]] + [REMINDER]
    assert call("PUT", "/v1/settings", given, headers={"if-match": "*"}).status == 200
    call("POST", "/v1/clients", ANNA)
    made = World(aws)
    made.settle()
    made.deaths.calls.clear()
    monkeypatch.setattr(TwilioWhatsapp, "send", lambda _, outgoing: made.twilio(outgoing))
    yield made
    unwatch()


def put(world: World, **fields: Any) -> None:
    booking = {"client_id": "anna", "start": "2026-12-01T14:00:00", "duration_minutes": 45, "status": "booked"}
    for _ in range(3):
        try:
            answer = call("PUT", "/v1/appointments/42", booking | {"notify": False} | fields)
        except DeathError:
            world.listen()
        else:
            assert answer.status in (200, 201), answer.body
            return
    raise AssertionError("the API never answered")


def night(world: World) -> None:
    """A reminder that is due at midnight waits until the morning."""
    put(world)
    world.settle()
    world.advance_to(END)


def test_a_reminder_of_the_night_goes_in_the_morning_by_one_schedule(world: World) -> None:
    put(world)
    world.settle()
    world.advance_to(EVENING)
    assert world.statuses() == {("sms", "queued", "quiet_hours"): 1}
    assert [at for at, _, _ in world.schedules()] == [MORNING]
    assert world.sent == []
    world.advance_to(MORNING)
    assert world.statuses() == {("sms", "sent", None): 1}
    assert world.schedules() == []


@pytest.mark.parametrize("at", range(1, 32))
def test_a_death_after_any_call_of_the_night_loses_nothing_and_doubles_nothing(world: World, at: int) -> None:
    world.deaths = Deaths(at=at)
    night(world)
    assert max(Counter(world.sent).values(), default=0) <= 1, "sent twice"
    (((channel, status, _), times),) = world.statuses().items()
    assert (channel, times) == ("sms", 1)
    if status == "sent":
        assert len(world.sent) == 1
    else:
        assert status in ("unknown", "sending")
        assert world.deaths.calls[at - 1] in ("dynamodb.UpdateItem", "sns.Publish")
    assert world.schedules() == []


def test_the_story_of_the_night_is_not_longer_than_its_deaths(world: World) -> None:
    night(world)
    assert len(world.deaths.calls) <= 31


def test_what_waits_is_forgotten_with_its_organization(world: World) -> None:
    put(world)
    world.settle()
    world.advance_to(EVENING)
    assert len(world.schedules()) == 1
    assert call("DELETE", "/v1/organizations/aurora", role="operator").status == 202
    world.settle()
    assert world.schedules() == []
    world.advance_to(END)
    assert world.sent == []
