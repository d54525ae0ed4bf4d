"""Names and expressions of schedules, as AWS takes them; emulators take anything."""

import re
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from carillon.domain.scheduling import SOON, at_expression, is_soon, schedule_name
from tests.builders import NOW

NAME = re.compile(r"[0-9a-zA-Z\-_.]{1,64}", re.ASCII)
EXPRESSION = re.compile(r"at\(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\)", re.ASCII)
ids = st.text("abcXYZ019._:-", min_size=1, max_size=64)
orgs = st.builds(lambda name, test: name + ("~test" if test else ""), ids, st.booleans())
EPOCH = datetime(1972, 1, 1, tzinfo=UTC)
instants = st.integers(0, 6_900_000_000 * 10**6).map(lambda us: EPOCH + timedelta(microseconds=us))
parts = st.tuples(orgs, ids.map("appointments/{}".format), st.from_regex(r"[a-z0-9_]{1,32}", fullmatch=True), instants,
                  st.integers(1, 10_000))  # fmt: skip


@given(parts)
def test_every_name_is_one_that_aws_takes(of: tuple[str, str, str, datetime, int]) -> None:
    assert NAME.fullmatch(schedule_name(*of))


@given(parts, parts)
def test_only_the_same_reminder_has_the_same_name(
    one: tuple[str, str, str, datetime, int], other: tuple[str, str, str, datetime, int]
) -> None:
    assert (schedule_name(*one) == schedule_name(*other)) == (one == other)


def test_each_part_counts() -> None:
    basis = ("aurora", "appointments/42", "day_before", NOW, 1)
    changed = ("aurora~test", "appointments/43", "morning_of", NOW + timedelta(seconds=1), 2)
    names = {schedule_name(*basis)}
    for place in range(5):
        names.add(schedule_name(*(*basis[:place], changed[place], *basis[place + 1 :])))  # type: ignore[arg-type]
    assert len(names) == 6


@given(instants)
def test_an_expression_is_in_utc_without_a_suffix_and_never_before_the_instant(at: datetime) -> None:
    text = at_expression(at)
    assert EXPRESSION.fullmatch(text)
    read = datetime.fromisoformat(text[3:-1]).replace(tzinfo=UTC)
    assert timedelta(0) <= read - at < timedelta(seconds=1)


def test_other_zones_are_written_in_utc() -> None:
    tokyo = timezone(timedelta(hours=9))
    assert at_expression(datetime(2026, 12, 1, 8, 30, tzinfo=tokyo)) == "at(2026-11-30T23:30:00)"


def test_parts_of_a_second_are_rounded_up() -> None:
    assert at_expression(datetime(2026, 12, 31, 23, 59, 59, 1, tzinfo=UTC)) == "at(2027-01-01T00:00:00)"


def test_what_is_due_within_a_minute_or_past_needs_no_schedule() -> None:
    assert is_soon(NOW - timedelta(days=1), NOW)
    assert is_soon(NOW, NOW)
    assert is_soon(NOW + SOON, NOW)
    assert not is_soon(NOW + SOON + timedelta(microseconds=1), NOW)


@given(instants, st.integers(-10, 200))
def test_what_gets_a_schedule_lies_in_the_future_still_when_it_is_made(now: datetime, seconds: int) -> None:
    at = now + timedelta(seconds=seconds)
    if not is_soon(at, now):
        written = datetime.fromisoformat(at_expression(at)[3:-1]).replace(tzinfo=UTC)
        assert written > now + timedelta(seconds=59)
