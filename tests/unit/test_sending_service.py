"""Sending a stored message: re-checked, rendered, claimed, handed to its provider once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from carillon.domain.clients import ConsentState
from carillon.domain.messages import LEASE, MAX_ATTEMPTS, Message
from carillon.domain.settings import Contact
from carillon.ports.delivery import Outcome
from tests.builders import ORG, client, organization, settings
from tests.rig import Rig

DOWN = Outcome("retry", code="Throttling")


@pytest.fixture
def rig() -> Rig:
    """A booking that waits on the e-mail queue."""
    made = Rig()
    made.put()
    made.follow("anna")
    return made


def statuses(message: Message) -> list[str]:
    return [status for _, status, _ in message.timeline]


def test_an_accepted_message_is_sent_with_the_providers_id(rig: Rig) -> None:
    rig.provider.script = [Outcome("accepted", provider_id="SM1", parts=2)]
    (done,) = rig.deliver()
    message = rig.only()
    assert (done.result, done.message_id, done.provider_id) == ("sent", message.id, "SM1")
    assert (message.status, message.provider_id, message.parts, message.attempt) == ("sent", "SM1", 2, 1)
    assert (message.owner, message.lease_until) == (None, None)
    assert statuses(message) == ["queued", "sending", "sent"]


def test_the_provider_gets_everything_it_needs(rig: Rig) -> None:
    rig.account.settings[ORG] = settings(contact=Contact(email="salon@example.com"))
    rig.deliver()
    (outgoing,) = rig.provider.sent
    message = rig.only()
    assert (outgoing.to, outgoing.org_id, outgoing.message_id) == ("anna@example.com", ORG, message.id)
    assert (outgoing.sender_name, outgoing.reply_to) == ("Salon Aurora", "salon@example.com")
    assert rig.tokens.read(outgoing.token) == (ORG, message.key)
    assert outgoing.valid_seconds == 24 * 3600


def test_a_message_is_claimed_before_its_provider_is_called(rig: Rig) -> None:
    seen: list[Message] = []

    class Watching:
        def send(self, _: object) -> Outcome:
            seen.append(rig.only())
            return Outcome("accepted", provider_id="p")

    rig.provider = Watching()  # type: ignore[assignment]
    rig.deliver()
    assert [(message.status, message.attempt) for message in seen] == [("sending", 1)]
    assert seen[0].lease_until == rig.clock.at + LEASE
    assert seen[0].owner


@pytest.mark.parametrize(
    ("outcome", "result", "status", "reason"),
    [
        (Outcome("permanent", reason="recipient_rejected", code="x"), "failed", "failed", "recipient_rejected"),
        (Outcome("permanent"), "failed", "failed", "provider_error"),
        (Outcome("unknown", reason="provider_timeout"), "unknown", "unknown", "provider_timeout"),
        (Outcome("unknown"), "unknown", "unknown", "connection_lost"),
    ],
)
def test_each_outcome_is_written(rig: Rig, outcome: Outcome, result: str, status: str, reason: str) -> None:
    rig.provider.script = [outcome]
    (done,) = rig.deliver()
    message = rig.only()
    assert (done.result, message.status, message.reason) == (result, status, reason)
    assert rig.queues.ready == []


def test_what_may_be_tried_later_waits_with_a_delayed_copy(rig: Rig) -> None:
    rig.provider.script = [DOWN]
    (done,) = rig.deliver()
    message = rig.only()
    assert (done.result, message.status, message.reason, message.attempt) == ("deferred", "queued", "Throttling", 1)
    assert message.not_before is not None
    (copy,) = rig.take("email")
    assert timedelta(seconds=7) <= message.not_before - rig.clock.at <= timedelta(seconds=15)
    assert timedelta(seconds=copy.delay) >= message.not_before - rig.clock.at
    rig.clock.advance(seconds=copy.delay)
    rig.queues.ready = [copy]
    rig.deliver()
    assert rig.only().status == "sent"
    assert rig.only().attempt == 2


def test_a_copy_that_comes_too_early_waits_on(rig: Rig) -> None:
    rig.provider.script = [Outcome("retry", retry_after=800)]
    rig.deliver()
    (copy,) = rig.take("email")
    rig.clock.advance(seconds=300)
    rig.queues.ready = [copy]
    (done,) = rig.deliver()
    assert (done.result, len(rig.provider.sent), rig.only().attempt) == ("deferred", 1, 1)
    (again,) = rig.take("email")
    assert again.delay >= 800 - 300


def test_a_provider_that_asks_for_hours_is_given_them_by_one_schedule(rig: Rig) -> None:
    rig.provider.script = [Outcome("retry", retry_after=6 * 3600)]
    rig.deliver()
    ((waiting, at),) = rig.queues.waits
    assert rig.queues.ready == []
    assert at == rig.only().not_before == rig.clock.at + timedelta(hours=6)
    rig.clock.at, rig.queues.ready = at, [waiting]
    assert [sent.result for sent in rig.deliver()] == ["sent"]


def test_attempts_end(rig: Rig) -> None:
    rig.provider.script = [DOWN] * 20
    for _ in range(20):
        rig.deliver()
        rig.clock.advance(minutes=16)
    message = rig.only()
    assert (message.status, message.reason, message.attempt) == ("failed", "attempts_exhausted", MAX_ATTEMPTS)
    assert len(rig.provider.sent) == MAX_ATTEMPTS


def test_nothing_is_tried_again_after_its_deadline(rig: Rig) -> None:
    rig.clock.at = rig.only().deadline - timedelta(seconds=5)
    rig.provider.script = [DOWN]
    (done,) = rig.deliver()
    assert (done.result, rig.only().status, rig.only().reason) == ("failed", "failed", "attempts_exhausted")


def test_what_waited_past_its_deadline_expires(rig: Rig) -> None:
    rig.clock.at = rig.only().deadline
    (done,) = rig.deliver()
    assert (done.result, rig.only().status, rig.only().reason) == ("dropped", "expired", "too_late")
    assert rig.provider.sent == []


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (client(consents=ConsentState()), "consent_missing"),
        (client(opted_out=["email"]), "opted_out"),
        (client(email=None), "no_address"),
    ],
)
def test_consent_and_address_are_checked_again_when_sending(rig: Rig, changed: Any, reason: str) -> None:
    rig.account.clients[ORG, "anna"] = changed
    (done,) = rig.deliver()
    assert (done.result, rig.only().status, rig.only().reason) == ("dropped", "suppressed", reason)
    assert rig.provider.sent == []


def test_a_new_address_is_used_and_noted(rig: Rig) -> None:
    rig.account.clients[ORG, "anna"] = client(email="new@example.com")
    rig.deliver()
    assert (rig.provider.sent[0].to, rig.only().to) == ("new@example.com", "new@example.com")


def test_an_organization_that_was_switched_off_or_removed_sends_nothing(rig: Rig) -> None:
    waiting = rig.take("email")
    rig.account.organizations[ORG] = organization(active=False)
    rig.queues.ready = list(waiting)
    rig.deliver()
    assert (rig.only().status, rig.only().reason) == ("suppressed", "notifications_inactive")
    rig.account.organizations.clear()
    rig.queues.ready = list(waiting)
    rig.deliver()
    assert rig.provider.sent == []


def test_a_record_that_is_gone_sends_nothing(rig: Rig) -> None:
    rig.account.records.clear()
    rig.deliver()
    assert (rig.only().status, rig.only().reason) == ("suppressed", "superseded")


def test_a_record_that_names_others_than_the_queue_message_is_read_again(rig: Rig) -> None:
    rig.deliver()
    rig.put(staff_ids=["s1"])
    rig.follow("anna")
    late = [replace(ready, client_id="bob", staff=()) for ready in rig.take("email")]
    rig.queues.ready = late
    assert {sent.result for sent in rig.deliver()} == {"sent"}


def test_a_message_that_is_gone_is_dropped(rig: Rig) -> None:
    rig.account.messages.clear()
    (done,) = rig.deliver()
    assert (done.result, done.reason) == ("dropped", "message_gone")


@pytest.mark.parametrize("status", ["sent", "delivered", "read", "unknown", "expired", "cancelled", "failed"])
def test_a_redelivery_of_what_is_settled_sends_nothing(rig: Rig, status: Any) -> None:
    message = rig.only()
    rig.account.messages[ORG, message.key] = replace(message, status=status)
    (done,) = rig.deliver()
    assert (done.result, done.reason) == ("dropped", status)
    assert rig.provider.sent == []
