"""`fallback_after`: a channel that has receipts and brought none in time gives its turn to the next one, once."""

from datetime import timedelta
from typing import Any

import pytest

from carillon.domain.channels import Channel
from carillon.domain.messages import Message
from carillon.domain.patience import SHORTEST, patience
from carillon.domain.settings import Reminder, When
from carillon.ports.delivery import Outcome
from carillon.services.receipts import Receipt
from tests.builders import ORG, client, message, reminder_occasion, settings
from tests.rig import Rig

HALF_AN_HOUR = timedelta(minutes=30)


def due(rig: Rig, key: str = "day_before") -> Rig:
    rig.put(notify=False)
    rig.follow("anna")
    rig.fire(key)
    return rig


def sent(**of_settings: Any) -> Rig:
    """A reminder that went out by WhatsApp, with half an hour for its receipt."""
    rig = due(Rig(**({"fallback_after": "PT30M"} | of_settings)))
    rig.deliver("whatsapp")
    return rig


def of(rig: Rig) -> dict[Channel | None, str]:
    return {each.channel: each.status for each in rig.account.found(ORG)}


def bring(rig: Rig) -> None:
    """Move the clock to the turn of what waits, and bring it as its queue or its schedule does."""
    waiting = [*rig.queues.ready, *(ready for ready, _ in rig.queues.waits)]
    rig.queues.ready, rig.queues.waits = waiting, []
    rig.clock.at = max([rig.clock.at, *(ready.at for ready in waiting if ready.at is not None)])


def report(rig: Rig, status: str, reason: str | None = None) -> None:
    first = next(each for each in rig.account.found(ORG) if each.channel == "whatsapp")
    rig.receipts().apply(Receipt(rig.tokens.issue(ORG, first.key), status, reason, "p"))


def test_a_message_that_was_sent_waits_for_its_receipt_by_one_schedule() -> None:
    rig = sent()
    assert rig.only().fallback_at == rig.clock.at + HALF_AN_HOUR
    ((waiting, at),) = rig.queues.waits
    assert (waiting.key, at) == (rig.only().key, rig.only().fallback_at)
    assert rig.queues.ready == []


def test_without_a_receipt_the_next_channel_gets_its_turn_and_the_first_message_stays_sent() -> None:
    rig = sent()
    bring(rig)
    rig.deliver("whatsapp")
    assert of(rig) == {"whatsapp": "sent", "sms": "queued"}
    rig.deliver("sms")
    assert of(rig) == {"whatsapp": "sent", "sms": "sent"}
    assert [each.tried for each in rig.account.found(ORG)] == [(), (("whatsapp", "unreachable"),)]


def test_a_receipt_that_comes_later_moves_the_first_message_on() -> None:
    rig = sent()
    bring(rig)
    rig.deliver("whatsapp")
    rig.deliver("sms")
    report(rig, "delivered")
    assert of(rig) == {"whatsapp": "delivered", "sms": "sent"}


@pytest.mark.parametrize("status", ["delivered", "read"])
def test_a_receipt_in_time_leaves_the_next_channel_silent(status: str) -> None:
    rig = sent()
    report(rig, status)
    bring(rig)
    rig.deliver("whatsapp")
    assert of(rig) == {"whatsapp": status}
    assert rig.take("sms") == []


def test_a_receipt_before_the_next_channel_has_sent_silences_it() -> None:
    rig = sent()
    bring(rig)
    rig.deliver("whatsapp")
    report(rig, "delivered")
    rig.deliver("sms")
    assert of(rig) == {"whatsapp": "delivered", "sms": "suppressed"}
    assert [each.reason for each in rig.account.found(ORG)] == [None, "covered_by_other_channel"]
    assert rig.take("email") == []
    assert len(rig.provider.sent) == 1


def test_timer_failure_and_repetition_make_one_message_between_them() -> None:
    rig = sent()
    bring(rig)
    copies = [*rig.queues.ready] * 3
    rig.queues.ready = copies
    rig.deliver("whatsapp")
    report(rig, "failed", "unreachable")
    report(rig, "failed", "unreachable")
    rig.deliver("sms")
    assert of(rig) == {"whatsapp": "failed", "sms": "sent"}
    assert len(rig.provider.sent) == 2


