"""Listings of messages, one access pattern per filter and no scan.

A client's messages lie together; problem statuses have their own sparse index; everything else is walked day by day,
newest first. Channel, origin and record are static attributes of that index, so they are filtered before reading.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.items import Item
from carillon.adapters.dynamodb.keys import Key
from carillon.adapters.dynamodb.message_items import message_from_item
from carillon.adapters.dynamodb.table import Table
from carillon.domain.ids import ulid
from carillon.domain.listing import Page
from carillon.domain.messages import PROBLEMS, Message, MessageFilter, is_by
from carillon.domain.times import epoch

DAYS_PER_CALL = 31
ROWS_PER_CALL = 5_000
"""How many rows of the index one call looks at: where a filter fits few, a short page says where to go on."""
LONGEST_RETENTION = timedelta(days=731)
NEWEST, OLDEST = "~", "0"
"""Sort after and before every ULID."""


class MessageListing:
    """Pages of messages, newest first."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def page(self, o: str, wanted: MessageFilter, *, limit: int, position: str | None, now: datetime) -> Page[Message]:
        """Read one page; a short page may still have a cursor."""
        place = json.loads(position) if position is not None else {}
        before = place.get("id", NEWEST)
        if wanted.client_id is not None:
            return self._of_client(o, wanted, limit=limit, before=before, now=now)
        if wanted.status in PROBLEMS:
            return self._of_status(o, wanted, limit=limit, before=before, now=now)
        # Nothing was made in the future, so no call walks through it.
        latest = min(wanted.until or now, now + timedelta(days=1))
        day = date.fromisoformat(place["day"]) if "day" in place else latest.date()
        return self._by_day(o, wanted, limit=limit, before=before, day=day, now=now)

    def _of_client(self, o: str, wanted: MessageFilter, *, limit: int, before: str, now: datetime) -> Page[Message]:
        clients = wanted.client_id, *wanted.former
        items = [item for client_id in clients for item in self._all(f"{o}#P#c:{client_id}")]
        fitting = [item for item in items if item["id"] < before and _fits(item, wanted, now)]
        fitting.sort(key=lambda item: item["id"], reverse=True)
        return _page(fitting[:limit], more=len(fitting) > limit)

    def _all(self, partition: str) -> Iterator[Item]:
        after = None
        while True:
            page = self._table.query(partition, prefix="M#", after=after, consistent=True)
            yield from page.items
            after = page.last
            if after is None:
                return

    def _of_status(self, o: str, wanted: MessageFilter, *, limit: int, before: str, now: datetime) -> Page[Message]:
        partition = keys.problem_messages(o, str(wanted.status))
        oldest, newest = _bounds(wanted)
        before = min(before, newest)
        if oldest > before:
            return Page([], None)
        page = self._table.query(partition, index="gsi3", between=(oldest, before), limit=limit + 1, descending=True)
        rows = [row for row in page.items if row["sk3"] != before][:limit]
        items = self._read([(row["pk"], row["sk"]) for row in rows])
        fitting = [item for item in items if _fits(item, wanted, now)]
        if not rows:
            return Page([], None)
        more = page.last is not None or len(page.items) > limit
        cursor = json.dumps({"id": rows[-1]["sk3"]}) if more else None
        return Page([message_from_item(item) for item in fitting], cursor)

    def _by_day(
        self, o: str, wanted: MessageFilter, *, limit: int, before: str, day: date, now: datetime
    ) -> Page[Message]:
        last = (wanted.since or now - LONGEST_RETENTION).date()
        oldest, newest = _bounds(wanted)
        found: list[Item] = []
        looked_at = 0
        for _ in range(DAYS_PER_CALL):
            if day < last:
                return Page([message_from_item(item) for item in found], None)
            partition, before = keys.day_messages(o, day.isoformat()), min(before, newest)
            while oldest <= before:
                if looked_at >= ROWS_PER_CALL:
                    place = json.dumps({"id": before, "day": day.isoformat()})
                    return Page([message_from_item(item) for item in found], place)
                page = self._table.query(partition, index="gsi2", between=(oldest, before), limit=100, descending=True)
                looked_at += len(page.items)
                rows = [row for row in page.items if row["sk2"] != before]
                candidates = [row for row in rows if _static_fits(row, wanted)]
                for item in self._read([(row["pk"], row["sk"]) for row in candidates]):
                    if len(found) == limit:
                        return _page(found, more=True, day=day)
                    if _fits(item, wanted, now):
                        found.append(item)
                if page.last is None or not rows:
                    break
                before = rows[-1]["sk2"]
            day, before = day - timedelta(days=1), NEWEST
        return Page([message_from_item(item) for item in found], json.dumps({"day": day.isoformat()}))

    def _read(self, wanted: Sequence[Key]) -> list[Item]:
        items = self._table.get_many(wanted)
        return [items[key] for key in wanted if key in items]


def _bounds(wanted: MessageFilter) -> tuple[str, str]:
    """Give the least and the greatest ULID that a message made in the span can have."""
    oldest = ulid(wanted.since, bytes(10)) if wanted.since is not None else OLDEST
    return oldest, ulid(wanted.until, b"\xff" * 10) if wanted.until is not None else NEWEST


def _page(items: list[Item], *, more: bool, day: date | None = None) -> Page[Message]:
    place = {"id": items[-1]["id"], **({"day": day.isoformat()} if day else {})} if items else {}
    messages: list[Message] = [message_from_item(item) for item in items]
    return Page(messages, json.dumps(place) if more and items else None)


def _static_fits(row: Item, wanted: MessageFilter) -> bool:
    """Whether what never changes fits; a decision not to send may be about the channel and has none of its own."""
    authored = "manual" if wanted.author is not None else None
    wants = (("or", wanted.origin), ("or", authored), ("rec", wanted.record))
    same = all(value is None or row.get(name) == value for name, value in wants)
    return same and (wanted.channel is None or row.get("ch") in (None, wanted.channel))


def is_kept(item: Item, now: datetime) -> bool:
    """Whether a message's time to live is not over: DynamoDB deletes up to days after it."""
    return bool(item["ttl"] > epoch(now))


def _fits(item: Item, wanted: MessageFilter, now: datetime) -> bool:
    if not is_kept(item, now):
        return False
    if wanted.status is not None and item["st"] != wanted.status:
        return False
    message = message_from_item(item)
    made = message.created_at
    inside = (wanted.since is None or made >= wanted.since) and (wanted.until is None or made < wanted.until)
    told = wanted.channel is None or message.shown_channel == wanted.channel
    theirs = wanted.author is None or is_by(message.author, wanted.author)
    return inside and told and theirs and _static_fits(item, wanted)
