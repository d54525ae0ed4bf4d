"""When a recap is due: wall time in the organization's zone, over every change of its clocks."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from carillon.domain.recaps import Cron, latest, listed_day, occurrence, span
from carillon.domain.scheduling import cron_expression, cron_name, utc_expression
from carillon.domain.settings import Recap, RecapOf, Settings
from carillon.domain.times import wall_on
from local.scheduler.expressions import parse
from tests.builders import NOW, settings

CHANGES = [
    # zone, wall time, spring day, autumn day
    ("Europe/Amsterdam", "02:30", date(2027, 3, 28), date(2027, 10, 31)),
    ("America/New_York", "02:15", date(2027, 3, 14), date(2027, 11, 7)),
    ("Australia/Lord_Howe", "02:15", date(2027, 10, 3), date(2027, 4, 4)),
    ("Africa/Cairo", "00:30", date(2027, 4, 30), date(2027, 10, 29)),
    ("Asia/Beirut", "00:00", date(2027, 3, 28), date(2027, 10, 31)),
    ("America/Santiago", "00:30", date(2027, 9, 5), date(2027, 4, 4)),
    ("Europe/Warsaw", "07:00", date(2027, 3, 28), date(2027, 10, 31)),
    ("Asia/Tokyo", "02:30", date(2027, 3, 28), date(2027, 10, 31)),
]
ABOUT_CHANGES = pytest.mark.parametrize(("zone", "at", "spring", "autumn"), CHANGES, ids=[c[0] for c in CHANGES])


def set_to(zone: str, at: str, **of_staff: object) -> Settings:
    return settings(time_zone=zone, recap=Recap(staff=RecapOf(enabled=True, at=at, **of_staff)))  # type: ignore[arg-type]


def fired(zone: str, at: str, begin: date, days: int, *, known: bool = True) -> Iterator[datetime]:
    """Play the scheduler: it leaves out what does not exist on a day; `known`: the zone to it."""
    first, end = span(begin, zone)[0], span(begin + timedelta(days=days), zone)[0]
    expression = (cron_expression if known else utc_expression)(at, zone, NOW.date())
    schedule = parse(expression, zone if known else "UTC", first)
    moment = first - timedelta(seconds=1)
    while (following := schedule.after(moment)) is not None and following < end:
        yield following
        moment = following


@ABOUT_CHANGES
@pytest.mark.parametrize("known", [True, False])
def test_each_day_has_one_recap_at_the_instant_that_is_meant(
    zone: str, at: str, spring: date, autumn: date, known: bool
) -> None:
    for change in (spring, autumn):
        begin = change - timedelta(days=2)
        instants = fired(zone, at, begin, 5, known=known)
        found = [occurrence("staff", set_to(zone, at), instant) for instant in instants]
        meant = [each for each in found if each is not None]
        days = [begin + timedelta(days=n) for n in range(5)]
        assert meant == [(day, wall_on(day, at, zone)) for day in days]


def test_a_time_that_the_clocks_jump_over_moves_on_by_the_gap() -> None:
    # 02:30 does not exist in Amsterdam on 28 March 2027: 03:30 it is, in summer time.
    instants = list(fired("Europe/Amsterdam", "02:30", date(2027, 3, 28), 1))
    assert datetime(2027, 3, 28, 1, 30, tzinfo=UTC) in instants
    assert datetime(2027, 3, 28, 0, 30, tzinfo=UTC) not in instants


def test_the_other_time_of_the_schedule_is_not_meant_on_other_days() -> None:
    at_2_30, at_3_30 = list(fired("Europe/Amsterdam", "02:30", date(2027, 1, 10), 1))
    told = set_to("Europe/Amsterdam", "02:30")
    assert occurrence("staff", told, at_2_30) == (date(2027, 1, 10), at_2_30)
    assert occurrence("staff", told, at_3_30) is None


def test_a_schedule_has_one_time_where_no_change_touches_it() -> None:
    assert cron_expression("07:00", "Europe/Amsterdam", NOW.date()) == "cron(0 7 * * ? *)"
    assert cron_expression("02:30", "Asia/Tokyo", NOW.date()) == "cron(30 2 * * ? *)"
    assert cron_expression("02:15", "Australia/Lord_Howe", NOW.date()) == "cron(15,45 2 * * ? *)"


def test_a_name_says_data_set_recap_time_zone_and_generation() -> None:
    names = {
        cron_name(*parts)
        for parts in (
            ("aurora", "staff", "07:00", "Europe/Paris", 1),
            ("aurora~test", "staff", "07:00", "Europe/Paris", 1),
            ("aurora", "managers", "07:00", "Europe/Paris", 1),
            ("aurora", "staff", "07:01", "Europe/Paris", 1),
            ("aurora", "staff", "07:00", "Europe/Rome", 1),
            ("aurora", "staff", "07:00", "Europe/Paris", 2),
        )
    }
    assert len(names) == 6
    assert all(len(name) <= 64 and name.isascii() for name in names)


@pytest.mark.parametrize("seconds", [-299, -59, 0, 59, 299])
def test_within_five_minutes_it_is_its_time(seconds: int) -> None:
    at = wall_on(date(2026, 12, 1), "07:00", "Europe/Amsterdam")
    told = set_to("Europe/Amsterdam", "07:00")
    assert occurrence("staff", told, at + timedelta(seconds=seconds)) == (date(2026, 12, 1), at)


@pytest.mark.parametrize("minutes", [-60, -5, 5, 60, 720])
def test_further_away_it_is_not(minutes: int) -> None:
    at = wall_on(date(2026, 12, 1), "07:00", "Europe/Amsterdam") + timedelta(minutes=minutes)
    assert occurrence("staff", set_to("Europe/Amsterdam", "07:00"), at) is None


def test_a_time_near_midnight_belongs_to_its_own_day() -> None:
    told = set_to("Pacific/Auckland", "00:00")
    instant = wall_on(date(2026, 12, 1), "00:00", "Pacific/Auckland")
    assert occurrence("staff", told, instant - timedelta(seconds=30)) == (date(2026, 12, 1), instant)


def test_the_eve_lists_tomorrow_and_the_day_itself_today() -> None:
    day = date(2026, 12, 31)
    assert listed_day("staff", set_to("Europe/Paris", "18:00", day="day_before"), day) == date(2027, 1, 1)
    assert listed_day("staff", set_to("Europe/Paris", "07:00"), day) == day


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Amsterdam", date(2027, 3, 28), 23),
        ("Europe/Amsterdam", date(2027, 10, 31), 25),
        ("Asia/Beirut", date(2027, 3, 28), 23),
        ("Australia/Lord_Howe", date(2027, 10, 3), 23.5),
        ("Asia/Kolkata", date(2027, 3, 28), 24),
    ],
)
def test_a_day_is_as_long_as_its_clocks_make_it(zone: str, day: date, hours: float) -> None:
    begin, end = span(day, zone)
    assert end - begin == timedelta(hours=hours)
    before, after = span(day - timedelta(days=1), zone), span(day + timedelta(days=1), zone)
    assert (before[1], after[0]) == (begin, end)


@ABOUT_CHANGES
def test_the_last_time_is_found_from_any_instant(zone: str, at: str, spring: date, autumn: date) -> None:
    for change in (spring, autumn):
        times = [wall_on(change + timedelta(days=n), at, zone) for n in range(-3, 3)]
        cron = Cron("staff", at, zone, 1, NOW)
        for earlier, later in pairwise(times):
            assert latest(cron, earlier) == latest(cron, later - timedelta(seconds=1)) == earlier
