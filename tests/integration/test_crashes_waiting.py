"""Whatever dies while messages wait: over night, for a receipt, for a sender that rests. Nothing is lost or doubled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from carillon.adapters.dynamodb.content_templates import ContentTemplates
from carillon.adapters.dynamodb.table import Table
from carillon.adapters.providers.twilio_whatsapp import TwilioWhatsapp
from carillon.ports.texts import StoredTemplate, Submitted
from tests.integration.account import REGION, Aws, activate, call, new_organization
from tests.integration.world import DeathError, Deaths, World, unwatch

ANNA = {
    "id": "anna",
    "first_name": "Anna",
    "phone": "+31612345678",
    "email": "anna@example.com",
    "consents": {"service": {"sms": True, "email": True}},
}
BOB = ANNA | {"id": "bob", "phone": "+31612345679", "consents": {"service": {"sms": True, "whatsapp": True}}}
AFTERNOON = {
    "key": "later",
    "enabled": True,
    "when": {"before": "PT3H"},
    "channels": ["whatsapp", "sms"],
    "strategy": "first_reachable",
}
DUE = datetime(2026, 12, 2, 10, 0, tzinfo=UTC)
REMINDER = {"key": "own", "enabled": True, "when": {"before": "PT14H"}, "channels": ["sms"], "strategy": "all"}
EVENING, MORNING = datetime(2026, 11, 30, 23, 30, tzinfo=UTC), datetime(2026, 12, 1, 7, 0, tzinfo=UTC)
END = datetime(2026, 12, 2, tzinfo=UTC)


@pytest.fixture
def world(aws: Aws, short_runs: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:  # noqa: ARG001 - sets what it says
    new_organization()
    activate()
    settings = call("GET", "/v1/settings").body
    given: dict[str, Any] = {"quiet_hours": {"enabled": True, "start": "21:00", "end": "08:00"}}
    given |= {"fallback_after": "PT40M"}
    given["reminders"] = [{**each, "enabled": False} for each in settings["reminders"]] + [REMINDER, AFTERNOON]
    assert call("PUT", "/v1/settings", given, headers={"if-match": "*"}).status == 200
    call("POST", "/v1/clients", ANNA | {"enrolled": True})
    call("POST", "/v1/clients", BOB | {"allow_shared_contact": True})
    own = {"reminders": [REMINDER]}
    assert call("PUT", "/v1/clients/anna/preferences", own, headers={"if-match": "*"}).status == 200
    own = {"reminders": [AFTERNOON]}
    assert call("PUT", "/v1/clients/bob/preferences", own, headers={"if-match": "*"}).status == 200
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


@pytest.mark.parametrize("at", range(1, 15))
def test_a_death_after_any_call_of_the_night_loses_nothing_and_doubles_nothing(world: World, at: int) -> None:
    put(world)
    world.settle()
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
    put(world)
    world.settle()
    world.deaths = Deaths()
    night(world)
    assert len(world.deaths.calls) <= 14, world.deaths.calls


def unanswered(world: World) -> None:
    """A reminder goes out by WhatsApp, no receipt comes, and the next channel has its turn."""
    world.advance_to(DUE + timedelta(minutes=5))
    world.advance_to(DUE + timedelta(hours=1))


def waiting_for_a_receipt(world: World) -> None:
    table = Table(boto3.client("dynamodb", region_name=REGION), world.aws.environment["TABLE_NAME"])
    text = Submitted("n", "HX" + "a" * 32, "Dag {{1}}", {"1": "client.first_name"}, "approved")
    ContentTemplates(table, world.aws.clock, "@").put(StoredTemplate("reminder", "client", "nl", text))
    put(world, client_id="bob", start="2026-12-02T14:00:00")
    world.settle()


def test_without_a_receipt_the_next_channel_has_its_turn_by_one_schedule(world: World) -> None:
    waiting_for_a_receipt(world)
    world.advance_to(DUE + timedelta(minutes=5))
    assert world.statuses() == {("whatsapp", "sent", None): 1}
    assert [at for at, _, _ in world.schedules()] == [DUE + timedelta(minutes=40)]
    world.advance_to(DUE + timedelta(hours=1))
    assert world.statuses() == {("whatsapp", "sent", None): 1, ("sms", "sent", None): 1}
    assert [channel for channel, _, _ in world.sent] == ["whatsapp", "sms"]
    assert world.schedules() == []


@pytest.mark.parametrize("at", range(1, 27))
def test_a_death_while_a_receipt_is_waited_for_loses_nothing_and_doubles_nothing(world: World, at: int) -> None:
    waiting_for_a_receipt(world)
    world.deaths = Deaths(at=at)
    unanswered(world)
    assert max(Counter(world.sent).values(), default=0) <= 1, "sent twice"
    statuses = {channel: status for channel, status, _ in world.statuses()}
    open_ones = {channel for channel, status in statuses.items() if status in ("unknown", "sending")}
    # Only who dies between a claim and its outcome leaves it open; after an open WhatsApp nothing follows.
    assert len(open_ones) <= 1
    assert not open_ones or world.deaths.calls[at - 1] in ("dynamodb.UpdateItem", "sns.Publish", "twilio.send")
    assert set(statuses) == ({"whatsapp"} if "whatsapp" in open_ones else {"whatsapp", "sms"})
    assert all(status == "sent" for channel, status in statuses.items() if channel not in open_ones)
    assert world.schedules() == []


def test_the_story_of_the_missing_receipt_is_not_longer_than_its_deaths(world: World) -> None:
    waiting_for_a_receipt(world)
    world.deaths = Deaths()
    unanswered(world)
    assert len(world.deaths.calls) <= 26, world.deaths.calls


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
