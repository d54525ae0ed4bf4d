"""The plan of an appointment's reminders: when each is meant, and what becomes of it as things change."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from carillon.domain.plan import KEPT_ENTRIES, Subject, due_entries, fired_keys, instant, plan
from carillon.domain.records import Planned
from carillon.domain.settings import Reminder, When, default_reminders
from carillon.domain.times import iso, to_wall
from tests.builders import NOW, appointment, planned, reminder

DAY_BEFORE = reminder("day_before")
MORNING_OF = reminder("morning_of", days_before=0, at="08:00")
HOUR_BEFORE = reminder("hour_before", before="PT1H")
COMPLETED = reminder("service_completed", after_completed="PT0S")
REVIEW = reminder("review", after_end="PT2H")


def subject(*, completed_at: datetime | None = None, zone: str = "Europe/Amsterdam", **changes: Any) -> Subject:
    return Subject.of(appointment(**changes), completed_at, zone)


def planning(of: Subject, *reminders: Reminder, **changes: Any) -> tuple[Planned, ...]:
    basis: dict[str, Any] = {"previous": (), "fired": (), "late_booking": "skip", "now": NOW, "revision": 1}
    return plan(of, reminders, **(basis | changes))


def shown(entries: tuple[Planned, ...]) -> dict[str, tuple[str, str, str | None]]:
    return {entry.key: (iso(entry.at), entry.state, entry.reason) for entry in entries}


def test_a_new_organization_reminds_the_day_before_and_on_the_morning() -> None:
    assert shown(planning(subject(), *default_reminders())) == {
        "day_before": ("2026-11-30T17:00:00Z", "planned", None),
        "morning_of": ("2026-12-01T07:00:00Z", "planned", None),
    }


@pytest.mark.parametrize(
    ("zone", "start", "wall_18", "before_24h"),
    [
        # Over the spring gap the wall time stays 18:00, and 24 h before is another hour on the clock.
        ("Europe/Amsterdam", "2027-03-28T14:30:00", "2027-03-27T18:00:00", "2027-03-27T13:30:00"),
        ("Europe/Warsaw", "2027-03-28T14:30:00", "2027-03-27T18:00:00", "2027-03-27T13:30:00"),
        ("America/New_York", "2027-03-14T14:30:00", "2027-03-13T18:00:00", "2027-03-13T13:30:00"),
        ("Australia/Lord_Howe", "2027-10-03T14:30:00", "2027-10-02T18:00:00", "2027-10-02T14:00:00"),
        # And over the autumn overlap.
        ("Europe/Paris", "2027-10-31T14:30:00", "2027-10-30T18:00:00", "2027-10-30T15:30:00"),
        ("America/New_York", "2027-11-07T14:30:00", "2027-11-06T18:00:00", "2027-11-06T15:30:00"),
        ("Australia/Lord_Howe", "2027-04-04T14:30:00", "2027-04-03T18:00:00", "2027-04-03T15:00:00"),
    ],
)
def test_days_before_is_wall_time_and_before_is_absolute(zone: str, start: str, wall_18: str, before_24h: str) -> None:
    of = subject(start=start, time_zone=zone)
    day_before, absolute = (
        instant(When(days_before=1, at="18:00"), of),
        instant(When(before="PT24H"), of),
    )
    assert day_before is not None
    assert absolute is not None
    assert to_wall(day_before, zone).replace(tzinfo=None).isoformat() == wall_18
    assert to_wall(absolute, zone).replace(tzinfo=None).isoformat() == before_24h
    assert of.start - absolute == timedelta(hours=24)


def test_the_days_are_counted_where_the_appointment_is() -> None:
    # 00:30 in Warsaw is the day before in UTC.
    of = subject(start="2026-12-01T00:30:00", time_zone="Europe/Warsaw")
    assert instant(When(days_before=0, at="00:00"), of) == datetime(2026, 11, 30, 23, 0, tzinfo=UTC)
    assert instant(When(days_before=1, at="18:00"), of) == datetime(2026, 11, 30, 17, 0, tzinfo=UTC)


def test_the_organizations_zone_counts_where_the_appointment_names_none() -> None:
    assert instant(When(days_before=1, at="18:00"), subject(zone="America/New_York")) == datetime(
        2026, 11, 30, 23, 0, tzinfo=UTC
    )


@pytest.mark.parametrize("status", ["requested", "awaiting_payment", "refused", "cancelled", "completed", "no_show"])
def test_reminders_before_the_start_exist_only_while_booked_or_accepted(status: str) -> None:
    assert planning(subject(status=status), DAY_BEFORE, HOUR_BEFORE) == ()
    assert len(planning(subject(status="accepted"), DAY_BEFORE, HOUR_BEFORE)) == 2


@pytest.mark.parametrize("status", ["requested", "refused", "cancelled", "no_show", "awaiting_payment"])
def test_nothing_follows_an_appointment_that_did_not_take_place(status: str) -> None:
    assert planning(subject(status=status), REVIEW, COMPLETED) == ()


def test_after_the_end_counts_from_the_end() -> None:
    assert shown(planning(subject(duration_minutes=90), REVIEW)) == {
        "review": ("2026-12-01T17:00:00Z", "planned", None)
    }


def test_after_completed_counts_from_the_completion_and_is_never_late() -> None:
    done = subject(status="completed", completed_at=NOW)
    assert shown(planning(done, COMPLETED)) == {"service_completed": (iso(NOW), "planned", None)}
    hour_later = planning(done, COMPLETED, now=NOW + timedelta(hours=1))
    assert shown(hour_later) == {"service_completed": (iso(NOW), "planned", None)}


def test_imported_history_plans_nothing() -> None:
    imported = subject(status="completed", completed_at=None, start="2026-11-23T09:00:00")
    assert planning(imported, DAY_BEFORE, COMPLETED, REVIEW) == ()


def test_a_disabled_reminder_is_not_planned() -> None:
    assert planning(subject(), replace(DAY_BEFORE, enabled=False)) == ()


def test_an_instant_at_or_after_the_start_is_never_planned() -> None:
    evening = reminder("evening", days_before=0, at="18:00")
    at_start = reminder("at_start", days_before=0, at="14:30")
    right_now = reminder("right_now", before="PT0S")
    for late_booking in ("skip", "send_now"):
        entries = planning(subject(), evening, at_start, right_now, late_booking=late_booking)
        assert {entry.key for entry in entries} == {"evening", "at_start", "right_now"}
        assert {(entry.state, entry.reason) for entry in entries} == {("suppressed", "too_late")}


LATE_NOW = datetime(2026, 12, 1, 10, 0, tzinfo=UTC)
"""11:00 on the day: the evening before and the morning have passed, the hour before has not."""


def test_what_had_passed_when_it_was_planned_is_too_late() -> None:
    entries = planning(subject(), DAY_BEFORE, MORNING_OF, HOUR_BEFORE, now=LATE_NOW)
    assert shown(entries) == {
        "day_before": ("2026-11-30T17:00:00Z", "suppressed", "too_late"),
        "morning_of": ("2026-12-01T07:00:00Z", "suppressed", "too_late"),
        "hour_before": ("2026-12-01T12:30:00Z", "planned", None),
    }


def test_send_now_sends_only_the_latest_of_several() -> None:
    entries = planning(subject(), DAY_BEFORE, MORNING_OF, HOUR_BEFORE, now=LATE_NOW, late_booking="send_now")
    assert shown(entries) == {
        "day_before": ("2026-11-30T17:00:00Z", "suppressed", "too_late"),
        "morning_of": (iso(LATE_NOW), "planned", None),
        "hour_before": ("2026-12-01T12:30:00Z", "planned", None),
    }


@pytest.mark.parametrize("late_by", [timedelta(0), timedelta(minutes=1), timedelta(days=300)])
def test_send_now_sends_nothing_from_the_start_on(late_by: timedelta) -> None:
    of = subject()
    entries = planning(of, DAY_BEFORE, MORNING_OF, HOUR_BEFORE, now=of.start + late_by, late_booking="send_now")
    assert {(entry.state, entry.reason) for entry in entries} == {("suppressed", "too_late")}


def test_a_key_sent_before_is_never_sent_at_once() -> None:
    entries = planning(subject(), DAY_BEFORE, MORNING_OF, now=LATE_NOW, late_booking="send_now", fired=("morning_of",))
    assert shown(entries) == {
        "day_before": ("2026-11-30T17:00:00Z", "suppressed", "too_late"),
        "morning_of": ("2026-12-01T07:00:00Z", "suppressed", "duplicate"),
    }


def test_a_key_sent_before_is_planned_for_a_later_instant() -> None:
    entries = planning(subject(), DAY_BEFORE, fired=("day_before",))
    assert shown(entries) == {"day_before": ("2026-11-30T17:00:00Z", "planned", None)}


def test_cancelling_cancels_what_is_ahead_and_keeps_what_has_fired() -> None:
    before = planning(subject(), DAY_BEFORE, MORNING_OF)
    between = datetime(2026, 11, 30, 20, 0, tzinfo=UTC)
    cancelled = planning(subject(status="cancelled"), DAY_BEFORE, MORNING_OF, previous=before, now=between, revision=2)
    assert shown(cancelled) == {
        "day_before": ("2026-11-30T17:00:00Z", "planned", None),
        "morning_of": ("2026-12-01T07:00:00Z", "cancelled", None),
    }
    assert cancelled[0] == before[0]


def test_what_comes_back_after_a_cancellation_is_of_another_generation() -> None:
    before = planning(subject(), DAY_BEFORE, MORNING_OF)
    cancelled = planning(subject(status="cancelled"), DAY_BEFORE, MORNING_OF, previous=before, revision=2)
    again = planning(subject(), DAY_BEFORE, MORNING_OF, previous=cancelled, revision=3)
    assert [(entry.key, entry.at, entry.state) for entry in again] == [(e.key, e.at, e.state) for e in before]
    assert {entry.generation for entry in before} == {1}
    assert {entry.generation for entry in again} == {3}


def test_un_cancelling_after_its_instant_is_too_late() -> None:
    before = planning(subject(), DAY_BEFORE)
    cancelled = planning(subject(status="cancelled"), DAY_BEFORE, previous=before, revision=2)
    again = planning(subject(), DAY_BEFORE, previous=cancelled, now=LATE_NOW, revision=3)
    assert shown(again) == {"day_before": ("2026-11-30T17:00:00Z", "suppressed", "too_late")}


def test_a_move_plans_each_reminder_afresh() -> None:
    before = planning(subject(), DAY_BEFORE, MORNING_OF)
    moved = planning(subject(start="2026-12-03T09:00:00"), DAY_BEFORE, MORNING_OF, previous=before, revision=2)
    assert shown(moved) == {
        "day_before": ("2026-12-02T17:00:00Z", "planned", None),
        "morning_of": ("2026-12-03T07:00:00Z", "planned", None),
    }
    assert {(entry.generation, entry.start) for entry in moved} == {(2, datetime(2026, 12, 3, 8, 0, tzinfo=UTC))}


def test_a_change_of_the_zone_alone_moves_the_wall_time() -> None:
    before = planning(subject(start="2026-12-01T14:30:00+01:00"), DAY_BEFORE)
    moved = planning(
        subject(start="2026-12-01T14:30:00+01:00", time_zone="America/New_York"),
        DAY_BEFORE,
        previous=before,
        revision=2,
    )
    assert shown(moved) == {"day_before": ("2026-11-30T23:00:00Z", "planned", None)}


def test_completing_cancels_what_is_ahead_and_adds_what_follows() -> None:
    before = planning(subject(), MORNING_OF, COMPLETED)
    done = subject(status="completed", completed_at=NOW)
    assert shown(planning(done, MORNING_OF, COMPLETED, previous=before, revision=2)) == {
        "service_completed": (iso(NOW), "planned", None),
        "morning_of": ("2026-12-01T07:00:00Z", "cancelled", None),
    }


def test_completing_again_does_not_thank_again() -> None:
    done = subject(status="completed", completed_at=NOW)
    first = planning(done, COMPLETED)
    reopened = planning(subject(), COMPLETED, previous=first, now=NOW + timedelta(hours=1), revision=2)
    later = subject(status="completed", completed_at=NOW + timedelta(hours=2))
    again = planning(later, COMPLETED, previous=reopened, now=NOW + timedelta(hours=2), revision=3)
    assert again == first


def test_a_changed_preference_replaces_an_entry_ahead() -> None:
    before = planning(subject(), DAY_BEFORE)
    earlier = reminder("day_before", days_before=1, at="12:00")
    assert shown(planning(subject(), earlier, previous=before, revision=2)) == {
        "day_before": ("2026-11-30T11:00:00Z", "planned", None)
    }


def test_a_changed_preference_does_not_send_again_what_has_fired() -> None:
    before = planning(subject(), DAY_BEFORE)
    later = reminder("day_before", days_before=1, at="20:00")
    between = datetime(2026, 11, 30, 18, 0, tzinfo=UTC)
    assert planning(subject(), later, previous=before, now=between, revision=2) == before


def test_a_removed_reminder_is_cancelled() -> None:
    before = planning(subject(), DAY_BEFORE, MORNING_OF)
    assert shown(planning(subject(), MORNING_OF, previous=before, revision=2))["day_before"][1] == "cancelled"


def test_a_plan_forgets_what_was_cancelled_long_before_it_forgets_what_is_ahead() -> None:
    start, later = subject().start, timedelta(minutes=5)
    gone = tuple(
        planned(f"gone{number}", start - later, state="cancelled", generation=number) for number in range(KEPT_ENTRIES)
    )
    entries = planning(subject(), DAY_BEFORE, MORNING_OF, previous=gone, revision=99)
    assert len(entries) == KEPT_ENTRIES
    assert {entry.key for entry in entries if entry.state == "planned"} == {"day_before", "morning_of"}


def test_fired_keys_are_those_whose_instant_has_passed_and_those_known_before() -> None:
    entries = (
        planned("day_before", NOW - timedelta(seconds=1)),
        planned("morning_of", NOW),
        planned("hour_before", NOW + timedelta(seconds=1)),
        planned("late", NOW - timedelta(hours=1), state="suppressed", reason="too_late"),
        planned("gone", NOW - timedelta(hours=1), state="cancelled"),
    )
    assert fired_keys(entries, ("first",), NOW) == ("day_before", "first", "morning_of")


def test_due_entries_are_the_planned_ones() -> None:
    entries = (planned("a"), planned("b", state="cancelled"), planned("c", state="suppressed"))
    assert [entry.key for entry in due_entries(entries)] == ["a"]