def test_what_followed_stays_the_follower_although_another_channel_would_be_chosen_now() -> None:
    rig = sent()
    bring(rig)
    rig.deliver("whatsapp")
    rig.deliver("sms")
    rig.account.clients[ORG, "anna"] = client(opted_out=["sms"])
    report(rig, "failed", "unreachable")
    assert of(rig) == {"whatsapp": "failed", "sms": "sent"}
    assert rig.take("email") == []


def test_a_copy_that_comes_too_early_waits_on() -> None:
    rig = sent()
    ((waiting, at),) = rig.queues.waits
    rig.queues.ready, rig.queues.waits = [waiting], []
    rig.clock.at = at - timedelta(minutes=1)
    rig.deliver("whatsapp")
    assert of(rig) == {"whatsapp": "sent"}
    (again,) = rig.queues.ready
    assert (again.at, again.delay) == (at, 60)


def test_after_an_unknown_outcome_nothing_waits_for_a_receipt() -> None:
    rig = due(Rig(fallback_after="PT5M"))
    rig.provider.script = [Outcome("unknown")]
    rig.deliver("whatsapp")
    assert rig.only().fallback_at is None
    for _ in range(8):
        bring(rig)
        rig.deliver("whatsapp")
    assert of(rig) == {"whatsapp": "unknown"}


def test_a_turn_after_the_deadline_is_given_to_nobody() -> None:
    rig = sent(fallback_after="PT40H")
    assert rig.only().fallback_at is None
    assert rig.queues.waits == []


def test_the_last_channel_and_one_without_receipts_wait_for_nothing() -> None:
    rig = sent()
    bring(rig)
    rig.deliver("whatsapp")
    rig.provider.script = [Outcome("permanent", reason="unreachable")]
    rig.deliver("sms")
    rig.deliver("email")
    assert of(rig) == {"whatsapp": "sent", "sms": "failed", "email": "sent"}
    assert [each.fallback_at for each in rig.account.found(ORG)] == [None, None, None]


def test_what_is_given_up_is_not_delivered_hours_later_where_the_provider_allows() -> None:
    rig = sent()
    assert rig.provider.sent[0].valid_seconds == HALF_AN_HOUR.total_seconds()
    assert sent(fallback_after=None).provider.sent[0].valid_seconds > 12 * 3600


def reminded(channel: Channel = "whatsapp") -> Message:
    return message(reminder_occasion(), channel)


def having(strategy: str, *channels: str) -> Any:
    when = When(days_before=1, at="18:00")
    made = Reminder(key="day_before", enabled=True, when=when, channels=list(channels), strategy=strategy)  # type: ignore[arg-type]
    return client(reminders=[made])


@pytest.mark.parametrize(
    ("about", "person", "after", "waits"),
    [
        (reminded(), having("first_reachable", "whatsapp", "sms"), "PT30M", HALF_AN_HOUR),
        (reminded(), having("first_reachable", "whatsapp", "sms"), "PT0S", SHORTEST),
        (reminded(), having("first_reachable", "whatsapp", "sms"), None, None),
        (reminded(), having("all", "whatsapp", "sms"), "PT30M", None),
        (reminded(), having("first_reachable", "sms", "whatsapp"), "PT30M", None),
        (reminded("sms"), having("first_reachable", "sms", "whatsapp"), "PT30M", None),
        (reminded("email"), having("first_reachable", "whatsapp", "sms"), "PT30M", None),
        (reminded(), None, "PT30M", None),
        (message(channel="whatsapp"), having("first_reachable", "whatsapp", "sms"), "PT30M", HALF_AN_HOUR),
    ],
)
def test_only_a_strategy_with_a_channel_left_waits_for_receipts(
    about: Message, person: Any, after: str | None, waits: timedelta | None
) -> None:
    assert patience(about, settings(fallback_after=after), person) == waits
