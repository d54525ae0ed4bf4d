"""Up to where an organization was swept."""

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.table import Table, Write
from carillon.domain.times import iso, parse_instant
from carillon.ports.upkeep import Marks


class DynamoWatermarks:
    """See the port `Watermarks`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def load(self, org_id: str) -> Marks | None:
        """Read them; None before the first sweep."""
        item = self._table.get(keys.sweep(org_id))
        return Marks(parse_instant(item["due"]), parse_instant(item["queued"]), item.get("rc")) if item else None

    def save(self, org_id: str, marks: Marks) -> None:
        """Write them."""
        item = {"ty": "sweep", "due": iso(marks.due), "queued": iso(marks.queued), "rc": marks.records}
        self._table.write(Write(keys.sweep(org_id), item=item))
