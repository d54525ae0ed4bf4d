"""Linking and ending chats, as pure changes of a client."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.domain.chats import ChatChannel
from carillon.domain.clients import Client, ConsentState
from carillon.domain.consents import can_message
from carillon.domain.linking import Link, linked, unlinked, waiting_name
from carillon.domain.merging import merged
from carillon.domain.opting import client_opted
from tests.builders import NOW

ANNA = Client(id="anna", first_name="Anna")
AGREED = Client(id="anna", first_name="Anna", consents=ConsentState(service={"viber": True}, marketing={"viber": True}))


def later(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def test_telegram_is_consent_and_its_end_withdraws_it() -> None:
    after = linked(ANNA, "telegram", "1", NOW)
    assert can_message(after.client)["telegram"] is True
    assert after.entry is not None
    assert (after.entry.source, after.entry.actor, after.entry.opt) == ("telegram_link", {"recipient": "c:anna"}, None)
    ended = unlinked(after.client, "telegram", "1", later(1), "telegram_ended")
    assert ended.client.reach.chats == {}
    assert ended.client.consents.service == {"telegram": False}
    assert ended.entry is not None
    assert {(each.purpose, each.granted) for each in ended.entry.changes} == {("service", False), ("marketing", False)}


def test_viber_takes_consent_as_it_is_and_its_end_is_an_opt_out() -> None:
    after = linked(AGREED, "viber", "u", NOW)
    assert (after.client.consents, after.entry) == (AGREED.consents, None)
    ended = unlinked(after.client, "viber", "u", later(1), "viber_ended")
    assert ended.client.opted_out == ["viber"]
    assert ended.client.consents.marketing == {"viber": False}
    assert ended.entry is not None
    assert ended.entry.opt == "out"
    again = linked(ended.client, "viber", "u", later(2))
    assert can_message(again.client)["viber"] is True
    assert again.entry is not None
    assert again.entry.opt == "back"


@pytest.mark.parametrize("channel", ["telegram", "viber"])
def test_a_link_lifts_what_the_person_said_before(channel: ChatChannel) -> None:
    out = client_opted(linked(AGREED, channel, "1", NOW).client, channel, "out", later(5))
    assert can_message(linked(out, channel, "1", later(6)).client)[channel] is True
    # Even where the provider's clock is a little behind ours: a link is used once, so it is the latest word.
    assert channel not in linked(out, channel, "1", later(4)).client.opted_out


@pytest.mark.parametrize("channel", ["telegram", "viber"])
def test_linking_the_same_chat_again_is_no_news(channel: ChatChannel) -> None:
    once = linked(AGREED, channel, "1", NOW).client
    again = linked(once, channel, "1", later(3))
    assert (again.client, again.entry) == (once, None)


@pytest.mark.parametrize("channel", ["telegram", "viber"])
@pytest.mark.parametrize(("chat", "minute"), [("2", 1), ("1", -1)])
def test_another_chats_end_and_an_older_one_are_passed_over(channel: ChatChannel, chat: str, minute: int) -> None:
    once = linked(AGREED, channel, "1", NOW).client
    assert unlinked(once, channel, chat, later(minute), "x").client == once
    assert unlinked(AGREED, channel, chat, later(minute), "x").client == AGREED


@given(st.lists(st.tuples(st.sampled_from(["link", "end", "stop", "start"]), st.sampled_from(["1", "2"])), max_size=8))
def test_who_can_be_messaged_has_a_chat_and_said_nothing_against_it_since(steps: list[tuple[str, str]]) -> None:
    client, barred, chat = ANNA, False, ""
    for minute, (step, name) in enumerate(steps):
        at = later(minute)
        if step == "link":
            client, barred, chat = linked(client, "telegram", name, at).client, False, name
        elif step == "end":
            client = unlinked(client, "telegram", name, at, "x").client
            chat = "" if chat == name else chat
        else:
            client = client_opted(client, "telegram", "out" if step == "stop" else "back", at)
            barred = step == "stop"
    assert client.reach.chats.get("telegram", "") == chat
    assert can_message(client)["telegram"] is (chat != "" and not barred)


def test_of_two_chats_a_merge_keeps_the_kept_clients() -> None:
    keep, gone = linked(ANNA, "telegram", "1", NOW).client, linked(Client(id="twin"), "telegram", "2", NOW).client
    assert merged(keep, gone).reach.chats == {"telegram": "1"}
    assert merged(ANNA, gone).reach.chats == {"telegram": "2"}


def test_who_is_still_to_join_is_no_payload() -> None:
    assert ":" in waiting_name("viber", "u")
    assert Link("viber", "anna", NOW).used_by is None
