"""Merging two clients over HTTP: one person from then on, whatever was under way and whatever dies in between."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from carillon.adapters import aws as aws_clients
from tests.integration.account import Aws, Response, activate, call, new_organization
from tests.integration.world import DeathError, Deaths, World, unwatch

pytestmark = pytest.mark.usefixtures("world")
YES = {"sms": True, "email": True}
ANNA = {"id": "anna", "first_name": "Anna", "phone": "+31612345678", "tags": ["vip"], "consents": {"service": YES}}
DOUBLE = {
    "id": "double",
    "first_name": "A.",
    "last_name": "Smit",
    "phone": "+31687654321",
    "email": "anna@example.com",
    "tags": ["vip", "new"],
    "consents": {"service": {"sms": True, "email": False, "whatsapp": True}},
}


@pytest.fixture
def world(aws: Aws) -> Iterator[World]:
    new_organization()
    activate()
    for client in (ANNA, DOUBLE):
        assert call("POST", "/v1/clients", client).status == 201
    made = World(aws)
    made.settle()
    yield made
    unwatch()


def merge(keep: str = "anna", remove: str = "double", **headers: str) -> Response:
    return call("POST", "/v1/clients/merge", {"keep": keep, "remove": remove}, headers=headers)


def book(name: str, client_id: str = "double", day: int = 3, **fields: Any) -> Response:
    body = {"client_id": client_id, "start": f"2026-12-{day:02}T14:30:00", "duration_minutes": 30, "status": "booked"}
    answer = call("PUT", f"/v1/appointments/{name}", body | fields)
    assert answer.status in (200, 201), answer.body
    return answer


def planned(client_id: str) -> set[tuple[str, str]]:
    items = call("GET", "/v1/reminders", query={"client_id": client_id}).body["items"]
    return {(each["record"], each["key"]) for each in items if each["state"] == "planned"}


def test_the_kept_clients_fields_win_and_the_stricter_consents_count() -> None:
    kept = merge()
    assert (kept.status, kept.body["id"], kept.body["first_name"]) == (200, "anna", "Anna")
    assert (kept.body["phone"], kept.body["email"], kept.body["last_name"]) == (
        "+31612345678",
        "anna@example.com",
        "Smit",
    )
    assert kept.body["tags"] == ["vip", "new"]
    assert kept.body["consents"] == {"service": {"sms": True, "email": False}, "marketing": {}}
    assert call("GET", "/v1/clients/anna").body == kept.body
    history = call("GET", "/v1/clients/anna/consents").body["history"]
    # All at the one instant of the test's clock, so their order is chance.
    assert sorted((each["channel"], each["granted"], each["source"]) for each in history) == [
        ("email", False, "api"),
        ("email", False, "merge"),
        ("email", True, "api"),
        ("sms", True, "api"),
        ("sms", True, "api"),
        ("whatsapp", True, "api"),
    ]


def test_the_removed_id_leads_to_the_kept_client() -> None:
    kept = merge().body
    assert call("GET", "/v1/clients/double").body == kept
    put = call("PUT", "/v1/clients/double", {"id": "double", "first_name": "Annelies", "phone": "0612345678"})
    assert (put.status, put.body["id"], put.body["first_name"]) == (200, "anna", "Annelies")
    assert call("GET", "/v1/clients/anna").body == put.body
    shown = {name: value for name, value in put.body.items() if not name.endswith(("_linked", "_message"))}
    assert call("PUT", "/v1/clients/double", shown).status == 200
    assert call("PATCH", "/v1/clients/double", {"locale": "pl"}).body["locale"] == "pl"
    assert call("PUT", "/v1/clients/double/consents", {"service": {"viber": True}}).status == 200
    assert call("GET", "/v1/clients/double/consents").body["service"]["viber"] is True
    assert call("DELETE", "/v1/clients/double/enrolment").status == 204
    assert call("GET", "/v1/clients/anna").body["enrolled"] is False
    assert call("GET", "/v1/clients/double/diagnosis").body["client_id"] == "anna"


def test_removing_the_removed_id_once_more_does_not_remove_the_person() -> None:
    merge()
    assert call("DELETE", "/v1/clients/double").status == 404
    assert call("GET", "/v1/clients/anna").status == 200


def test_only_the_kept_client_is_found_and_its_contacts_are_guarded() -> None:
    merge()
    assert [each["id"] for each in call("GET", "/v1/clients").body["items"]] == ["anna"]
    assert [each["id"] for each in call("GET", "/v1/clients", query={"q": "smit"}).body["items"]] == ["anna"]
    found = call("GET", "/v1/clients", query={"email": "anna@example.com"}).body["items"]
    assert [each["id"] for each in found] == ["anna"]
    taken = call("POST", "/v1/clients", {"first_name": "B", "email": "Anna@Example.com"})
    assert (taken.code, "anna" in taken.body["detail"]) == ("duplicate_client", True)
    assert call("POST", "/v1/clients", {"first_name": "B", "phone": "+31687654321"}).status == 201


def test_records_follow_with_their_reminders(world: World) -> None:
    book("1")
    book("2", day=5)
    world.settle()
    merge()
    world.settle()
    assert call("GET", "/v1/appointments/1").body["client_id"] == "anna"
    expected = {(f"appointments/{name}", key) for name in "12" for key in ("day_before", "morning_of")}
    assert (planned("anna"), planned("double")) == (expected, expected)
    assert len(world.schedules()) == 4
    world.sent.clear()
    world.advance_to(datetime(2026, 12, 10, tzinfo=UTC))
    assert [(channel, to) for channel, to, _ in world.sent] == [("sms", "+31612345678")] * 4


def test_what_was_sent_before_is_not_sent_again_and_stays_shown(world: World) -> None:
    book("1")
    world.advance_to(datetime(2026, 12, 2, 18, tzinfo=UTC))
    before = list(world.sent)
    merge()
    world.settle()
    assert world.sent == before
    shown = {each["key"]: each["state"] for each in call("GET", "/v1/appointments/1/reminders").body["items"]}
    assert shown["day_before"] == "fired"
    for client_id in ("anna", "double"):
        listed = call("GET", "/v1/messages", query={"client_id": client_id}).body["items"]
        assert "reminder.day_before" in {each["key"] for each in listed}
    world.advance_to(datetime(2026, 12, 10, tzinfo=UTC))
    assert len(world.sent) == len(before) + 1


def test_a_message_that_waits_is_sent_to_the_kept_client(world: World) -> None:
    call("PATCH", "/v1/clients/double", {"email": "old@example.com"})
    call("PUT", "/v1/clients/double/consents", {"service": {"email": True}})
    world.settle()
    book("1")
    world._stream()
    assert call("GET", "/v1/messages", query={"client_id": "double"}).body["items"][0]["status"] == "queued"
    call("PATCH", "/v1/clients/anna", {"email": "new@example.com"})
    merge()
    world.settle()
    assert [(channel, to) for channel, to, _ in world.sent] == [("email", "new@example.com")]


def test_an_appointment_put_under_the_removed_id_is_the_kept_clients(world: World) -> None:
    book("1")
    merge()
    world.settle()
    again = book("1")
    assert (again.status, again.body["events"], again.body["client_id"]) == (200, [], "anna")
    assert book("2", day=6).body["client_id"] == "anna"
    brought = call("GET", "/v1/appointments/2").body
    assert brought["client_id"] == "anna"


def test_repeating_a_merge_changes_nothing(world: World) -> None:
    first = merge(**{"idempotency-key": "m"})
    world.settle()
    before = world.aws.items("aurora#C#")
    again = merge()
    assert (again.status, again.body) == (200, first.body)
    assert merge(**{"idempotency-key": "m"}).body == first.body
    assert world.aws.items("aurora#C#") == before


def test_a_chain_of_merges_leads_to_the_last(world: World) -> None:
    book("1")
    merge()
    assert call("POST", "/v1/clients", {"id": "third", "first_name": "Anna"}).status == 201
    assert merge("third", "anna").status == 200
    world.settle()
    for name in ("anna", "double", "third"):
        assert call("GET", f"/v1/clients/{name}").body["id"] == "third"
    assert call("GET", "/v1/appointments/1").body["client_id"] == "third"
    assert len(call("GET", "/v1/clients/double/consents").body["history"]) >= 6


def test_clients_that_cannot_be_merged_are_named() -> None:
    assert merge("anna", "anna").faults == {"/remove": "invalid_value"}
    assert merge("nobody", "none").faults == {"/keep": "unknown_reference", "/remove": "unknown_reference"}
    merge()
    back = merge("double", "anna")
    assert (back.faults, "merged into 'anna'" in str(back.body)) == ({"/keep": "unknown_reference"}, True)
    call("POST", "/v1/clients", {"id": "third", "first_name": "C"})
    assert merge("third", "double").faults == {"/remove": "unknown_reference"}
    assert call("POST", "/v1/clients/merge", {"keep": "a"}).faults == {"/remove": "missing_field"}


def test_a_contact_that_is_shared_with_somebody_else_is_not_taken() -> None:
    child = {"id": "child", "first_name": "Anna", "phone": "+31687654321", "allow_shared_contact": True}
    assert call("POST", "/v1/clients", child).status == 201
    assert call("POST", "/v1/clients", {"id": "third", "first_name": "Anna"}).status == 201
    assert merge("third", "child").body["phone"] is None
    assert call("GET", "/v1/clients", query={"phone": "+31687654321"}).body["items"][0]["id"] == "double"


def test_a_client_that_changes_meanwhile_keeps_that_change(world: World) -> None:
    events = aws_clients.client("dynamodb").meta.events
    events.register("before-call.dynamodb", lambda model, **_: world.aws.heard(model.name))
    world.aws.just_before("TransactWriteItems", lambda: call("PATCH", "/v1/clients/anna", {"locale": "fr"}))
    assert merge().body["locale"] == "fr"
    assert call("GET", "/v1/clients/anna").body["email"] == "anna@example.com"


def test_the_calls_of_a_merge(world: World) -> None:
    book("1")
    world.settle()
    world.deaths.calls.clear()
    merge()
    moving = ["Query", "BatchGetItem", "BatchGetItem", "UpdateItem"]
    assert calls(world) == ["BatchGetItem", "Query", "TransactWriteItems", *moving]
    world.deaths.calls.clear()
    merge()
    assert calls(world) == ["BatchGetItem", "Query"]


def calls(world: World) -> list[str]:
    return [name.removeprefix("dynamodb.") for name in world.deaths.calls]


@pytest.mark.parametrize("at", [2, 3, 4, 6, 7, 9])
def test_a_death_anywhere_leaves_one_client_with_all_records(world: World, at: int) -> None:
    book("1")
    book("2", day=5)
    world.settle()
    world.deaths = Deaths(at=at)
    try:
        merge()
    except DeathError:
        world.listen()
    world.settle()
    if call("GET", "/v1/clients/double").body["id"] == "double":
        assert merge().status == 200
        world.settle()
    assert call("GET", "/v1/clients/double").body["id"] == "anna"
    assert {call("GET", f"/v1/appointments/{name}").body["client_id"] for name in "12"} == {"anna"}
    assert len(planned("anna")) == len(world.schedules()) == 4
    world.sent.clear()
    world.advance_to(datetime(2026, 12, 10, tzinfo=UTC))
    assert [(channel, to) for channel, to, _ in world.sent] == [("sms", "+31612345678")] * 4
