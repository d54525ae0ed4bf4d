"""Plans follow settings, activation, enrolment and preferences, whatever dies on the way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from carillon.services import replanning
from tests.integration.account import Aws, activate, call, new_organization
from tests.integration.world import DeathError, Deaths, World, unwatch

ANNA = {"id": "anna", "first_name": "Anna", "phone": "+31612345678", "consents": {"service": {"sms": True}}}
DAYS = range(1, 8)


@pytest.fixture
def world(aws: Aws, short_runs: None) -> Iterator[World]:  # noqa: ARG001 - sets what it says
    new_organization()
    activate()
    call("POST", "/v1/clients", ANNA)
    made = World(aws)
    made.settle()
    yield made
    unwatch()


def book(day: int, **fields: Any) -> dict[str, Any]:
    body = {"client_id": "anna", "start": f"2026-12-{day:02}T14:30:00", "duration_minutes": 30, "status": "booked"}
    answer = call("PUT", f"/v1/appointments/{day}", body | fields)
    assert answer.status in (200, 201), answer.body
    return answer.body  # type: ignore[no-any-return]


def save_settings(**fields: Any) -> None:
    assert call("PUT", "/v1/settings", fields, headers={"if-match": "*"}).status == 200


def planned(world: World) -> set[tuple[str, str]]:
    """(key, instant) of every reminder that is planned, as the API shows them."""
    shown = [call("GET", f"/v1/appointments/{day}").body for day in DAYS]
    listed = [item for body in shown for item in body.get("reminders", []) if item["state"] == "planned"]
    scheduled = {at.strftime("%Y-%m-%dT%H:%M:%SZ") for at, _, _ in world.schedules()}
    # A planner that dies before it deletes leaves a schedule behind, which fires stale; none is ever missing.
    shown_at = {item["at"] for item in listed}
    assert shown_at <= scheduled if world.deaths.at else shown_at == scheduled
    return {(item["key"], item["at"]) for item in listed}


def test_another_time_zone_moves_every_reminder_with_its_appointment(world: World) -> None:
    for day in DAYS:
        book(day)
    world.settle()
    assert ("day_before", "2026-12-02T17:00:00Z") in planned(world)
    save_settings(time_zone="America/New_York")
    world.settle()
    assert planned(world) == {
        (key, f"2026-12-{day:02}T{hour}:00:00Z" if day else "2026-11-30T23:00:00Z")
        for n in DAYS
        for key, day, hour in (("day_before", n - 1, "23"), ("morning_of", n, "13"))
    }


def test_an_appointment_with_a_zone_of_its_own_stays_where_it_is(world: World) -> None:
    book(3, time_zone="Europe/Paris")
    world.settle()
    before = planned(world)
    save_settings(time_zone="America/New_York")
    world.settle()
    assert planned(world) == before


def test_preferences_and_enrolment_count_for_what_is_booked_already(world: World) -> None:
    book(3)
    world.settle()
    assert len(planned(world)) == 2
    preferences = call("GET", "/v1/clients/anna/preferences").body
    for reminder in preferences["reminders"]:
        reminder["enabled"] = reminder["key"] == "hour_before"
    answer = call("PUT", "/v1/clients/anna/preferences", preferences, headers={"if-match": "*"})
    assert answer.status == 200, answer.body
    world.settle()
    assert planned(world) == {("hour_before", "2026-12-03T12:30:00Z")}
    call("DELETE", "/v1/clients/anna/enrolment")
    world.settle()
    assert planned(world) == set()
    call("POST", "/v1/clients/anna/enrolment")
    world.settle()
    assert planned(world) == {("hour_before", "2026-12-03T12:30:00Z")}


def test_activation_plans_what_is_still_ahead_and_announces_nothing_of_before(world: World) -> None:
    call("POST", "/v1/integrations/notifications/deactivate")
    world.settle()
    book(3)
    world.settle()
    assert planned(world) == set()
    activate()
    world.settle()
    assert planned(world) == {("day_before", "2026-12-02T17:00:00Z"), ("morning_of", "2026-12-03T07:00:00Z")}
    assert world.messages() == []


def test_deactivation_stops_what_is_planned(world: World) -> None:
    book(3)
    world.settle()
    call("POST", "/v1/integrations/notifications/deactivate")
    world.settle()
    world.advance_to(datetime(2026, 12, 4, tzinfo=UTC))
    assert world.sent == []
    assert {(status, reason) for _, status, reason in world.statuses()} <= {
        ("suppressed", "notifications_inactive"),
        ("suppressed", "consent_missing"),
    }


@pytest.mark.parametrize("at", range(1, 31, 4))
def test_a_death_in_a_run_loses_no_page(world: World, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    monkeypatch.setattr(replanning, "PAGE", 2)
    for day in DAYS:
        book(day)
    world.settle()
    world.deaths = Deaths(at=at)
    try:
        save_settings(time_zone="America/New_York")
    except DeathError:
        world.listen()
        save_settings(time_zone="America/New_York")
    world.settle()
    assert ("day_before", "2026-12-06T23:00:00Z") in planned(world)
    assert len(planned(world)) == 2 * len(DAYS)


def test_a_newer_change_overtakes_a_run_that_is_under_way(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replanning, "PAGE", 2)
    for day in DAYS:
        book(day)
    world.settle()
    before = planned(world)
    save_settings(time_zone="America/New_York")
    save_settings(time_zone="Europe/Amsterdam")
    world.settle()
    assert planned(world) == before
