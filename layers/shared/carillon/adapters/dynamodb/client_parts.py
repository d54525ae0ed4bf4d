"""All clients of an organization, walked in parts side by side, and many of their documents written at once."""

from collections.abc import Iterator, Sequence

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.client_writes import document_write
from carillon.adapters.dynamodb.table import ConditionsFailed, Table
from carillon.domain import codec
from carillon.domain.clients import Client
from carillon.domain.errors import Contended
from carillon.ports.directory import ClientChange, Stored

PAGE = 100
"""What one batch reads and one transaction writes."""


class DynamoClientParts:
    """See the port `ClientParts`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def parts(self, org_id: str) -> list[Iterator[list[Stored[Client]]]]:
        """Give the clients in as many parts as their list has shards; each is read as it is walked."""
        return [self._shard(org_id, number) for number in range(keys.SHARDS)]

    def save_documents(self, org_id: str, changes: Sequence[ClientChange]) -> list[int]:
        """Write the documents of up to 100 clients; gives the places of those that another writer changed first.

        In one transaction, which costs twice the units of single writes and a hundredth of their calls: time counts
        here. A condition that fails takes that client out; one that another transaction holds makes them single.
        """
        writes = [document_write(org_id, change) for change in changes]
        pending, lost = list(range(len(writes))), []
        while pending:
            try:
                self._table.transact([writes[place] for place in pending])
            except ConditionsFailed as error:
                gone = {pending[place] for place in error.failed}
                lost += sorted(gone)
                pending = [place for place in pending if place not in gone]
            except Contended:
                return sorted(lost + [place for place in pending if not self._table.write(writes[place])])
            else:
                break
        return sorted(lost)

    def _shard(self, org_id: str, number: int) -> Iterator[list[Stored[Client]]]:
        after = None
        while True:
            page = self._table.query(keys.client_list(org_id, number), index="gsi1", limit=PAGE, after=after)
            items = self._table.get_many((row["pk"], row["sk"]) for row in page.items) if page.items else {}
            found = [Stored(codec.loads(Client, item["doc"]), item["v"]) for item in items.values()]
            yield [each for each in found if not each.document.removed]
            after = page.last
            if after is None:
                return
