"""The sweep looks a day's records through at a time, and goes on where it stopped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from carillon.adapters.dynamodb.records import DynamoRecords
from carillon.adapters.dynamodb.watermarks import DynamoWatermarks
from carillon.domain.listing import Page
from carillon.domain.records import Planned
from carillon.ports.messages import Messages
from carillon.ports.reading import Reader
from carillon.ports.records import DueRows, RecordChange
from carillon.ports.upkeep import Marks
from carillon.services.fallback import Fallback
from carillon.services.sweeping import Sweep
from tests.builders import NOW, event, record
from tests.doubles import MemoryQueues, SetClock
from tests.tables import CountingTable, table_on_moto

ORG = "salon"


class _Nothing:
    """No messages, nothing due."""

    def page(self, *_: Any, **__: Any) -> Page[Any]:
        return Page([])

    def between(self, *_: Any, **__: Any) -> Page[Any]:
        return Page([])


@pytest.fixture
def table() -> Iterator[CountingTable]:
    with table_on_moto() as made:
        yield made


def _sweep(table: CountingTable, clock: SetClock, queues: MemoryQueues) -> Sweep:
    return Sweep(
        reader=cast("Reader", None),
        records=DynamoRecords(table),
        due_rows=cast("DueRows", _Nothing()),
        messages=cast("Messages", _Nothing()),
        queues=queues,
        marks=DynamoWatermarks(table),
        fallback=cast("Fallback", None),
        clock=clock,
    )


def _unplanned(table: CountingTable, ref: str, days: int) -> None:
    start = NOW + timedelta(days=days)
    made = replace(record(start=start), ref=ref)
    DynamoRecords(table).save(ORG, RecordChange(made, 0, 0, (event(),), start, NOW + timedelta(days=500)))


def _planned_after(table: CountingTable, sweeps: int) -> list[str]:
    clock, queues = SetClock(NOW + timedelta(hours=1)), MemoryQueues()
    sweep = _sweep(table, clock, queues)
    for _ in range(sweeps):
        sweep.run(ORG)
        clock.advance(minutes=15)
    return [job["record"] for job in queues.jobs]


def test_a_days_worth_of_sweeps_reaches_two_months_ahead(table: CountingTable) -> None:
    for number, days in enumerate((0, 1, 30, 61)):
        _unplanned(table, f"appointments/{number}", days)
    assert sorted(set(_planned_after(table, 96))) == [f"appointments/{number}" for number in range(4)]


def test_one_sweep_looks_at_one_day(table: CountingTable) -> None:
    _unplanned(table, "appointments/0", 0)
    assert _planned_after(table, 1) == []
    assert _planned_after(table, 1) == ["appointments/0"]


def test_all_records_of_a_day_are_looked_at_together(table: CountingTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("carillon.services.sweeping.PAGE", 2)
    for number in range(5):
        _unplanned(table, f"appointments/{number}", 0)
    assert len(_planned_after(table, 2)) == 5


def test_a_mark_that_lies_behind_begins_anew(table: CountingTable) -> None:
    _unplanned(table, "appointments/0", 0)
    marks = DynamoWatermarks(table)
    marks.save(ORG, Marks(due=NOW, queued=NOW, records="2020-01-01T00:00:00Z"))
    _planned_after(table, 1)
    found = marks.load(ORG)
    assert found is not None
    assert found.records is not None
    assert found.records[:10] == NOW.date().isoformat()


def test_what_began_up_to_a_week_ago_is_looked_at_again(table: CountingTable) -> None:
    _unplanned(table, "appointments/0", -7)
    marks = DynamoWatermarks(table)
    marks.save(ORG, Marks(due=NOW, queued=NOW, records=(NOW + timedelta(days=63)).date().isoformat()))
    assert _planned_after(table, 3) == ["appointments/0"]


def test_one_that_is_planned_late_has_its_past_reminders_looked_at_again(table: CountingTable) -> None:
    _unplanned(table, "appointments/0", 0)
    at = NOW - timedelta(hours=3)
    made = replace(record(plan=(Planned("day_before", NOW, at, "planned", 1),)), ref="appointments/1")
    DynamoRecords(table).save(ORG, RecordChange(made, 0, 0, (event(),), NOW, NOW + timedelta(days=500)))
    marks = DynamoWatermarks(table)
    marks.save(ORG, Marks(due=NOW, queued=NOW, records=NOW.date().isoformat()))
    assert "appointments/1" in _planned_after(table, 1)
    found = marks.load(ORG)
    assert found is not None
    assert found.due == at


def test_after_the_stream_gave_up_all_records_are_looked_through_at_once(table: CountingTable) -> None:
    for number, days in enumerate((-7, 0, 40, 300)):
        _unplanned(table, f"appointments/{number}", days)
    queues = MemoryQueues()
    sweep = _sweep(table, SetClock(NOW), queues)
    position, found = None, 0
    for _ in range(20):
        found += sweep.look_through(ORG, position)
        following = [job["position"] for job in queues.jobs if job["kind"] == "look_through"]
        if not following or following[-1] == position:
            break
        position = following[-1]
    assert found == 4
    jobs = [job["record"] for job in queues.jobs if job["kind"] == "plan_record"]
    assert sorted(jobs) == [f"appointments/{number}" for number in range(4)]
