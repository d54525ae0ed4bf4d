"""When a channel fails for good: the next one gets its turn, or nobody does."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from carillon.domain.clients import ConsentState
from carillon.ports.delivery import Outcome
from tests.builders import ALL_SERVICE, ORG, START, client
from tests.rig import Rig


@pytest.fixture
def rig() -> Rig:
    """A booking that waits on the e-mail queue."""
    made = Rig()
    made.put()
    made.follow("anna")
    return made


@pytest.fixture
def due() -> Rig:
    """A reminder that waits on the WhatsApp queue; the booking has been told."""
    made = Rig()
    made.put()
    made.follow("anna")
    made.deliver()
    made.provider.sent.clear()
    made.fire("day_before")
    return made


def reminders(rig: Rig) -> dict[str | None, tuple[str, str | None]]:
    return {m.channel: (m.status, m.reason) for m in rig.account.found(ORG) if m.occasion.reminder}


def test_a_channel_that_fails_for_good_gives_its_turn_to_the_next(due: Rig) -> None:
    due.provider.script = [
        Outcome("permanent", reason="unreachable"),
        Outcome("permanent", reason="recipient_rejected"),
    ]
    for channel in ("whatsapp", "sms", "email"):
        due.deliver(channel)
    assert reminders(due) == {
        "whatsapp": ("failed", "unreachable"),
        "sms": ("failed", "recipient_rejected"),
        "email": ("sent", None),
    }
    last = next(m for m in due.account.found(ORG) if m.channel == "email" and m.occasion.reminder)
    assert dict(last.tried) == {"whatsapp": "unreachable", "sms": "recipient_rejected"}
    assert [outgoing.to for outgoing in due.provider.sent] == ["+31612345678", "+31612345678", "anna@example.com"]


def test_after_the_last_channel_nothing_follows(due: Rig) -> None:
    due.provider.script = [Outcome("permanent", reason="unreachable")] * 3
    for channel in ("whatsapp", "sms", "email"):
        due.deliver(channel)
    assert {status for status, _ in reminders(due).values()} == {"failed"}
    assert due.queues.ready == []


def test_a_channel_the_client_cannot_be_reached_on_is_passed_over(due: Rig) -> None:
    due.account.clients[ORG, "anna"] = client(consents=ConsentState(service={"whatsapp": True, "email": True}))
    due.provider.script = [Outcome("permanent", reason="unreachable")]
    due.deliver("whatsapp")
    assert reminders(due) == {"whatsapp": ("failed", "unreachable"), "email": ("queued", None)}


@pytest.mark.parametrize("outcome", [Outcome("unknown", reason="provider_timeout"), Outcome("unknown")])
def test_after_an_unknown_outcome_no_other_channel_follows(due: Rig, outcome: Outcome) -> None:
    due.provider.script = [outcome]
    due.deliver("whatsapp")
    assert [status for status, _ in reminders(due).values()] == ["unknown"]
    # What comes again is the message itself, to be looked up.
    assert {ready.channel for ready in due.queues.ready} == {"whatsapp"}


def test_consent_withdrawn_while_queued_gives_the_turn_to_the_next_channel(due: Rig) -> None:
    due.account.clients[ORG, "anna"] = client(consents=ConsentState(service=ALL_SERVICE | {"whatsapp": False}))
    due.deliver("whatsapp")
    due.deliver("sms")
    assert reminders(due) == {"whatsapp": ("suppressed", "consent_missing"), "sms": ("sent", None)}


@pytest.mark.parametrize(
    "change",
    [
        {"status": "cancelled"},
        {"start": "2026-12-04T10:00:00"},
        {"client_id": "bob"},
    ],
)
def test_what_is_not_true_any_more_goes_out_on_no_channel(due: Rig, change: dict[str, Any]) -> None:
    due.put(**change)
    due.deliver("whatsapp")
    assert reminders(due) == {"whatsapp": ("suppressed", "superseded")}
    assert due.take("sms") == []


def test_who_left_or_switched_the_reminder_off_hears_nothing_on_any_channel(due: Rig) -> None:
    due.account.clients[ORG, "anna"] = client(enrolled=False)
    due.deliver("whatsapp")
    assert reminders(due) == {"whatsapp": ("suppressed", "not_enrolled")}
    assert due.take("sms") == []


def test_no_fallback_starts_after_the_deadline(due: Rig) -> None:
    due.clock.at = START - timedelta(minutes=30, microseconds=1)

    class Slow:
        def send(self, _: object) -> Outcome:
            due.clock.advance(seconds=5)
            return Outcome("permanent", reason="unreachable")

    due.provider = Slow()  # type: ignore[assignment]
    due.deliver("whatsapp")
    assert reminders(due) == {"whatsapp": ("failed", "unreachable")}


def test_an_events_message_has_no_next_channel(rig: Rig) -> None:
    rig.provider.script = [Outcome("permanent", reason="recipient_rejected")]
    rig.deliver()
    assert [(m.channel, m.status) for m in rig.account.found(ORG)] == [("email", "failed")]


def test_the_strategy_all_has_no_next_channel() -> None:
    rig = Rig()
    mine = [replace(one, strategy="all", channels=["email", "sms"]) for one in client().reminders or []]
    rig.account.clients[ORG, "anna"] = client(reminders=mine)
    rig.put(notify=False)
    rig.follow("anna")
    rig.fire("day_before")
    rig.provider.script = [Outcome("permanent", reason="recipient_rejected")]
    rig.deliver("email")
    rig.deliver("sms")
    assert reminders(rig) == {"email": ("failed", "recipient_rejected"), "sms": ("sent", None)}


def test_a_redelivered_failure_queues_its_fallback_again(due: Rig) -> None:
    due.provider.script = [Outcome("permanent", reason="unreachable")]
    (ready,) = due.take("whatsapp")
    due.sender("whatsapp").send([ready])
    due.take("sms")  # the copy got lost
    due.sender("whatsapp").send([ready])
    assert len(due.provider.sent) == 1
    due.deliver("sms")
    assert reminders(due)["sms"] == ("sent", None)
