"""Telegram from the link to the block: what people do in the chat, through the real handlers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.bots import TOKEN, PlayedBots, playing
from tests.integration.account import Aws, call
from tests.integration.chat_salon import CHAT, ChatSalon
from tests.integration.world import World, unwatch
from tests.logs import listening

CONNECTED = "You're connected: Salon Aurora will write to you here. Reply STOP and it ends."


@pytest.fixture
def salon(aws: Aws) -> Iterator[ChatSalon]:
    with playing(PlayedBots()) as bots:
        assert isinstance(bots, PlayedBots)
        yield ChatSalon(World(aws), bots)
    unwatch()


def told(text: str, chat: int = CHAT) -> dict[str, object]:
    return {
        "method": "sendMessage",
        "chat_id": str(chat),
        "text": text,
        "link_preview_options": {"is_disabled": True},
    }


def test_opening_a_link_links_the_chat_and_is_the_consent(salon: ChatSalon) -> None:
    salon.open("telegram")
    answer = salon.wrote(f"/start {salon.link('telegram')}")
    assert (answer.status, answer.body) == (200, told(CONNECTED))
    client = salon.client()
    assert client["telegram_linked"] is True
    assert client["can_message"]["telegram"] is True
    assert salon.rows() == [(f"aurora#U#t:{CHAT}", "C#anna")]
    assert salon.history("telegram") == [("service", True, "telegram_link")]


def test_a_linked_client_is_told_by_the_organizations_bot(salon: ChatSalon) -> None:
    salon.open("telegram")
    salon.wrote(f"/start {salon.link('telegram')}")
    salon.book("telegram")
    ((chat, text),) = salon.bots.sent
    assert chat == str(CHAT)
    assert "14:30" in text.replace("2:30 PM", "14:30").replace("2:30 PM", "14:30")
    assert salon.statuses() == [("telegram", "sent", None)]
    assert [asked.url for asked in salon.bots.asked if asked.url.endswith("sendMessage")] == [
        f"https://api.telegram.org/bot{TOKEN}/sendMessage"
    ]


def test_without_a_link_there_is_no_consent_and_nothing_is_sent(salon: ChatSalon) -> None:
    salon.open("telegram")
    salon.book("telegram")
    assert salon.bots.sent == []
    assert [(st, rs) for _, st, rs in salon.statuses()] == [("suppressed", "consent_missing")]


def test_who_comes_without_a_link_is_told_where_it_comes_from(salon: ChatSalon) -> None:
    salon.open("telegram")
    answer = salon.wrote("/start")
    assert answer.body["text"].startswith("Deze chat is nog niet gekoppeld aan Salon Aurora.")


def test_a_parent_links_one_chat_for_two_children_and_a_block_ends_it_for_both(salon: ChatSalon) -> None:
    salon.open("telegram", "anna", "ben")
    for child in ("anna", "ben"):
        salon.wrote(f"/start {salon.link('telegram', child)}")
    assert salon.rows() == [(f"aurora#U#t:{CHAT}", "C#anna"), (f"aurora#U#t:{CHAT}", "C#ben")]
    assert salon.member("kicked").body == {}
    assert salon.rows() == []
    assert [salon.client(child)["telegram_linked"] for child in ("anna", "ben")] == [False, False]


def test_a_client_that_opens_a_link_from_another_chat_moves_there(salon: ChatSalon) -> None:
    salon.open("telegram")
    salon.wrote(f"/start {salon.link('telegram')}")
    salon.wrote(f"/start {salon.link('telegram')}", chat=4712)
    assert salon.rows() == [("aurora#U#t:4712", "C#anna")]
    salon.member("kicked")
    assert salon.client()["telegram_linked"] is True, "the old chat has no say any more"


def test_blocking_the_bot_withdraws_the_consent_and_a_new_link_gives_it_again(salon: ChatSalon) -> None:
    salon.open("telegram")
    salon.wrote(f"/start {salon.link('telegram')}")
    salon.world.aws.clock.advance(timedelta(minutes=5))
    salon.member("kicked")
    assert salon.client()["can_message"]["telegram"] is False
    assert salon.history("telegram")[1:] == [
        ("service", False, "telegram_ended"),
        ("marketing", False, "telegram_ended"),
    ]
    salon.world.aws.clock.advance(timedelta(minutes=5))
    salon.wrote(f"/start {salon.link('telegram')}")
    assert salon.client()["can_message"]["telegram"] is True


def test_news_of_a_block_that_come_after_the_next_link_are_passed_over(salon: ChatSalon) -> None:
    salon.open("telegram")
    blocked_at = salon.seconds
    salon.world.aws.clock.advance(timedelta(minutes=5))
    salon.wrote(f"/start {salon.link('telegram')}")
    salon.member("kicked", at=blocked_at)
    assert salon.client()["telegram_linked"] is True


@pytest.mark.parametrize("status", ["member", "administrator", "restricted"])
def test_other_changes_of_membership_end_nothing(salon: ChatSalon, status: str) -> None:
    salon.open("telegram")
    salon.wrote(f"/start {salon.link('telegram')}")
    salon.member(status)
    assert salon.client()["telegram_linked"] is True


def test_a_message_that_meets_a_block_ends_the_link(salon: ChatSalon) -> None:
    salon.open("telegram")
    salon.wrote(f"/start {salon.link('telegram')}")
    salon.world.aws.clock.advance(timedelta(minutes=5))
    forbidden = {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked by the user"}
    salon.bots.said["sendMessage"] = (403, forbidden)
    salon.book("telegram")
    assert salon.statuses() == [("telegram", "failed", "blocked_by_recipient")]
    assert (salon.client()["telegram_linked"], salon.rows()) == (False, [])
    assert salon.history("telegram")[-1] == ("marketing", False, "telegram_403")


def test_any_other_403_leaves_the_link(salon: ChatSalon) -> None:
    salon.open("telegram")
    salon.wrote(f"/start {salon.link('telegram')}")
    forbidden = {"ok": False, "error_code": 403, "description": "Forbidden: bot can't send messages to the user"}
    salon.bots.said["sendMessage"] = (403, forbidden)
    salon.book("telegram")
    assert salon.statuses() == [("telegram", "queued", "403")]
    assert salon.client()["telegram_linked"] is True


def test_stop_opts_out_and_telegrams_own_start_button_opts_back_in(salon: ChatSalon) -> None:
    salon.open("telegram")
    salon.wrote(f"/start {salon.link('telegram')}")
    salon.world.aws.clock.advance(timedelta(minutes=1))
    salon.wrote("Stop please")
    assert (salon.client()["telegram_linked"], salon.client()["can_message"]["telegram"]) == (True, False)
    salon.world.aws.clock.advance(timedelta(minutes=1))
    salon.wrote("/start")
    assert salon.client()["can_message"]["telegram"] is True


def test_what_a_client_writes_is_kept_once(salon: ChatSalon) -> None:
    salon.open("telegram")
    salon.wrote(f"/start {salon.link('telegram')}")
    for _ in range(2):
        assert salon.wrote("I'll be late", number=7).body == {}
    (reply,) = [item for item in salon.world.aws.items("aurora#") if item.get("ty") == "reply"]
    assert (reply["text"], reply["c"]) == ("I'll be late", "anna")


def test_a_removed_client_is_not_found_under_its_chat_and_is_again_when_it_comes_back(salon: ChatSalon) -> None:
    salon.open("telegram")
    salon.wrote(f"/start {salon.link('telegram')}")
    assert call("DELETE", "/v1/clients/anna").status == 204
    assert salon.rows() == []
    assert call("PUT", "/v1/clients/anna", {"first_name": "Anna"}).status == 201
    assert salon.rows() == [(f"aurora#U#t:{CHAT}", "C#anna")]


def test_a_merge_takes_the_chat_along(salon: ChatSalon) -> None:
    salon.open("telegram", "anna", "twin")
    salon.wrote(f"/start {salon.link('telegram', 'twin')}")
    assert call("POST", "/v1/clients/merge", {"keep": "anna", "remove": "twin"}).status == 200
    assert salon.rows() == [(f"aurora#U#t:{CHAT}", "C#anna")]
    assert salon.client()["telegram_linked"] is True


@pytest.mark.parametrize("secret", ["", "wrong", "ä"])
def test_an_update_without_the_secret_is_refused_and_changes_nothing(salon: ChatSalon, secret: str) -> None:
    salon.open("telegram")
    payload = salon.link("telegram")
    before = salon.world.aws.items()
    refused = salon.update(salon.message(f"/start {payload}"), secret=secret)
    assert (refused.status, refused.code) == (403, "signature_invalid")
    assert salon.world.aws.items() == before


@pytest.mark.parametrize("channel_id", ["01KAN0000000000000000000XX", "x" * 300, "%23"])
def test_an_unknown_channel_is_refused_alike(salon: ChatSalon, channel_id: str) -> None:
    salon.open("telegram")
    assert salon.update(salon.message("hi"), channel_id=channel_id).status == 403


def test_one_bots_secret_opens_no_other_channel(salon: ChatSalon) -> None:
    salon.open("telegram")
    salon.connect("viber")
    refused = salon.update(salon.message("hi"), channel_id=salon.ids["viber"])
    assert refused.status == 403


@pytest.mark.parametrize(
    "update",
    [
        {},
        {"update_id": 1},
        {"update_id": 1, "message": {"chat": {"id": -5, "type": "group"}, "text": "/start x"}},
        {"update_id": 1, "message": {"chat": {"id": 5, "type": "private"}, "photo": []}},
        {"update_id": 1, "message": {"chat": {"id": 5, "type": "private"}, "from": {"is_bot": True}, "text": "hi"}},
        {"update_id": "1", "message": {"chat": {"id": 5, "type": "private"}, "text": "hi"}},
        {"update_id": 1, "edited_message": {"chat": {"id": 5, "type": "private"}, "text": "hi"}},
    ],
)
def test_what_tells_nothing_is_taken_and_forgotten(salon: ChatSalon, update: dict[str, object]) -> None:
    salon.open("telegram")
    before = salon.world.aws.items()
    assert (salon.update(update).status, salon.update(update).body) == (200, {})
    assert salon.world.aws.items() == before


def test_no_token_and_no_payload_is_logged(salon: ChatSalon) -> None:
    with listening() as log:
        salon.open("telegram")
        payload = salon.link("telegram")
        salon.wrote(f"/start {payload}")
        salon.bots.said["sendMessage"] = (500, {})
        salon.book("telegram")
    assert TOKEN not in log.text
    assert payload not in log.text
    assert str(CHAT) not in log.text
    assert salon.statuses() == [("telegram", "unknown", "provider_5xx")]
