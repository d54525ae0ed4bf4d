"""What may break while sending, and who holds a message meanwhile."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from carillon.domain.messages import LEASE, Message
from carillon.ports.delivery import Outcome
from carillon.ports.messages import Claim, Moved
from carillon.ports.queues import Queues
from carillon.services.sending import Sender
from tests.builders import ORG
from tests.fake_messages import MemoryMessages
from tests.rig import Rig

DOWN = Outcome("retry", code="Throttling")


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


def claimed(rig: Rig) -> Message:
    """Let another sender claim the message and say nothing more."""
    assert MemoryMessages(rig.account).claim(ORG, rig.only(), Claim("other", rig.clock.at, "a@example.com", 1))
    return rig.only()


def test_what_another_sender_holds_comes_again_later(rig: Rig) -> None:
    claimed(rig)
    rig.clock.at += LEASE - timedelta(seconds=1)
    (done,) = rig.deliver()
    assert (done.result, rig.only().status) == ("busy", "sending")
    assert rig.provider.sent == []


def test_what_its_holder_left_is_unknown_and_never_sent_again(rig: Rig) -> None:
    claimed(rig)
    rig.clock.at += LEASE
    (done,) = rig.deliver()
    assert (done.result, rig.only().status, rig.only().reason) == ("unknown", "unknown", "connection_lost")
    assert rig.provider.sent == []


class Overtaken(MemoryMessages):
    """Another sender claims right before the first claim."""

    first = True

    def claim(self, org_id: str, message: Message, claim: Claim) -> bool:
        if self.first:
            self.first = False
            super().claim(org_id, message, Claim("other", claim.now, claim.to, claim.version))
        return super().claim(org_id, message, claim)


def test_a_claim_that_is_lost_calls_no_provider(rig: Rig) -> None:
    sender = replace(rig.sender(), messages=Overtaken(rig.account))
    (done,) = sender.send(rig.take("email"))
    assert (done.result, rig.only().owner) == ("busy", "other")
    assert rig.provider.sent == []


class AnswerLost(MemoryMessages):
    """Claims whose answer is lost: the client library repeats the write, which meets itself and is refused."""

    def claim(self, org_id: str, message: Message, claim: Claim) -> bool:
        super().claim(org_id, message, claim)
        return False


def test_a_claim_whose_answer_was_lost_is_known_by_its_owner_and_sent_once(rig: Rig) -> None:
    sender = replace(rig.sender(), messages=AnswerLost(rig.account))
    (done,) = sender.send(rig.take("email"))
    assert (done.result, rig.only().status) == ("sent", "sent")
    assert len(rig.provider.sent) == 1


class LostAnswers(MemoryMessages):
    """The table takes the claim, its answer gets lost, and the client's repetition finds the condition broken."""

    def claim(self, org_id: str, message: Message, claim: Claim) -> bool:
        super().claim(org_id, message, claim)
        return super().claim(org_id, message, claim)


def test_a_claim_whose_answer_was_lost_is_still_this_senders(rig: Rig) -> None:
    (done,) = replace(rig.sender(), messages=LostAnswers(rig.account)).send(rig.take("email"))
    assert (done.result, rig.only().status, len(rig.provider.sent)) == ("sent", "sent", 1)


class Bound(MemoryMessages):
    """A change binds the message to a newer version right before the first claim."""

    rig: Rig
    first = True

    def claim(self, org_id: str, message: Message, claim: Claim) -> bool:
        if self.first:
            self.first = False
            self.rig.put(start="2026-12-02T10:00:00")
            self.require(org_id, message.key, 2)
        return super().claim(org_id, message, claim)


def test_a_message_bound_to_a_newer_version_is_rendered_again_before_it_goes(rig: Rig) -> None:
    messages = Bound(rig.account)
    messages.rig = rig
    (done,) = replace(rig.sender(), messages=messages).send(rig.take("email"))
    assert done.result == "sent"
    assert [outgoing.rendered.text for outgoing in rig.provider.sent] == ["appointment.booked.console v2"]


def test_a_text_that_cannot_be_rendered_fails_with_its_reason(rig: Rig) -> None:
    rig.composer.broken = True
    (done,) = rig.deliver()
    assert (done.result, rig.only().status, rig.only().reason) == ("dropped", "failed", "template_error")
    assert rig.provider.sent == []


def test_a_reminder_that_cannot_be_rendered_on_one_channel_goes_to_the_next(due: Rig) -> None:
    due.composer.broken = True
    due.deliver("whatsapp")
    due.composer.broken = False
    due.deliver("sms")
    assert reminders(due) == {"whatsapp": ("failed", "template_error"), "sms": ("sent", None)}


