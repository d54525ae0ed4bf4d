"""Telegram's Bot API: what is asked for, and what each answer means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from carillon.adapters.providers.telegram import TelegramBotApi
from carillon.adapters.providers.telegram_codes import FORBIDDEN_PAUSE, FORBIDDEN_TRIES
from carillon.domain.own_channels import OwnSender
from carillon.ports.delivery import Outcome, Rendered
from tests.bots import TOKEN, PlayedApi, outgoing, playing

ACCEPTED = {"ok": True, "result": {"message_id": 17, "chat": {"id": 4711, "type": "private"}, "text": "…"}}


@pytest.fixture
def api() -> Iterator[PlayedApi]:
    with playing(PlayedApi(body=ACCEPTED)) as played:
        yield played


def send(attempt: int = 1, **changes: Any) -> Outcome:
    return TelegramBotApi("https://api.telegram.org").send(outgoing("telegram", attempt=attempt, **changes))


def problem(status: int, description: str, **more: Any) -> tuple[int, dict[str, Any]]:
    return status, {"ok": False, "error_code": status, "description": description, **more}


def test_plain_text_goes_once_from_the_organizations_own_bot(api: PlayedApi) -> None:
    assert send() == Outcome("accepted", provider_id="17")
    (asked,) = api.asked
    assert asked.url == f"https://api.telegram.org/bot{TOKEN}/sendMessage"
    assert asked.document == {
        "chat_id": "4711",
        "text": "Tot morgen om 14:30",
        "link_preview_options": {"is_disabled": True},
    }
    assert api.closed == 1


def test_what_people_typed_is_no_markup(api: PlayedApi) -> None:
    typed = "*Anna* <b>_x_</b> [a](http://b)"
    send(rendered=Rendered(typed))
    assert api.asked[0].document["text"] == typed
    assert "parse_mode" not in api.asked[0].document


def test_half_a_surrogate_pair_does_not_stop_a_message(api: PlayedApi) -> None:
    assert send(rendered=Rendered("Anna \ud83d")).kind == "accepted"
    assert api.asked[0].document["text"] == "Anna ?"


def test_another_base_address_takes_the_same_path(api: PlayedApi) -> None:
    TelegramBotApi("http://127.0.0.1:8081/").send(outgoing("telegram"))
    assert api.asked[0].url == f"http://127.0.0.1:8081/bot{TOKEN}/sendMessage"


@pytest.mark.parametrize("own", [None, OwnSender(sender="@aurora_bot")])
def test_without_a_bot_of_its_own_nothing_is_asked(api: PlayedApi, own: OwnSender | None) -> None:
    assert send(own=own) == Outcome("misconfigured", code="no_credentials")
    assert api.asked == []


def test_too_many_waits_as_long_as_telegram_says(api: PlayedApi) -> None:
    api.answers(*problem(429, "Too Many Requests: retry after 35", parameters={"retry_after": 35}))
    assert send() == Outcome("retry", code="429", retry_after=35)


@pytest.mark.parametrize("parameters", [None, {}, {"retry_after": "soon"}, {"retry_after": -1}, []])
def test_too_many_without_a_delay_leaves_it_to_ours(api: PlayedApi, parameters: object) -> None:
    api.answers(*problem(429, "Too Many Requests", parameters=parameters))
    assert send() == Outcome("retry", code="429")


@pytest.mark.parametrize("description", ["Forbidden: bot was blocked by the user", "Forbidden: user is deactivated"])
def test_only_these_say_that_the_person_ended_it(api: PlayedApi, description: str) -> None:
    api.answers(*problem(403, description))
    assert send() == Outcome("permanent", reason="blocked_by_recipient", code="403")


def test_any_other_403_is_tried_again_and_then_given_up_without_ending_the_link(api: PlayedApi) -> None:
    api.answers(*problem(403, "Forbidden: bot can't send messages to the user"))
    for attempt in range(1, FORBIDDEN_TRIES):
        assert send(attempt) == Outcome("retry", code="403", retry_after=FORBIDDEN_PAUSE)
    assert send(FORBIDDEN_TRIES) == Outcome("permanent", reason="unreachable", code="403")


@pytest.mark.parametrize(
    ("status", "description", "reason"),
    [
        (400, "Bad Request: chat not found", "recipient_rejected"),
        (400, "Bad Request: user not found", "recipient_rejected"),
        (400, "Bad Request: chat_id is empty", "recipient_rejected"),
        (400, "Bad Request: PEER_ID_INVALID", "recipient_rejected"),
        (400, "Bad Request: group chat was upgraded to a supergroup chat", "recipient_rejected"),
        (400, "Bad Request: message is too long", "content_rejected"),
        (400, "Bad Request: message text is empty", "content_rejected"),
        (400, "Bad Request: message must be non-empty", "content_rejected"),
        (400, "Bad Request: can't parse entities: Unsupported start tag", "content_rejected"),
        (400, "Bad Request: have no rights to send a message", "unreachable"),
        (400, "Bad Request: CHAT_WRITE_FORBIDDEN", "unreachable"),
        (403, "Forbidden: bot can't initiate conversation with a user", "unreachable"),
        (403, "Forbidden: bot can't send messages to bots", "recipient_rejected"),
        (413, "Request Entity Too Large", "content_rejected"),
        (400, "Bad Request: something new", "provider_error"),
        (409, "Conflict", "provider_error"),
    ],
)
def test_refusals_for_good_have_their_reason(api: PlayedApi, status: int, description: str, reason: str) -> None:
    api.answers(*problem(status, description))
    assert send() == Outcome("permanent", reason=reason, code=str(status))


@pytest.mark.parametrize(("status", "description"), [(401, "Unauthorized"), (404, "Not Found")])
def test_a_token_that_telegram_does_not_know_is_the_senders_fault(
    api: PlayedApi, status: int, description: str
) -> None:
    api.answers(*problem(status, description))
    assert send() == Outcome("misconfigured", code=str(status))


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_fault_of_telegrams_own_says_nothing_of_the_message(api: PlayedApi, status: int) -> None:
    api.answers(status, "<html>Bad Gateway</html>")
    assert send() == Outcome("unknown", reason="provider_5xx", code=str(status))


@pytest.mark.parametrize(
    "body", ["", "<html></html>", "[]", {"ok": True}, {"ok": True, "result": True}, {"ok": True, "result": {}}]
)
def test_an_acceptance_that_can_not_be_read_is_unknown(api: PlayedApi, body: object) -> None:
    api.answers(200, body)
    assert send() == Outcome("unknown", reason="connection_lost", code="unreadable_answer")


def test_a_refusal_inside_a_200_is_one(api: PlayedApi) -> None:
    api.answers(200, {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked by the user"})
    assert send() == Outcome("permanent", reason="blocked_by_recipient", code="403")
