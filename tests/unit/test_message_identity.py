"""Messages: what makes one the same one, when it is too late, and where it may go from where."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.domain.catalog import AUDIENCES, Audience
from carillon.domain.channels import ALL, Channel
from carillon.domain.messages import (
    LEASE,
    MAX_ATTEMPTS,
    MOVES,
    PROBLEMS,
    STATUSES,
    MessageKey,
    Occasion,
    event_deadline,
    message_key,
    reminder_deadline,
    reminder_places,
)
from carillon.domain.settings import When
from tests.builders import NOW, ORG, REF, START, event_occasion, message, reminder_occasion

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

occasions = st.one_of(
    st.builds(
        lambda record, event, version: Occasion(record, event=event, version=version),
        st.sampled_from([REF, "appointments/43", "orders/42"]),
        st.sampled_from(["appointment.booked", "appointment.changed"]),
        st.integers(1, 3),
    ),
    st.builds(
        lambda record, key, hours: Occasion(record, reminder=key, start=START + timedelta(hours=hours)),
        st.sampled_from([REF, "appointments/43"]),
        st.sampled_from(["day_before", "morning_of"]),
        st.integers(0, 2),
    ),
)
places = st.tuples(
    st.sampled_from([ORG, "aurora~test", "other"]),
    occasions,
    st.sampled_from(AUDIENCES),
    st.sampled_from(["c:anna", "s:anna", "c:bob", "r:manager#2026-11-23"]),
    st.sampled_from([*ALL, None]),
)
Place = tuple[str, Occasion, Audience, str, Channel | None]


@given(places, places)
def test_messages_have_the_same_key_exactly_when_all_their_parts_are_the_same(one: Place, other: Place) -> None:
    assert (message_key(*one) == message_key(*other)) == (one == other)


@given(places)
def test_a_key_says_whose_message_it_is_and_is_the_same_wherever_it_is_made(place: Place) -> None:
    key = message_key(*place)
    assert key == message_key(*place)
    assert key.recipient == place[3]
    assert len(key.digest) == 32
    assert key.digest.isalnum()


def test_an_events_message_is_about_the_version_it_was_derived_in() -> None:
    first, second = event_occasion(version=1), event_occasion(version=2)
    assert message_key(ORG, first, "client", "c:anna", "email") != message_key(ORG, second, "client", "c:anna", "email")


def test_a_reminders_message_knows_neither_due_time_nor_version() -> None:
    # There is no place for them in the occasion, so an edited note or preference can't send a reminder again.
    occasion = reminder_occasion()
    assert occasion.parts() == (REF, "reminder", "day_before", "2026-12-01T13:30:00Z")
    moved = reminder_occasion(start=START + HOUR)
    assert message_key(ORG, occasion, "client", "c:anna", "sms") != message_key(ORG, moved, "client", "c:anna", "sms")


def test_a_reminder_without_a_start_is_no_occasion() -> None:
    with pytest.raises(ValueError, match="start"):
        Occasion(REF, reminder="day_before").parts()


def test_a_reminders_places_are_one_per_channel_and_the_refusal() -> None:
    found = reminder_places(ORG, reminder_occasion(), "anna")
    assert len(set(found)) == len(ALL) + 1
    assert message_key(ORG, reminder_occasion(), "client", "c:anna", "sms") in found
    assert message_key(ORG, reminder_occasion(), "client", "c:anna", None) in found
    assert {key.recipient for key in found} == {"c:anna"}


@pytest.mark.parametrize(
    ("when", "due", "deadline"),
    [
        # before: the start, at most two hours after it was due.
        ({"before": "PT24H"}, START - 24 * HOUR, START - 22 * HOUR),
        ({"before": "PT1H"}, START - HOUR, START),
        ({"before": "PT2H"}, START - 2 * HOUR, START),
        # days_before: half an hour before the start, or the start if it was not due before that.
        ({"days_before": 1, "at": "18:00"}, START - 20 * HOUR, START - 30 * MINUTE),
        ({"days_before": 0, "at": "13:59"}, START - 31 * MINUTE, START - 30 * MINUTE),
        ({"days_before": 0, "at": "14:00"}, START - 30 * MINUTE, START),
        ({"days_before": 0, "at": "14:10"}, START - 20 * MINUTE, START),
        # what follows: a day.
        ({"after_completed": "PT0S"}, START + HOUR, START + 25 * HOUR),
        ({"after_end": "PT2H"}, START + HOUR, START + 25 * HOUR),
    ],
)
def test_a_reminder_expires_at_its_deadline(when: dict[str, Any], due: datetime, deadline: datetime) -> None:
    assert reminder_deadline(When(**when), due, START) == deadline


@pytest.mark.parametrize(
    ("kind", "at", "deadline"),
    [
        ("appointment.booked", NOW, NOW + 24 * HOUR),
        ("appointment.booked", START - HOUR, START),
        ("appointment.changed", START - 24 * HOUR, START),
        ("appointment.cancelled", START + HOUR, START),
        ("appointment.completed", START + HOUR, START + 25 * HOUR),
        ("appointment.no_show", START + HOUR, START + 25 * HOUR),
    ],
)
def test_an_events_message_expires_at_the_start_and_after_a_day(kind: str, at: datetime, deadline: datetime) -> None:
    assert event_deadline(kind, at, START) == deadline


# From (rows) and to, as the contract's state machine lists them. `sending` may also be overtaken by `read`.
EXPECTED_MOVES = {
    "queued": {"sending", "queued", "suppressed", "cancelled", "expired", "failed"},
    "sending": {"sent", "queued", "failed", "unknown", "delivered", "read"},
    "unknown": {"sent", "delivered", "read", "failed"},
    "sent": {"delivered", "read", "failed"},
    "delivered": {"read", "failed"},
    "failed": {"delivered", "read"},
    "read": set(),
    "suppressed": set(),
    "expired": set(),
    "cancelled": set(),
}


@pytest.mark.parametrize("before", STATUSES)
@pytest.mark.parametrize("after", STATUSES)
def test_a_message_moves_as_the_state_machine_says(before: str, after: str) -> None:
    assert (after in MOVES[before]) == (after in EXPECTED_MOVES[before])


def test_nothing_goes_back_to_the_queue_but_from_a_claim_that_was_answered() -> None:
    assert [before for before in STATUSES if "queued" in MOVES[before]] == ["queued", "sending"]


def test_an_unknown_outcome_never_leads_to_another_attempt() -> None:
    reached, ahead = set[str](), {"unknown"}
    while ahead:
        reached |= ahead
        ahead = {status for before in ahead for status in MOVES[before]} - reached
    assert not reached & {"queued", "sending"}


def test_what_needs_attention_is_listed() -> None:
    assert {"failed", "unknown", "suppressed", "expired", "sending"} == PROBLEMS


def test_the_lease_outlives_the_providers_timeout_and_not_the_functions() -> None:
    assert timedelta(seconds=10) < LEASE < timedelta(seconds=30)
    assert MAX_ATTEMPTS > 1


@pytest.mark.parametrize(
    ("recipient", "client_id", "staff_id"),
    [("c:anna", "anna", None), ("s:7", None, "7"), ("r:manager#2026-11-23", None, None), ("c:s:1", "s:1", None)],
)
def test_a_message_knows_whom_it_goes_to(recipient: str, client_id: str | None, staff_id: str | None) -> None:
    made = message(key=MessageKey(recipient, "x" * 32))
    assert (made.client_id, made.staff_id) == (client_id, staff_id)
