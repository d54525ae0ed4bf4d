"""Explain over HTTP: who would be told what, where, and the level at which it is decided otherwise."""

from typing import Any

import pytest

from tests.integration.account import Aws, activate, call, new_organization

pytestmark = pytest.mark.usefixtures("organization")
ANNA = {"id": "anna", "first_name": "Anna", "phone": "+31612345678", "email": "anna@example.com"}


@pytest.fixture
def organization(aws: Aws) -> None:
    new_organization()
    activate()
    anna = ANNA | {"consents": {"service": {"sms": True}}}
    assert call("POST", "/v1/clients", anna).status == 201
    assert call("POST", "/v1/staff", {"id": "s1", "name": "Sam", "email": "sam@example.com"}).status == 201
    body = {
        "client_id": "anna",
        "staff_ids": ["s1"],
        "start": "2026-12-01T14:30:00",
        "duration_minutes": 30,
        "status": "booked",
    }
    assert call("PUT", "/v1/appointments/a1", body).status == 201
    aws.calls.clear()


def explain(**asked: Any) -> list[dict[str, Any]]:
    answer = call("POST", "/v1/explain", {"record": "appointments/a1", **asked})
    assert answer.status == 200, answer.body
    items: list[dict[str, Any]] = answer.body["items"]
    return items


def test_a_reminder_goes_on_the_first_channel_that_can_and_says_why_not_on_the_others(aws: Aws) -> None:
    items = explain(reminder="day_before")
    assert aws.calls == ["BatchGetItem", "BatchGetItem", "Query", "Query"]
    assert [(item["channel"], item["would_send"], item["reason"], item["level"]) for item in items] == [
        ("whatsapp", False, "consent_missing", "client"),
        ("sms", True, None, "organization"),
        ("email", False, "consent_missing", "client"),
    ]
    sms = items[1]
    assert (sms["reminder"], sms["recipient"], sms["address"]) == ("day_before", "clients/anna", "+31612345678")
    assert (sms["at"], sms["template"]) == ("2026-11-30T17:00:00Z", "reminder.day_before")


def test_a_reminder_that_is_off_is_off_at_the_client(aws: Aws) -> None:
    assert {(item["reason"], item["level"]) for item in explain(reminder="hour_before")} == {
        ("reminder_disabled", "client")
    }
    assert "PutItem" not in aws.calls
    assert "UpdateItem" not in aws.calls


def test_an_event_names_every_rule_with_what_it_leaves_off() -> None:
    items = explain(event="appointment.booked")
    named = {(item["rule"], item["recipient"], item["channel"]): item for item in items}
    sam = named["appointment.booked.console.collaborator", "staff/s1", "email"]
    assert (sam["would_send"], sam["reason"], sam["level"], sam["address"]) == (
        True,
        None,
        "builtin",
        "sam@example.com",
    )
    off = named["appointment.booked.console.client", "clients/anna", "sms"]
    assert (off["would_send"], off["reason"], off["level"]) == (False, "rule_disabled", "builtin")
    lacking = named["appointment.booked.console.client", "clients/anna", "email"]
    assert (lacking["reason"], lacking["level"]) == ("consent_missing", "client")


def test_who_acts_chooses_the_rule_and_is_not_told_himself() -> None:
    items = explain(event="appointment.changed", actor={"type": "staff", "id": "s1"})
    assert {item["rule"] for item in items} <= {
        "appointment.changed.console.client",
        "appointment.changed.console.collaborator",
    }
    (mail,) = [item for item in items if item["recipient"] == "staff/s1" and item["channel"] == "email"]
    assert (mail["would_send"], mail["reason"]) == (False, "recipient_is_actor")


def test_without_a_question_everything_that_the_record_can_have_is_explained() -> None:
    items = explain()
    assert {item["reminder"] for item in items if item["reminder"]} >= {"day_before", "morning_of", "review"}
    assert any((item["rule"] or "").startswith("appointment.no_show") for item in items)


def test_a_reminder_of_a_cancelled_appointment_is_superseded() -> None:
    body = {"client_id": "anna", "start": "2026-12-01T14:30:00", "duration_minutes": 30, "status": "cancelled"}
    assert call("PUT", "/v1/appointments/a1", body).status == 200
    assert {(item["would_send"], item["reason"], item["level"]) for item in explain(reminder="day_before")} == {
        (False, "superseded", "record")
    }


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"event": "appointment.exploded"}, "/event"),
        ({"reminder": "never"}, "/reminder"),
        ({"event": "appointment.booked", "reminder": "day_before"}, "/reminder"),
        ({"record": "a1"}, "/record"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_where_it_does_not(asked: dict[str, Any], pointer: str) -> None:
    answer = call("POST", "/v1/explain", {"record": "appointments/a1", **asked})
    assert answer.status == 422
    assert pointer in {fault["pointer"] for fault in answer.body["errors"]}


def test_a_record_that_is_not_there_is_not_found() -> None:
    assert call("POST", "/v1/explain", {"record": "appointments/none"}).status == 404


def test_it_is_hidden_while_notifications_are_inactive() -> None:
    assert call("POST", "/v1/integrations/notifications/deactivate").status == 200
    answer = call("POST", "/v1/explain", {"record": "appointments/a1"})
    assert (answer.status, answer.code) == (403, "notifications_inactive")
