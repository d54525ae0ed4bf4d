"""Replies in the table: one item each, known by its provider's id, and who has an address.

By time they stand in gsi1, a client's own in gsi2; one that is not settled stands in gsi3, for the sweep.
"""

from collections.abc import Sequence
from datetime import datetime

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.items import Item
from carillon.adapters.dynamodb.table import Table, Write
from carillon.domain.channels import CHANNELS, Channel
from carillon.domain.listing import Page
from carillon.domain.replies import KEPT, ReplyFilter, StoredReply
from carillon.domain.spellings import spellings
from carillon.domain.times import epoch, iso, parse_instant

NEWEST, OLDEST = "~", "0"
"""Sort after and before every ULID."""
UNSETTLED = "reply"
"""The status under which gsi3 lists replies whose consequences are not done."""
CALLS = 5
"""How many pages are read for one of an answer, where a filter leaves most out."""


class DynamoReplies:
    """See the port `Replies`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def put(self, org_id: str, reply: StoredReply) -> StoredReply:
        """Keep a reply unless it is kept already; gives what is kept."""
        write = Write(keys.reply(org_id, reply.key), item=_item(org_id, reply), condition="attribute_not_exists(pk)")
        if self._table.write(write):
            return reply
        return self.get(org_id, reply.key) or reply

    def settle(self, org_id: str, reply: StoredReply) -> None:
        """Note that everything that follows from a reply has been done."""
        update, condition = "REMOVE pk3, sk3", "attribute_exists(pk)"
        self._table.write(Write(keys.reply(org_id, reply.key), update=update, condition=condition))

    def get(self, org_id: str, key: str) -> StoredReply | None:
        """Read one."""
        item = self._table.get(keys.reply(org_id, key))
        return _read(item) if item is not None else None

    def unsettled(self, org_id: str, limit: int) -> list[StoredReply]:
        """Name the oldest ones whose consequences are not done."""
        page = self._table.query(keys.problem_messages(org_id, UNSETTLED), index="gsi3", limit=limit)
        items = self._table.get_many((row["pk"], row["sk"]) for row in page.items) if page.items else {}
        return [_read(item) for item in items.values()]

    def page(
        self, org_id: str, wanted: ReplyFilter, *, limit: int, position: str | None, now: datetime
    ) -> Page[StoredReply]:
        """List replies, newest first; a short page may still have a position."""
        if wanted.client_id is not None:
            partitions = [(keys.client_replies(org_id, name), "gsi2") for name in (wanted.client_id, *wanted.former)]
        else:
            partitions = [(keys.replies(org_id), "gsi1")]
        found: list[StoredReply] = []
        before = position or NEWEST
        for _ in range(CALLS):
            rows = self._rows(partitions, before, limit)
            kept = [reply for reply in self._load(rows) if _fits(reply, wanted, now)]
            room = limit - len(found)
            found += kept[:room]
            if len(kept) > room:
                return Page(found, found[-1].id)
            if len(rows) < limit:
                return Page(found)
            before = rows[-1][2]
            if len(found) == limit:
                break
        return Page(found, before)

    def _rows(self, partitions: Sequence[tuple[str, str]], before: str, limit: int) -> list[tuple[str, str, str]]:
        """Give the next places of all partitions together, newest first, each with its ULID."""
        found = []
        for pk, index in partitions:
            n = index[-1]
            # Both ends of BETWEEN count, so one more is asked for, and the one that was there before is left out.
            page = self._table.query(pk, index=index, between=(OLDEST, before), limit=limit + 1, descending=True)
            found += [(row["pk"], row["sk"], row[f"sk{n}"]) for row in page.items if row[f"sk{n}"] != before]
        return sorted(found, key=lambda row: row[2], reverse=True)[:limit]

    def _load(self, rows: Sequence[tuple[str, str, str]]) -> list[StoredReply]:
        places = [(pk, sk) for pk, sk, _ in rows]
        items = self._table.get_many(places) if places else {}
        return [_read(items[place]) for place in places if place in items]


class DynamoAddressBook:
    """See the port `AddressBook`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def clients(self, org_id: str, channel: Channel, address: str) -> list[str]:
        """Name the clients that have an address on a channel, however it is written: a query for each spelling."""
        if CHANNELS[channel].address == "email":
            partitions = [keys.email_guard(org_id, address.casefold())[0]]
        elif CHANNELS[channel].address == "phone":
            partitions = [keys.phone_guard(org_id, spelling)[0] for spelling in spellings(address)]
        else:
            partitions = [keys.chat(org_id, channel, address)[0]]
        rows = [row for pk in partitions for row in self._table.query(pk, prefix="C#", consistent=True, limit=20).items]
        return list(dict.fromkeys(row["sk"].removeprefix("C#") for row in rows))


def _item(o: str, reply: StoredReply) -> Item:
    item: Item = {
        "ty": "reply",
        "id": reply.id,
        "ch": reply.channel,
        "from": reply.address,
        "c": reply.client_id,
        "text": reply.text,
        "re": reply.in_reply_to,
        "rec": reply.record,
        "at": iso(reply.at),
        "opt": reply.opt,
        "cf": reply.confirm or None,
        "pk1": keys.replies(o),
        "sk1": reply.id,
        "ttl": epoch(reply.at + KEPT),
    }
    if reply.client_id is not None:
        item |= {"pk2": keys.client_replies(o, reply.client_id), "sk2": reply.id}
    if not reply.settled:
        item |= {"pk3": keys.problem_messages(o, UNSETTLED), "sk3": reply.id}
    return item


def _read(item: Item) -> StoredReply:
    return StoredReply(
        id=item["id"],
        key=item["pk"].rpartition("#")[2],
        channel=item["ch"],
        address=item["from"],
        text=item.get("text", ""),
        at=parse_instant(item["at"]),
        client_id=item.get("c"),
        in_reply_to=item.get("re"),
        record=item.get("rec"),
        opt=item.get("opt"),
        confirm=item.get("cf", False),
        settled="pk3" not in item,
    )


def _fits(reply: StoredReply, wanted: ReplyFilter, now: datetime) -> bool:
    # DynamoDB deletes days after the time to live.
    return now < reply.at + KEPT and wanted.channel in (None, reply.channel)
