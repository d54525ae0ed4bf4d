"""What holds of every plan, whatever happened before."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from carillon.domain.plan import Subject, fired_keys, plan
from carillon.domain.record_documents import STATUSES
from carillon.domain.records import Planned
from carillon.domain.settings import Reminder, When
from tests.builders import NOW

ZONES = ("Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe")
KEYS = ("day_before", "morning_of", "own")

whens = st.one_of(
    st.builds(lambda days, hour: When(days_before=days, at=f"{hour:02d}:00"), st.integers(0, 3), st.integers(0, 23)),
    st.builds(lambda hours: When(before=f"PT{hours}H"), st.integers(0, 72)),
    st.builds(lambda hours: When(after_end=f"PT{hours}H"), st.integers(0, 48)),
    st.builds(lambda hours: When(after_completed=f"PT{hours}H"), st.integers(0, 48)),
)


def reminder_lists(enabled: st.SearchStrategy[bool]) -> st.SearchStrategy[list[Reminder]]:
    one = st.builds(
        lambda key, on, when: Reminder(key=key, enabled=on, when=when, channels=["email"]),
        st.sampled_from(KEYS),
        enabled,
        whens,
    )
    return st.lists(one, max_size=3, unique_by=lambda reminder: reminder.key)


reminders = reminder_lists(st.booleans())
starts = st.integers(-72, 24 * 14).map(lambda hours: NOW + timedelta(hours=hours))
nows = st.integers(-24 * 7, 24 * 7).map(lambda hours: NOW + timedelta(hours=hours, microseconds=7))
late = st.sampled_from(["skip", "send_now"])


@st.composite
def subjects(draw: st.DrawFn) -> Subject:
    start = draw(starts)
    status = draw(st.sampled_from(STATUSES))
    completed = draw(st.one_of(st.none(), nows)) if status == "completed" else None
    return Subject(start, start + timedelta(minutes=45), draw(st.sampled_from(ZONES)), status, completed)


def planning(of: Subject, wanted: list[Reminder], **changes: Any) -> tuple[Planned, ...]:
    basis: dict[str, Any] = {"previous": (), "fired": (), "late_booking": "skip", "now": NOW, "revision": 1}
    return plan(of, wanted, **(basis | changes))


def ahead(entries: tuple[Planned, ...], now: datetime) -> set[tuple[str, datetime, datetime]]:
    return {(e.key, e.start, e.at) for e in entries if e.state == "planned" and e.at > now}


histories = st.lists(st.tuples(subjects(), reminders, nows), min_size=1, max_size=6)


def in_order(history: list[tuple[Subject, list[Reminder], datetime]]) -> list[tuple[Subject, list[Reminder], datetime]]:
    return sorted(history, key=lambda step: step[2])


def after(
    history: list[tuple[Subject, list[Reminder], datetime]], late_booking: str
) -> tuple[tuple[Planned, ...], tuple[str, ...], datetime]:
    """Plan as a record's writes do, one after the other in time."""
    entries: tuple[Planned, ...] = ()
    fired: tuple[str, ...] = ()
    revision, now = 0, history[0][2]
    for subject, wanted, at in in_order(history):
        now = at
        fired = fired_keys(entries, fired, now)
        fresh = planning(
            subject, wanted, previous=entries, fired=fired, now=now, revision=revision + 1, late_booking=late_booking
        )
        revision += fresh != entries
        entries = fresh
    return entries, fired, now


@given(histories, late)
def test_planning_twice_changes_nothing(
    history: list[tuple[Subject, list[Reminder], datetime]], late_booking: str
) -> None:
    entries, fired, now = after(history, late_booking)
    subject, wanted, _ = in_order(history)[-1]
    fired = fired_keys(entries, fired, now)
    again = planning(subject, wanted, previous=entries, fired=fired, now=now, revision=99, late_booking=late_booking)
    assert again == entries


@given(histories, late)
def test_what_is_ahead_depends_on_the_last_state_alone(
    history: list[tuple[Subject, list[Reminder], datetime]], late_booking: str
) -> None:
    entries, _, now = after(history, late_booking)
    subject, wanted, _ = in_order(history)[-1]
    passed = {entry.key for entry in entries if entry.state == "planned" and entry.at <= now}
    fresh = ahead(planning(subject, wanted, now=now, late_booking=late_booking), now)
    # A reminder that has fired for this very start is done, even if its preference was moved since.
    assert ahead(entries, now) == {(key, start, at) for key, start, at in fresh if key not in passed}


@given(st.permutations([0, 1, 2, 3]), subjects(), reminders, st.lists(subjects(), min_size=4, max_size=4))
def test_at_one_moment_the_order_of_writes_does_not_matter(
    order: list[int], last: Subject, wanted: list[Reminder], others: list[Subject]
) -> None:
    def through(steps: list[Subject]) -> set[tuple[str, datetime, datetime]]:
        entries, _, _ = after([(step, wanted, NOW) for step in [*steps, last]], "skip")
        return ahead(entries, NOW)

    assert through(others) == through([others[place] for place in order]) == through([last, last])


@given(subjects(), reminder_lists(st.just(True)), nows, late, st.sets(st.sampled_from(KEYS)))
def test_nothing_ahead_of_the_start_is_planned_from_the_start_on(
    subject: Subject, wanted: list[Reminder], now: datetime, late_booking: str, fired: set[str]
) -> None:
    entries = planning(subject, wanted, now=now, late_booking=late_booking, fired=tuple(fired))
    before_start = {reminder.key for reminder in wanted if reminder.when.ahead_of_start}
    for entry in entries:
        if entry.key in before_start and entry.state == "planned":
            assert entry.at < subject.start
        if entry.state == "suppressed":
            assert entry.reason in ("too_late", "duplicate")
    at_once = [entry for entry in entries if entry.state == "planned" and entry.at == now]
    late_now = [entry for entry in at_once if entry.key in before_start]
    assert len(late_now) <= (late_booking == "send_now")
    assert all(entry.key not in fired for entry in late_now)


@given(histories, late)
def test_each_key_stands_once_in_a_plan_and_entries_are_in_order(
    history: list[tuple[Subject, list[Reminder], datetime]], late_booking: str
) -> None:
    entries, _, _ = after(history, late_booking)
    assert len({entry.key for entry in entries}) == len(entries)
    assert list(entries) == sorted(entries, key=lambda entry: (entry.at, entry.key))


@given(histories, late)
def test_what_has_fired_stays_as_it_was_for_its_start(
    history: list[tuple[Subject, list[Reminder], datetime]], late_booking: str
) -> None:
    entries, fired, now = after(history, late_booking)
    subject, wanted, _ = in_order(history)[-1]
    later = now + timedelta(hours=1)
    again = planning(
        subject,
        wanted,
        previous=entries,
        fired=fired_keys(entries, fired, later),
        now=later,
        revision=99,
        late_booking=late_booking,
    )
    passed = [entry for entry in entries if entry.state == "planned" and entry.at <= later]
    assert [entry for entry in passed if entry.start == subject.start and entry not in again] == []


def test_the_histories_start_in_utc() -> None:
    assert NOW.tzinfo is UTC
