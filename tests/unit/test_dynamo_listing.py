"""Listings of messages and of what is due: one access pattern per filter, page by page, newest or soonest first."""

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from carillon.adapters.dynamodb import message_listing
from carillon.adapters.dynamodb.messages import DynamoMessages
from carillon.adapters.dynamodb.records import DynamoDueRows
from carillon.domain.ids import ulid
from carillon.domain.messages import Message, MessageFilter, Occasion
from carillon.ports.records import DueRow
from tests.builders import NOW, REF, START, message, planned
from tests.tables import CountingTable, table_on_moto

ORG = "listing"
LATER = NOW + timedelta(days=3)


def made(number: int, **changes: Any) -> Message:
    """Make message number n: six hours after the one before, for anna or bob in turn."""
    at = NOW + timedelta(hours=6 * number)
    basis: dict[str, Any] = {
        "occasion": Occasion(f"appointments/{number % 3}", event="appointment.booked", version=number + 1),
        "channel": ("email", "sms")[number % 2],
        "recipient": ("c:anna", "c:bob")[number % 2],
        "id": ulid(at, number.to_bytes(10)),
        "created_at": at,
        "timeline": ((at, "queued", None),),
        "status": ("queued", "failed", "sent", "failed")[number % 4],
    }
    return message(**(basis | changes))


@pytest.fixture(scope="module")
def table() -> Iterator[CountingTable]:
    with table_on_moto() as made_table:
        yield made_table


@pytest.fixture(scope="module")
def messages(table: CountingTable) -> list[Message]:
    """Twelve messages over three days, and as many of another organization."""
    store = DynamoMessages(table)
    kept = [made(number) for number in range(12)]
    for one in kept:
        store.create(ORG, one, retention_days=90)
        store.create("other", one, retention_days=90)
    return kept


def listed(table: CountingTable, limit: int, now: datetime = LATER, **wanted: Any) -> list[Message]:
    """List everything, page by page."""
    store, found, position = DynamoMessages(table), list[Message](), None
    for _ in range(40):
        page = store.page(ORG, MessageFilter(**wanted), limit=limit, position=position, now=now)
        assert len(page.items) <= limit
        found += page.items
        position = page.position
        if position is None:
            return found
    raise AssertionError("the listing never ends")


BEGIN = NOW - timedelta(hours=1)
"""Without it a listing walks through two years of days."""
FILTERS: list[dict[str, Any]] = [
    {"since": BEGIN},
    {"client_id": "anna"},
    {"client_id": "anna", "channel": "email"},
    {"client_id": "anna", "channel": "sms"},
    {"status": "failed"},
    {"status": "failed", "record": "appointments/1"},
    {"status": "queued", "since": BEGIN},
    {"record": "appointments/2", "since": NOW + timedelta(hours=20)},
    {"origin": "manual", "since": NOW + timedelta(hours=20)},
    {"until": NOW + timedelta(hours=12), "since": BEGIN},
    {"since": NOW + timedelta(hours=6), "until": NOW + timedelta(hours=30), "channel": "sms"},
    {"client_id": "bob", "since": NOW + timedelta(hours=7), "status": "failed"},
]


def fits(one: Message, wanted: dict[str, Any]) -> bool:
    return all(
        {
            "client_id": lambda value: one.client_id == value,
            "channel": lambda value: one.channel == value,
            "status": lambda value: one.status == value,
            "record": lambda value: one.occasion.record == value,
            "origin": lambda value: one.origin == value,
            "since": lambda value: one.created_at >= value,
            "until": lambda value: one.created_at < value,
        }[name](value)
        for name, value in wanted.items()
    )


@pytest.mark.parametrize(("wanted", "limit"), [(wanted, 4) for wanted in FILTERS] + [({"since": BEGIN}, 100)], ids=str)
def test_a_listing_has_all_that_fits_newest_first(
    table: CountingTable, messages: list[Message], limit: int, wanted: dict[str, Any]
) -> None:
    expected = [one for one in reversed(messages) if fits(one, wanted)]
    assert listed(table, limit, **wanted) == expected


@pytest.mark.usefixtures("messages")
def test_a_listing_by_day_goes_on_from_where_it_stopped(table: CountingTable) -> None:
    store, now = DynamoMessages(table), NOW + timedelta(days=40)
    first = store.page(ORG, MessageFilter(), limit=100, position=None, now=now)
    assert (first.items, first.position is None) == ([], False)
    assert len(store.page(ORG, MessageFilter(), limit=100, position=first.position, now=now).items) == 12


