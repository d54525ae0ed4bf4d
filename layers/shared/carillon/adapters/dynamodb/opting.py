"""Opt-outs in the table: whoever says it and his ledger's entry, in one transaction."""

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.client_writes import alias_of, document_write
from carillon.adapters.dynamodb.items import Item
from carillon.adapters.dynamodb.keys import Key
from carillon.adapters.dynamodb.organizations import organization_item
from carillon.adapters.dynamodb.table import ConditionsFailed, Table, Write
from carillon.domain import codec
from carillon.domain.clients import Client, Staff
from carillon.domain.consents import LedgerEntry
from carillon.domain.organizations import Organization
from carillon.domain.settings import Settings
from carillon.ports.directory import ClientChange, Stored
from carillon.ports.opting import Holder


class DynamoOptings:
    """See the port `OptStore`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def holder(self, org_id: str, recipient: str) -> Holder | None:
        """Read who a message's recipient is: one call, and one more for an id that leads to another client's."""
        kind, _, name = recipient.partition(":")
        if kind == "c":
            return self._client(org_id, name)
        if kind == "s":
            item = self._table.get(keys.staff(org_id, name))
            return Holder(recipient, codec.loads(Staff, item["doc"]), item["v"]) if item else None
        return self._role(org_id, name.partition("#")[0]) if kind == "r" else None

    def save(
        self, org_id: str, before: Holder, after: Client | Staff | Organization, entry: LedgerEntry, entry_id: str
    ) -> bool:
        """Write him with the ledger's entry, at once; False when another writer came first."""
        item = {"ty": "consent", "doc": codec.dumps(entry)}
        ledger = Write(keys.opting_entry(org_id, before.ref, entry_id), item=item)
        try:
            self._table.transact([_write(org_id, before, after), ledger])
        except ConditionsFailed:
            return False
        return True

    def _client(self, org_id: str, client_id: str) -> Holder | None:
        item = self._table.get(keys.client(org_id, client_id))
        if item is not None and (leads_to := alias_of(item)):
            client_id, item = leads_to, self._table.get(keys.client(org_id, leads_to))
        return Holder(f"c:{client_id}", codec.loads(Client, item["doc"]), item["v"]) if item else None

    def _role(self, org_id: str, role: str) -> Holder | None:
        places = keys.organization(org_id), keys.settings(org_id)
        organization, settings = map(self._table.get_many(places).get, places)
        if organization is None or settings is None:
            return None
        document = codec.loads(Organization, organization["doc"])
        return Holder(f"r:{role}", document, organization["v"], codec.loads(Settings, settings["doc"]))


def _write(org_id: str, before: Holder, after: Client | Staff | Organization) -> Write:
    if isinstance(after, Client) and isinstance(before.document, Client):
        return document_write(org_id, ClientChange(Stored(before.document, before.version), after, guarded=False))
    if isinstance(after, Staff):
        item: Item = {"ty": "staff", "doc": codec.dumps(after), "v": before.version + 1}
        return _over(keys.staff(org_id, after.id), item, before.version)
    if isinstance(after, Organization):
        return _over(keys.organization(org_id), organization_item(after, before.version + 1), before.version)
    raise TypeError("a client stays a client")


def _over(key: Key, item: Item, version: int) -> Write:
    return Write(key, item=item, condition="v = :v", values={"v": version})
