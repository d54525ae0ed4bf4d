"""The records of a day, wherever the day's midnight lies in UTC."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.keys import Key
from carillon.adapters.dynamodb.record_items import record_from_item
from carillon.adapters.dynamodb.table import Table
from carillon.domain.records import StoredRecord
from carillon.domain.times import iso

MOST = 2_000
"""Appointments of one day that are looked at: about 3 MB in memory, twenty batch reads."""
APPOINTMENTS = "appointments/"


class DynamoDays:
    """See the port `Days`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def between(self, org_id: str, begin: datetime, end: datetime) -> Sequence[StoredRecord]:
        """Ask the index which start in these days of UTC, and read them as they are now."""
        places: list[Key] = []
        day, last = begin.date(), (end - timedelta(seconds=1)).date()
        while day <= last and len(places) < MOST:
            places += self._on(keys.day_records(org_id, day.isoformat()), (iso(begin), iso(end)), MOST - len(places))
            day += timedelta(days=1)
        items = self._table.get_many(places)
        return [record_from_item(items[place]) for place in places if place in items]

    def _on(self, partition: str, between: tuple[str, str], most: int) -> list[Key]:
        found: list[Key] = []
        after = None
        while True:
            page = self._table.query(partition, index="gsi2", between=between, after=after, limit=most - len(found))
            found += [(row["pk"], row["sk"]) for row in page.items if row["rec"].startswith(APPOINTMENTS)]
            after = page.last
            if after is None or len(found) >= most:
                return found
