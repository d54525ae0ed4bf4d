"""All items of one organization, wherever they lie: a scan, which only the purge of a removed organization does."""

import json
from collections.abc import Sequence
from datetime import datetime

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.items import Item
from carillon.adapters.dynamodb.last_writers import KIND_OF_NOTE, DynamoLastWriters
from carillon.adapters.dynamodb.message_items import message_from_item
from carillon.adapters.dynamodb.recap_plans import KIND_OF_ITEM, plan_from_item
from carillon.adapters.dynamodb.record_items import record_from_item
from carillon.adapters.dynamodb.table import Table
from carillon.domain.messages import MessageKey
from carillon.domain.scheduling import cron_name
from carillon.ports.upkeep import Remains


class DynamoEverything:
    """See the port `Everything`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def page(self, org_id: str, position: dict[str, str] | None) -> Remains:
        """Read the next megabyte of the table and give what of it is the organization's."""
        found, following = self._table.scan_page(f"{org_id}#", position, named=org_id)
        items = [item for item in found if item["pk"].startswith(f"{org_id}#")]
        tombstone = keys.organization(org_id)
        # An own sender's id is known under the reserved tenant; first, or a death would leave it to nobody.
        channels = [
            keys.channel_reference(json.loads(item["doc"])["id"]) for item in items if item.get("ty") == "channel"
        ]
        places = [*channels, *((item["pk"], item["sk"]) for item in items)]
        return Remains(
            places=[place for place in places if place != tombstone],
            records=[record_from_item(item) for item in items if item.get("ty") == "record"],
            waiting=[_turn(item) for item in items if item.get("ty") == "message" and ("nb" in item or "fb" in item)],
            recaps=[name for item in items if item.get("ty") == KIND_OF_ITEM for name in _crons(org_id, item)],
            notes=[(item["pk"], item["sk"]) for item in found if item.get("ty") == KIND_OF_NOTE],
            position=following,
        )

    def delete(self, places: Sequence[tuple[str, str]]) -> None:
        """Delete items; deleting what is gone is fine."""
        self._table.delete_many(places)

    def unname(self, org_id: str, notes: Sequence[tuple[str, str]]) -> None:
        """Take an organization out of notes of who wrote to a person."""
        writers = DynamoLastWriters(self._table)
        for place in notes:
            writers.forget(place, org_id)


def _crons(org_id: str, item: Item) -> list[str]:
    plan = plan_from_item(item)
    live = (cron_name(org_id, cron.kind, cron.at, cron.zone, cron.generation) for cron in plan.live)
    return [*live, *plan.old]


def _turn(item: Item) -> tuple[MessageKey, datetime]:
    message = message_from_item(item)
    return message.key, message.not_before or message.fallback_at or message.created_at
