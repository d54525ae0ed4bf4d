"""The books in the table itself: parallel writers, calls and sizes, the ledger's pages, days."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.messages import DynamoMessages
from carillon.adapters.dynamodb.quota import DynamoQuota
from carillon.domain.ids import ulid
from carillon.domain.messages import Message
from carillon.domain.quota import Bucket, Credit, DayUse, Exhausted
from carillon.ports.messages import Claim, Moved
from tests.builders import NOW, message, reminder_occasion
from tests.tables import CountingTable, table_on_moto

_numbers = count(1)
TAKES = ["TransactWriteItems"]


@pytest.fixture(scope="module")
def table() -> Iterator[CountingTable]:
    with table_on_moto() as made:
        yield made


@pytest.fixture
def o(table: CountingTable) -> str:
    table.calls.clear()
    return f"org{next(_numbers)}"


def credited(table: CountingTable, o: str, units: int, bucket: Bucket = "sms") -> DynamoQuota:
    quota, number = DynamoQuota(table), next(_numbers)
    entry_id = ulid(NOW, number.to_bytes(10))
    assert quota.credit(o, bucket, Credit(entry_id, entry_id, units, "bought", NOW + timedelta(seconds=number)))
    table.calls.clear()
    return quota


def sms(number: int = 0, units: int = 1) -> Message:
    made = message(reminder_occasion(start=NOW + timedelta(hours=number)), "sms", units=units)
    return replace(made, id=ulid(NOW, number.to_bytes(10)))


def test_parallel_writers_take_exactly_what_there_is(table: CountingTable, o: str) -> None:
    """Six threads, as many processes' stores, each message brought twice; moto answers one call at a time."""
    quota, lock = credited(table, o, 30), threading.Lock()
    client: Any = table.client
    real = client._make_api_call

    def one_at_a_time(*args: Any) -> Any:
        with lock:
            return real(*args)

    client._make_api_call = one_at_a_time

    def work(writer: int) -> None:
        store = DynamoMessages(table)
        for number in range(writer % 3, 24, 3):
            held = sms(number, units=2)
            with suppress(Exhausted):
                store.create(o, held, retention_days=90)
            item = table.get(keys.message(o, held.key.recipient, held.key.digest)) or {}
            stored = replace(held, units=item.get("qu", 0), shard=item.get("qs"))
            if stored.units and number % 3 == 0:
                store.withdraw(o, stored, Moved("expired", NOW, "too_late"))
            elif stored.units:
                store.claim(o, stored, Claim(f"w{writer}", NOW, "to", 1, 1 + number % 2))

    try:
        with ThreadPoolExecutor(max_workers=6) as threads:
            list(threads.map(work, range(6)))
    finally:
        client._make_api_call = real
    messages = table.query(f"{o}#P#c:anna", prefix="M#", consistent=True).items
    books = quota.books(o, "sms")
    held = [item for item in messages if "qu" in item]
    assert books.used == sum(item["qu"] for item in held)
    assert books.left == 30 - books.used
    assert all(0 <= shard.free <= shard.granted for shard in books.shards)
    for number, shard in enumerate(books.shards):
        assert shard.granted - shard.free == sum(item["qu"] for item in held if item["qs"] == number)


def test_what_is_metered_costs_one_transaction_and_what_isnt_one_write(table: CountingTable, o: str) -> None:
    credited(table, o, 100)
    store = DynamoMessages(table)
    store.create(o, sms(0), retention_days=90)
    # The first one finds its shard empty: the books are read, and a quarter of the pool is granted.
    assert table.calls == ["TransactWriteItems", "TransactGetItems", "TransactWriteItems"]
    table.calls.clear()
    for number in range(1, 20):
        store.create(o, sms(number), retention_days=90)
    assert table.calls == TAKES * 19
    table.calls.clear()
    held = replace(sms(1), shard=0)
    store.claim(o, held, Claim("me", NOW, "to", 1, 1))
    store.finish(o, held, Moved("sent", NOW, parts=1), owner="me")
    assert table.calls == ["UpdateItem", "UpdateItem"]
    table.calls.clear()
    store.withdraw(o, replace(sms(2), shard=0), Moved("expired", NOW, "too_late"))
    assert table.calls == TAKES
    table.calls.clear()
    store.create(o, replace(sms(30), units=0), retention_days=90)
    store.withdraw(o, replace(sms(30), units=0), Moved("expired", NOW, "too_late"))
    assert table.calls == ["PutItem", "UpdateItem"]


