"""Viber from the link to the end: what people do in the chat, through the real handlers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.bots import VIBER_TOKEN, PlayedBots, playing, raises
from tests.integration.account import Aws, call
from tests.integration.chat_salon import VIBER_USER, ChatSalon
from tests.integration.world import World, unwatch
from tests.logs import listening

AGREED = {"consents": {"service": {"viber": True}}}
CONNECTED = "You're connected: Salon Aurora will write to you here. Reply STOP and it ends."
JOIN = "Hello! Send any message here, and Salon Aurora can write to you on Viber."


@pytest.fixture
def salon(aws: Aws) -> Iterator[ChatSalon]:
    with playing(PlayedBots()) as bots:
        assert isinstance(bots, PlayedBots)
        made = ChatSalon(World(aws), bots)
        made.open("viber", **AGREED)
        yield made
    unwatch()


def welcome(text: str) -> dict[str, Any]:
    return {"type": "text", "sender": {"name": "Salon Aurora"}, "text": text, "min_api_version": 1}


def join(salon: ChatSalon, client_id: str = "anna") -> None:
    salon.opened(salon.link("viber", client_id))
    salon.said("OK")
    salon.bots.sent.clear()


@pytest.mark.usefixtures("salon")
def test_a_link_opens_the_bots_chat_with_the_payload_as_its_context() -> None:
    url = call("POST", "/v1/clients/anna/viber-links").body["url"]
    assert url.startswith("viber://pa?chatURI=aurora&context=")


def test_who_opens_a_link_is_asked_to_write_and_linked_when_he_does(salon: ChatSalon) -> None:
    opened = salon.opened(salon.link("viber"))
    assert (opened.status, opened.body) == (200, welcome(JOIN))
    assert salon.client()["viber_linked"] is False, "nobody who has not written can be written to"
    assert salon.said("hallo").body == {}
    assert salon.client()["viber_linked"] is True
    assert salon.bots.sent == [(VIBER_USER, CONNECTED)]
    assert salon.rows() == [(f"aurora#U#v:{VIBER_USER}", "C#anna")]


def test_who_is_subscribed_already_is_linked_at_once(salon: ChatSalon) -> None:
    opened = salon.opened(salon.link("viber"), subscribed=True)
    assert opened.body == welcome(CONNECTED)
    assert salon.client()["viber_linked"] is True


def test_subscribing_joins_as_writing_does(salon: ChatSalon) -> None:
    salon.opened(salon.link("viber"))
    salon.viber({"event": "subscribed", "user": {"id": VIBER_USER, "language": "nl"}})
    assert salon.client()["viber_linked"] is True


def test_events_brought_again_change_nothing_and_say_nothing_twice(salon: ChatSalon) -> None:
    payload = salon.link("viber")
    first, again = salon.opened(payload), salon.opened(payload)
    assert first.body == again.body
    salon.said("OK")
    before = [item for item in salon.world.aws.items() if item.get("ty") != "reply"]
    salon.viber({"event": "subscribed", "user": {"id": VIBER_USER}})
    assert [item for item in salon.world.aws.items() if item.get("ty") != "reply"] == before
    assert salon.bots.sent == [(VIBER_USER, CONNECTED)]


def test_of_two_who_open_a_link_the_second_is_told_so_politely(salon: ChatSalon) -> None:
    payload = salon.link("viber")
    salon.opened(payload)
    stranger = salon.opened(payload, user="stranger=")
    assert stranger.body["text"].startswith("Deze link is al gebruikt of verlopen.")
    salon.said("hi", user="stranger=")
    assert salon.rows() == []


def test_of_two_who_open_it_at_once_exactly_one_is_waited_for(salon: ChatSalon) -> None:
    payload = salon.link("viber")
    salon.just_before("TransactWriteItems", lambda: salon.opened(payload, user="faster="))
    mine = salon.opened(payload)
    assert mine.body["text"].startswith("Deze link is al gebruikt of verlopen.")
    salon.said("OK", user="faster=")
    assert salon.rows() == [("aurora#U#v:faster=", "C#anna")]


def test_who_writes_a_day_after_opening_it_is_a_stranger(salon: ChatSalon) -> None:
    salon.opened(salon.link("viber"))
    salon.world.aws.clock.advance(timedelta(hours=24))
    salon.said("OK")
    assert salon.client()["viber_linked"] is False


def test_who_opened_it_before_and_has_subscribed_since_is_linked_by_opening_it_again(salon: ChatSalon) -> None:
    payload = salon.link("viber")
    salon.opened(payload)
    assert salon.opened(payload, subscribed=True).body == welcome(CONNECTED)
    assert salon.client()["viber_linked"] is True


def test_a_link_that_was_used_is_of_no_use_after_leaving(salon: ChatSalon) -> None:
    payload = salon.link("viber")
    salon.opened(payload)
    salon.said("OK")
    salon.world.aws.clock.advance(timedelta(minutes=1))
    salon.viber({"event": "unsubscribed", "user_id": VIBER_USER})
    assert salon.opened(payload).body["text"].startswith("Deze link is al gebruikt of verlopen.")
    salon.said("hello?")
    assert salon.client()["viber_linked"] is False


def test_opening_the_chat_again_is_but_a_look(salon: ChatSalon) -> None:
    join(salon)
    salon.world.aws.clock.advance(timedelta(minutes=1))
    salon.said("stop")
    salon.world.aws.clock.advance(timedelta(minutes=1))
    assert salon.opened("", subscribed=True).body == {}
    assert salon.client()["can_message"]["viber"] is False


def test_a_stranger_who_opens_the_chat_is_told_where_links_come_from(salon: ChatSalon) -> None:
    assert salon.opened("").body["text"].startswith("Deze chat is nog niet gekoppeld aan Salon Aurora.")


def test_a_lost_confirmation_is_all_that_is_lost(salon: ChatSalon) -> None:
    salon.opened(salon.link("viber"))
    salon.bots.said["send_message"] = (500, {})
    assert salon.said("OK").status == 200
    assert salon.client()["viber_linked"] is True


def test_linking_is_no_consent_on_viber(salon: ChatSalon) -> None:
    call("POST", "/v1/clients", {"id": "ben", "first_name": "Ben"})
    salon.opened(salon.link("viber", "ben"), subscribed=True)
    assert salon.client("ben")["viber_linked"] is True
    assert salon.client("ben")["can_message"]["viber"] is False


def test_unsubscribing_ends_the_link_and_opts_out(salon: ChatSalon) -> None:
    join(salon)
    salon.world.aws.clock.advance(timedelta(minutes=1))
    salon.viber({"event": "unsubscribed", "user_id": VIBER_USER})
    assert (salon.client()["viber_linked"], salon.rows()) == (False, [])
    assert call("GET", "/v1/clients/anna/consents").body["opted_out"] == ["viber"]
    assert salon.history("viber")[-2:] == [("service", False, "viber_ended"), ("marketing", False, "viber_ended")]


def test_a_new_link_lifts_what_unsubscribing_barred(salon: ChatSalon) -> None:
    join(salon)
    salon.world.aws.clock.advance(timedelta(minutes=1))
    salon.viber({"event": "unsubscribed", "user_id": VIBER_USER})
    salon.world.aws.clock.advance(timedelta(minutes=1))
    join(salon)
    assert salon.client()["can_message"]["viber"] is True
    assert salon.history("viber")[-1] == ("service", True, "viber_link")


def test_who_turns_out_not_to_be_subscribed_twice_has_ended_it(salon: ChatSalon) -> None:
    join(salon)
    salon.bots.said["send_message"] = (200, {"status": 6, "status_message": "receiverNotSubscribed"})
    salon.book("viber")
    assert salon.statuses() == [("viber", "queued", "6")]
    assert salon.client()["viber_linked"] is True
    salon.world.aws.clock.advance(timedelta(minutes=2))
    salon.world.deliver_delayed()
    assert salon.statuses() == [("viber", "failed", "blocked_by_recipient")]
    assert salon.client()["viber_linked"] is False


def test_stop_opts_out_of_viber(salon: ChatSalon) -> None:
    join(salon)
    salon.world.aws.clock.advance(timedelta(minutes=1))
    salon.said("stop")
    assert (salon.client()["viber_linked"], salon.client()["can_message"]["viber"]) == (True, False)


def test_no_token_no_payload_and_nobody_is_logged(salon: ChatSalon) -> None:
    with listening() as log:
        payload = salon.link("viber")
        salon.opened(payload)
        salon.said("OK")
        salon.bots.on_connect = raises(OSError(VIBER_TOKEN))
        salon.book("viber")
    assert VIBER_TOKEN not in log.text
    assert payload not in log.text
    assert VIBER_USER not in log.text
    assert json.dumps(salon.statuses()) == '[["viber", "queued", "OSError"]]'
