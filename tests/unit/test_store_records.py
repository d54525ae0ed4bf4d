"""Records as stored: document, plan and outbox in one item, each write conditional; the fake promises the same."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb import records as dynamo_records
from carillon.adapters.dynamodb.message_items import message_from_item, message_to_item
from carillon.adapters.dynamodb.reader import DynamoReader
from carillon.adapters.dynamodb.record_items import plan_from_text, plan_to_text
from carillon.adapters.dynamodb.records import DynamoRecords
from carillon.domain.messages import MessageKey
from carillon.domain.records import Event, Planned, StoredRecord
from carillon.ports.reading import Want
from carillon.ports.records import Committed, RecordChange, Records
from tests.builders import NOW, REF, START, appointment, event, message, planned, record, settings
from tests.fakes import Account, MemoryReader, MemoryRecords
from tests.tables import CountingTable, table_on_moto

numbers = count(1)
KEPT = NOW + timedelta(days=100)


class Store:
    """A store of records and a way to look into it; each test has an organization of its own."""

    def __init__(self, records: Records, reader: Any, org_id: str) -> None:
        self.records = records
        self.o = org_id
        self._reader = reader

    def look(self, ref: str = REF) -> StoredRecord:
        found: StoredRecord | None = self._reader.read([Want(self.o, record=ref)])[0].record
        assert found is not None
        return found

    def save(self, of: StoredRecord, *events: Event, over: StoredRecord | None = None) -> bool:
        start = of.appointment.starts("Europe/Amsterdam")
        change = RecordChange(
            record=replace(of, start=start),
            expected_version=over.version if over else 0,
            expected_revision=over.plan_revision if over else 0,
            new_events=events,
            start=start,
            retention=KEPT,
        )
        return self.records.save(self.o, change)


@pytest.fixture(scope="module")
def table() -> Iterator[CountingTable]:
    with table_on_moto() as made:
        yield made


@pytest.fixture(params=["table", "memory"])
def store(request: pytest.FixtureRequest, table: CountingTable) -> Store:
    org_id = f"org{next(numbers)}"
    if request.param == "table":
        return Store(DynamoRecords(table), DynamoReader(table), org_id)
    account = Account(settings={org_id: settings()})
    return Store(MemoryRecords(account), MemoryReader(account), org_id)


FULL = record(
    appointment(staff_ids=["s1"], fields={"a": 1}, time_zone="Europe/Paris"),
    updated_at=NOW - timedelta(hours=1),
    completed_at=NOW + timedelta(microseconds=7),
    accepted_at=NOW + timedelta(microseconds=7),
    plan=(planned("day_before"), planned("late", state="suppressed", reason="too_late"),
          planned("thanks", at=NOW + timedelta(microseconds=7)), planned("gone", state="cancelled")),
    plan_revision=3,
    fired=("morning_of",),
    announced=(("appointment.booked", 1),),
)  # fmt: skip


@pytest.mark.parametrize("given_record", [record(), FULL])
def test_a_record_comes_back_as_it_was_stored(store: Store, given_record: StoredRecord) -> None:
    assert store.save(given_record)
    assert store.look() == given_record


def test_a_record_is_made_once(store: Store) -> None:
    assert store.save(record())
    assert not store.save(record(version=1, created_at=NOW + timedelta(days=1)))
    assert store.look().created_at == NOW


def test_a_change_needs_the_version_and_the_plan_that_were_read(store: Store) -> None:
    first = record(plan_revision=2)
    store.save(first)
    second = replace(first, version=2, plan_revision=3, document=appointment(status="cancelled"))
    assert not store.save(second, over=replace(first, version=7))
    assert not store.save(second, over=replace(first, plan_revision=1))
    assert store.look().version == 1
    assert store.save(second, over=first)
    assert store.look().appointment.status == "cancelled"


def test_pending_events_pile_up_until_they_are_announced(store: Store) -> None:
    booked, changed = event(), event("appointment.changed", version=2, staff=["s1"], audiences=["collaborator"])
    first = record()
    store.save(first, booked)
    second = replace(first, version=2)
    store.save(second, changed, over=first)
    assert store.look().events == (booked, changed)
    third = replace(second, version=3)
    store.save(third, over=second)
    assert store.look().events == (booked, changed)
    assert store.records.commit(store.o, REF, Committed(3, 0, ()))
    assert store.look().events == ()
    assert store.look().settled


def test_a_commit_that_was_overtaken_clears_nothing(store: Store) -> None:
    first = record()
    store.save(first, event())
    store.save(replace(first, version=2, plan_revision=1), event(version=2), over=first)
    assert not store.records.commit(store.o, REF, Committed(1, 0, ()))
    assert not store.records.commit(store.o, REF, Committed(2, 0, ()))
    assert len(store.look().events) == 2
    assert store.records.commit(store.o, REF, Committed(2, 1, (planned(),)))
    assert store.look().scheduled == (planned(),)


def test_what_the_planner_noted_survives_the_next_change(store: Store) -> None:
    first = record(plan=(planned(),), plan_revision=1)
    store.save(first, event())
    store.records.commit(store.o, REF, Committed(1, 1, (planned(),)))
    done = store.look()
    store.save(replace(done, version=2, document=appointment(fields={"x": 1})), over=done)
    after = store.look()
    assert (after.scheduled, after.planned_version, after.planned_revision) == ((planned(),), 1, 1)
    assert not after.settled


def test_what_was_never_stored_cannot_be_committed(store: Store) -> None:
    assert not store.records.commit(store.o, REF, Committed(1, 0, ()))


def test_a_tombstone_can_be_followed_by_a_new_record(store: Store) -> None:
    first = record()
    store.save(first)
    gone = replace(first, version=2, deleted=True, plan_revision=1)
    assert store.save(gone, over=first)
    assert store.look().deleted
    again = replace(gone, version=3, deleted=False, plan_revision=2)
    assert store.save(again, over=gone)
    assert not store.look().deleted


def many(store: Store) -> None:
    """Store appointments on several days, for two clients, and one that was deleted."""
    for number, (day, hour, client) in enumerate(
        [(1, 10, "anna"), (1, 9, "bob"), (2, 9, "anna"), (5, 9, "anna"), (5, 9, "bob"), (6, 9, "anna")]
    ):
        of = record(appointment(start=f"2026-12-{day:02d}T{hour:02d}:00:00", client_id=client))
        assert store.save(replace(of, ref=f"appointments/{number}"))
    gone = store.look("appointments/2")
    assert store.save(replace(gone, version=2, deleted=True), over=gone)


def test_a_clients_records_are_listed_by_start_from_an_instant_on(store: Store) -> None:
    many(store)
    since = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
    assert [r.ref for r in store.records.of_client(store.o, "anna", since=since)] == [
        "appointments/3",
        "appointments/5",
    ]
    everything = store.records.of_client(store.o, "anna", since=NOW)
    assert [r.ref for r in everything] == ["appointments/0", "appointments/3", "appointments/5"]
    assert store.records.of_client(store.o, "nobody", since=NOW) == []


@pytest.mark.parametrize("limit", [1, 100])
def test_records_are_listed_by_start_page_by_page(store: Store, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dynamo_records, "FURTHEST", timedelta(days=14))
    many(store)
    found: list[str] = []
    position = None
    for _ in range(40):
        page = store.records.page(store.o, "appointments", limit=limit, position=position, since=NOW)
        assert len(page.items) <= limit
        found += [r.ref for r in page.items]
        position = page.position
        if position is None:
            break
    assert position is None
    assert sorted(found[2:4]) == ["appointments/3", "appointments/4"]
    assert [*found[:2], *found[4:]] == ["appointments/1", "appointments/0", "appointments/5"]


def test_other_collections_are_not_listed(store: Store) -> None:
    many(store)
    assert store.records.page(store.o, "orders", limit=10, position=None, since=NOW).items == []


# --- What only the table has ----------------------------------------------------------------------------------------


def test_each_write_is_one_call(table: CountingTable) -> None:
    store = Store(DynamoRecords(table), DynamoReader(table), f"org{next(numbers)}")
    table.calls.clear()
    store.save(record(), event())
    store.records.commit(store.o, REF, Committed(1, 0, ()))
    assert table.calls == ["UpdateItem", "UpdateItem"]


def test_a_tombstone_is_marked_and_a_record_that_came_back_is_not(table: CountingTable) -> None:
    store = Store(DynamoRecords(table), DynamoReader(table), f"org{next(numbers)}")
    first = record()
    store.save(first)
    gone = replace(first, version=2, deleted=True)
    store.save(gone, over=first)
    assert (table.get(keys.record(store.o, REF)) or {}).get("gone") is True
    store.save(replace(first, version=3), over=gone)
    assert "gone" not in (table.get(keys.record(store.o, REF)) or {})


def test_a_record_says_when_it_may_go(table: CountingTable) -> None:
    store = Store(DynamoRecords(table), DynamoReader(table), f"org{next(numbers)}")
    store.save(record())
    assert (table.get(keys.record(store.o, REF)) or {})["ttl"] == int(KEPT.timestamp())


def test_a_typical_record_stays_within_one_write_unit(table: CountingTable) -> None:
    store = Store(DynamoRecords(table), DynamoReader(table), "o" * 26)
    plan = tuple(planned(key, at=START - timedelta(hours=n)) for n, key in enumerate(["day_before", "morning_of"]))
    of = record(
        appointment(client_id="c" * 26, staff_ids=["s" * 26], service="Knippen en verven", location="Hoofdstraat 1"),
        plan=plan,
        plan_revision=1,
    )
    store.save(replace(of, ref="appointments/" + "r" * 26))
    store.records.commit(store.o, "appointments/" + "r" * 26, Committed(1, 1, plan))
    item = table.get(keys.record(store.o, "appointments/" + "r" * 26)) or {}
    assert sum(len(name) + len(str(value)) for name, value in item.items()) <= 1024 + 300


instants = st.integers(0, 20 * 365 * 86400 * 10**6).map(lambda us: NOW + timedelta(microseconds=us))
entries = st.builds(
    Planned,
    key=st.from_regex(r"[a-z0-9_]{1,32}", fullmatch=True),
    start=instants.map(lambda at: at.replace(microsecond=0)),
    at=instants,
    state=st.sampled_from(["planned", "suppressed", "cancelled"]),
    generation=st.integers(1, 10**6),
    reason=st.sampled_from([None, "too_late", "duplicate"]),
)


@given(st.lists(entries, max_size=5))
def test_a_plan_survives_being_written_to_the_microsecond(plan: list[Planned]) -> None:
    assert plan_from_text(plan_to_text(tuple(plan))) == tuple(plan)


def test_no_plan_is_an_empty_one() -> None:
    assert plan_from_text(None) == ()
    assert plan_from_text(plan_to_text(())) == ()


@given(instants, st.text("ab|#", max_size=5))
def test_a_messages_steps_survive_being_written(at: datetime, reason: str) -> None:
    of = message(timeline=((NOW, "queued", None), (at, "failed", reason or None)), status="failed")
    item = {"pk": f"o#P#{of.key.recipient}", "sk": f"M#{of.key.digest}", **message_to_item("o", of, 90)}
    read = message_from_item({name: value for name, value in item.items() if value is not None})
    assert read.timeline == of.timeline
    assert read.key == MessageKey(of.key.recipient, of.key.digest)
