"""An organization's lanes as DynamoDB keeps them: one write, and from a refused one how far they are in truth."""

from collections.abc import Iterator

import pytest

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.rates import DynamoRates
from carillon.domain.rates import Taking, Used, micros, rate_of
from tests.builders import NOW
from tests.memory_table import MemoryTable
from tests.tables import CountingTable, table_on_moto

RATE = rate_of(10)
AT = micros(NOW)


@pytest.fixture(scope="module")
def dynamo() -> Iterator[CountingTable]:
    with table_on_moto() as made:
        yield made


@pytest.fixture(params=["dynamo", "memory"])
def table(request: pytest.FixtureRequest, dynamo: CountingTable) -> CountingTable | MemoryTable:
    return dynamo if request.param == "dynamo" else MemoryTable()


def test_a_lane_begins_at_now_and_goes_on_from_where_it_is(table: CountingTable | MemoryTable) -> None:
    assert RATE is not None
    rates, interval = DynamoRates(table), RATE.general.interval
    assert rates.take("org", RATE, Taking(10, 0), Used(), AT) == (True, Used(AT, 0))
    # Who doesn't know that is told, at the price of one call, and takes nothing.
    known = Used(AT + 10 * interval, 0)
    assert rates.take("org", RATE, Taking(10, 0), Used(), AT) == (False, known)
    assert rates.take("org", RATE, Taking(4, 2), known, AT) == (True, Used(known.general, AT))
    # What others took meanwhile refuses nobody who only adds.
    after = Used(AT + 14 * interval, AT + 2 * RATE.kept.interval)
    assert rates.take("org", RATE, Taking(1, 1), Used(AT + 1, AT + 1), AT) == (True, after)
    item = table.get(keys.rate("org"))
    assert item is not None
    assert (item["ty"], item["ttl"] > AT // 1_000_000) == ("rate", True)


def test_a_lane_that_others_moved_further_than_was_asked_for_is_not_taken_of(
    table: CountingTable | MemoryTable,
) -> None:
    assert RATE is not None
    rates, far = DynamoRates(table), AT + 500 * RATE.general.interval
    assert rates.take("busy", RATE, Taking(500, 0), Used(), AT)[0]
    assert rates.take("busy", RATE, Taking(1, 0, within=far - 1), Used(AT + 1), AT) == (False, Used(far, 0))
    assert rates.take("busy", RATE, Taking(1, 0, within=far), Used(AT + 1), AT) == (True, Used(far, 0))


def test_each_data_set_has_lanes_of_its_own(table: CountingTable | MemoryTable) -> None:
    assert RATE is not None
    rates = DynamoRates(table)
    assert rates.take("mine", RATE, Taking(9, 0), Used(), AT)[0]
    assert rates.take("mine~test", RATE, Taking(9, 0), Used(), AT) == (True, Used(AT, 0))
