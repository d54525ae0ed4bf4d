"""What people write back: where it is kept, and whose it is."""

from datetime import datetime
from typing import Protocol

from carillon.domain.channels import Channel
from carillon.domain.listing import Page
from carillon.domain.messages import MessageKey
from carillon.domain.replies import ReplyFilter, StoredReply


class Replies(Protocol):
    """Replies of the last 90 days."""

    def put(self, org_id: str, reply: StoredReply) -> StoredReply:
        """Keep a reply unless it is kept already; gives what is kept."""

    def settle(self, org_id: str, reply: StoredReply) -> None:
        """Note that everything that follows from a reply has been done."""

    def get(self, org_id: str, key: str) -> StoredReply | None:
        """Read one."""

    def unsettled(self, org_id: str, limit: int) -> list[StoredReply]:
        """Name the oldest ones of which not everything that follows has been done."""

    def page(
        self, org_id: str, wanted: ReplyFilter, *, limit: int, position: str | None, now: datetime
    ) -> Page[StoredReply]:
        """List replies, newest first."""


class AddressBook(Protocol):
    """Finds out who has an address."""

    def clients(self, org_id: str, channel: Channel, address: str) -> list[str]:
        """Name the clients that have an address on a channel, however it is written."""


class LastWriters(Protocol):
    """Who wrote last to a person over a sender that organizations share."""

    def note(self, sender: str, address: str, org_id: str, key: MessageKey, until: datetime) -> None:
        """Note that a message is about to go out, and remember it so long. May be repeated."""

    def of(self, sender: str, address: str) -> list[tuple[str, MessageKey]]:
        """Give organization and message of the last two organizations that wrote, newest first."""
