"""Clients in the table: the document, its guards and lookups, its place in the list, its consent ledger."""

from collections.abc import Sequence
from datetime import datetime

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.client_writes import alias_of, contacts, given_up, writes_of
from carillon.adapters.dynamodb.idempotency import answer_write
from carillon.adapters.dynamodb.items import Item
from carillon.adapters.dynamodb.keys import Key
from carillon.adapters.dynamodb.sharded import sharded_page
from carillon.adapters.dynamodb.suppressions import DynamoSuppressions, refusal_of
from carillon.adapters.dynamodb.table import ConditionsFailed, Table, Write
from carillon.domain import codec
from carillon.domain.clients import Client
from carillon.domain.consents import LedgerEntry
from carillon.domain.errors import Contended, NotFound
from carillon.domain.idempotency import RepeatedError, StoredAnswer
from carillon.domain.listing import Page
from carillon.domain.names import fold
from carillon.domain.organizations import Organization
from carillon.domain.settings import Settings
from carillon.ports.directory import ClientChange, ClientView, Saved, Stored

ROUNDS = 4
"""How often a write starts again because a guard changed hands meanwhile."""


class DynamoClients:
    """See the port `Clients`. `suppressions` knows where addresses stand that must not be written to again."""

    def __init__(self, table: Table, suppressions: DynamoSuppressions | None = None) -> None:
        self._table = table
        self._suppressions = suppressions

    def read(self, org_id: str, client_id: str, email: str | None = None) -> ClientView:
        """Read organization, settings and a client in one call; one more for an id that leads to another client's."""
        places = [keys.organization(org_id), keys.settings(org_id), keys.client(org_id, client_id)]
        if email and self._suppressions is not None:
            places.append(self._suppressions.key(org_id, "email", email))
        organization, settings, client, *known = map(self._table.get_many(places).get, places)
        if organization is None or settings is None:
            raise NotFound("there is no such organization")
        if client is not None and (leads_to := alias_of(client)):
            client = self._table.get(keys.client(org_id, leads_to))
        return ClientView(
            codec.loads(Organization, organization["doc"]),
            codec.loads(Settings, settings["doc"]),
            Stored(codec.loads(Client, client["doc"]), client["v"]) if client else None,
            refusal_of(known[0]) if known else None,
        )

    def save(
        self,
        org_id: str,
        change: ClientChange,
        now: datetime,
        remember: StoredAnswer | None = None,
        along: Sequence[Write] = (),
    ) -> Saved:
        """Write a client with everything that hangs on it, in one transaction; `along`: a record that brings it.

        One call when nothing stands in the way; a contact that is given up costs a query to see who else has it.
        """
        skip: set[Key] = set()
        for _ in range(ROUNDS):
            released = {guard: self._partition(guard) for guard in given_up(org_id, change)}
            writes, guards = writes_of(org_id, change, released, skip)
            last = [answer_write(org_id, remember, now)] if remember else []
            if len(writes) + len(last) == 1:  # enrolment, preferences: the document alone, at half the price
                return Saved(version=_next(change)) if self._table.write(writes[0]) else Saved()
            try:
                self._table.transact([*writes, *last, *along])
            except ConditionsFailed as error:
                if last and len(writes) in error.failed:
                    raise RepeatedError from error
                if 0 in error.failed or max(error.failed) >= len(writes) + len(last):
                    return Saved()
                taken = [guards[place] for place in error.failed if place in guards]
                owner = self._owner(taken, change.after.id)
                if owner and change.guarded:
                    return Saved(duplicate_of=owner)
                # Where duplicates are allowed the guard stays with whom it belongs to.
                skip |= set(taken) if owner else set()
            else:
                return Saved(version=_next(change))
        raise Contended(f"the contacts of client {change.after.id} change hands too fast")

    def _partition(self, guard: Key) -> list[Item]:
        return self._table.query(guard[0], consistent=True, limit=20).items

    def _owner(self, guards: list[Key], me: str) -> str | None:
        owners = (item.get("c") for item in self._table.get_many(guards).values())
        return next((str(owner) for owner in owners if owner and owner != me), None)

    def by_phone(self, org_id: str, e164: str, limit: int, position: str | None) -> Page[Client]:
        """Find clients by phone."""
        return self._looked_up(org_id, keys.phone_guard(org_id, e164)[0], "C#", limit, position)

    def by_email(self, org_id: str, email: str, limit: int, position: str | None) -> Page[Client]:
        """Find clients by e-mail, without regard to case."""
        return self._looked_up(org_id, keys.email_guard(org_id, fold(email))[0], "C#", limit, position)

    def by_name(self, org_id: str, words: Sequence[str], limit: int, position: str | None) -> Page[Client]:
        """Find clients each of whose words begins a word of the name; the longest word leads the search."""
        lead, *others = sorted(words, key=len, reverse=True)
        page = self._looked_up(org_id, keys.name_word(org_id, lead, "")[0], lead, limit, position)
        return Page([client for client in page.items if _has(client, others)], page.position)

    def page(self, org_id: str, limit: int, position: str | None) -> Page[Client]:
        """List clients by name."""
        partitions = [keys.client_list(org_id, number) for number in range(keys.SHARDS)]
        rows, last = sharded_page(self._table, partitions, limit, position)
        return Page(self._load([(row["pk"], row["sk"]) for row in rows]), last)

    def sharing(self, org_id: str, client: Client) -> list[str]:
        """Name the other clients with the same phone or e-mail: a query for each, none for one who may share."""
        if client.allow_shared_contact:
            return []
        rows = [row for guard in sorted(contacts(org_id, client)) for row in self._partition(guard)]
        others = [row["sk"].removeprefix("C#") for row in rows if row["sk"].startswith("C#") and not row.get("sh")]
        return sorted({other for other in others if other != client.id})

    def consents(self, org_id: str, client_id: str) -> tuple[Client | None, list[LedgerEntry]]:
        """Read a client and its whole consent ledger, oldest first: they share a partition.

        The ledgers of ids that were merged into the client's are part of it: a partition and a call each.
        """
        client, entries = self._ledger(org_id, client_id)
        if client is not None and client.alias_of is not None:
            return self.consents(org_id, client.alias_of)
        for former in client.merged if client is not None else ():
            entries |= self._ledger(org_id, former)[1]
        return client, [entries[ulid] for ulid in sorted(entries)]

    def _ledger(self, org_id: str, client_id: str) -> tuple[Client | None, dict[str, LedgerEntry]]:
        client, entries, after = None, {}, None
        while True:
            page = self._table.query(keys.client(org_id, client_id)[0], after=after, consistent=True)
            for item in page.items:
                if item["sk"] == "-":
                    client = codec.loads(Client, item["doc"])
                elif item["sk"].startswith("K#"):
                    entries[item["sk"]] = codec.loads(LedgerEntry, item["doc"])
            after = page.last
            if after is None:
                return client, entries

    def _looked_up(self, o: str, pk: str, prefix: str, limit: int, position: str | None) -> Page[Client]:
        after = {"pk": pk, "sk": position} if position else None
        page = self._table.query(pk, prefix=prefix, limit=limit, after=after, consistent=True)
        ids = dict.fromkeys(row["sk"].rpartition("#")[2] for row in page.items)
        clients = self._load([keys.client(o, client_id) for client_id in ids])
        return Page(clients, page.last["sk"] if page.last else None)

    def _load(self, places: Sequence[Key]) -> list[Client]:
        found = self._table.get_many(places)
        clients = (codec.loads(Client, found[place]["doc"]) for place in places if place in found)
        return [client for client in clients if not client.removed]


def _next(change: ClientChange) -> int:
    return (change.before.version if change.before else 0) + 1


def _has(client: Client, words: Sequence[str]) -> bool:
    own = fold(client.full_name).split()
    return all(any(name.startswith(word) for name in own) for word in words)
