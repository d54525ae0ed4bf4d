"""Wall time and instants: what people mean when the clocks change."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.domain.errors import InvalidValue
from carillon.domain.times import (
    epoch,
    iso,
    parse_duration,
    parse_instant,
    parse_local_time,
    parse_start,
    start_instant,
    to_instant,
    to_wall,
    wall_on,
    zone,
)

ZONES = ("Europe/Amsterdam", "Europe/Warsaw", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "UTC")
walls = st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2027, 12, 31))  # noqa: DTZ001 - wall times


@pytest.mark.parametrize(
    ("zone_name", "wall", "instant"),
    [
        # The clocks go forward: 02:30 doesn't exist and becomes 03:30 (Lord Howe: 02:15 becomes 02:45).
        ("Europe/Amsterdam", "2027-03-28T02:30:00", "2027-03-28T01:30:00Z"),
        ("Europe/Warsaw", "2027-03-28T02:30:00", "2027-03-28T01:30:00Z"),
        ("Europe/Paris", "2027-03-28T02:00:00", "2027-03-28T01:00:00Z"),
        ("America/New_York", "2027-03-14T02:30:00", "2027-03-14T07:30:00Z"),
        ("Australia/Lord_Howe", "2026-10-04T02:15:00", "2026-10-03T15:45:00Z"),
        # The clocks go back: the first of the two counts.
        ("Europe/Amsterdam", "2026-10-25T02:30:00", "2026-10-25T00:30:00Z"),
        ("Europe/Warsaw", "2026-10-25T02:59:59", "2026-10-25T00:59:59Z"),
        ("Europe/Paris", "2026-10-25T02:00:00", "2026-10-25T00:00:00Z"),
        ("America/New_York", "2026-11-01T01:30:00", "2026-11-01T05:30:00Z"),
        ("Australia/Lord_Howe", "2027-04-04T01:45:00", "2027-04-03T14:45:00Z"),
        # Any other day.
        ("Europe/Amsterdam", "2026-12-01T14:30:00", "2026-12-01T13:30:00Z"),
        ("Europe/Amsterdam", "2026-07-01T14:30:00", "2026-07-01T12:30:00Z"),
        ("Australia/Lord_Howe", "2026-12-01T14:30:00", "2026-12-01T03:30:00Z"),
        ("America/New_York", "2026-12-01T14:30:00", "2026-12-01T19:30:00Z"),
    ],
)
def test_a_wall_time_is_the_instant_that_is_meant(zone_name: str, wall: str, instant: str) -> None:
    assert iso(to_instant(datetime.fromisoformat(wall), zone_name)) == instant
    assert iso(start_instant(wall, zone_name)) == instant


@given(walls, st.sampled_from(ZONES))
def test_a_wall_time_comes_back_as_itself_or_moved_forward_by_the_gap(wall: datetime, zone_name: str) -> None:
    shown = to_wall(to_instant(wall, zone_name), zone_name).replace(tzinfo=None)
    assert shown - wall in (timedelta(0), timedelta(minutes=30), timedelta(hours=1))
    if shown != wall:
        exists = to_wall(to_instant(wall, zone_name), zone_name)
        assert (exists - timedelta(hours=2)).utcoffset() != exists.utcoffset()


@given(walls, st.sampled_from(ZONES))
def test_the_first_of_two_equal_wall_times_counts(wall: datetime, zone_name: str) -> None:
    instant = to_instant(wall, zone_name)
    earlier = [instant - shift for shift in (timedelta(minutes=30), timedelta(hours=1))]
    assert all(to_wall(other, zone_name).replace(tzinfo=None) != wall for other in earlier)


def test_eighteen_o_clock_is_eighteen_o_clock_on_both_sides_of_a_change() -> None:
    assert iso(wall_on(date(2027, 3, 27), "18:00", "Europe/Amsterdam")) == "2027-03-27T17:00:00Z"
    assert iso(wall_on(date(2027, 3, 28), "18:00", "Europe/Amsterdam")) == "2027-03-28T16:00:00Z"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PT24H", timedelta(hours=24)),
        ("P1D", timedelta(days=1)),
        ("P2W", timedelta(weeks=2)),
        ("P1DT2H30M15S", timedelta(days=1, hours=2, minutes=30, seconds=15)),
        ("PT0S", timedelta(0)),
        ("P366D", timedelta(days=366)),
    ],
)
def test_durations_are_read(text: str, expected: timedelta) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "P", "PT", "P1DT", "1H", "PT1.5H", "-PT1H", "P1Y", "P1M", "PT1H ", "pt1h", "P367D", "PT999999M", "PT٢٤H"],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        parse_duration(text)


def test_local_times_are_read_and_nothing_else() -> None:
    assert parse_local_time("00:00") == time(0)
    assert parse_local_time("23:59") == time(23, 59)
    for wrong in ("24:00", "7:00", "07:60", "07:00:00", "0٣:00", "18:0", "", " 18:00"):
        with pytest.raises(InvalidValue):
            parse_local_time(wrong)


@pytest.mark.parametrize("name", [*ZONES, "Etc/GMT+5", "America/Argentina/Buenos_Aires", "EST5EDT"])
def test_iana_zones_are_known(name: str) -> None:
    assert zone(name).key == name


@pytest.mark.parametrize(
    "name",
    ["localtime", "Mars/X", "../etc", "/etc/localtime", "Europe/../Europe/Paris", "America", "Europe/Amsterdam\n",
     "europe/amsterdam", "posix/Europe/Paris", "CEST", "+02:00", "", "X" * 300, "Europe/Amsterdam\0", "tzdata.zi"],
)  # fmt: skip
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(InvalidValue):
        zone(name)


@pytest.mark.parametrize(
    "text",
    ["2026-12-01", "2026-12-01 14:30", "2026-12-01T14", "2026-13-01T14:30", "2026-02-30T14:30", "2026-12-01T24:00",
     "2026-12-01T14:30:60", "2026-12-01T14:30+25:00", "2026-12-01T14:30+0100", "2026-W49-2T14:30", "20261201T1430",
     "1970-12-31T23:59", "2200-01-01T00:00", "2026-12-01T14:30z", "", "tomorrow", "\uff12026-12-01T14:30"],
)  # fmt: skip
def test_what_is_no_start_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        parse_start(text)


def test_a_start_with_an_offset_is_an_instant_whatever_the_zone() -> None:
    for zone_name in ZONES:
        assert iso(start_instant("2026-12-01T14:30:00+01:00", zone_name)) == "2026-12-01T13:30:00Z"
        assert iso(start_instant("2026-12-01T13:30:00Z", zone_name)) == "2026-12-01T13:30:00Z"


def test_seconds_may_be_left_out_of_a_start() -> None:
    assert start_instant("2026-12-01T14:30", "Europe/Paris") == start_instant("2026-12-01T14:30:00", "Europe/Paris")


def test_a_start_has_no_fractions_of_a_second() -> None:
    # The start is part of a reminder's identity and is stored in whole seconds.
    assert iso(start_instant("2026-12-01T14:30:00.75", "Europe/Paris")) == "2026-12-01T13:30:00Z"
    assert iso(start_instant("2026-12-01T14:30:00.75+01:00", "UTC")) == "2026-12-01T13:30:00Z"


def test_an_instant_needs_an_offset() -> None:
    with pytest.raises(InvalidValue):
        parse_instant("2026-12-01T14:30:00")
    assert parse_instant("2026-12-01T14:30:00+05:30") == datetime(2026, 12, 1, 9, 0, tzinfo=UTC)


@given(st.datetimes(min_value=datetime(1972, 1, 1), max_value=datetime(2198, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_an_instant_survives_being_written(instant: datetime) -> None:
    assert parse_instant(iso(instant)) == instant
    assert epoch(instant) <= instant.timestamp() < epoch(instant) + 1
