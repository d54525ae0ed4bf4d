"""Links to Telegram's chats: who may have one, who opened it, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.bots import TOKEN, PlayedBots, playing
from tests.integration.account import Aws, call
from tests.integration.chat_salon import CHAT, ChatSalon
from tests.integration.world import World, unwatch

CONNECTED = "You're connected: Salon Aurora will write to you here. Reply STOP and it ends."
ASK_AGAIN = "Deze link is al gebruikt of verlopen. Vraag Salon Aurora om een nieuwe."


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


def test_a_link_is_random_means_nothing_and_is_stored_as_its_hash(salon: ChatSalon) -> None:
    salon.open("telegram")
    answer = call("POST", "/v1/clients/anna/telegram-links")
    assert answer.status == 201
    assert answer.body["url"].startswith("https://t.me/aurora_bot?start=")
    assert answer.body["expires_at"] == "2026-11-24T09:00:00Z"
    payload = answer.body["url"].partition("?start=")[2]
    assert 32 <= len(payload) <= 64
    assert payload.replace("-", "").replace("_", "").isalnum()
    assert payload not in str(salon.world.aws.items())
    assert payload != salon.link("telegram")


def test_an_update_brought_again_changes_nothing_and_is_answered_the_same(salon: ChatSalon) -> None:
    salon.open("telegram")
    update = salon.message(f"/start {salon.link('telegram')}")
    first = salon.update(update)
    before = salon.world.aws.items()
    again = salon.update(update)
    assert (again.status, again.body) == (first.status, first.body)
    assert salon.world.aws.items() == before


def test_a_second_person_who_opens_the_link_is_told_so_politely(salon: ChatSalon) -> None:
    salon.open("telegram")
    payload = salon.link("telegram")
    salon.wrote(f"/start {payload}")
    stranger = salon.wrote(f"/start {payload}", chat=666)
    assert stranger.body == told(ASK_AGAIN, 666)
    assert salon.rows() == [(f"aurora#U#t:{CHAT}", "C#anna")]


def test_a_link_is_over_after_a_day(salon: ChatSalon) -> None:
    salon.open("telegram")
    payload = salon.link("telegram")
    salon.world.aws.clock.advance(timedelta(hours=24))
    assert salon.wrote(f"/start {payload}").body == told(ASK_AGAIN)
    assert salon.client()["telegram_linked"] is False


@pytest.mark.parametrize("payload", ["guess", "x" * 64, "anna"])
def test_a_guess_opens_nothing(salon: ChatSalon, payload: str) -> None:
    salon.open("telegram")
    salon.link("telegram")
    assert salon.wrote(f"/start {payload}").body == told(ASK_AGAIN)
    assert salon.rows() == []


def test_of_two_who_open_a_link_at_once_exactly_one_is_linked(salon: ChatSalon) -> None:
    salon.open("telegram")
    payload = salon.link("telegram")
    salon.just_before("TransactWriteItems", lambda: salon.wrote(f"/start {payload}", chat=666))
    mine = salon.wrote(f"/start {payload}")
    assert mine.body == told(ASK_AGAIN)
    assert salon.rows() == [("aurora#U#t:666", "C#anna")]


def test_a_client_changed_meanwhile_is_linked_all_the_same(salon: ChatSalon) -> None:
    salon.open("telegram")
    payload = salon.link("telegram")
    salon.just_before("TransactWriteItems", lambda: call("PATCH", "/v1/clients/anna", {"last_name": "Berg"}))
    assert salon.wrote(f"/start {payload}").body == told(CONNECTED)
    assert (salon.client()["last_name"], salon.client()["telegram_linked"]) == ("Berg", True)


def test_a_link_for_a_client_that_was_removed_since_is_of_no_use(salon: ChatSalon) -> None:
    salon.open("telegram")
    payload = salon.link("telegram")
    call("DELETE", "/v1/clients/anna")
    assert salon.wrote(f"/start {payload}").body == told(ASK_AGAIN)


def test_a_link_made_before_a_merge_links_the_client_that_was_kept(salon: ChatSalon) -> None:
    salon.open("telegram", "anna", "twin")
    payload = salon.link("telegram", "twin")
    call("POST", "/v1/clients/merge", {"keep": "anna", "remove": "twin"})
    salon.wrote(f"/start {payload}")
    assert salon.rows() == [(f"aurora#U#t:{CHAT}", "C#anna")]


def test_while_notifications_are_inactive_no_link_is_made_and_nothing_is_said(salon: ChatSalon) -> None:
    salon.open("telegram")
    payload = salon.link("telegram")
    call("POST", "/v1/integrations/notifications/deactivate")
    refused = call("POST", "/v1/clients/anna/telegram-links")
    assert (refused.status, refused.code) == (403, "notifications_inactive")
    assert salon.wrote(f"/start {payload}").body == {}
    assert salon.client()["telegram_linked"] is True


def test_without_a_bot_there_is_no_link(salon: ChatSalon) -> None:
    salon.open("telegram")
    refused = call("POST", "/v1/clients/anna/viber-links")
    assert (refused.status, refused.code) == (409, "channel_not_connected")
    assert call("DELETE", "/v1/channels/telegram").status == 204
    assert call("POST", "/v1/clients/anna/telegram-links").status == 409


def test_there_is_no_link_for_nobody(salon: ChatSalon) -> None:
    salon.open("telegram")
    assert call("POST", "/v1/clients/nobody/telegram-links").status == 404


def test_a_repeated_request_for_a_link_gets_the_same_one(salon: ChatSalon) -> None:
    salon.open("telegram")
    key = {"idempotency-key": "once"}
    first, second = (call("POST", "/v1/clients/anna/telegram-links", headers=key) for _ in range(2))
    assert first.body == second.body
    assert len(salon.world.aws.items("aurora#LNK#")) == 1


def test_test_data_is_linked_at_once_and_nothing_leaves(salon: ChatSalon) -> None:
    salon.open("telegram")
    call("POST", "/v1/integrations/notifications/activate", mode="test")
    asked = len(salon.bots.asked)
    assert call("PUT", "/v1/channels/telegram", {"bot_token": TOKEN}, mode="test").status == 201
    person = {"id": "anna", "first_name": "Anna", "phone": "+31612340001"}
    call("POST", "/v1/clients", person, mode="test")
    link = call("POST", "/v1/clients/anna/telegram-links", mode="test").body
    assert link["url"].startswith("https://example.com/")
    assert call("GET", "/v1/clients/anna", mode="test").body["can_message"]["telegram"] is True
    assert salon.client()["telegram_linked"] is False
    assert len(salon.bots.asked) == asked
