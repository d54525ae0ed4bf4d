"""All items of one organization, wherever they lie: a scan, which only the purge of a removed organization does."""

from collections.abc import Sequence

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.record_items import record_from_item
from carillon.adapters.dynamodb.table import Table
from carillon.ports.upkeep import Remains


class DynamoEverything:
    """See the port `Everything`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def page(self, org_id: str, position: dict[str, str] | None) -> Remains:
        """Read the next megabyte of the table and give what of it is the organization's."""
        items, following = self._table.scan_page(f"{org_id}#", position)
        tombstone = keys.organization(org_id)
        places = [(item["pk"], item["sk"]) for item in items]
        return Remains(
            places=[place for place in places if place != tombstone],
            records=[record_from_item(item) for item in items if item.get("ty") == "record"],
            position=following,
        )

    def delete(self, places: Sequence[tuple[str, str]]) -> None:
        """Delete items; deleting what is gone is fine."""
        self._table.delete_many(places)
