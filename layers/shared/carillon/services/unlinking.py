"""Ending a chat: the person blocked the bot or left it, as a callback says or as a message finds out."""

from datetime import datetime

from carillon.domain.channels import Channel
from carillon.domain.chats import ChatChannel
from carillon.domain.clients import Client
from carillon.domain.consents import Changed
from carillon.domain.linking import unlinked
from carillon.ports.chats import ChatLinks
from carillon.ports.directory import Clients
from carillon.ports.system import Clock, Ids
from carillon.services.client_editing import ClientEditing


class Unlinking:
    """Ends chats of one channel; may be repeated."""

    def __init__(self, channel: ChatChannel, clients: Clients, links: ChatLinks, clock: Clock, ids: Ids) -> None:
        self._channel = channel
        self._clients = clients
        self._links = links
        self._clock = clock
        self._editing = ClientEditing(clients, clock, ids)

    def end(self, org_id: str, chat_id: str, at: datetime, *, source: str) -> bool:
        """End a chat for every client that has linked it: who blocks a bot means it, whoever is written to about.

        `at`: when the person did so. True if that changed something.
        """

        def end(client: Client) -> Changed:
            return unlinked(client, self._channel, chat_id, at, source)

        # All of them, also once one has changed.
        ended = [self._editing.edit(org_id, name, end) for name in self._clients_of(org_id, chat_id)]
        return any(ended)

    def out(
        self,
        org_id: str,
        recipient: str,
        channel: Channel,  # noqa: ARG002 - the port's shape: one object serves one channel
        *,
        source: str,
        wording: str | None = None,  # noqa: ARG002 - nothing was said, the chat was ended
        at: datetime | None = None,
    ) -> bool:
        """End the chat of a message's recipient, because its provider says that the person has."""
        kind, _, name = recipient.partition(":")
        if kind != "c":
            return False
        view = self._clients.read(org_id, name)
        chat_id = view.client.document.reach.chats.get(self._channel) if view.client is not None else None
        return chat_id is not None and self.end(org_id, chat_id, at or self._clock.now(), source=source)

    def _clients_of(self, org_id: str, chat_id: str) -> list[str]:
        return self._links.clients(org_id, self._channel, chat_id)
