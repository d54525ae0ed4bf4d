"""The list of what people wrote back in the last 90 days."""

from carillon.domain.listing import Page
from carillon.domain.replies import ReplyFilter, StoredReply
from carillon.domain.values import value
from carillon.ports.reading import Reader, Want
from carillon.ports.replies import Replies
from carillon.ports.system import Clock
from carillon.services.activation import require_active


@value
class ReplyListing:
    """Reads replies; hidden while notifications are inactive."""

    replies: Replies
    reader: Reader
    clock: Clock

    def page(
        self, org_id: str, channel: str | None, client_id: str | None, *, limit: int, position: str | None
    ) -> Page[StoredReply]:
        """List replies, newest first; a merged client's former ids are read too."""
        named = (client_id,) if client_id is not None else ()
        snapshot = self.reader.read([Want(org_id, clients=named)])[0]
        require_active(snapshot)
        client = snapshot.clients.get(client_id or "")
        wanted = ReplyFilter(channel=channel, client_id=client_id)  # type: ignore[arg-type]
        if client is not None:
            wanted = ReplyFilter(channel=wanted.channel, client_id=client.id, former=tuple(client.merged))
        return self.replies.page(org_id, wanted, limit=limit, position=position, now=self.clock.now())