@pytest.mark.usefixtures("messages")
def test_what_has_outlived_its_time_is_not_listed_although_it_is_still_there(table: CountingTable) -> None:
    long_after = NOW + timedelta(days=90, hours=1)
    by: tuple[dict[str, Any], ...] = ({"client_id": "anna"}, {"status": "failed"})
    for wanted in by:
        assert len(listed(table, 100, now=long_after, **wanted)) == len(listed(table, 100, **wanted)) - (
            wanted == {"client_id": "anna"}
        )


def test_filters_may_be_combined(table: CountingTable, messages: list[Message]) -> None:
    choices: dict[str, list[Any]] = {
        "client_id": [None, "anna"],
        "status": [None, "failed", "sent"],
        "record": [None, "appointments/1"],
        "until": [None, NOW + timedelta(hours=31)],
    }
    for chosen in itertools.product(*choices.values()):
        wanted = {name: item for name, item in zip(choices, chosen, strict=True) if item is not None}
        wanted |= {"since": NOW + timedelta(hours=5), "origin": "automatic"}
        assert listed(table, 3, **wanted) == [one for one in reversed(messages) if fits(one, wanted)], wanted


def test_a_call_looks_at_a_bounded_number_of_rows_however_few_fit(
    table: CountingTable, messages: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_listing, "ROWS_PER_CALL", 4)
    table.calls.clear()
    page = DynamoMessages(table).page(
        ORG, MessageFilter(record="appointments/none", since=BEGIN), limit=100, position=None, now=LATER
    )
    assert (page.items, page.position is None) == ([], False)
    assert len(table.calls) < 5
    for wanted in ({"since": BEGIN}, {"since": BEGIN, "status": "sent"}):
        assert listed(table, 5, **wanted) == [one for one in reversed(messages) if fits(one, wanted)]


@pytest.mark.usefixtures("messages")
def test_a_span_that_ends_in_the_future_is_not_walked_through_year_by_year(table: CountingTable) -> None:
    wanted = MessageFilter(since=BEGIN, until=NOW + timedelta(days=36_000))
    page = DynamoMessages(table).page(ORG, wanted, limit=100, position=None, now=LATER)
    assert (len(page.items), page.position) == (12, None)


def test_one_that_outlived_its_time_is_not_found_by_its_id_either(
    table: CountingTable, messages: list[Message]
) -> None:
    store, one, two = DynamoMessages(table), messages[0], messages[11]
    after = NOW + timedelta(days=91)
    assert [store.find(ORG, each.id, now=after) for each in (one, two)] == [None, two]
    assert store.among(ORG, [one.key, two.key], now=after) == [two]


@pytest.mark.usefixtures("messages")
def test_a_clients_messages_are_one_query_and_a_status_is_two_calls(table: CountingTable) -> None:
    table.calls.clear()
    listed(table, 100, client_id="anna")
    assert table.calls == ["Query"]
    table.calls.clear()
    listed(table, 100, status="failed")
    assert table.calls == ["Query", "BatchGetItem"]


# --- What is due ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def due(table: CountingTable) -> list[DueRow]:
    """Reminders of a week, two of them at the very same second."""
    rows = DynamoDueRows(table)
    entries = [planned(f"key{number}", at=NOW + timedelta(hours=20 * number)) for number in range(8)]
    entries.append(planned("twin", at=NOW + timedelta(hours=20)))
    rows.put(ORG, REF, "anna", entries)
    rows.put(ORG, REF, "anna", entries)
    rows.put("other", REF, "anna", entries)
    return sorted(
        (DueRow(REF, "anna", entry.key, entry.at, entry.generation) for entry in entries),
        key=lambda row: (row.at, row.key),
    )


@pytest.mark.parametrize("limit", [2, 100])
@pytest.mark.parametrize(
    ("since", "until"),
    [
        (NOW, NOW + timedelta(days=8)),
        (NOW + timedelta(hours=20), NOW + timedelta(hours=60)),
        (NOW + timedelta(hours=20, seconds=1), NOW + timedelta(hours=60, seconds=1)),
        (START + timedelta(days=20), START + timedelta(days=22)),
    ],
)
def test_what_is_due_in_a_span_is_listed_in_order(
    table: CountingTable, due: list[DueRow], limit: int, since: datetime, until: datetime
) -> None:
    rows, found, position = DynamoDueRows(table), list[DueRow](), None
    for _ in range(60):
        page = rows.between(ORG, since, until, limit=limit, position=position)
        assert len(page.items) <= limit
        found += page.items
        position = page.position
        if position is None:
            break
    assert found == [row for row in due if since <= row.at < until]
