"""Those who can opt out, and the ledger of what they said."""

from datetime import datetime
from typing import Protocol

from carillon.domain.channels import Channel
from carillon.domain.clients import Client, Staff
from carillon.domain.consents import LedgerEntry
from carillon.domain.organizations import Organization
from carillon.domain.settings import Settings
from carillon.domain.values import value


@value
class Holder:
    """Someone who can opt out, as stored: `document` holds what was said so far.

    `ref` is where his ledger lies: `c:<id>` (of the client kept, where clients were merged), `s:<id>`, `r:<role>`.
    """

    ref: str
    document: Client | Staff | Organization
    version: int
    settings: Settings | None = None


class OptStore(Protocol):
    """Reads and writes them."""

    def holder(self, org_id: str, recipient: str) -> Holder | None:
        """Read who a message's recipient is; None when he is gone."""

    def save(
        self, org_id: str, before: Holder, after: Client | Staff | Organization, entry: LedgerEntry, entry_id: str
    ) -> bool:
        """Write him with the ledger's entry, at once; False when another writer came first."""


class OptOuts(Protocol):
    """Takes a person's word that a channel is over; on chats the link itself ends."""

    def out(
        self,
        org_id: str,
        recipient: str,
        channel: Channel,
        *,
        source: str,
        wording: str | None = None,
        at: datetime | None = None,
    ) -> bool:
        """Opt a message's recipient out; True if that changed something. May be repeated."""
