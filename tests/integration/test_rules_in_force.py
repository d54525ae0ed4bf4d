"""A save counts from the next decision: rules for the next event, applied reminders for what is booked already."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.account import Aws, activate, call, new_organization
from tests.integration.world import World, unwatch

ANNA = {"id": "anna", "first_name": "Anna", "phone": "+31612345678", "consents": {"service": {"sms": True}}}


@pytest.fixture
def world(aws: Aws) -> Iterator[World]:
    new_organization()
    activate()
    call("POST", "/v1/clients", ANNA)
    made = World(aws)
    made.settle()
    yield made
    unwatch()


def book(name: str) -> None:
    body = {"client_id": "anna", "start": "2026-12-03T14:30:00", "duration_minutes": 30, "status": "booked"}
    assert call("PUT", f"/v1/appointments/{name}", body).status == 201


def save(path: str, **fields: Any) -> None:
    assert call("PUT", path, fields, headers={"if-match": "*"}).status == 200


def test_the_next_event_goes_by_the_rules_just_saved(world: World) -> None:
    book("1")
    world.settle()
    assert world.sent == []
    rules = call("GET", "/v1/settings/rules").body["rules"]
    (booked,) = [each for each in rules if each["id"] == "appointment.booked.console.client"]
    booked["channels"]["sms"] = {"enabled": True}
    save("/v1/settings/rules", rules=rules)
    book("2")
    world.settle()
    assert [(channel, to) for channel, to, _ in world.sent] == [("sms", "+31612345678")]


def test_applied_reminders_move_what_is_planned(world: World) -> None:
    book("1")
    world.settle()
    reminders = call("GET", "/v1/settings").body["reminders"]
    changed = [each | {"when": {"days_before": 2, "at": "10:00"}} if each["key"] == "day_before" else each
               for each in reminders]  # fmt: skip
    save("/v1/settings", reminders=changed)
    world.settle()
    assert "2026-12-02T17:00:00Z" in planned()
    assert call("POST", "/v1/settings/reminders/apply", {"keys": ["day_before"]}).body["changed"] == 1
    world.settle()
    assert planned() == ["2026-12-01T09:00:00Z", "2026-12-03T07:00:00Z"]
    assert len(world.schedules()) == 2


def planned() -> list[str]:
    items = call("GET", "/v1/appointments/1").body["reminders"]
    return sorted(each["at"] for each in items if each["state"] == "planned")
