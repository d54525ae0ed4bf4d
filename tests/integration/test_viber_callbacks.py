"""Viber's callbacks: receipts of messages, signatures, and the webhook itself."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from typing import Any

import pytest

from tests.bots import VIBER_MESSAGE, VIBER_TOKEN, PlayedBots, playing
from tests.integration.account import Aws, call
from tests.integration.chat_salon import VIBER_USER, ChatSalon, callback
from tests.integration.world import World, unwatch

AGREED = {"consents": {"service": {"viber": True}}}


@pytest.fixture
def salon(aws: Aws) -> Iterator[ChatSalon]:
    with playing(PlayedBots()) as bots:
        assert isinstance(bots, PlayedBots)
        made = ChatSalon(World(aws), bots)
        made.open("viber", **AGREED)
        yield made
    unwatch()


def join(salon: ChatSalon, client_id: str = "anna") -> None:
    salon.opened(salon.link("viber", client_id))
    salon.said("OK")
    salon.bots.sent.clear()


def delivered(salon: ChatSalon, event: str, number: int = 1, user: str = VIBER_USER) -> int:
    report = {"event": event, "message_token": VIBER_MESSAGE + number, "user_id": user}
    return salon.viber(report).status


def test_a_message_goes_out_and_its_receipts_move_it_never_back(salon: ChatSalon) -> None:
    join(salon)
    salon.book("viber")
    assert [chat for chat, _ in salon.bots.sent] == [VIBER_USER]
    assert salon.statuses() == [("viber", "sent", None)]
    assert delivered(salon, "delivered") == 200
    assert salon.statuses() == [("viber", "delivered", None)]
    assert delivered(salon, "seen") == 200
    assert delivered(salon, "delivered") == 200
    assert salon.statuses() == [("viber", "read", None)]


def test_a_late_failure_is_one(salon: ChatSalon) -> None:
    join(salon)
    salon.book("viber")
    assert (
        salon.viber(
            {"event": "failed", "message_token": VIBER_MESSAGE + 1, "user_id": VIBER_USER, "desc": "failure"}
        ).body
        == {}
    )
    assert salon.statuses() == [("viber", "failed", "provider_error")]


@pytest.mark.parametrize(("number", "user"), [(9, VIBER_USER), (1, "stranger="), (1, "")])
def test_receipts_of_what_nobody_knows_change_nothing(salon: ChatSalon, number: int, user: str) -> None:
    join(salon)
    salon.book("viber")
    assert delivered(salon, "delivered", number, user) == 200
    assert salon.statuses() == [("viber", "sent", None)]


def test_a_receipt_of_a_message_that_was_merged_away_finds_it(salon: ChatSalon) -> None:
    call("POST", "/v1/clients", {"id": "twin", "first_name": "Anna"} | AGREED)
    join(salon, "twin")
    salon.book("viber", "twin")
    call("POST", "/v1/clients/merge", {"keep": "anna", "remove": "twin"})
    assert delivered(salon, "delivered") == 200
    assert salon.statuses()[0] == ("viber", "delivered", None)


def test_a_receipt_that_overtakes_the_outcome_is_asked_to_come_again(salon: ChatSalon) -> None:
    join(salon)
    said: list[int] = []

    def overtake() -> None:
        salon.bots.on_answer = original
        said.append(delivered(salon, "delivered"))
        original()

    original = salon.bots.on_answer
    salon.bots.on_answer = overtake
    salon.book("viber")
    assert said == [500]
    assert salon.statuses() == [("viber", "sent", None)]
    assert delivered(salon, "delivered") == 200
    assert salon.statuses() == [("viber", "delivered", None)]


def test_an_event_that_is_not_signed_by_this_bot_is_refused_and_changes_nothing(salon: ChatSalon) -> None:
    payload = salon.link("viber")
    before = salon.world.aws.items()
    started = {"event": "conversation_started", "context": payload, "user": {"id": VIBER_USER}}
    assert salon.viber(started, signed=False).status == 403
    assert salon.viber(started, token="another").status == 403
    assert salon.viber(started, token="").status == 403
    assert salon.world.aws.items() == before


def test_the_signature_covers_the_bytes_as_they_came(salon: ChatSalon) -> None:
    body = '{"event":  "message", "sender": {"id": "x"}, "message": {"text": "żółć 💛"}}'
    signed = hmac.new(VIBER_TOKEN.encode(), body.encode(), hashlib.sha256).hexdigest()
    path = f"/callbacks/viber/{salon.ids['viber']}"
    assert callback(path, body, {"x-viber-content-signature": signed.upper()}).status == 200
    assert callback(path, body.replace("  ", " "), {"x-viber-content-signature": signed}).status == 403


def test_the_call_by_which_viber_tries_the_webhook_is_answered_while_it_is_being_set(salon: ChatSalon) -> None:
    assert call("DELETE", "/v1/channels/viber").status == 204
    tried: list[int] = []

    def answer() -> None:
        if salon.bots.asked[-1].url.endswith("set_webhook"):
            salon.ids["viber"] = salon.bots.asked[-1].document["url"].rpartition("/")[2]
            tried.append(salon.viber({"event": "webhook"}).status)
        original()

    original = salon.bots.on_answer
    salon.bots.on_answer = answer
    salon.connect("viber")
    assert tried == [200]


def test_a_bot_that_was_given_up_is_refused(salon: ChatSalon) -> None:
    assert call("DELETE", "/v1/channels/viber").status == 204
    assert salon.said("hi").status == 403


@pytest.mark.parametrize(
    "document",
    [
        {"event": "webhook"},
        {"event": "message"},
        {"event": "message", "sender": {}, "message": {"text": "hi"}},
        {"event": "conversation_started", "user": []},
        {"event": "client_status"},
        {"event": "delivered"},
    ],
)
def test_what_tells_nothing_is_taken_and_forgotten(salon: ChatSalon, document: dict[str, Any]) -> None:
    before = salon.world.aws.items()
    assert (salon.viber(document).status, salon.viber(document).body) == (200, {})
    assert salon.world.aws.items() == before
