"""Test-sends: sample data, sent for real, to the organization's own addresses and to nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from carillon.adapters.providers.ses import SesEmail
from carillon.adapters.providers.sns_sms import SnsSms
from carillon.adapters.providers.twilio_whatsapp import TwilioWhatsapp
from carillon.ports.delivery import Outcome, Outgoing
from tests.integration.account import Aws, Response, activate, call, new_organization
from tests.integration.world import World, unwatch

HX = "HX" + "d" * 32
BOOKED = "appointment.booked.widget"
MANAGER = {"email": "manager@example.com", "mobile": "+31612345678"}


@dataclass
class Salon:
    """An organization with a manager and staff; `sent` is what the providers were given."""

    aws: Aws
    world: World
    sent: list[Outgoing] = field(default_factory=list)

    def take(self, outgoing: Outgoing) -> Outcome:
        self.sent.append(outgoing)
        return Outcome("accepted", provider_id=f"id-{len(self.sent)}")


@pytest.fixture
def salon(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Salon]:
    new_organization()
    activate()
    call("PUT", "/v1/settings", {"manager": MANAGER}, headers={"if-match": "*"})
    call("POST", "/v1/staff", {"id": "s1", "name": "Sofie", "email": "sofie@example.com", "mobile": "+31687654321"})
    call("POST", "/v1/staff", {"id": "s2", "name": "Tom", "email": "tom@example.com", "active": False})
    call("POST", "/v1/clients", {"id": "c1", "first_name": "Anna", "email": "anna@example.com"})
    made = Salon(aws, World(aws))
    for provider in (SesEmail, SnsSms, TwilioWhatsapp):
        monkeypatch.setattr(provider, "send", lambda _, outgoing: made.take(outgoing))
    yield made
    unwatch()


def trial(to: str = "manager@example.com", channel: str = "email", key: str = BOOKED, **more: Any) -> Response:
    role, headers = more.pop("role", "manager"), more.pop("headers", None)
    body = {"key": key, "audience": "client", "channel": channel, "locale": "nl", "to": to} | more
    return call("POST", "/v1/templates/test-send", body, role=role, headers=headers)


def test_the_text_in_force_goes_to_the_manager_with_sample_data(salon: Salon) -> None:
    made = trial()
    assert (made.status, made.body["status"], made.body["to"]) == (202, "queued", "manager@example.com")
    salon.world.settle()
    (sent,) = salon.sent
    assert (sent.to, sent.message_id) == ("manager@example.com", made.body["id"])
    assert "Sanne" in sent.rendered.text
    assert "Salon Aurora" in (sent.rendered.html or "")
    told = call("GET", f"/v1/messages/{made.body['id']}").body
    assert (told["status"], told["origin"], told["record"], told["key"]) == ("sent", "manual", None, BOOKED)


def test_an_own_text_and_a_draft_over_it_are_sent_as_written(salon: Salon) -> None:
    path = f"/v1/templates/{BOOKED}/client/email/nl"
    call("PUT", path, {"subject": "Bewaard", "body": "Tot {{ appointment.time }}"}, headers={"if-match": "*"})
    trial("sofie@example.com")
    trial("sofie@example.com", subject="Concept", html="<p>{{ client.first_name }}</p>")
    salon.world.settle()
    by_subject = {each.rendered.subject: each.rendered for each in salon.sent}
    assert by_subject["Bewaard"].text.startswith("Tot 14:30")
    assert by_subject["Concept"].html == "<p>Sanne</p>"
    assert call("GET", path).body["subject"] == "Bewaard"


def test_a_national_number_is_the_same_phone_and_whatsapp_takes_an_approved_template(salon: Salon) -> None:
    assert trial("06 1234 5678", "sms").body["to"] == "+31612345678"
    refused = trial("+31687654321", "whatsapp")
    assert (refused.status, refused.code) == (409, "whatsapp_window_closed")
    assert trial("+31687654321", "whatsapp", body="Hoi").code == "whatsapp_window_closed"
    content = {"content_sid": HX, "variables": {"1": "client.first_name"}}
    assert trial("+31687654321", "whatsapp", body="Hoi", whatsapp=content).status == 202
    salon.world.settle()
    assert sorted((each.to, each.rendered.content_sid) for each in salon.sent) == [
        ("+31612345678", None),
        ("+31687654321", HX),
    ]


@pytest.mark.parametrize(
    ("to", "channel", "code"),
    [
        ("anna@example.com", "email", "unknown_reference"),
        ("tom@example.com", "email", "unknown_reference"),
        ("stranger@example.com", "email", "unknown_reference"),
        ("manager@example.com\nBcc: x@example.com", "email", "invalid_value"),
        ("+31611111111", "sms", "unknown_reference"),
        ("manager@example.com", "sms", "invalid_value"),
    ],
)
def test_no_other_address_is_sent_anything(salon: Salon, to: str, channel: str, code: str) -> None:
    refused = trial(to, channel)
    assert (refused.status, refused.faults) == (422, {"/to": code})
    salon.world.settle()
    assert salon.sent == []
    assert salon.world.messages() == []


def test_what_may_not_be_stored_is_not_sent_either(salon: Salon) -> None:
    assert trial(body="{{ nobody }}").faults == {"/body": "template_invalid"}
    assert trial(key="appointment.booked").faults == {"/key": "unknown_reference"}
    assert trial(key="own.nothing").faults == {"/body": "missing_field"}
    assert salon.world.messages() == []


def test_who_may_and_when(salon: Salon) -> None:
    assert {role: trial(role=role).status for role in ("org_admin", "manager", "integration", "staff")} == {
        "org_admin": 202,
        "manager": 202,
        "integration": 403,
        "staff": 403,
    }
    call("POST", "/v1/integrations/notifications/deactivate")
    assert trial().code == "notifications_inactive"
    salon.world.settle()
    assert salon.sent == [], "deactivating holds back what is queued"
    assert set(salon.world.statuses()) == {("email", "suppressed", "notifications_inactive")}


def test_an_address_given_up_while_the_test_waits_is_not_sent_to(salon: Salon) -> None:
    trial()
    trial("sofie@example.com")
    call("PUT", "/v1/settings", {"manager": {"email": "new@example.com", "mobile": None}}, headers={"if-match": "*"})
    call("PATCH", "/v1/staff/s1", {"active": False})
    salon.world.settle()
    assert salon.sent == []
    assert salon.world.statuses()["email", "suppressed", "no_address"] == 2


def test_one_that_waits_too_long_expires(salon: Salon) -> None:
    trial()
    salon.aws.clock.advance(timedelta(hours=24))
    salon.world.settle()
    assert set(salon.world.statuses()) == {("email", "expired", "too_late")}


def test_a_repeated_call_sends_once(salon: Salon) -> None:
    first, second = trial(headers={"idempotency-key": "k"}), trial(headers={"idempotency-key": "k"})
    assert (first.status, second.body) == (202, first.body)
    assert trial().body["id"] != first.body["id"], "without a key each call is a test of its own"
    salon.world.settle()
    assert len(salon.sent) == 2


def test_calls(salon: Salon) -> None:
    stored = ["dynamodb.PutItem", "dynamodb.PutItem", "sqs.SendMessageBatch"]
    made = salon.world.deaths.calls
    made.clear()
    trial()
    # The texts; what is sent; the message; its queue.
    assert made == ["dynamodb.BatchGetItem", *stored]
    made.clear()
    trial("sofie@example.com")
    # Staff are read only for an address that is not in the settings.
    assert made == ["dynamodb.BatchGetItem", "dynamodb.Query", *stored]


def test_one_whose_queue_message_was_lost_is_found_by_the_sweep(salon: Salon, monkeypatch: pytest.MonkeyPatch) -> None:
    from carillon.bootstrap import jobs, templates  # noqa: PLC0415 - they read the environment on first use

    with monkeypatch.context() as lost:
        lost.setattr(templates.trials()._queues, "send_ready", lambda _: None)
        trial()
    salon.world.settle()
    assert salon.sent == []
    salon.aws.clock.advance(timedelta(minutes=20))
    jobs.sweep().run("aurora")
    salon.world.settle()
    assert len(salon.sent) == 1
