"""Quiet hours as instants: over midnight and within a day, over changes of the clocks, around appointments."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.domain.quiet import (
    LEAD,
    MARKETING,
    Window,
    closed_since,
    last_call,
    moment,
    open_from,
    window_of,
    windows_for,
)
from carillon.domain.settings import QuietHours
from carillon.domain.times import to_wall

AMSTERDAM = "Europe/Amsterdam"
NIGHT = Window(time(21), time(8))
ZONES = [
    "UTC",
    AMSTERDAM,
    "America/New_York",
    "Pacific/Apia",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/St_Johns",
    "Africa/Casablanca",
]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("instant", "opens"),
    [
        ("2026-12-01T20:59:59+01:00", "2026-12-01T20:59:59+01:00"),
        ("2026-12-01T21:00:00+01:00", "2026-12-02T08:00:00+01:00"),
        ("2026-12-02T00:00:00+01:00", "2026-12-02T08:00:00+01:00"),
        ("2026-12-02T07:59:59+01:00", "2026-12-02T08:00:00+01:00"),
        ("2026-12-02T08:00:00+01:00", "2026-12-02T08:00:00+01:00"),
    ],
)
def test_a_night_begins_and_ends_at_its_wall_times(instant: str, opens: str) -> None:
    assert open_from(at(instant), (NIGHT,), AMSTERDAM) == at(opens)


@pytest.mark.parametrize(
    ("instant", "opens"),
    [
        ("2026-12-01T12:59:00+01:00", "2026-12-01T12:59:00+01:00"),
        ("2026-12-01T13:00:00+01:00", "2026-12-01T15:00:00+01:00"),
        ("2026-12-01T15:00:00+01:00", "2026-12-01T15:00:00+01:00"),
    ],
)
def test_a_window_may_lie_within_a_day(instant: str, opens: str) -> None:
    assert open_from(at(instant), (Window(time(13), time(15)),), AMSTERDAM) == at(opens)


def test_a_night_over_the_change_of_the_clocks_is_longer_or_shorter_and_has_no_hole() -> None:
    spring, autumn = at("2026-03-28T21:00:00+01:00"), at("2026-10-24T21:00:00+02:00")
    assert NIGHT.around(spring, AMSTERDAM) == (spring, spring + timedelta(hours=10))
    assert NIGHT.around(autumn, AMSTERDAM) == (autumn, autumn + timedelta(hours=12))
    assert open_from(at("2026-10-25T02:30:00+01:00"), (NIGHT,), AMSTERDAM) == at("2026-10-25T08:00:00+01:00")


def test_an_end_that_comes_twice_counts_the_first_time_and_one_that_never_comes_moves_by_the_gap() -> None:
    early = Window(time(22), time(2, 30))
    assert open_from(at("2026-10-24T23:00:00+02:00"), (early,), AMSTERDAM) == at("2026-10-25T02:30:00+02:00")
    assert open_from(at("2026-03-28T23:00:00+01:00"), (early,), AMSTERDAM) == at("2026-03-29T03:30:00+02:00")


def test_hours_that_are_off_or_of_no_length_hold_nothing() -> None:
    assert window_of(QuietHours(enabled=False)) is None
    assert Window(time(8), time(8)).around(at("2026-12-01T08:00:00Z"), "UTC") is None
    assert time(8) not in Window(time(8), time(8))


def test_marketing_waits_at_night_on_every_channel_and_service_only_where_it_makes_a_noise() -> None:
    on, off = QuietHours(enabled=True, start="22:00", end="07:00"), QuietHours()
    own = Window(time(22), time(7))
    for channel in ("sms", "whatsapp", "telegram", "viber"):
        assert windows_for(channel, "service", on) == (own,)
        assert windows_for(channel, "marketing", on) == (own, MARKETING)
    for channel in ("email", "push"):
        assert windows_for(channel, "service", on) == ()  # type: ignore[arg-type]
        assert windows_for(channel, "marketing", off) == (MARKETING,)  # type: ignore[arg-type]


def test_windows_that_never_open_swallow_everything() -> None:
    day_and_night = (Window(time(8), time(21)), MARKETING)
    now = at("2026-12-01T12:00:00Z")
    assert open_from(now, day_and_night, AMSTERDAM) is None
    assert closed_since(now, day_and_night, AMSTERDAM) is None
    assert moment(now, now, day_and_night, AMSTERDAM, None) is None


START = at("2026-12-02T07:30:00+01:00")
MEANT = at("2026-12-02T06:30:00+01:00")


@pytest.mark.parametrize(
    ("now", "goes"),
    [
        ("2026-12-01T12:00:00+01:00", "2026-12-01T20:45:00+01:00"),
        ("2026-12-01T20:45:00+01:00", "2026-12-01T20:45:00+01:00"),
        ("2026-12-01T20:52:00+01:00", "2026-12-01T20:52:00+01:00"),
        ("2026-12-01T21:00:00+01:00", None),
        ("2026-12-02T06:30:00+01:00", None),
    ],
)
def test_what_would_be_held_past_the_appointment_goes_before_the_quiet_hours_if_they_are_ahead(
    now: str, goes: str | None
) -> None:
    assert moment(MEANT, at(now), (NIGHT,), AMSTERDAM, START) == (at(goes) if goes else None)


def test_what_follows_an_appointment_waits_until_the_quiet_hours_end() -> None:
    assert moment(MEANT, MEANT, (NIGHT,), AMSTERDAM, None) == at("2026-12-02T08:00:00+01:00")


def test_the_last_call_before_one_window_does_not_fall_into_another() -> None:
    evening = Window(time(20), time(20, 50))
    found = moment(MEANT, at("2026-12-01T12:00:00+01:00"), (NIGHT, evening), AMSTERDAM, START)
    assert found == at("2026-12-01T20:50:00+01:00")


instants = st.datetimes(datetime(2010, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
windows = st.builds(Window, st.times(), st.times()).map(
    lambda made: Window(made.start.replace(second=0, microsecond=0), made.end.replace(second=0, microsecond=0))
)


@given(instants, st.lists(windows, max_size=2), st.sampled_from(ZONES))
def test_what_opens_is_open_and_nothing_before_it_is(instant: datetime, held: list[Window], zone: str) -> None:
    opens = open_from(instant, held, zone)
    if opens is None:
        return
    assert opens >= instant
    assert not any(window.around(opens, zone) for window in held)
    if opens > instant:
        assert any(window.around(instant, zone) for window in held)
        assert any(window.around(opens - timedelta(microseconds=1), zone) for window in held)


@given(instants, windows, st.sampled_from(ZONES))
def test_a_window_holds_what_its_wall_times_say_on_days_without_a_change_of_the_clocks(
    instant: datetime, window: Window, zone: str
) -> None:
    days = [to_wall(instant + timedelta(days=day), zone).utcoffset() for day in range(-3, 4)]
    if len(set(days)) == 1:
        assert (window.around(instant, zone) is not None) == (to_wall(instant, zone).time() in window)


@given(
    instants,
    st.timedeltas(timedelta(0), timedelta(days=3)),
    st.timedeltas(timedelta(minutes=1), timedelta(days=2)),
    st.lists(windows, max_size=2),
    st.sampled_from(ZONES),
)
def test_a_held_message_goes_in_time_and_in_the_open_or_not_at_all(
    now: datetime, ahead: timedelta, before: timedelta, held: list[Window], zone: str
) -> None:
    meant, limit = now + ahead, now + ahead + before
    goes = moment(meant, now, held, zone, limit)
    free = open_from(meant, held, zone)
    if goes is None:
        # Only because the quiet hours last past the limit, and had begun.
        assert free is None or free >= limit
        begin = closed_since(meant, held, zone)
        assert begin is None or begin <= now
        return
    assert now <= goes < limit
    if free is not None and free < limit:
        assert goes == free
    else:
        begin = closed_since(meant, held, zone)
        assert begin is not None
        assert goes < begin
        assert goes >= begin - LEAD
        assert not any(window.around(goes, zone) for window in held)


@given(instants, st.lists(windows, max_size=2), st.sampled_from(ZONES))
def test_looking_again_when_it_goes_says_now(now: datetime, held: list[Window], zone: str) -> None:
    meant, limit = now + timedelta(hours=20), now + timedelta(hours=21)
    goes = moment(meant, now, held, zone, limit)
    if goes is not None:
        assert moment(meant, goes, held, zone, limit) == goes


def test_what_is_meant_for_the_very_beginning_of_the_quiet_goes_before_it() -> None:
    """A reminder before an appointment early in the morning may fall on the second at which the quiet begins."""
    begin = datetime(2026, 11, 23, 21, tzinfo=UTC)
    assert closed_since(begin, [NIGHT], "UTC") == begin
    assert last_call(begin, [NIGHT, Window(time(20), time(9))], "UTC", begin + timedelta(hours=10)) == begin.replace(
        hour=20
    )
    assert last_call(begin, [NIGHT], "UTC", begin + timedelta(hours=10)) == begin
