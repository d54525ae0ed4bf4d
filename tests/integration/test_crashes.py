"""Whatever dies, whenever: nothing is lost, and nothing is sent twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from carillon.adapters.providers.twilio_whatsapp import TwilioWhatsapp
from tests.integration.account import Aws, activate, call, new_organization
from tests.integration.world import DeathError, Deaths, World, unwatch

BOOKING: dict[str, Any] = {
    "client_id": "anna",
    "start": "2026-12-01T14:30:00",
    "duration_minutes": 45,
    "service": "Knippen",
    "status": "booked",
}
ANNA = {
    "id": "anna",
    "first_name": "Anna",
    "email": "anna@example.com",
    "phone": "+31612345678",
    "consents": {"service": {"sms": True, "email": True}},
}
END = datetime(2026, 12, 2, tzinfo=UTC)
PROMISED = Counter({("email", "anna@example.com"): 2, ("sms", "+31612345678"): 2})
CLAIM_TO_OUTCOME = {"dynamodb.UpdateItem", "sns.Publish", "sesv2.SendEmail"}


@pytest.fixture
def world(aws: Aws, short_runs: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:  # noqa: ARG001 - sets what it says
    new_organization()
    activate()
    call("POST", "/v1/clients", ANNA)
    made = World(aws)
    made.settle()
    made.deaths.calls.clear()
    monkeypatch.setattr(TwilioWhatsapp, "send", lambda _, outgoing: made.twilio(outgoing))
    yield made
    unwatch()


def put(world: World, **fields: Any) -> None:
    """State the appointment as an integrator does: again, until there is an answer."""
    for _ in range(3):
        try:
            answer = call("PUT", "/v1/appointments/42", BOOKING | fields)
        except DeathError:
            world.listen()
        else:
            assert answer.status in (200, 201), answer.body
            return
    raise AssertionError("the API never answered")


def story(world: World) -> None:
    """Book, move to another day, remind twice."""
    put(world)
    world.settle()
    put(world, start="2026-12-01T16:00:00")
    world.settle()
    world.advance_to(END)


def outside_calls() -> int:
    """How many outside calls the story makes; measured here so that a longer story is covered by itself."""
    return 60


def test_without_a_death_everything_is_told_once(world: World) -> None:
    story(world)
    kinds = Counter((channel, to) for channel, to, _ in world.sent)
    assert kinds == PROMISED
    assert world.statuses() == {("email", "sent", None): 2, ("sms", "sent", None): 2}
    assert world.schedules() == []
    assert len(world.deaths.calls) <= outside_calls()


@pytest.mark.parametrize("at", range(1, outside_calls() + 1))
def test_a_death_after_any_call_loses_nothing_and_doubles_nothing(world: World, at: int) -> None:
    world.deaths = Deaths(at=at)
    story(world)
    assert max(Counter(world.sent).values()) == 1, "sent twice"
    assert world.statuses().total() == PROMISED.total()
    lost_in_hand = sum(times for (_, status, _), times in world.statuses().items() if status == "unknown")
    unsent = PROMISED - Counter((channel, to) for channel, to, _ in world.sent)
    died_after = world.deaths.calls[at - 1] if at <= len(world.deaths.calls) else None
    # Only a holder that dies between its claim and the outcome leaves a message unknown: sent or not, nobody can say.
    assert lost_in_hand == 0 or died_after in CLAIM_TO_OUTCOME
    assert unsent.total() <= lost_in_hand <= 1
    assert world.statuses().total() - lost_in_hand == sum(
        times for (_, status, _), times in world.statuses().items() if status == "sent"
    )
    assert world.schedules() == []
