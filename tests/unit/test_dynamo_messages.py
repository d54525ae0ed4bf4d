"""What only the table knows of messages: its indexes, its costs, its sizes."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.messages import DynamoMessages
from carillon.adapters.dynamodb.reader import DynamoReader
from carillon.domain.ids import ulid
from carillon.domain.messages import message_key
from carillon.ports.messages import Claim, Moved
from tests.builders import NOW, reminder_occasion
from tests.message_store import OWNER, Store
from tests.tables import CountingTable, table_on_moto


@pytest.fixture(scope="module")
def table() -> Iterator[CountingTable]:
    with table_on_moto() as made:
        yield made


@pytest.mark.parametrize(
    ("status", "listed"),
    [("queued", None), ("sending", "sending"), ("sent", None), ("delivered", None), ("read", None),
     ("failed", "failed"), ("unknown", "unknown"), ("suppressed", "suppressed"), ("expired", "expired"),
     ("cancelled", None)],
)  # fmt: skip
def test_only_problems_stand_in_the_sparse_index(table: CountingTable, status: str, listed: str | None) -> None:
    store = Store(DynamoMessages(table), DynamoReader(table))
    made = store.in_status(status)
    item = table.get(keys.message(store.o, made.key.recipient, made.key.digest))
    assert item is not None
    assert item.get("pk3") == (f"{store.o}#S#{listed}" if listed else None)
    assert item.get("sk3") == (made.id if listed else None)


def test_a_late_failure_stands_in_the_index_under_its_public_id(table: CountingTable) -> None:
    store = Store(DynamoMessages(table), DynamoReader(table))
    made = store.in_status("delivered")
    assert store.messages.receipt(store.o, made.key, Moved("failed", NOW, "unreachable"))
    item = table.get(keys.message(store.o, made.key.recipient, made.key.digest))
    assert item is not None
    assert (item["pk3"], item["sk3"]) == (f"{store.o}#S#failed", made.id)


def test_a_status_changes_neither_of_the_other_indexes(table: CountingTable) -> None:
    store = Store(DynamoMessages(table), DynamoReader(table))
    place = ("pk1", "sk1", "pk2", "sk2", "ttl")
    made = store.put()
    seen = []

    def look() -> None:
        item = table.get(keys.message(store.o, made.key.recipient, made.key.digest))
        assert item is not None
        seen.append({name: item.get(name) for name in place})

    look()
    assert store.messages.claim(store.o, made, Claim(OWNER, NOW, "x", 1))
    look()
    assert store.messages.finish(store.o, made, Moved("sent", NOW), owner=OWNER)
    look()
    assert store.messages.receipt(store.o, made.key, Moved("failed", NOW, "unreachable"))
    look()
    assert all(entry == seen[0] for entry in seen)


def test_each_move_is_one_call(table: CountingTable) -> None:
    store = Store(DynamoMessages(table), DynamoReader(table))
    table.calls.clear()
    made = store.put()
    store.messages.claim(store.o, made, Claim(OWNER, NOW, "x", 1))
    store.messages.finish(store.o, made, Moved("sent", NOW), owner=OWNER)
    store.messages.receipt(store.o, made.key, Moved("delivered", NOW))
    assert table.calls == ["PutItem", "UpdateItem", "UpdateItem", "UpdateItem"]


def test_a_message_with_the_longest_ids_stays_within_one_write_unit(table: CountingTable) -> None:
    store = Store(DynamoMessages(table), DynamoReader(table))
    store.o = "o" * 64
    occasion = replace(reminder_occasion("k" * 32), record="appointments/" + "r" * 64)
    key = message_key(store.o, occasion, "client", "c:" + "c" * 64, "whatsapp")
    made = store.put(
        occasion=occasion, key=key, channel="whatsapp", template="reminder." + "k" * 32, to="+" + "9" * 15,
        id=ulid(NOW, b"0123456789"), tried=(("sms", "recipient_rejected"), ("email", "recipient_rejected")),
    )  # fmt: skip
    store.messages.claim(store.o, made, Claim(OWNER, NOW, "+" + "9" * 15, 1))
    store.messages.finish(store.o, made, Moved("sent", NOW, provider_id="SM" + "0" * 32), owner=OWNER)
    store.messages.receipt(store.o, made.key, Moved("delivered", NOW))
    store.messages.receipt(store.o, made.key, Moved("read", NOW))
    answer = table.client.get_item(
        TableName=table.name, Key={"pk": {"S": f"{store.o}#P#c:{'c' * 64}"}, "sk": {"S": f"M#{key.digest}"}}
    )
    size = sum(len(name) + len(str(next(iter(value.values())))) for name, value in answer["Item"].items())
    assert size <= 1024
