"""People in memory: what they said of channels, what they wrote back, and who has which address."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from carillon.domain.channels import CHANNELS, Channel
from carillon.domain.clients import Client, Staff
from carillon.domain.consents import LedgerEntry
from carillon.domain.listing import Page
from carillon.domain.organizations import Organization
from carillon.domain.replies import ReplyFilter, StoredReply
from carillon.domain.spellings import spellings
from carillon.ports.directory import ClientChange, ClientView, Saved, Stored
from carillon.ports.opting import Holder
from tests.fakes import Account


@dataclass
class MemoryOptings:
    """See the port `OptStore`. The next `overtaken` writes find that another writer came first."""

    account: Account
    ledger: list[tuple[str, LedgerEntry]] = field(default_factory=list)
    overtaken: int = 0

    def holder(self, org_id: str, recipient: str) -> Holder | None:
        kind, _, name = recipient.partition("#")[0].partition(":")
        if kind == "r":
            found: Any = self.account.organizations.get(org_id)
            return Holder(f"r:{name}", found, 1, self.account.settings[org_id]) if found else None
        found = (self.account.clients if kind == "c" else self.account.staff).get((org_id, name))
        return Holder(f"{kind}:{name}", found, 1) if found is not None else None

    def save(
        self,
        org_id: str,
        before: Holder,
        after: Client | Staff | Organization,
        entry: LedgerEntry,
        entry_id: str,  # noqa: ARG002 - the order of the list stands for it
    ) -> bool:
        if self.overtaken:
            self.overtaken -= 1
            return False
        name = before.ref[2:]
        if isinstance(after, Client):
            self.account.clients[org_id, name] = after
        elif isinstance(after, Staff):
            self.account.staff[org_id, name] = after
        else:
            self.account.organizations[org_id] = after
        self.ledger.append((before.ref, entry))
        return True


@dataclass
class MemoryClients:
    """The part of the port `Clients` that reads and writes one."""

    account: Account

    def read(self, org_id: str, client_id: str) -> ClientView:
        found = self.account.clients.get((org_id, client_id))
        stored = Stored(found, 1) if found is not None else None
        return ClientView(self.account.organizations[org_id], self.account.settings[org_id], stored)

    def save(self, org_id: str, change: ClientChange, now: datetime) -> Saved:  # noqa: ARG002
        self.account.clients[org_id, change.after.id] = change.after
        return Saved(version=2)


@dataclass
class MemoryAddressBook:
    """See the port `AddressBook`."""

    account: Account

    def clients(self, org_id: str, channel: Channel, address: str) -> list[str]:
        if CHANNELS[channel].address != "phone":
            found = [c for (o, _), c in self.account.clients.items() if o == org_id and not c.removed]
            return [client.id for client in found if address in client.reach.chats.values()]
        spelt = spellings(address)
        return [c.id for (o, _), c in self.account.clients.items() if o == org_id and c.phone in spelt]


@dataclass
class MemoryReplies:
    """See the port `Replies`."""

    kept: dict[tuple[str, str], StoredReply] = field(default_factory=dict)

    def put(self, org_id: str, reply: StoredReply) -> StoredReply:
        return self.kept.setdefault((org_id, reply.key), reply)

    def settle(self, org_id: str, reply: StoredReply) -> None:
        self.kept[org_id, reply.key] = replace(self.kept[org_id, reply.key], settled=True)

    def get(self, org_id: str, key: str) -> StoredReply | None:
        return self.kept.get((org_id, key))

    def unsettled(self, org_id: str, limit: int) -> list[StoredReply]:
        return [reply for (o, _), reply in self.kept.items() if o == org_id and not reply.settled][:limit]

    def page(
        self,
        org_id: str,
        wanted: ReplyFilter,
        *,
        limit: int,
        position: str | None,  # noqa: ARG002 - one page holds them all
        now: datetime,  # noqa: ARG002 - nothing here outlives its time
    ) -> Page[StoredReply]:
        found = [reply for (o, _), reply in self.kept.items() if o == org_id]
        fitting = [r for r in found if wanted.channel in (None, r.channel) and wanted.client_id in (None, r.client_id)]
        return Page(sorted(fitting, key=lambda r: r.id, reverse=True)[:limit])
