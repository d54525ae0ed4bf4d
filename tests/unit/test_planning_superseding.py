"""What becomes of messages that still wait when the next change is followed."""

import pytest

from carillon.domain.messages import Message
from carillon.ports.messages import Moved
from tests.builders import ORG
from tests.fake_messages import MemoryMessages
from tests.rig import Rig

BOOKED, CHANGED, CANCELLED = (f"appointment.{kind}.console" for kind in ("booked", "changed", "cancelled"))


def test_a_change_while_the_booking_waits_is_dropped_and_the_booking_goes_with_the_new_values() -> None:
    rig = Rig()
    rig.put()
    rig.follow("anna")
    rig.put(start="2026-12-03T09:00:00")
    rig.follow("anna")
    assert rig.told()[:2] == [("email", BOOKED, "queued", None), (None, CHANGED, "suppressed", "superseded")]
    (sent,) = rig.deliver()
    assert sent.result == "sent"
    assert [outgoing.rendered.text for outgoing in rig.provider.sent] == [f"{BOOKED} v2"]


def test_a_booking_rendered_before_the_change_is_not_claimed_any_more() -> None:
    rig = Rig()
    rig.put()
    rig.follow("anna")
    waiting = rig.take("email")
    rig.put(start="2026-12-03T09:00:00")
    rig.follow("anna")
    assert rig.account.required == {(ORG, rig.only("queued").key): 2}
    rig.queues.ready = waiting
    rig.deliver()
    assert rig.provider.sent[0].rendered.text == f"{BOOKED} v2"


def test_a_change_after_the_booking_went_out_is_told() -> None:
    rig = Rig()
    rig.put()
    rig.follow("anna")
    rig.deliver()
    rig.put(start="2026-12-03T09:00:00")
    rig.follow("anna")
    assert [(m.template, m.status) for m in rig.account.found(ORG)] == [(BOOKED, "sent"), (CHANGED, "queued")]


def test_of_two_changes_that_wait_only_the_newer_is_told() -> None:
    rig = Rig()
    rig.put()
    rig.follow("anna")
    rig.deliver()
    rig.put(start="2026-12-03T09:00:00")
    rig.follow("anna")
    rig.put(start="2026-12-04T09:00:00")
    rig.follow("anna")
    changes = [(m.occasion.version, m.status, m.reason) for m in rig.account.found(ORG) if m.template == CHANGED]
    assert changes == [(2, "suppressed", "superseded"), (3, "queued", None)]
    results = sorted(sent.result for sent in rig.deliver())
    assert results == ["dropped", "sent"]
    assert len(rig.provider.sent) == 2


def test_a_change_that_its_sender_put_back_meanwhile_is_stopped_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rig, refused = Rig(), list[Message]()
    rig.put()
    rig.follow("anna")
    rig.deliver()
    rig.put(start="2026-12-03T09:00:00")
    rig.follow("anna")
    rig.put(start="2026-12-04T09:00:00")
    withdraw = MemoryMessages.withdraw

    def once_overtaken(self: MemoryMessages, org_id: str, message: Message, moved: Moved) -> bool:
        if not refused:
            refused.append(message)
            return False
        return withdraw(self, org_id, message, moved)

    monkeypatch.setattr(MemoryMessages, "withdraw", once_overtaken)
    rig.follow("anna")
    changes = [(m.occasion.version, m.status, m.reason) for m in rig.account.found(ORG) if m.template == CHANGED]
    assert refused
    assert changes == [(2, "suppressed", "superseded"), (3, "queued", None)]


def test_two_changes_followed_together_are_told_once() -> None:
    rig = Rig()
    rig.put()
    rig.follow("anna")
    rig.deliver()
    rig.put(start="2026-12-03T09:00:00")
    rig.put(start="2026-12-04T09:00:00")
    rig.follow("anna")
    rig.deliver()
    assert [outgoing.rendered.text for outgoing in rig.provider.sent] == [f"{BOOKED} v1", f"{CHANGED} v3"]


def test_a_change_is_told_on_the_channels_on_which_no_booking_waits() -> None:
    rig = Rig()
    rig.put(staff_ids=["s1"])
    rig.follow("anna")
    for_client = [ready for ready in rig.take("email") if ready.key.recipient == "c:anna"]
    rig.sender().send(for_client)
    rig.put(staff_ids=["s1"], start="2026-12-03T09:00:00")
    rig.follow("anna")
    changes = sorted((m.audience, m.status) for m in rig.account.found(ORG) if m.template == CHANGED)
    # The client has read the booking; the collaborator's still waits and carries the change.
    assert changes == [("client", "queued"), ("collaborator", "suppressed")]


def test_a_booking_that_never_went_out_before_its_cancellation_says_nothing() -> None:
    rig = Rig()
    rig.put()
    rig.follow("anna")
    rig.put(status="cancelled")
    rig.follow("anna")
    rig.deliver()
    told = {m.template: (m.status, m.reason) for m in rig.account.found(ORG)}
    assert told[BOOKED] == ("suppressed", "superseded")
    assert told[CANCELLED] == ("sent", None)


def test_booked_cancelled_and_booked_again_in_one_go_is_told_once() -> None:
    rig = Rig()
    for status in ("booked", "cancelled", "booked"):
        rig.put(status=status)
        rig.follow("anna")
    rig.deliver()
    told = [(m.template, m.occasion.version, m.status) for m in rig.account.found(ORG)]
    assert told == [(BOOKED, 1, "suppressed"), (CANCELLED, 2, "suppressed"), (BOOKED, 3, "sent")]
    assert len(rig.provider.sent) == 1


def test_cancelled_booked_and_cancelled_again_in_one_go_is_told_once() -> None:
    rig = Rig()
    rig.put()
    rig.follow("anna")
    rig.deliver()
    for status in ("cancelled", "booked", "cancelled"):
        rig.put(status=status)
        rig.follow("anna")
    rig.deliver()
    assert [outgoing.rendered.text for outgoing in rig.provider.sent] == [f"{BOOKED} v1", f"{CANCELLED} v4"]


def test_a_change_while_the_request_waits_goes_with_the_request() -> None:
    rig = Rig()
    rig.put(status="requested")
    rig.follow("anna")
    rig.put(status="requested", start="2026-12-03T09:00:00")
    rig.follow("anna")
    assert [sent.result for sent in rig.deliver()] == ["sent"]
    assert [outgoing.rendered.text for outgoing in rig.provider.sent] == ["appointment.requested v2"]


def test_a_request_that_was_accepted_before_it_went_out_is_told_as_accepted_only() -> None:
    rig = Rig()
    rig.put(status="requested")
    rig.follow("anna")
    rig.put(status="accepted")
    rig.follow("anna")
    assert sorted(sent.result for sent in rig.deliver()) == ["dropped", "sent"]
    assert [outgoing.rendered.text for outgoing in rig.provider.sent] == ["appointment.accepted v2"]