def test_an_exhausted_quota_is_noted_once_until_the_next_credit(table: CountingTable, o: str) -> None:
    quota, store = credited(table, o, 10), DynamoMessages(table)

    def events() -> list[str]:
        page = table.query(keys.quota_books(o, "sms"), prefix="X#", consistent=True)
        return [item["kind"] for item in page.items]

    for number in range(8):
        assert events() == []
        store.create(o, sms(number), retention_days=90)
    assert events() == ["quota_low"]
    for number in range(8, 10):
        store.create(o, sms(number), retention_days=90)
    for number in range(10, 13):
        with pytest.raises(Exhausted):
            store.create(o, sms(number), retention_days=90)
    assert sorted(events()) == ["quota_exhausted", "quota_low"]
    assert quota.books(o, "sms").is_low
    entry_id = ulid(NOW, (99).to_bytes(10))
    quota.credit(o, "sms", Credit("more", entry_id, 5, "bought", NOW + timedelta(days=1)))
    assert not quota.books(o, "sms").is_low
    later = NOW + timedelta(days=2)
    for number in range(20, 25):
        store.create(o, replace(sms(number), created_at=later), retention_days=90)
    with pytest.raises(Exhausted):
        store.create(o, replace(sms(25), created_at=later), retention_days=90)
    assert len(events()) == 4


def test_a_credit_is_given_once_per_key_and_taken_back_as_far_as_it_is_there(table: CountingTable, o: str) -> None:
    quota, store = DynamoQuota(table), DynamoMessages(table)
    credit = Credit("evt_1", ulid(NOW, bytes(10)), 10, "paid", NOW)
    assert [quota.credit(o, "sms", replace(credit, id=ulid(NOW, n.to_bytes(10)))) for n in (1, 2)] == [True, False]
    store.create(o, sms(0, units=4), retention_days=90)
    with pytest.raises(Exhausted):
        quota.credit(o, "sms", Credit("evt_2", ulid(NOW, bytes(10)), -7, "refunded", NOW))
    assert quota.credit(o, "sms", Credit("evt_2", ulid(NOW, (3).to_bytes(10)), -6, "refunded", NOW))
    books = quota.books(o, "sms")
    assert (books.left, books.used, books.credits) == (0, 4, 4)


def test_the_ledger_is_one_list_over_all_buckets_page_by_page(table: CountingTable, o: str) -> None:
    quota = DynamoQuota(table)
    buckets: tuple[Bucket, ...] = ("email", "sms", "viber")
    for number in range(7):
        at = NOW + timedelta(minutes=number)
        entry_id = ulid(at, bytes(10))
        quota.credit(o, buckets[number % 2], Credit(entry_id, entry_id, number + 1, "x", at))
    seen, position = [], None
    while True:
        page = quota.ledger(o, buckets, limit=2, position=position)
        seen += [(entry.bucket, entry.units) for entry in page.items]
        assert 1 <= len(page.items) <= 2
        position = page.position
        if position is None:
            break
    assert seen == [(buckets[number % 2], number + 1) for number in reversed(range(7))]
    assert [each.units for each in quota.ledger(o, ["sms"], limit=50, position=None).items] == [6, 4, 2]


def test_days_are_closed_in_order_once_and_stand_in_the_ledger(table: CountingTable, o: str) -> None:
    quota = DynamoQuota(table)
    quota.credit(o, "sms", Credit("k", ulid(NOW, bytes(10)), 10, "x", NOW))
    DynamoMessages(table).create(o, sms(0, units=3), retention_days=90)
    first = NOW.date()
    days = [(first + timedelta(days=number)).isoformat() for number in range(3)]
    assert quota.count(o, DayUse(days[0], "sms", 1, 2, closed=False))
    assert not quota.count(o, DayUse(days[1], "sms", 0, 0, closed=True))
    assert quota.count(o, DayUse(days[0], "sms", 1, 3, closed=True))
    assert not quota.count(o, DayUse(days[0], "sms", 1, 3, closed=True))
    assert not quota.count(o, DayUse(days[0], "sms", 9, 9, closed=False))
    assert quota.count(o, DayUse(days[1], "sms", 0, 0, closed=True))
    books, rows = quota.books(o, "sms"), quota.ledger(o, ["sms"], limit=50, position=None).items
    assert (books.opened, books.closed, books.used) == (days[2], 3, 3)
    assert sum(row.units for row in rows) == books.left
    assert [(row.kind, row.day, row.messages) for row in rows] == [("day", days[0], 1), ("credit", None, None)]
    assert quota.days(o, "sms", days[0], days[2]) == [
        DayUse(days[0], "sms", 1, 3, closed=True),
        DayUse(days[1], "sms", 0, 0, closed=True),
    ]


def test_what_stayed_unknown_is_flagged_once_and_keeps_its_units(table: CountingTable, o: str) -> None:
    quota, store = credited(table, o, 10), DynamoMessages(table)
    store.create(o, sms(0, units=2), retention_days=90)
    held = replace(sms(0, units=2), shard=0)
    assert not quota.assume(o, held, NOW)
    store.claim(o, held, Claim("me", NOW, "to", 1))
    store.finish(o, held, Moved("unknown", NOW, "provider_timeout"), owner="me")
    assert [quota.assume(o, held, NOW), quota.assume(o, held, NOW)] == [True, False]
    assert quota.books(o, "sms").used == 2
