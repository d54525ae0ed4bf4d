"""Reports: what was sent, and counts that are equal to counting by hand."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from carillon.domain.errors import Forbidden, Invalid
from carillon.domain.ids import ulid
from carillon.domain.messages import STATUSES, Message, Occasion
from carillon.domain.times import to_wall
from carillon.services import summarising
from carillon.services.reporting import HANDED_OVER, Reporting, ReportQuery
from carillon.services.summarising import Counted, Summarising, SummaryQuery
from tests.builders import NOW, ORG, message, organization
from tests.fake_messages import MemoryMessages
from tests.fakes import MemoryReader
from tests.rig import Rig

COUNT = 60


def made(number: int) -> Message:
    """Make message number n: one each seven hours, in each status and on some channels in turn."""
    at = NOW + timedelta(hours=7 * number)
    status = STATUSES[number % len(STATUSES)]
    channel = None if status == "suppressed" else ("email", "sms", "whatsapp")[number % 3]
    reason = {"suppressed": "opted_out", "failed": "unreachable", "unknown": "provider_timeout"}.get(status)
    changes: dict[str, Any] = {"tried": (("sms", "opted_out"),)} if number % 20 == 7 and channel is None else {}
    return message(
        Occasion(f"appointments/{number}", event="appointment.booked", version=1),
        channel,  # type: ignore[arg-type]
        ("c:anna", "s:s1", "r:manager#2026-11-23")[number % 3],
        id=ulid(at, number.to_bytes(10)),
        status=status,
        reason=reason,
        created_at=at,
        parts=2 if channel == "sms" else None,
        timeline=((at, status, reason),),
        **changes,
    )


@pytest.fixture
def rig() -> Rig:
    one = Rig()
    for number in range(COUNT):
        kept = made(number)
        one.account.messages[ORG, kept.key] = kept
    one.clock.at = NOW + timedelta(days=30)
    return one


def reporting(rig: Rig) -> Reporting:
    return Reporting(MemoryMessages(rig.account), MemoryReader(rig.account), rig.clock)


def counted(rig: Rig, **query: Any) -> list[Counted]:
    service = Summarising(MemoryMessages(rig.account), MemoryReader(rig.account), rig.clock)
    found, position = list[Counted](), None
    for _ in range(COUNT + 1):
        page = service.page(ORG, SummaryQuery(**query), position)
        found += page.items
        position = page.position
        if position is None:
            return found
    raise AssertionError("the summary never ends")


def test_the_report_has_what_was_handed_over_with_the_name_of_whoever_got_it(rig: Rig) -> None:
    report = reporting(rig).page(ORG, ReportQuery(channel="sms", limit=100), None)
    expected = [each for each in rig.account.found(ORG) if each.channel == "sms" and each.status in HANDED_OVER]
    assert [item.message for item in report.page.items] == expected[::-1]
    names = {"c:": "Anna de Vries", "s:": "Staff s1", "r:": None}
    assert {item.name for item in report.page.items} == {names[e.key.recipient[:2]] for e in expected}
    assert report.zone == "Europe/Amsterdam"


def test_another_status_is_reported_when_it_is_asked_for(rig: Rig) -> None:
    report = reporting(rig).page(ORG, ReportQuery(status="suppressed", channel="sms", format="csv"), None)
    assert {item.message.status for item in report.page.items} == {"suppressed"}
    assert {item.message.tried for item in report.page.items} == {(("sms", "opted_out"),)}


def test_a_page_of_json_has_at_most_a_hundred_rows(rig: Rig) -> None:
    assert len(reporting(rig).page(ORG, ReportQuery(format="csv", status=None), None).page.items) == 36
    with pytest.raises(Invalid):
        reporting(rig).page(ORG, ReportQuery(limit=101), None)


def test_a_day_is_the_organizations_own_and_the_last_one_is_part_of_the_span(rig: Rig) -> None:
    report = reporting(rig).page(ORG, ReportQuery(from_="2026-11-25", to="2026-11-26", format="csv"), None)
    days = {to_wall(item.message.created_at, "Europe/Amsterdam").date().isoformat() for item in report.page.items}
    assert days == {"2026-11-25", "2026-11-26"}
    with pytest.raises(Invalid):
        reporting(rig).page(ORG, ReportQuery(from_="2026-11-26", to="2026-11-24"), None)


@pytest.mark.parametrize("groups", ["day,channel,status,reason", "status", "reason,channel", "day"])
@pytest.mark.parametrize("pages", [(5_000, 4), (7, 2)], ids=["at-once", "in-pages"])
def test_counts_equal_counting_by_hand(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, groups: str, pages: tuple[int, int]
) -> None:
    monkeypatch.setattr(summarising, "PAGE", pages[0])
    monkeypatch.setattr(summarising, "PAGES_PER_CALL", pages[1])
    begin, end = NOW + timedelta(days=1), NOW + timedelta(days=12)
    by_hand: Counter[tuple[Any, ...]] = Counter()
    parts: Counter[tuple[Any, ...]] = Counter()
    for each in rig.account.found(ORG):
        if begin <= each.created_at < end:
            told = each.tried[0][0] if each.tried else each.channel
            day = to_wall(each.created_at, "Europe/Amsterdam").date().isoformat()
            own = {"day": day, "channel": told, "status": each.status, "reason": each.reason}
            key = tuple(own[name] if name in groups.split(",") else None for name in own)
            by_hand[key] += 1
            parts[key] += each.parts or 0
    told_of: Counter[tuple[Any, ...]] = Counter()
    for row in counted(rig, from_=begin.isoformat(), to=end.isoformat(), group_by=groups):
        key = (row.day, row.channel, row.status, row.reason)
        told_of[key] += row.count
        parts[key] -= row.parts
    assert told_of == by_hand
    assert sum(told_of.values()) > 30
    assert set(parts.values()) == {0}


def test_nothing_is_reported_while_notifications_are_inactive(rig: Rig) -> None:
    rig.account.organizations[ORG] = organization(active=False)
    with pytest.raises(Forbidden):
        counted(rig)
    with pytest.raises(Forbidden):
        reporting(rig).page(ORG, ReportQuery(), None)
