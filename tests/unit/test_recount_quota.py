"""The recount of quotas sees what is not exact, whichever item it is in."""

from collections.abc import Callable
from typing import Any

import pytest

from bench.recount_quota import unbalanced
from carillon.adapters.dynamodb.messages import DynamoMessages
from carillon.adapters.dynamodb.quota import DynamoQuota
from carillon.domain.ids import ulid
from carillon.domain.quota import Credit
from carillon.ports.messages import Claim, Moved
from tests.builders import ID, NOW, ORG, message
from tests.memory_table import MemoryTable

Items = dict[str, dict[str, Any]]


def books() -> Items:
    """An organization with ten units, two of them taken by one message; by their sort keys."""
    table = MemoryTable()
    DynamoQuota(table).credit(ORG, "sms", Credit("k", ulid(NOW, bytes(10)), 10, "x", NOW))
    store, held = DynamoMessages(table), message(channel="sms", units=2, shard=0)
    assert store.create(ORG, held, retention_days=90)
    assert store.claim(ORG, held, Claim("me", NOW, "to", 1, 2))
    assert store.finish(ORG, held, Moved("sent", NOW, parts=2), owner="me")
    return {"message" if item.get("id") == ID else sort: item for (_, sort), item in table.items.items()}


def test_exact_books_are_exact() -> None:
    assert unbalanced(ORG, books().values()) == []


@pytest.mark.parametrize(
    "tamper",
    [
        lambda items: items["POOL"].update(n=items["POOL"]["n"] + 1),
        lambda items: items["POOL"].update(cr=11),
        lambda items: items["BAL"].update(f=items["BAL"]["f"] + 1),
        lambda items: items["BAL"].update(f=-1),
        lambda items: items["message"].update(qu=1),
        lambda items: items["message"].update(pa=3),
        lambda items: items["message"].update(qs=1),
        lambda items: items["message"].update(st="expired"),
    ],
    ids=["pool", "credits", "free", "below zero", "units", "parts", "shard", "not given back"],
)
def test_what_is_not_exact_is_named(tamper: Callable[[Items], None]) -> None:
    items = books()
    tamper(items)
    assert unbalanced(ORG, items.values())
