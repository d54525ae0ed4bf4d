"""The transaction of a merge: the kept client, the alias, and every contact and name that changes hands."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.client_writes import (
    document_write,
    guards_of,
    lookup_writes,
    name_writes,
    release,
)
from carillon.adapters.dynamodb.idempotency import answer_write
from carillon.adapters.dynamodb.items import Item
from carillon.adapters.dynamodb.keys import Key
from carillon.adapters.dynamodb.table import ConditionsFailed, Table, Write
from carillon.domain import codec
from carillon.domain.clients import Client
from carillon.domain.idempotency import RepeatedError, StoredAnswer
from carillon.ports.directory import Merge, MergeView, Stored

ROUNDS = 4


class DynamoMerges:
    """See the port `MergeStore`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self, org_id: str, keep_id: str, gone_id: str) -> MergeView:
        """Read both clients as they are, in one call; a second one for what led to the one that goes."""
        organization = keys.organization(org_id)
        places = keys.client(org_id, keep_id), keys.client(org_id, gone_id)
        items = self._table.get_many([organization, *places])
        keep, gone = (_stored(items.get(place)) for place in places)
        names = gone.document.merged if gone is not None else []
        found = self._table.get_many(keys.client(org_id, name) for name in names) if names else {}
        aliases = [each for each in map(_stored, found.values()) if each is not None]
        return MergeView(organization in items, keep, gone, aliases)

    def save(self, org_id: str, merge: Merge, now: datetime, remember: StoredAnswer | None = None) -> bool:
        """Write a merge at once; False when one of the clients changed meanwhile.

        A contact that somebody else holds by now stays with whom it belongs to.
        """
        skip: set[Key] = set()
        documents = 2 + len(merge.aliases)
        last = [answer_write(org_id, remember, now)] if remember else []
        for _ in range(ROUNDS):
            rows = {
                guard: self._table.query(guard[0], consistent=True, limit=20).items for guard in _freed(org_id, merge)
            }
            writes, guards = writes_of(org_id, merge, rows, skip)
            try:
                self._table.transact([*writes, *last])
            except ConditionsFailed as error:
                if last and len(writes) in error.failed:
                    raise RepeatedError from error
                if min(error.failed) < documents:
                    return False
                skip |= {guards[place] for place in error.failed if place in guards}
            else:
                return True
        return False


def writes_of(
    o: str, merge: Merge, rows: Mapping[Key, Sequence[Item]], skip: set[Key]
) -> tuple[list[Write], dict[int, Key]]:
    """Give the writes, the documents first, and which of them hand a guard over."""
    before, after, gone = merge.keep.before, merge.keep.after, merge.gone.before
    if before is None or gone is None:
        raise ValueError("both clients exist")
    writes = [document_write(o, change) for change in (merge.keep, merge.gone, *merge.aliases)]
    me, other = after.id, gone.document.id
    guards: dict[int, Key] = {}
    own, held = guards_of(o, after), guards_of(o, gone.document)
    for guard in sorted((own & held) - skip):
        guards[len(writes)] = guard
        who = {"me": me, "other": other}
        free = "attribute_not_exists(pk) OR c = :me OR c = :other"
        writes.append(Write(guard, item={"c": me}, condition=free, values=who))
    for guard in sorted(held - own):
        writes += release(guard, other, rows.get(guard, ()))
    writes += lookup_writes(o, before.document, after) + lookup_writes(o, gone.document, merge.gone.after)
    writes += name_writes(o, merge.keep) + name_writes(o, merge.gone)
    if merge.keep.entry is not None:
        item = {"ty": "consent", "doc": codec.dumps(merge.keep.entry)}
        writes.append(Write(keys.consent_entry(o, me, merge.keep.entry_id), item=item))
    return writes, guards


def _freed(o: str, merge: Merge) -> set[Key]:
    gone = merge.gone.before
    return guards_of(o, gone.document) - guards_of(o, merge.keep.after) if gone is not None else set()


def _stored(item: Item | None) -> Stored[Client] | None:
    return Stored(codec.loads(Client, item["doc"]), item["v"]) if item else None
