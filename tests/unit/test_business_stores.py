"""Orders, leads and tasks in the table: where they stand, when they expire, and what is known of addresses."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb import records as dynamo_records
from carillon.adapters.dynamodb.address_marks import DynamoAddressMarks
from carillon.adapters.dynamodb.reader import DynamoReader
from carillon.adapters.dynamodb.records import DynamoRecords
from carillon.adapters.dynamodb.suppressions import DynamoSuppressions
from carillon.domain.recipients import Marks
from carillon.domain.record_documents import Contact, Lead, Order, Price, Task
from carillon.domain.records import StoredRecord
from carillon.ports.reading import Want
from carillon.services.record_plans import written
from tests.builders import NOW, ORG, appointment, record, settings
from tests.tables import CountingTable, table_on_moto

DAY = "2026-11-23"
LONG_AGO = datetime.fromisoformat("1971-01-01T00:00:00Z")


@pytest.fixture(scope="module")
def made_once() -> Iterator[CountingTable]:
    with table_on_moto() as made:
        yield made


@pytest.fixture
def table(made_once: CountingTable) -> CountingTable:
    """Give an empty table; making one takes longer than all that is done with it."""
    items, _ = made_once.scan_page("", None)
    made_once.delete_many([(item["pk"], item["sk"]) for item in items])
    return made_once


def made(ref: str, about: Any, **changes: Any) -> StoredRecord:
    return StoredRecord(ref, 1, about, **({"created_at": NOW, "accepted_at": NOW} | changes))


def order(**changes: Any) -> Order:
    return Order(**({"client_id": "anna", "number": "117", "status": "new"} | changes))


def store(table: CountingTable, of: StoredRecord, over: StoredRecord | None = None) -> None:
    assert DynamoRecords(table).save(ORG, written(of, over, settings(), NOW))


def item(table: CountingTable, ref: str) -> dict[str, Any]:
    found = table.get(keys.record(ORG, ref))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("ref", "about"),
    [
        ("orders/1", order(total=Price(amount=9.5, currency="EUR"), due="2026-12-01T12:00:00", fields={"a": True})),
        ("leads/1", Lead(status="new", contact=Contact(name="Kim", phone="+31612345678"))),
        ("leads/2", Lead(status="new", client_id="anna", manager_ids=["s1"])),
        ("tasks/1", Task(title="Call", author_id="s1", status="open", due="2026-12-01T12:00:00", record="orders/1")),
    ],
)
def test_each_kind_of_record_is_read_as_it_was_stored(table: CountingTable, ref: str, about: Any) -> None:
    store(table, made(ref, about))
    found = DynamoReader(table).read([Want(ORG, record=ref)])[0].record
    assert found is not None
    assert (found.document, found.version, found.collection) == (about, 1, ref.partition("/")[0])


def test_what_is_open_has_no_end_until_it_is_final_and_none_when_it_is_open_again(table: CountingTable) -> None:
    first = made("orders/1", order())
    store(table, first)
    assert "ttl" not in item(table, "orders/1")
    final = replace(first, version=2, document=order(final=True))
    store(table, final, first)
    assert item(table, "orders/1")["ttl"] == int((NOW + timedelta(days=90)).timestamp())
    store(table, replace(first, version=3), final)
    assert "ttl" not in item(table, "orders/1")


def test_a_lead_that_goes_from_a_client_to_a_contact_leaves_the_clients_records(table: CountingTable) -> None:
    first = made("leads/1", Lead(status="new", client_id="anna"))
    store(table, first)
    assert [each.ref for each in DynamoRecords(table).of_client(ORG, "anna", since=LONG_AGO)] == ["leads/1"]
    store(table, replace(first, version=2, document=Lead(status="new", contact=Contact(name="Kim"))), first)
    assert DynamoRecords(table).of_client(ORG, "anna", since=LONG_AGO) == []


def test_another_change_of_a_day_moves_nothing_and_the_next_days_moves_the_day_alone(table: CountingTable) -> None:
    first = made("orders/1", order())
    store(table, first)
    stood = item(table, "orders/1")
    later = replace(first, version=2, document=order(status="ready"), accepted_at=NOW + timedelta(hours=5))
    store(table, later, first)
    places = ("pk1", "sk1", "pk2", "sk2")
    assert [item(table, "orders/1")[name] for name in places] == [stood[name] for name in places]
    tomorrow = replace(later, version=3, document=order(), accepted_at=NOW + timedelta(days=1))
    store(table, tomorrow, later)
    now = item(table, "orders/1")
    assert (now["sk1"], now["pk2"]) == (stood["sk1"], keys.day_records(ORG, "2026-11-24"))


def test_lists_are_of_one_collection_or_of_all_and_end_where_they_are_to(table: CountingTable) -> None:
    store(table, made("orders/1", order()))
    store(table, made("tasks/1", Task(title="Call", author_id="s1", status="open", due="2026-12-01T12:00:00")))
    store(table, replace(record(appointment()), ref="appointments/1"))
    records, since = DynamoRecords(table), datetime.fromisoformat(f"{DAY}T00:00:00Z")

    def listed(collection: str | None, **span: Any) -> tuple[list[str], str | None]:
        page = records.page(ORG, collection, limit=10, position=None, since=since, **span)
        return [each.ref for each in page.items], page.position

    assert listed("orders", until=NOW) == (["orders/1"], None)
    assert listed("appointments", until=NOW) == ([], None)
    assert listed(None)[0] == ["orders/1", "tasks/1", "appointments/1"]


def test_only_appointments_ahead_count_as_upcoming(table: CountingTable) -> None:
    records = DynamoRecords(table)
    store(table, made("orders/1", order(due="2026-12-01T12:00:00"), created_at=NOW - timedelta(days=1)))
    store(table, made("leads/1", Lead(status="new", client_id="anna")))
    assert not records.has_upcoming(ORG, "anna", NOW)
    store(table, record(appointment()))
    assert records.has_upcoming(ORG, "anna", NOW)


def test_an_appointment_behind_many_other_records_is_upcoming_all_the_same(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dynamo_records, "PER_PAGE", 1)
    records = DynamoRecords(table)
    for number in range(3):
        past = appointment(start=f"2026-11-2{number + 5}T09:00:00", status="cancelled")
        store(table, replace(record(past), ref=f"appointments/c{number}", start=past.starts("Europe/Amsterdam")))
    assert not records.has_upcoming(ORG, "anna", NOW)
    store(table, record(appointment()))
    table.calls.clear()
    assert records.has_upcoming(ORG, "anna", NOW)
    assert table.calls == ["Query", "BatchGetItem"] * 4


def test_a_word_and_a_bounce_are_found_by_the_address_in_one_call_and_name_nobody(table: CountingTable) -> None:
    suppressions = DynamoSuppressions(table, lambda: "key")
    marks = DynamoAddressMarks(table, suppressions)
    assert marks.of(ORG, "+31612345678", "Kim@example.com") == Marks()
    assert marks.said(ORG, "sms", "+31612345678", "out", NOW)
    suppressions.note(ORG, "email", "kim@example.com", "address_bounced", NOW)
    table.calls.clear()
    known = marks.of(ORG, "+31612345678", "Kim@example.com")
    assert (known.opted_out, [(each.channel, each.reason) for each in known.refused]) == (
        ("sms",),
        [("email", "address_bounced")],
    )
    assert len(table.calls) == 1
    assert marks.of("other", "+31612345678", "kim@example.com") == Marks()
    assert "612345678" not in json.dumps(table.get(marks._word(ORG, "sms", "+31612345678")), default=str)


def test_the_latest_word_counts_in_whatever_order_they_come(table: CountingTable) -> None:
    marks = DynamoAddressMarks(table, DynamoSuppressions(table, lambda: "key"))
    phone = "+31612345678"
    assert marks.said(ORG, "sms", phone, "back", NOW)
    assert not marks.said(ORG, "sms", phone, "out", NOW - timedelta(minutes=1))
    assert marks.of(ORG, phone, None).opted_out == ()
    assert marks.said(ORG, "sms", phone, "out", NOW + timedelta(milliseconds=1))
    assert marks.said(ORG, "sms", phone, "out", NOW + timedelta(milliseconds=1))
    assert marks.of(ORG, phone, None).opted_out == ("sms",)


def test_nothing_is_asked_for_a_contact_without_addresses(table: CountingTable) -> None:
    marks = DynamoAddressMarks(table, DynamoSuppressions(table, lambda: "key"))
    table.calls.clear()
    assert marks.of(ORG, None, None) == Marks()
    assert table.calls == []
