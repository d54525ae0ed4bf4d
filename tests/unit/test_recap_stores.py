"""The plan of recaps' schedules and the records of a day, as stored; the table and the fake keep the same promises."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import count

import pytest

from carillon.adapters.dynamodb import days as days_adapter
from carillon.adapters.dynamodb import table as table_adapter
from carillon.adapters.dynamodb.days import DynamoDays
from carillon.adapters.dynamodb.recap_plans import DynamoRecapPlans
from carillon.adapters.dynamodb.records import DynamoRecords
from carillon.domain.recaps import Cron, CronPlan, span
from carillon.ports.recaps import RecapPlans
from carillon.ports.records import RecordChange
from tests.builders import NOW, appointment, record
from tests.recap_store import MemoryRecapPlans
from tests.tables import CountingTable, table_on_moto

SEVEN = datetime(2026, 12, 1, 6, 0, tzinfo=UTC)
CRON = Cron("staff", "07:00", "Europe/Amsterdam", 1, NOW)
PLAN = CronPlan(version=1, live=(CRON,), old=("c-old",), settled=False)
_numbers = count(1)


@pytest.fixture(scope="module")
def table() -> Iterator[CountingTable]:
    with table_on_moto() as made:
        yield made


@pytest.fixture
def o() -> str:
    return f"org{next(_numbers)}"


@pytest.fixture(params=["table", "memory"])
def plans(request: pytest.FixtureRequest, table: CountingTable) -> RecapPlans:
    return MemoryRecapPlans() if request.param == "memory" else DynamoRecapPlans(table)


class TestPlans:
    def test_comes_back_as_it_was_stored(self, plans: RecapPlans, o: str) -> None:
        assert plans.load(o) == CronPlan()
        assert plans.save(o, PLAN, over=0)
        assert plans.load(o) == PLAN

    def test_of_two_writers_the_first_wins(self, plans: RecapPlans, o: str) -> None:
        assert plans.save(o, PLAN, over=0)
        assert not plans.save(o, PLAN, over=0)
        assert plans.save(o, CronPlan(version=2, live=(CRON,)), over=1)
        assert not plans.save(o, CronPlan(version=2), over=1)
        assert plans.load(o) == CronPlan(version=2, live=(CRON,))

    def test_what_was_dealt_with_stays_noted_whoever_plans_anew(self, plans: RecapPlans, o: str) -> None:
        plans.save(o, PLAN, over=0)
        plans.done(o, "staff", SEVEN)
        plans.done(o, "managers", SEVEN + timedelta(days=1))
        plans.done(o, "staff", SEVEN - timedelta(days=1))
        assert plans.save(o, CronPlan(version=2), over=1)
        assert plans.load(o).done == {"staff": SEVEN, "managers": SEVEN + timedelta(days=1)}

    def test_nothing_is_noted_of_what_is_gone(self, plans: RecapPlans, o: str) -> None:
        plans.done(o, "staff", SEVEN)
        assert plans.load(o) == CronPlan()

    def test_goes_if_it_is_still_the_one(self, plans: RecapPlans, o: str) -> None:
        plans.save(o, PLAN, over=0)
        plans.drop(o, over=2)
        assert plans.load(o) == PLAN
        plans.drop(o, over=1)
        assert plans.load(o) == CronPlan()

    def test_is_each_data_sets_own(self, plans: RecapPlans, o: str) -> None:
        plans.save(o, PLAN, over=0)
        assert plans.load(f"{o}~test") == CronPlan()


class TestDays:
    def put(self, table: CountingTable, o: str, name: str, start: str, zone: str = "Europe/Amsterdam") -> None:
        about = appointment(start=start, time_zone=zone)
        at = about.starts(zone)
        change = RecordChange(record(about, ref=f"appointments/{name}", start=at), 0, 0, (), at)
        assert DynamoRecords(table).save(o, change)

    @pytest.mark.parametrize("zone", ["Europe/Amsterdam", "Pacific/Auckland", "America/Los_Angeles", "Asia/Kolkata"])
    def test_a_day_is_the_zones_own_wherever_utc_has_its_midnight(
        self, table: CountingTable, o: str, zone: str
    ) -> None:
        for name, start in (
            ("before", "2026-11-30T23:59:59"),
            ("first", "2026-12-01T00:00:00"),
            ("noon", "2026-12-01T12:00:00"),
            ("last", "2026-12-01T23:59:59"),
            ("after", "2026-12-02T00:00:00"),
        ):
            self.put(table, o, name, start, zone)
        found = DynamoDays(table).between(o, *span(date(2026, 12, 1), zone))
        assert {each.ref for each in found} == {"appointments/first", "appointments/noon", "appointments/last"}

    def test_a_big_day_costs_a_query_a_day_and_a_read_for_each_batch(
        self, table: CountingTable, o: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(table_adapter, "BATCH_GET", 4)
        for number in range(10):
            self.put(table, o, str(number), f"2026-12-01T{2 * number:02d}:00:00")
        table.calls.clear()
        assert len(DynamoDays(table).between(o, *span(date(2026, 12, 1), "Europe/Amsterdam"))) == 10
        assert table.calls == ["Query"] * 2 + ["BatchGetItem"] * 3

    def test_more_than_the_most_are_not_looked_at(
        self, table: CountingTable, o: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(days_adapter, "MOST", 3)
        for number in range(5):
            self.put(table, o, str(number), f"2026-12-01T{10 + number}:00:00")
        found = DynamoDays(table).between(o, *span(date(2026, 12, 1), "Europe/Amsterdam"))
        assert sorted(each.ref for each in found) == ["appointments/0", "appointments/1", "appointments/2"]

    def test_an_empty_day_reads_no_record(self, table: CountingTable, o: str) -> None:
        table.calls.clear()
        assert DynamoDays(table).between(o, *span(date(2026, 12, 1), "Europe/Amsterdam")) == []
        assert table.calls == ["Query"] * 2
