"""Reminders as they are listed: every one of a client's, page by page, and none of what is gone."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from carillon.domain.errors import NotFound
from carillon.services.appointments import AppointmentInput
from carillon.services.reminders import Reminders, ReminderState, WantedReminders
from tests.builders import NOW, ORG, REF
from tests.fakes import MemoryDueRows, MemoryReader, MemoryRecords
from tests.rig import CALLER, Rig


def book(rig: Rig, count: int) -> None:
    """Book an appointment a day for anna, each with two reminders, and one for bob."""
    for number in range(count + 1):
        whose = "bob" if number == count else "anna"
        start = (NOW + timedelta(days=number + 2)).strftime("%Y-%m-%dT%H:%M:%S")
        stated = AppointmentInput(client_id=whose, start=start, duration_minutes=30, status="booked")
        rig.appointments().put(CALLER, f"a{number:03d}", stated)
        rig.planner().follow(ORG, f"appointments/a{number:03d}", [whose])


def listing(rig: Rig) -> Reminders:
    return Reminders(MemoryReader(rig.account), MemoryRecords(rig.account), MemoryDueRows(rig.account), rig.clock)


def listed(rig: Rig, limit: int, **wanted: Any) -> list[ReminderState]:
    found, position = list[ReminderState](), None
    for _ in range(500):
        page = listing(rig).page(ORG, WantedReminders(**wanted), limit=limit, position=position)
        assert len(page.items) <= limit
        found += page.items
        position = page.position
        if position is None:
            return found
    raise AssertionError("the listing never ends")


@pytest.mark.parametrize("limit", [7, 100])
def test_all_of_a_clients_reminders_are_listed_however_many_there_are(limit: int) -> None:
    rig = Rig()
    book(rig, 105)
    found = listed(rig, limit, client_id="anna")
    assert len({(item.record.ref, item.entry.key) for item in found}) == len(found) == 210
    assert [item.entry.at for item in found] == sorted(item.entry.at for item in found)
    begin, end = NOW + timedelta(days=5), NOW + timedelta(days=9)
    some = listed(rig, limit, client_id="anna", since=begin, until=end)
    assert some == [item for item in found if begin <= item.entry.at < end]


@pytest.mark.parametrize("limit", [1, 100])
def test_a_records_reminders_are_narrowed_like_all_others(limit: int) -> None:
    rig = Rig()
    rig.put()
    rig.follow("anna")
    both = listed(rig, limit, record=REF)
    assert [item.entry.key for item in both] == ["day_before", "morning_of"]
    assert listed(rig, limit, record=REF, client_id="anna") == both
    assert listed(rig, limit, record=REF, client_id="bob") == []
    assert listed(rig, limit, record=REF, since=both[1].entry.at) == both[1:]


def test_what_has_outlived_its_time_is_not_shown_although_it_is_still_there() -> None:
    rig = Rig()
    rig.put()
    rig.follow("anna")
    stored = rig.account.records[ORG, REF]
    rig.account.records[ORG, REF] = replace(stored, expires=rig.clock.at)
    assert listed(rig, 100, client_id="anna") == []
    assert listed(rig, 100) == []
    with pytest.raises(NotFound):
        listed(rig, 100, record=REF)
    with pytest.raises(NotFound):
        rig.appointments().get(ORG, "42")
    assert rig.appointments().page(ORG, limit=10, position=None, since=None).items == []


def test_by_date_reminders_go_back_as_far_as_their_rows_are_kept() -> None:
    rig = Rig()
    rig.put()
    rig.follow("anna")
    rig.clock.advance(days=13)
    since = NOW
    assert [item.entry.key for item in listed(rig, 100, since=since)] == ["day_before", "morning_of"]
    rig.clock.advance(days=3)
    assert listed(rig, 100, since=since) == []
