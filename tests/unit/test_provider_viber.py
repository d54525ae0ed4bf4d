"""Viber's REST Bot API: what is asked for, and what each status inside a 200 means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from carillon.adapters.providers.viber import ViberBotApi
from carillon.adapters.providers.viber_codes import SUBSCRIBING_PAUSE
from carillon.domain.own_channels import OwnSender
from carillon.ports.delivery import Outcome
from tests.bots import VIBER_TOKEN, PlayedApi, outgoing, playing

ACCEPTED = {"status": 0, "status_message": "ok", "message_token": 5741311803571721087, "billing_status": 1}


@pytest.fixture
def api() -> Iterator[PlayedApi]:
    with playing(PlayedApi(body=ACCEPTED)) as played:
        yield played


def send(attempt: int = 1, **changes: Any) -> Outcome:
    return ViberBotApi("https://chatapi.viber.com").send(outgoing("viber", attempt=attempt, **changes))


def test_text_goes_once_from_the_organizations_own_bot_and_the_token_comes_back(api: PlayedApi) -> None:
    assert send() == Outcome("accepted", provider_id="5741311803571721087")
    (asked,) = api.asked
    assert asked.url == "https://chatapi.viber.com/pa/send_message"
    assert asked.headers["X-Viber-Auth-Token"] == VIBER_TOKEN
    assert asked.document == {
        "receiver": "01234567890A=",
        "type": "text",
        "text": "Tot morgen om 14:30",
        "sender": {"name": "Salon Aurora"},
        "tracking_data": "tok_EN-1",
        "min_api_version": 1,
    }


def test_a_senders_name_has_28_characters_at_most(api: PlayedApi) -> None:
    send(own=OwnSender(sender="S" * 40, secrets={"auth_token": VIBER_TOKEN}))
    assert api.asked[0].document["sender"] == {"name": "S" * 28}


def test_a_bot_without_a_name_speaks_for_the_organization(api: PlayedApi) -> None:
    send(own=OwnSender(sender="", secrets={"auth_token": VIBER_TOKEN}), sender_name="A" * 30)
    assert api.asked[0].document["sender"] == {"name": "A" * 28}


@pytest.mark.parametrize("own", [None, OwnSender(sender="Salon")])
def test_without_a_bot_of_its_own_nothing_is_asked(api: PlayedApi, own: OwnSender | None) -> None:
    assert send(own=own) == Outcome("misconfigured", code="no_credentials")
    assert api.asked == []


@pytest.mark.parametrize(
    ("status", "name", "reason"),
    [
        (3, "badData", "content_rejected"),
        (4, "missingData", "content_rejected"),
        (5, "receiverNotRegistered", "recipient_rejected"),
        (11, "receiverNoSuitableDevice", "unreachable"),
        (13, "apiVersionNotSupported", "unreachable"),
        (14, "incompatibleWithVersion", "content_rejected"),
        (16, "inchatReplyMessageNotAllowed", "provider_error"),
        (17, "publicAccountIsNotInline", "provider_error"),
        (19, "cannotSendBroadcast", "provider_error"),
        (20, "broadcastNotAllowed", "provider_error"),
        (99, "something new", "provider_error"),
        (-1, "generalError", "provider_error"),
    ],
)
def test_refusals_for_good_have_their_reason(api: PlayedApi, status: int, name: str, reason: str) -> None:
    api.answers(200, {"status": status, "status_message": name})
    assert send() == Outcome("permanent", reason=reason, code=str(status))


@pytest.mark.parametrize("status", [1, 2, 7, 8, 9, 10, 15])
def test_what_is_wrong_with_the_bot_is_the_senders_fault(api: PlayedApi, status: int) -> None:
    api.answers(200, {"status": status, "status_message": "…"})
    assert send() == Outcome("misconfigured", code=str(status))


@pytest.mark.parametrize("status", [12, 18])
def test_too_many_passes(api: PlayedApi, status: int) -> None:
    api.answers(200, {"status": status, "status_message": "tooManyRequests"})
    assert send() == Outcome("retry", code=str(status))


def test_who_is_not_subscribed_may_just_have_begun_and_else_has_ended_it(api: PlayedApi) -> None:
    api.answers(200, {"status": 6, "status_message": "receiverNotSubscribed"})
    assert send() == Outcome("retry", code="6", retry_after=SUBSCRIBING_PAUSE)
    assert send(2) == Outcome("permanent", reason="blocked_by_recipient", code="6")


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (429, Outcome("retry", code="429")),
        (401, Outcome("misconfigured", code="401")),
        (403, Outcome("misconfigured", code="403")),
        (400, Outcome("permanent", reason="provider_error", code="400")),
        (500, Outcome("unknown", reason="provider_5xx", code="500")),
        (503, Outcome("unknown", reason="provider_5xx", code="503")),
    ],
)
def test_a_status_of_http_counts_before_the_body(api: PlayedApi, status: int, outcome: Outcome) -> None:
    api.answers(status, {"status": 0, "message_token": 1})
    assert send() == outcome


@pytest.mark.parametrize("body", ["", "<html></html>", "[]", {}, {"status": "0"}, {"status": None}, {"status": True}])
def test_a_200_that_can_not_be_read_is_unknown(api: PlayedApi, body: object) -> None:
    api.answers(200, body)
    assert send() == Outcome("unknown", reason="connection_lost", code="unreadable_answer")


def test_an_acceptance_without_a_token_of_viber_is_one(api: PlayedApi) -> None:
    api.answers(200, {"status": 0, "status_message": "ok"})
    assert send() == Outcome("accepted", provider_id=None)
