"""Links to chats in the table. One that was used stays until it is over, so that its second use can be told apart."""

from datetime import UTC, datetime

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.clients import DynamoClients
from carillon.adapters.dynamodb.idempotency import answer_write
from carillon.adapters.dynamodb.items import Item
from carillon.adapters.dynamodb.table import ConditionsFailed, Table, Write
from carillon.domain.chats import ChatChannel
from carillon.domain.idempotency import RepeatedError, StoredAnswer
from carillon.domain.linking import Link, waiting_name
from carillon.domain.times import epoch
from carillon.ports.directory import ClientChange

SHARING = 50
"""How many clients may have linked one chat; more than any family has."""


class DynamoChatLinks:
    """See the port `ChatLinks`."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._clients = DynamoClients(table)

    def issue(self, org_id: str, name: str, link: Link, now: datetime, remember: StoredAnswer | None = None) -> None:
        """Store a new link, with the answer of the call that asked for it; raises RepeatedError."""
        write = Write(keys.link(org_id, name), item=_item(link))
        if remember is None:
            self._table.write(write)
            return
        try:
            self._table.transact([write, answer_write(org_id, remember, now)])
        except ConditionsFailed as error:
            raise RepeatedError from error

    def find(self, org_id: str, name: str, now: datetime) -> Link | None:
        """Read a link; TTL deletes late, so what is over is passed over here."""
        item = self._table.get(keys.link(org_id, name))
        if item is None or item["ttl"] <= epoch(now):
            return None
        return Link(item["ch"], item["c"], datetime.fromtimestamp(item["ttl"], UTC), item.get("by"))

    def use(self, org_id: str, name: str, chat_id: str, change: ClientChange, now: datetime) -> bool:
        """Use a link up and write the client, in one transaction."""
        return self._clients.save(org_id, change, now, along=[_used(org_id, name, chat_id, now)]).version is not None

    def hold(self, org_id: str, name: str, link: Link, chat_id: str, now: datetime) -> bool:
        """Use a link up for someone who is still to join, and note who that is, in one transaction."""
        waiting = keys.link(org_id, waiting_name(link.channel, chat_id))
        try:
            self._table.transact([_used(org_id, name, chat_id, now), Write(waiting, item=_item(link))])
        except ConditionsFailed:
            return False
        return True

    def clients(self, org_id: str, channel: ChatChannel, chat_id: str) -> list[str]:
        """Name the clients that have linked a chat: one query."""
        rows = self._table.query(
            keys.chat(org_id, channel, chat_id)[0], prefix="C#", limit=SHARING, consistent=True
        ).items
        return [row["sk"].removeprefix("C#") for row in rows]


def _used(org_id: str, name: str, chat_id: str, now: datetime) -> Write:
    return Write(
        keys.link(org_id, name),
        update="SET #by = :by",
        condition="attribute_exists(pk) AND attribute_not_exists(#by) AND #until > :now",
        values={"by": chat_id, "now": epoch(now)},
        names={"by": "by", "until": "ttl"},
    )


def _item(link: Link) -> Item:
    return {"ty": "link", "ch": link.channel, "c": link.client_id, "ttl": epoch(link.expires_at)}
