"""WhatsApp's window: free text for a day after the person wrote, between the two numbers that spoke, and not a moment
longer."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from carillon.domain.channel_states import ChannelState
from carillon.domain.clients import Client
from carillon.domain.decide import decide_reminder
from carillon.domain.merging import merged
from carillon.domain.reach import Conversation, Reach
from carillon.domain.recipients import client_recipient
from carillon.domain.settings import MessageMode
from carillon.domain.times import iso
from carillon.domain.window import is_open
from tests.builders import NOW, client, facts, organization, reminder, settings

PHONE = "+31612345678"
OWN = organization(channels={"whatsapp": ChannelState(status="active", sender="+48700000000")})


def wrote(ago: timedelta = timedelta(hours=1), to: str = "", address: str = PHONE, **changes: Any) -> Client:
    reach = Reach(
        replied_at={"whatsapp": iso(NOW - ago)}, conversations={"whatsapp": Conversation(address=address, to=to)}
    )
    return client(reach=reach, **changes)


def opened(of: Client, now: datetime | None = NOW, own: bool = False) -> bool:
    mode = MessageMode(mode="own") if own else MessageMode()
    about = settings(message_mode=mode)
    return is_open(client_recipient(of, about), OWN if own else organization(), about, now)


@pytest.mark.parametrize(
    ("ago", "expected"),
    [
        (timedelta(0), True),
        (timedelta(hours=23, minutes=29, seconds=59), True),
        # Half an hour of margin: the message may wait at the provider.
        (timedelta(hours=23, minutes=30), False),
        (timedelta(hours=24), False),
        (timedelta(days=30), False),
    ],
)
def test_the_window_is_open_for_a_day_less_a_margin(ago: timedelta, expected: bool) -> None:
    assert opened(wrote(ago)) is expected


def test_who_never_wrote_has_no_window() -> None:
    assert not opened(client())


def test_without_a_clock_nothing_is_open() -> None:
    assert not opened(wrote(), now=None)


@pytest.mark.parametrize(("to", "own", "expected"), [("", False, True), ("+48700000000", True, True)])
def test_the_window_is_with_the_number_that_was_written_to(to: str, own: bool, expected: bool) -> None:
    assert opened(wrote(to=to), own=own) is expected


@pytest.mark.parametrize(("to", "own"), [("", True), ("+48700000000", False), ("+48799999999", True)])
def test_another_number_has_no_window(to: str, own: bool) -> None:
    assert not opened(wrote(to=to), own=own)


def test_a_changed_phone_closes_the_window() -> None:
    assert not opened(wrote(address="+31600000000"))


def test_a_phone_that_whatsapp_spells_otherwise_is_the_same() -> None:
    assert opened(wrote(address="+5215512345678", phone="+525512345678"))


def test_within_the_window_no_template_is_needed() -> None:
    first = reminder("day_before", channels=["whatsapp", "email"])
    asked = facts(client=wrote(reminders=[first]), whatsapp_templates=frozenset(), now=NOW)
    verdict = decide_reminder("day_before", asked)
    assert verdict is not None
    assert [decision.channel for decision in verdict.send] == ["whatsapp"]


def test_outside_of_it_a_text_without_template_gives_its_turn_to_the_next_channel() -> None:
    first = reminder("day_before", channels=["whatsapp", "email"])
    asked = facts(client=wrote(timedelta(days=2), reminders=[first]), whatsapp_templates=frozenset(), now=NOW)
    verdict = decide_reminder("day_before", asked)
    assert verdict is not None
    assert [(item.channel, item.reason) for item in verdict.listed] == [
        ("whatsapp", "whatsapp_template_missing"),
        ("email", None),
    ]


def test_an_opt_out_closes_more_than_a_window_opens() -> None:
    first = reminder("day_before", channels=["whatsapp", "email"])
    asked = facts(client=wrote(reminders=[first], opted_out=["whatsapp"]), now=NOW)
    verdict = decide_reminder("day_before", asked)
    assert verdict is not None
    assert verdict.refused[0].reason == "opted_out"


def test_merging_keeps_both_ends_of_the_kept_clients_conversation_together() -> None:
    both = merged(wrote(to="+48700000000"), wrote(timedelta(minutes=5)))
    assert both.reach.conversations["whatsapp"] == Conversation(address=PHONE, to="+48700000000")
    assert both.reach.replied_at["whatsapp"] == iso(NOW - timedelta(hours=1))
