"""Who blocks the sender, or tells its provider to stop, has opted out: told by the answer or by a receipt."""

from contextlib import suppress
from datetime import timedelta

import pytest

from carillon.ports.delivery import Outcome
from carillon.services.opting import Opting
from carillon.services.receipts import Receipt
from tests.builders import ORG
from tests.doubles import CountingIds
from tests.faults import Died, Failed, Line
from tests.rig import Rig

BLOCKED = Outcome("permanent", reason="blocked_by_recipient", code="21610")


def due(line: Line | None = None) -> Rig:
    """A reminder that waits on the WhatsApp queue."""
    made = Rig(line)
    made.put(notify=False)
    made.follow("anna")
    made.fire("day_before")
    return made


def opted_out(rig: Rig) -> list[str]:
    return list(rig.account.clients[ORG, "anna"].opted_out)


def reported(rig: Rig, reason: str | None = "blocked_by_recipient") -> None:
    message = next(m for m in rig.account.found(ORG) if m.channel == "whatsapp")
    token = rig.tokens.issue(ORG, message.key)
    rig.receipts().apply(Receipt(token, "failed", reason, "SM1", code="63014"))


def test_a_block_that_the_provider_answers_is_an_opt_out_and_the_next_channel_has_its_turn() -> None:
    rig = due()
    rig.provider.script = [BLOCKED]
    rig.deliver("whatsapp")
    assert opted_out(rig) == ["whatsapp"]
    ((ref, entry),) = rig.optings.ledger
    assert (ref, entry.source, entry.wording, entry.opt) == ("c:anna", "twilio_21610", None, "out")
    assert {m.channel: m.status for m in rig.account.found(ORG)} == {"whatsapp": "failed", "sms": "queued"}


def test_a_block_that_a_receipt_tells_is_an_opt_out() -> None:
    rig = due()
    rig.deliver("whatsapp")
    reported(rig)
    assert opted_out(rig) == ["whatsapp"]
    assert rig.optings.ledger[0][1].source == "twilio_63014"


def test_the_same_receipt_twice_is_one_opt_out() -> None:
    rig = due()
    rig.deliver("whatsapp")
    reported(rig)
    reported(rig)
    assert len(rig.optings.ledger) == 1


def test_a_receipt_that_comes_again_after_the_person_came_back_changes_nothing() -> None:
    rig = due()
    rig.deliver("whatsapp")
    reported(rig)
    rig.clock.advance(minutes=5)
    Opting(rig.optings, rig.clock, CountingIds(100)).back(ORG, "c:anna", "whatsapp", source="whatsapp_reply")
    rig.clock.advance(minutes=5)
    reported(rig)
    assert opted_out(rig) == []


@pytest.mark.parametrize("reason", ["recipient_rejected", "unreachable", "provider_error"])
def test_other_failures_say_nothing_about_the_person(reason: str) -> None:
    rig = due()
    rig.provider.script = [Outcome("permanent", reason=reason, code="30004")]
    rig.deliver("whatsapp")
    rig.deliver("sms")
    assert opted_out(rig) == []


def test_the_next_message_of_a_person_who_blocked_is_suppressed() -> None:
    rig = due()
    rig.provider.script = [BLOCKED]
    rig.deliver("whatsapp")
    rig.fire("morning_of")
    latest = [m for m in rig.account.found(ORG) if m.occasion.reminder == "morning_of"]
    assert [(m.channel, m.tried) for m in latest] == [("sms", (("whatsapp", "opted_out"),))]


def test_a_sender_that_breaks_anywhere_leaves_an_opt_out_once_its_message_comes_again() -> None:
    rig = due()
    rig.provider.script = [BLOCKED]
    waiting = rig.take("whatsapp")
    calls = len(rig.line.calls)
    rig.sender("whatsapp").send(waiting)
    total = len(rig.line.calls) - calls
    assert total > 3
    for at in range(1, total + 1):
        for kind in ("dies_after", "fails_before", "fails_after"):
            broken(at, kind)


def broken(at: int, kind: str) -> None:
    """Break the sender at a call, then let the queue bring the message again: a failure is an opt-out."""
    rig = due()
    rig.provider.script = [BLOCKED]
    waiting = rig.take("whatsapp")
    rig.line.at, rig.line.kind = len(rig.line.calls) + at, kind  # type: ignore[assignment]
    with suppress(Died, Failed):
        rig.sender("whatsapp").send(waiting)
    rig.line.at = None
    rig.clock.at += timedelta(seconds=30)
    rig.sender("whatsapp").send(waiting)
    message = next(m for m in rig.account.found(ORG) if m.channel == "whatsapp")
    assert len(rig.provider.sent) <= 1 + (kind == "fails_before"), (at, kind)
    if message.status == "failed":
        assert opted_out(rig) == ["whatsapp"], (at, kind)
        assert len(rig.optings.ledger) == 1, (at, kind)
    else:
        # Its sender died before the outcome was known here, or the provider was never asked.
        assert message.status in ("unknown", "sending", "queued"), (at, kind)
