"""Schedule expressions fall on the instants on which AWS fires them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from local.scheduler.expressions import InvalidExpressionError, parse

START = datetime(2026, 1, 1, tzinfo=UTC)


def instants(expression: str, zone: str, after: str, count: int) -> list[str]:
    rule = parse(expression, zone, START)
    moment = datetime.fromisoformat(after)
    found = []
    for _ in range(count):
        following = rule.after(moment)
        if following is None:
            break
        found.append(following.astimezone(UTC).strftime("%Y-%m-%d %H:%M"))
        moment = following
    return found


@pytest.mark.parametrize(
    ("expression", "zone", "after", "expected"),
    [
        ("at(2026-12-01T13:30:00)", "UTC", "2026-11-01T00:00:00Z", ["2026-12-01 13:30"]),
        ("at(2026-12-01T13:30:00)", "Europe/Amsterdam", "2026-11-01T00:00:00Z", ["2026-12-01 12:30"]),
        ("rate(15 minutes)", "UTC", "2026-01-01T00:07:00Z", ["2026-01-01 00:15", "2026-01-01 00:30"]),
        ("rate(1 hour)", "UTC", "2026-01-01T00:00:00Z", ["2026-01-01 01:00", "2026-01-01 02:00"]),
        # 24 hours, whatever the wall clock says: the day of the spring shift has 23 of them.
        ("rate(1 day)", "Europe/Paris", "2026-03-28T12:00:00Z", ["2026-03-29 00:00", "2026-03-30 00:00"]),
        ("cron(0 7 * * ? *)", "Europe/Amsterdam", "2026-03-27T12:00:00Z", ["2026-03-28 06:00", "2026-03-29 05:00"]),
        # In the spring gap the instant is skipped.
        ("cron(30 2 * * ? *)", "Europe/Amsterdam", "2026-03-28T12:00:00Z", ["2026-03-30 00:30", "2026-03-31 00:30"]),
        # In the autumn overlap it happens once, before the shift.
        ("cron(30 2 * * ? *)", "Europe/Amsterdam", "2026-10-24T12:00:00Z", ["2026-10-25 00:30", "2026-10-26 01:30"]),
        ("cron(15 2 * * ? *)", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", ["2026-10-04 15:15"][:1]),
        ("cron(0 12 L * ? *)", "UTC", "2026-02-01T00:00:00Z", ["2026-02-28 12:00", "2026-03-31 12:00"]),
        ("cron(0 12 15W * ? *)", "UTC", "2026-02-01T00:00:00Z", ["2026-02-16 12:00", "2026-03-16 12:00"]),
        ("cron(0 12 ? * MON-FRI *)", "UTC", "2026-01-02T13:00:00Z", ["2026-01-05 12:00", "2026-01-06 12:00"]),
        ("cron(0 12 ? * 6L *)", "UTC", "2026-01-01T00:00:00Z", ["2026-01-30 12:00", "2026-02-27 12:00"]),
        ("cron(0 12 ? * TUE#2 *)", "UTC", "2026-01-01T00:00:00Z", ["2026-01-13 12:00", "2026-02-10 12:00"]),
        ("cron(0/20 8-9 1 JAN,JUL ? 2026)", "UTC", "2026-01-01T09:00:00Z", ["2026-01-01 09:20", "2026-01-01 09:40"]),
        ("cron(0 0 29 2 ? *)", "UTC", "2026-01-01T00:00:00Z", ["2028-02-29 00:00", "2032-02-29 00:00"]),
    ],
)
def test_an_expression_falls_on(expression: str, zone: str, after: str, expected: list[str]) -> None:
    assert instants(expression, zone, after, len(expected)) == expected


def test_a_year_that_is_over_never_comes() -> None:
    assert instants("cron(0 0 1 1 ? 2025)", "UTC", "2026-01-01T00:00:00Z", 1) == []


@pytest.mark.parametrize(
    "expression",
    [
        "at(2026-12-01T13:30:00Z)",
        "at(2026-12-01T13:30:00+01:00)",
        "at(2026-12-01 13:30:00)",
        "at(2026-02-30T10:00:00)",
        "at(tomorrow)",
        "rate(0 minutes)",
        "rate(1 minutes)",
        "rate(5 minute)",
        "rate(5 weeks)",
        "cron(0 7 * * *)",
        "cron(0 7 * * * *)",
        "cron(0 7 ? * ? *)",
        "cron(60 7 * * ? *)",
        "cron(0 7 ? * FUNDAY *)",
        "every day",
        "",
    ],
)
def test_what_aws_refuses_is_refused(expression: str) -> None:
    with pytest.raises(InvalidExpressionError):
        parse(expression, "UTC", START)


@pytest.mark.parametrize("zone", ["Mars/Base", "CEST", "+02:00", "Europe/Amsterdam " * 4, ""])
def test_an_unknown_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(InvalidExpressionError):
        parse("rate(1 hour)", zone, START)
