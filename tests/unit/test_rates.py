"""The slots of an organization's rate: never more than it allows, in order, a part of it kept for what is urgent."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carillon.domain.rates import (
    BEFORE_DEADLINE,
    BURST,
    SECOND,
    Lane,
    Rate,
    Used,
    is_patient,
    micros,
    rate_of,
    slot_instant,
)
from tests.builders import NOW, event_occasion, message, reminder_occasion

START = micros(NOW)
RATES = st.sampled_from([0.5, 1, 7, 100, 333.3, 10_000])
BATCHES = st.lists(
    st.tuples(st.integers(0, 120 * SECOND), st.lists(st.booleans(), min_size=1, max_size=10)), min_size=1, max_size=40
)


def of(per_second: float) -> Rate:
    rate = rate_of(per_second)
    assert rate is not None
    return rate


def most_within(slots: list[int], window: int) -> int:
    slots, first, most = sorted(slots), 0, 0
    for last, slot in enumerate(slots):
        while slots[first] < slot - window:
            first += 1
        most = max(most, last - first + 1)
    return most


def play(rate: Rate, batches: list[tuple[int, list[bool]]]) -> list[tuple[int, bool, int]]:
    """Allot batches that come so many microseconds apart: when each message came, whether urgent, its slot."""
    used, now, given_out = Used(), START, []
    for gap, urgent in batches:
        now += gap
        slots, used = rate.allot(used, urgent, now)
        given_out += [(now, one, slot) for one, slot in zip(urgent, slots, strict=True)]
    return given_out


@settings(max_examples=60, deadline=None)
@given(RATES, BATCHES, st.integers(0, 3600 * SECOND))
def test_no_stretch_of_time_sees_more_than_rate_and_burst_allow(
    per_second: float, batches: list[tuple[int, list[bool]]], window: int
) -> None:
    slots = [slot for _, _, slot in play(of(per_second), batches)]
    most = max(5, int(per_second * BURST)) + per_second * window / SECOND + 2
    assert most_within(slots, window) <= most


@settings(max_examples=60, deadline=None)
@given(RATES, BATCHES)
def test_nobody_is_early_or_overtaken_by_his_own_kind(per_second: float, batches: list[tuple[int, list[bool]]]) -> None:
    played = play(of(per_second), batches)
    assert all(slot >= came for came, _, slot in played)
    patient = [slot for _, urgent, slot in played if not urgent]
    assert patient == sorted(patient)


@settings(max_examples=60, deadline=None)
@given(RATES, BATCHES)
def test_what_is_urgent_never_waits_longer_than_what_is_not(
    per_second: float, batches: list[tuple[int, list[bool]]]
) -> None:
    rate, used, now = of(per_second), Used(), START
    for gap, urgent in batches:
        now += gap
        first, _ = rate.allot(used, [True], now)
        second, _ = rate.allot(used, [False], now)
        assert first <= second
        _, used = rate.allot(used, urgent, now)


@settings(max_examples=60, deadline=None)
@given(RATES, BATCHES)
def test_what_is_taken_by_counts_is_what_was_allotted(per_second: float, batches: list[tuple[int, list[bool]]]) -> None:
    rate, used, now = of(per_second), Used(), START
    for gap, urgent in batches:
        now += gap
        slots, after = rate.allot(used, urgent, now)
        taking = rate.taking(used, urgent, now)
        given_out, same = rate.given(used, urgent, taking, now)
        assert (sorted(given_out), same) == (sorted(slots), after)
        for kind in (True, False):
            mine = [slot for slot, one in zip(given_out, urgent, strict=True) if one is kind]
            assert mine == sorted(mine)
        used = after


@settings(max_examples=60, deadline=None)
@given(RATES, BATCHES)
def test_a_batch_that_comes_again_gets_the_same_from_the_same_state_and_later_slots_from_what_it_left(
    per_second: float, batches: list[tuple[int, list[bool]]]
) -> None:
    rate, used, now = of(per_second), Used(), START
    for gap, urgent in batches:
        now += gap
        once, after = rate.allot(used, urgent, now)
        assert rate.allot(used, urgent, now) == (once, after)
        again, _ = rate.allot(after, urgent, now)
        assert all(second >= first for first, second in zip(once, again, strict=True))
        assert (after.general, after.kept) >= (used.general, used.kept)
        used = after


def test_a_burst_goes_at_once_and_the_rest_evenly() -> None:
    lane = Lane(interval=SECOND // 10, burst=3)
    tat, slots = 0, []
    for _ in range(6):
        slots.append(lane.slot(tat, START) - START)
        tat = lane.after(tat, 1, START)
    assert slots == [0, 0, 0, 100_000, 200_000, 300_000]
    assert lane.slot(tat, START + 3600 * SECOND) == START + 3600 * SECOND


def test_a_hundred_thousand_reminders_leave_a_fifth_of_the_rate_to_what_is_urgent() -> None:
    rate = of(100)
    slots, used = rate.allot(Used(), [False] * 100_000, START)
    assert (slots[-1] - START) // SECOND == 1240  # 99,200 after the burst of 800, at 80 a second
    urgent, _ = rate.allot(used, [True] * 300, START)
    assert urgent[199] == START
    assert (urgent[-1] - START) // SECOND == 5  # 100 after the burst of 200, at 20 a second


def test_zero_is_no_rate() -> None:
    assert rate_of(0) is None


@pytest.mark.parametrize(
    ("ahead", "patient"), [(timedelta(hours=14), True), (timedelta(hours=3), False), (timedelta(minutes=20), False)]
)
def test_a_reminder_is_patient_while_its_deadline_is_hours_away(ahead: timedelta, patient: bool) -> None:
    made = message(occasion=reminder_occasion(), created_at=NOW, deadline=NOW + ahead)
    assert is_patient(made) is patient


def test_who_did_something_does_not_stand_behind_reminders() -> None:
    assert not is_patient(message(occasion=event_occasion(), created_at=NOW, deadline=NOW + timedelta(hours=24)))


@pytest.mark.parametrize(
    ("slot", "latest", "expected"),
    [
        (START + 1, None, NOW + timedelta(seconds=1)),
        (START + 10 * SECOND, None, NOW + timedelta(seconds=10)),
        (START + 7200 * SECOND, NOW + timedelta(hours=1), NOW + timedelta(hours=1) - BEFORE_DEADLINE),
        (START + 7200 * SECOND, NOW + timedelta(seconds=30), NOW),
    ],
)
def test_a_slot_is_in_whole_seconds_and_not_past_the_deadline(
    slot: int, latest: datetime | None, expected: datetime
) -> None:
    assert slot_instant(slot, latest, NOW) == expected
