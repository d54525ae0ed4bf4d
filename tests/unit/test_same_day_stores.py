"""A client's days, what a message listed, and when a client was asked for a review, in the table."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from carillon.adapters.dynamodb.client_days import DynamoClientDays
from carillon.adapters.dynamodb.messages import DynamoMessages
from carillon.adapters.dynamodb.reader import DynamoReader
from carillon.adapters.dynamodb.records import DynamoRecords
from carillon.adapters.dynamodb.review_requests import DynamoReviewRequests
from carillon.domain.reviews import Asked
from carillon.ports.messages import Claim, Moved
from carillon.ports.reading import Want
from carillon.ports.records import RecordChange
from tests.builders import NOW, START, appointment, message, planned, record, with_plan
from tests.tables import CountingTable, table_on_moto

ORG = "days"
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def table() -> Iterator[CountingTable]:
    with table_on_moto() as made:
        yield made


def book(table: CountingTable, name: str, start: str, client_id: str = "anna") -> None:
    about = appointment(start=start, client_id=client_id)
    made = replace(record(about), ref=f"appointments/{name}", start=about.starts("Europe/Amsterdam"))
    assert made.start is not None
    assert DynamoRecords(table).save(ORG, RecordChange(made, 0, 0, (), made.start))


def test_a_clients_records_of_a_day_are_named_in_order_by_one_query(table: CountingTable) -> None:
    book(table, "2", "2026-12-01T15:00:00")
    book(table, "1", "2026-12-01T14:30:00")
    book(table, "3", "2026-12-03T14:30:00")
    book(table, "4", "2026-12-01T14:30:00", client_id="bob")
    table.calls.clear()
    found = DynamoClientDays(table).starting(ORG, "anna", START - DAY, START + DAY)
    assert found == [(START, "appointments/1"), (START + timedelta(minutes=30), "appointments/2")]
    assert table.calls == ["Query"]


def test_what_a_claimed_message_lists_is_kept_and_written_anew_by_the_next_try(table: CountingTable) -> None:
    store, reader, made = DynamoMessages(table), DynamoReader(table), message()
    store.create(ORG, made, retention_days=90)
    assert store.claim(ORG, made, Claim("o1", NOW, "a@example.com", 1, listed=("ab", "cd")))
    held = reader.read([Want(ORG, messages=(made.key,))])[0].messages[made.key]
    assert held.listed == ("ab", "cd")
    assert store.finish(ORG, held, Moved("queued", NOW), owner="o1")
    assert store.claim(ORG, held, Claim("o2", NOW, "a@example.com", 1))
    assert reader.read([Want(ORG, messages=(made.key,))])[0].messages[made.key].listed == ()


def test_a_plan_says_for_whom_each_entry_is(table: CountingTable) -> None:
    both = with_plan(
        replace(record(), ref="appointments/9"),
        planned(),
        planned(audience="collaborator"),
        planned("morning_of", early=NOW),
    )
    assert DynamoRecords(table).save(ORG, RecordChange(both, 0, 0, (), START))
    (read,) = DynamoReader(table).read([Want(ORG, record="appointments/9")])
    assert read.record is not None
    assert read.record.plan == both.plan


def test_a_request_is_noted_once_in_a_while(table: CountingTable) -> None:
    requests = DynamoReviewRequests(table)
    first, second = Asked("appointments/1", START, NOW), Asked("appointments/2", START, NOW + DAY)
    assert requests.note(ORG, "anna", first, since=NOW - DAY)
    assert requests.note(ORG, "anna", first, since=NOW - DAY)  # the same one again
    assert not requests.note(ORG, "anna", second, since=NOW - DAY)
    assert requests.latest(ORG, ("anna", "nobody")) == [first]
    assert requests.note(ORG, "anna", second, since=NOW - DAY, over=first)
    assert requests.latest(ORG, ("anna",)) == [second]
    assert requests.by_client(ORG, ("anna", "nobody")) == {"anna": second}
    assert requests.note(ORG, "anna", first, since=NOW + DAY)