class BrokenOutcomes(MemoryMessages):
    """The table refuses to take outcomes, a few times."""

    failures = 3
    tries = 0

    def finish(self, *args: Any, **kwargs: Any) -> bool:
        self.tries += 1
        if self.tries <= self.failures:
            raise TimeoutError("no table")
        return super().finish(*args, **kwargs)


def storing(rig: Rig, messages: MemoryMessages) -> Sender:
    """Give the sender of e-mail with another store."""
    sender = rig.sender()
    return replace(sender, messages=messages, settling=replace(sender.settling, messages=messages))


@pytest.mark.parametrize(("failures", "status"), [(1, "sent"), (2, "sent"), (3, "sending")])
def test_an_outcome_is_written_three_times_and_never_makes_the_queue_repeat(
    rig: Rig, failures: int, status: str
) -> None:
    messages = BrokenOutcomes(rig.account)
    messages.failures = failures
    (done,) = storing(rig, messages).send(rig.take("email"))
    assert done.result == "sent"
    assert rig.only().status == status
    assert len(rig.errors) == failures
    assert len(rig.provider.sent) == 1


def test_an_outcome_that_was_never_written_is_closed_by_its_receipt(rig: Rig) -> None:
    messages = BrokenOutcomes(rig.account)
    storing(rig, messages).send(rig.take("email"))
    assert MemoryMessages(rig.account).receipt(ORG, rig.only().key, Moved("delivered", rig.clock.at))
    assert rig.only().status == "delivered"


def test_one_message_that_breaks_does_not_take_its_batch_along(rig: Rig) -> None:
    rig.put(staff_ids=["s1"], start="2026-12-02T10:00:00")
    rig.follow("anna")
    rig.account.staff.clear()
    waiting = rig.take("email")

    class HalfBroken:
        def compose(self, message: Message, snapshot: Any) -> Any:
            if message.audience == "client":
                raise LookupError("a bug")
            return rig.composer.compose(message, snapshot)

    sender = rig.sender()
    half = replace(sender, outgoing=replace(sender.outgoing, composer=HalfBroken()))
    results = {sent.ready.key.recipient: sent.result for sent in half.send(waiting)}
    assert results == {"c:anna": "busy", "s:s1": "dropped"}
    assert [type(error) for error in rig.errors] == [LookupError]


def test_a_provider_that_raises_leaves_the_claim_to_its_lease(rig: Rig) -> None:
    rig.provider.script = [RuntimeError("a bug")]
    (done,) = rig.deliver()
    assert (done.result, rig.only().status) == ("busy", "sending")
    rig.clock.at += LEASE
    rig.deliver()
    assert (rig.only().status, len(rig.provider.sent)) == ("unknown", 1)


def test_a_fallback_that_cannot_be_decided_does_not_lose_the_failure(due: Rig) -> None:
    due.provider.script = [Outcome("permanent", reason="unreachable")]
    waiting = due.take("whatsapp")
    sender = due.sender("whatsapp")
    answers = iter([False, True])

    class Flickering(type(due.connections)):  # type: ignore[misc]
        def connected(self, *of: Any) -> Any:
            if next(answers, False):
                raise TimeoutError("no table")
            return super().connected(*of)

    flickering = replace(sender.fallback, connections=Flickering())
    sender = replace(
        sender, connections=Flickering(), fallback=flickering, settling=replace(sender.settling, fallback=flickering)
    )
    (done,) = sender.send(waiting)
    assert reminders(due) == {"whatsapp": ("failed", "unreachable")}
    # The queue brings it again, and its next channel gets its turn.
    assert done.result == "busy"
    due.queues.ready = [done.ready]
    due.deliver("whatsapp")
    due.deliver("sms")
    assert reminders(due) == {"whatsapp": ("failed", "unreachable"), "sms": ("sent", None)}


def test_a_message_whose_delayed_copy_cannot_be_queued_comes_again_itself(rig: Rig) -> None:
    rig.provider.script = [DOWN]

    class NoQueue:
        def send_ready(self, _: object) -> None:
            raise TimeoutError("no queue")

    sender, none = rig.sender(), cast("Queues", NoQueue())
    (done,) = replace(sender, queues=none, settling=replace(sender.settling, queues=none)).send(rig.take("email"))
    assert (done.result, rig.only().status) == ("busy", "queued")
    assert len(rig.errors) == 1
    rig.queues.ready = [done.ready]
    assert [sent.result for sent in rig.deliver()] == ["deferred"]
    assert len(rig.provider.sent) == 1
