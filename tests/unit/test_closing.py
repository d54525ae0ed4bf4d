"""Outcomes that nobody knows: looked up at the provider within the hour, closed by one match, and never sent again."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from carillon.adapters.providers.twilio_lookup import match
from carillon.domain.channels import Channel
from carillon.domain.messages import LEASE
from carillon.ports.delivery import Found, LookUpFailed, Outcome
from carillon.services.receipts import Receipt
from tests.builders import NOW, ORG
from tests.rig import Rig

UNKNOWN = Outcome("unknown", reason="provider_timeout")
TEXT = "reminder.day_before v1"


def unknown(channel: Channel = "whatsapp") -> Rig:
    rig = Rig()
    rig.put(notify=False)
    rig.follow("anna")
    if channel != "whatsapp":
        rig.connections.channels = frozenset({channel})
    rig.fire("day_before")
    rig.provider.script = [UNKNOWN]
    rig.deliver(channel)
    return rig


def look(rig: Rig) -> list[tuple[str, str | None]]:
    """Move the clock to the look that was asked for, and take it."""
    (ready,) = rig.queues.ready
    assert ready.at is not None
    rig.clock.at = ready.at
    return [(sent.result, sent.reason) for sent in rig.deliver("whatsapp")]


def test_a_message_is_looked_up_four_times_within_the_hour_and_stays_unknown_if_nobody_has_it() -> None:
    rig = unknown()
    begun = rig.clock.at
    for minutes in (5, 20, 35, 50):
        assert look(rig) == [("dropped", "unknown")]
        assert rig.clock.at == begun + timedelta(minutes=minutes)
    assert rig.queues.ready == []
    assert (rig.only().status, rig.only().reason) == ("unknown", "provider_timeout")
    assert len(rig.provider.sent) == 1
    outgoing, first, last = rig.look_up.asked[0]
    assert (outgoing.to, outgoing.rendered.text) == (rig.only().to, TEXT)
    assert first <= begun <= last <= begun + LEASE + timedelta(minutes=1)


@pytest.mark.parametrize("status", ["sent", "delivered", "read"])
def test_what_the_provider_has_closes_the_message(status: Any) -> None:
    rig = unknown()
    rig.look_up.kept[TEXT] = Found(status, "SM7")
    assert look(rig) == [("dropped", "looked_up")]
    assert (rig.only().status, rig.only().provider_id) == (status, "SM7")
    assert rig.queues.ready == []


def test_what_failed_after_all_gives_the_next_channel_its_turn() -> None:
    rig = unknown()
    rig.look_up.kept[TEXT] = Found("failed", "SM7", "unreachable")
    look(rig)
    rig.deliver("sms")
    assert {each.channel: each.status for each in rig.account.found(ORG)} == {"whatsapp": "failed", "sms": "sent"}


def test_a_callback_that_was_sooner_leaves_nothing_to_look_up() -> None:
    rig = unknown()
    rig.receipts().apply(Receipt(rig.tokens.issue(ORG, rig.only().key), "delivered", None, "SM1"))
    assert look(rig) == [("dropped", "delivered")]
    assert rig.look_up.asked == []


def test_a_provider_that_cannot_be_asked_is_asked_again() -> None:
    rig = unknown()

    class Down:
        def find(self, *_: Any) -> None:
            raise LookUpFailed("down")

    rig.look_up = Down()  # type: ignore[assignment]
    assert look(rig) == [("dropped", "unknown")]
    assert len(rig.queues.ready) == 1


def test_a_holder_that_died_is_looked_up_too() -> None:
    rig = Rig()
    rig.put(notify=False)
    rig.follow("anna")
    rig.fire("day_before")
    rig.provider.script = [RuntimeError("gone")]
    rig.deliver("whatsapp")
    rig.clock.at += LEASE
    rig.deliver("whatsapp")
    assert rig.only().status == "unknown"
    rig.look_up.kept[TEXT] = Found("delivered", "SM7")
    look(rig)
    assert rig.only().status == "delivered"


@pytest.mark.parametrize("channel", ["sms", "email"])
def test_where_nobody_can_be_asked_nothing_is_looked_up(channel: Channel) -> None:
    rig = unknown(channel)
    assert rig.only().status == "unknown"
    assert rig.queues.ready == []


def test_hours_later_nothing_is_looked_up_any_more() -> None:
    rig = unknown()
    (ready,) = rig.take("whatsapp")
    rig.clock.advance(hours=3)
    rig.queues.ready = [ready]
    rig.deliver("whatsapp")
    assert rig.look_up.asked == []
    assert rig.queues.ready == []


def listed(**changes: Any) -> Any:
    basis = {
        "sid": "SM1",
        "status": "delivered",
        "direction": "outbound-api",
        "body": "Hello Anna,\n\n see you tomorrow",
        "error_code": None,
        "date_created": NOW,
    }
    return SimpleNamespace(**(basis | changes))


def found(*messages: Any, begin: datetime = NOW, end: datetime = NOW + timedelta(seconds=30)) -> Found | None:
    return match(messages, "Hello Anna, see you tomorrow", begin, end)


def test_one_message_of_the_same_words_in_the_same_seconds_is_the_one() -> None:
    assert found(listed()) == Found("delivered", "SM1")
    others = (listed(sid="SM2", body="Hello Bob"), listed(sid="SM3", date_created=NOW - timedelta(minutes=1)))
    assert found(listed(), *others) == Found("delivered", "SM1")


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [listed(), listed(sid="SM2")],
        [listed(body=None)],
        [listed(body="Hello Anna")],
        [listed(direction="inbound")],
        [listed(date_created=None)],
        [listed(date_created=NOW + timedelta(minutes=1))],
        [listed(status="receiving")],
    ],
)
def test_none_or_several_or_another_text_leave_it_unknown(messages: list[Any]) -> None:
    assert found(*messages) is None


@pytest.mark.parametrize(
    ("status", "code", "closed"),
    [
        ("queued", None, Found("sent", "SM1")),
        ("accepted", None, Found("sent", "SM1")),
        ("sent", None, Found("sent", "SM1")),
        ("read", None, Found("read", "SM1")),
        ("undelivered", 63003, Found("failed", "SM1", "unreachable")),
        ("failed", 63016, Found("failed", "SM1", "content_rejected")),
    ],
)
def test_twilios_statuses_are_read_as_its_callbacks_are(status: str, code: int | None, closed: Found) -> None:
    assert found(listed(status=status, error_code=code)) == closed
