"""One batch read for whatever a use case needs."""

from collections.abc import Sequence

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.client_writes import alias_of
from carillon.adapters.dynamodb.items import Item
from carillon.adapters.dynamodb.keys import Key
from carillon.adapters.dynamodb.message_items import message_from_item
from carillon.adapters.dynamodb.record_items import record_from_item
from carillon.adapters.dynamodb.table import Table
from carillon.adapters.dynamodb.templates import own_texts
from carillon.domain import codec
from carillon.domain.clients import Client, Staff
from carillon.domain.organizations import Organization
from carillon.domain.own_texts import OwnTexts
from carillon.domain.posted import PostedEvent
from carillon.domain.rules import rules_in_force
from carillon.domain.settings import Settings
from carillon.ports.reading import Snapshot, Want


class DynamoReader:
    """See the port `Reader`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self, wants: Sequence[Want]) -> list[Snapshot]:
        """Read strongly consistent, one call per 100 distinct items, and another where clients were merged."""
        items = self._table.get_many(key for want in wants for key in _keys(want))
        self._follow(wants, items)
        return [_snapshot(want, items) for want in wants]

    def _follow(self, wants: Sequence[Want], items: dict[Key, Item]) -> None:
        """Put in the place of an id that was merged into another client's that client."""
        places = {keys.client(want.org_id, name): want.org_id for want in wants for name in want.clients}
        leads = {
            place: keys.client(org_id, name)
            for place, org_id in places.items()
            if place in items and (name := alias_of(items[place]))
        }
        if leads:
            found = self._table.get_many(leads.values())
            items |= {place: found[target] for place, target in leads.items() if target in found}

    def all_staff(self, org_id: str) -> dict[str, Staff]:
        """Read every member of staff of an organization."""
        members: dict[str, Staff] = {}
        after = None
        while True:
            page = self._table.query(keys.staff(org_id, "")[0], after=after, consistent=True)
            members |= {item["sk"]: codec.loads(Staff, item["doc"]) for item in page.items}
            after = page.last
            if after is None:
                return members


def _keys(want: Want) -> list[Key]:
    o = want.org_id
    wanted = [keys.organization(o), keys.settings(o)]
    wanted += [keys.rules(o)] if want.rules else []
    wanted += [keys.template_index(o)] if want.texts else []
    wanted += [keys.record(o, want.record)] if want.record else []
    wanted += [keys.client(o, client_id) for client_id in want.clients]
    wanted += [keys.staff(o, staff_id) for staff_id in want.staff]
    return wanted + [keys.message(o, key.recipient, key.digest) for key in want.messages]


def _is_posted(item: Item) -> bool:
    return bool(item["ty"] == "posted")


def _snapshot(want: Want, items: dict[Key, Item]) -> Snapshot:
    o = want.org_id
    organization, settings = items.get(keys.organization(o)), items.get(keys.settings(o))
    rules, record = items.get(keys.rules(o)), items.get(keys.record(o, want.record)) if want.record else None
    clients = {i: items[keys.client(o, i)] for i in want.clients if keys.client(o, i) in items}
    staff = {i: items[keys.staff(o, i)] for i in want.staff if keys.staff(o, i) in items}
    messages = {key: items.get(keys.message(o, key.recipient, key.digest)) for key in want.messages}
    return Snapshot(
        organization=codec.loads(Organization, organization["doc"]) if organization else None,
        settings=codec.loads(Settings, settings["doc"]) if settings else None,
        rules=rules_in_force(rules["doc"] if rules else None),
        record=record_from_item(record) if record and not _is_posted(record) else None,
        posted=codec.loads(PostedEvent, record["doc"]) if record and _is_posted(record) else None,
        clients={i: codec.loads(Client, item["doc"]) for i, item in clients.items()},
        staff={i: codec.loads(Staff, item["doc"]) for i, item in staff.items()},
        messages={key: message_from_item(item) for key, item in messages.items() if item is not None},
        own_texts=own_texts(items.get(keys.template_index(o))) if want.texts else OwnTexts(),
    )
