"""The log: messages, and decisions not to send."""

from dataclasses import replace

from carillon.domain.errors import NotFound
from carillon.domain.listing import Page
from carillon.domain.messages import Message, MessageFilter
from carillon.domain.times import parse_instant
from carillon.domain.values import value
from carillon.ports.messages import Messages
from carillon.ports.reading import Reader, Want
from carillon.ports.system import Clock
from carillon.services.activation import require_active


@value
class Log:
    """Reads what was sent, and what was not and why."""

    messages: Messages
    reader: Reader
    clock: Clock

    def page(self, org_id: str, wanted: MessageFilter, *, limit: int, position: str | None) -> Page[Message]:
        """List messages, newest first.

        No message is older than its organization, which spares a young one the walk through years of empty days.
        """
        named = (wanted.client_id,) if wanted.client_id is not None else ()
        snapshot = self.reader.read([Want(org_id, clients=named)])[0]
        require_active(snapshot)
        client = snapshot.clients.get(wanted.client_id or "")
        if client is not None:
            wanted = replace(wanted, client_id=client.id, former=tuple(client.merged))
        created = snapshot.organization.created_at if snapshot.organization is not None else ""
        if created:
            begin = parse_instant(created)
            wanted = replace(wanted, since=max(wanted.since, begin) if wanted.since is not None else begin)
        return self.messages.page(org_id, wanted, limit=limit, position=position, now=self.clock.now())

    def get(self, org_id: str, message_id: str) -> Message:
        """Read one message with its timeline; NotFound when there is none."""
        require_active(self.reader.read([Want(org_id)])[0])
        message = self.messages.find(org_id, message_id)
        if message is None:
            raise NotFound(f"There is no message {message_id!r}.")
        return message
