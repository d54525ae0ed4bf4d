"""One ordered list over several partitions of GSI1: a list's writes spread, its readers see one order."""

import heapq
from collections.abc import Sequence

from carillon.adapters.dynamodb.items import Item
from carillon.adapters.dynamodb.table import Table

LAST = "\U0010ffff"
"""Sorts behind every sort key."""


def sharded_page(
    table: Table, partitions: Sequence[str], limit: int, position: str | None
) -> tuple[list[Item], str | None]:
    """Read the next `limit` rows in the order of `sk1`, one query per partition; also where the next page begins."""
    after = (position + "\x00", LAST) if position is not None else None
    found = [table.query(pk, index="gsi1", limit=limit + 1, between=after).items for pk in partitions]
    rows = list(heapq.merge(*found, key=lambda row: str(row["sk1"])))
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], rows[limit - 1]["sk1"]
