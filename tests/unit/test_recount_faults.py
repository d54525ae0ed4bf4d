"""What the fault simulation's judge lets pass and what it does not."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bench.recount import Expected
from bench.recount_faults import Judgement, Told, judge

AT = datetime(2027, 3, 1, 9, 7, tzinfo=UTC)
START = AT + timedelta(days=1)
HOUR = timedelta(hours=1)
REMINDERS = [
    {"key": "day_before", "channels": ["whatsapp", "sms", "email"], "strategy": "first_reachable"},
    {"key": "hour_before", "channels": ["sms", "email"], "strategy": "all"},
]
CLIENT = {
    "id": "c",
    "phone": "+31970105",
    "email": "c@example.org",
    "consents": {"service": {"whatsapp": True, "sms": True, "email": True}},
}
BOOKED = Expected("appointments/a", "appointment.booked.widget", "client", "c", AT, "email")
DAY_BEFORE = Expected("appointments/a", "reminder.day_before", "client", "c", AT, "whatsapp", start=START)


@dataclass
class Call:
    at: datetime
    record: str = "a"
    body: dict[str, Any] = field(default_factory=dict)
    client: dict[str, Any] | None = None


def told(wanted: Expected, **more: Any) -> Told:
    """Tell of a message as it should be: sent, once."""
    known: dict[str, Any] = {
        "id": "m",
        "record": wanted.record,
        "key": wanted.key,
        "audience": wanted.audience,
        "recipient": wanted.recipient,
        "channel": wanted.channel,
        "status": "sent" if wanted.sent else "suppressed",
        "reason": wanted.reason,
        "at": wanted.at,
        "deadline": wanted.at + 2 * HOUR,
        "ended": wanted.at,
        "version": None if wanted.start else 1,
        "start": wanted.start,
        "calls": int(wanted.sent),
    }
    return Told(**(known | more))


def judged(expected: list[Expected], messages: list[Told], *restated: datetime) -> Judgement:
    return judge([Call(at, client=CLIENT) for at in (AT, *restated)], expected, messages, REMINDERS)


@pytest.mark.parametrize(
    ("wanted", "more", "row"),
    [
        (BOOKED, {}, ("once", "")),
        (BOOKED, {"status": "read"}, ("once", "")),
        (BOOKED, {"status": "unknown", "reason": "provider_timeout"}, ("unknown", "provider_timeout, and it arrived")),
        (
            BOOKED,
            {"status": "unknown", "reason": "provider_timeout", "calls": 0},
            ("unknown", "provider_timeout"),
        ),
        (
            BOOKED,
            {"status": "failed", "reason": "content_rejected", "calls": 0},
            ("failed", "content_rejected"),
        ),
        (
            BOOKED,
            {"status": "expired", "reason": "too_late", "calls": 0, "ended": AT + 3 * HOUR},
            ("late", "expired"),
        ),
        (
            replace(BOOKED, channel=None, reason="no_address"),
            {},
            ("suppressed as expected", "no_address"),
        ),
    ],
)
def test_an_honest_end_has_its_row(wanted: Expected, more: dict[str, Any], row: tuple[str, str]) -> None:
    found = judged([wanted], [told(wanted, **more)])
    assert found.clean
    assert dict(found.rows) == {row: 1}
    assert found.accounted == found.expected == 1


@pytest.mark.parametrize(
    "more",
    [
        {"status": "queued", "calls": 0},
        {"status": "sending", "calls": 0},
        {"status": "sent", "calls": 0},
    ],
)
def test_what_never_arrived_and_does_not_say_so_is_lost(more: dict[str, Any]) -> None:
    found = judged([BOOKED], [told(BOOKED, **more)])
    assert found.lost
    assert not found.clean


def test_no_message_at_all_is_lost() -> None:
    assert len(judged([BOOKED, DAY_BEFORE], []).lost) == 2


@pytest.mark.parametrize("status", ["sent", "unknown"])
def test_twice_at_a_provider_is_doubled_whatever_the_message_says(status: str) -> None:
    assert judged([BOOKED], [told(BOOKED, status=status, calls=2)]).doubled


def test_two_channels_for_one_reminder_are_doubled() -> None:
    both = [told(DAY_BEFORE), told(DAY_BEFORE, id="n", channel="sms")]
    assert judged([DAY_BEFORE], both).doubled


def test_a_message_that_nobody_expects_is_doubled_if_it_was_sent() -> None:
    assert judged([], [told(BOOKED)]).doubled
    assert judged([], [told(BOOKED, status="suppressed", reason="too_late", calls=0)]).wrong


def test_the_next_channel_may_follow_a_failure_only() -> None:
    failed = told(DAY_BEFORE, status="failed", reason="unreachable", calls=0)
    text = told(DAY_BEFORE, id="n", channel="sms", tried=(("whatsapp", "unreachable"),))
    assert judged([DAY_BEFORE], [failed, text]).rows == {("once", "on the next channel"): 1}
    assert judged([DAY_BEFORE], [replace(text, tried=())]).wrong


def test_a_failure_in_time_whose_next_channel_got_no_turn_is_lost() -> None:
    failed = told(DAY_BEFORE, status="failed", reason="unreachable", calls=0)
    assert "sms, email" in judged([DAY_BEFORE], [failed]).lost[0]
    late = replace(failed, ended=failed.deadline)
    assert judged([DAY_BEFORE], [late]).rows == {("failed", "unreachable"): 1}


def test_a_failure_on_the_only_channel_that_a_client_allows_is_the_end() -> None:
    client = {"id": "c", "phone": "+31970105", "consents": {"service": {"whatsapp": True}}}
    failed = told(DAY_BEFORE, status="failed", reason="unreachable", calls=0)
    found = judge([Call(AT, client=client)], [DAY_BEFORE], [failed], REMINDERS)
    assert found.rows == {("failed", "unreachable"): 1}


def test_on_all_channels_each_is_expected_by_itself() -> None:
    text = Expected("appointments/a", "reminder.hour_before", "client", "c", AT, "sms", start=START)
    mail = replace(text, channel="email")
    assert judged([text, mail], [told(text), told(mail, id="n")]).rows == {("once", ""): 2}
    assert len(judged([text, mail], [told(text)]).lost) == 1


def test_a_reminder_may_be_gone_only_if_the_appointment_was_stated_again() -> None:
    assert judged([DAY_BEFORE], [], AT + HOUR).rows == {("overtaken", "no longer planned"): 1}
    assert judged([DAY_BEFORE], [], AT - HOUR).lost


def test_superseded_needs_something_newer() -> None:
    gone = told(BOOKED, status="suppressed", reason="superseded", calls=0, ended=AT + HOUR)
    assert judged([BOOKED], [gone]).wrong
    assert judged([BOOKED], [gone], AT + HOUR / 2).rows == {("overtaken", "superseded"): 1}


def test_a_change_carried_by_a_booking_that_waits_is_superseded_by_it() -> None:
    change = replace(BOOKED, key="appointment.changed.client", at=AT + HOUR)
    carried = told(change, id="n", status="suppressed", reason="superseded", calls=0)
    late = told(BOOKED, ended=AT + 2 * HOUR)
    assert judged([BOOKED, change], [late, carried]).clean
    assert judged([BOOKED, change], [told(BOOKED), carried]).wrong


def test_too_late_is_believed_only_after_the_deadline() -> None:
    early = told(BOOKED, status="expired", reason="too_late", calls=0, ended=AT + HOUR)
    assert judged([BOOKED], [early]).wrong


def test_sent_though_it_should_not_be_is_wrong() -> None:
    quiet = replace(BOOKED, channel=None, reason="consent_missing")
    assert judged([quiet], [told(BOOKED)]).wrong


def test_an_address_is_left_out_only_after_a_provider_refused_it() -> None:
    second = replace(BOOKED, key="appointment.cancelled.client", at=AT + HOUR)
    left_out = told(second, id="n", status="suppressed", reason="invalid_address", calls=0)
    refused = told(BOOKED, status="failed", reason="recipient_rejected", calls=0)
    found = judged([BOOKED, second], [refused, left_out])
    assert found.clean
    assert ("left out after a refusal", "invalid_address") in found.rows
    assert judged([BOOKED, second], [told(BOOKED), left_out]).wrong


def test_events_of_one_kind_are_matched_in_their_order() -> None:
    again = replace(BOOKED, at=AT + HOUR)
    first, second = told(BOOKED), told(again, id="n", version=3)
    assert judged([again, BOOKED], [second, first]).rows == {("once", ""): 2}
    assert len(judged([again, BOOKED], [second]).lost) == 1
