"""Chats with an organization's bot: links that lead there, and who has linked one."""

from datetime import datetime
from typing import Protocol

from carillon.domain.chats import ChatChannel
from carillon.domain.idempotency import StoredAnswer
from carillon.domain.linking import Link
from carillon.ports.directory import ClientChange


class ChatLinks(Protocol):
    """One-time links, by a name that tells nothing: the hash of a payload, or who is still to join."""

    def issue(self, org_id: str, name: str, link: Link, now: datetime, remember: StoredAnswer | None = None) -> None:
        """Store a new link, with the answer of the call that asked for it; raises RepeatedError."""

    def find(self, org_id: str, name: str, now: datetime) -> Link | None:
        """Read a link, also one that was used; None for one that is unknown or over."""

    def use(self, org_id: str, name: str, chat_id: str, change: ClientChange, now: datetime) -> bool:
        """Use a link up and write the client, at once; False when it was used or the client changed meanwhile."""

    def hold(self, org_id: str, name: str, link: Link, chat_id: str, now: datetime) -> bool:
        """Use a link up for someone who is still to join, and note who that is; False when it was used meanwhile.

        `link` is what waits then, until its own end.
        """

    def clients(self, org_id: str, channel: ChatChannel, chat_id: str) -> list[str]:
        """Name the clients that have linked a chat: a parent may have linked one for several."""
