"""One-time links by which a client's own Telegram or Viber becomes a way to reach it.

A link is random and means nothing outside: people forward links, so it never names the client. Only its hash is
stored, for a day; whoever opens it first is linked.
"""

from collections.abc import Callable
from urllib.parse import quote

from carillon.domain.chats import ChatChannel
from carillon.domain.constraints import Instant, document
from carillon.domain.errors import Conflict, Contended, Forbidden
from carillon.domain.idempotency import Attempt
from carillon.domain.ids import digest
from carillon.domain.linking import VALID, Link, linked
from carillon.domain.organizations import Caller
from carillon.domain.own_channels import StoredChannel
from carillon.domain.simulation import is_test_data
from carillon.domain.times import iso
from carillon.ports.channels import ChannelStore
from carillon.ports.chats import ChatLinks
from carillon.ports.directory import ClientChange, Clients
from carillon.ports.system import Clock, Ids
from carillon.services.clients import existing

ROUNDS = 8
SIMULATED = "https://example.com/test-links/"
"""Where a test link seems to lead: a real bot's name could be anybody's."""


@document
class ChatLink:
    """A link to hand to the client: good for one opening, until `expires_at`."""

    url: str
    expires_at: Instant


class ChatLinking:
    """Makes links. `secret` gives a new payload: at most 64 letters, digits, `-` and `_`."""

    def __init__(
        self,
        clients: Clients,
        links: ChatLinks,
        channels: ChannelStore,
        secret: Callable[[], str],
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._clients = clients
        self._links = links
        self._channels = channels
        self._secret = secret
        self._clock = clock
        self._ids = ids

    def issue(self, caller: Caller, client_id: str, channel: ChatChannel, attempt: Attempt | None) -> ChatLink:
        """Make a link for a client; one of test data is linked at once, as its link leads nowhere.

        Raises NotFound, Forbidden (`notifications_inactive`), Conflict (`channel_not_connected`: there is no bot).
        """
        org_id, now = caller.org_id, self._clock.now()
        view = self._clients.read(org_id, client_id)
        client = existing(view, client_id).document
        if not view.organization.active:
            raise Forbidden("notifications_inactive", "activate the notifications integration first")
        stored = self._channels.read(org_id).channels.get(channel)
        if stored is None or stored.phase != "connected":
            raise Conflict("channel_not_connected", f"the organization has no {channel} bot of its own")
        payload, link = self._secret(), Link(channel, client.id, now + VALID)
        shown = ChatLink(url=_url(org_id, stored, payload), expires_at=iso(link.expires_at))
        answer = attempt.answered(201, shown) if attempt else None
        self._links.issue(org_id, digest(payload), link, now, answer)
        if is_test_data(org_id):
            self._simulate(org_id, digest(payload), link)
        return shown

    def _simulate(self, org_id: str, name: str, link: Link) -> None:
        """Play the person who opens the link; the chat ends like the phone, so that its last digits are magic too."""
        for _ in range(ROUNDS):
            now, stored = self._clock.now(), existing(self._clients.read(org_id, link.client_id), link.client_id)
            client = stored.document
            chat_id = f"test-{client.phone or client.id}"
            changed = linked(client, link.channel, chat_id, now)
            entry_id = self._ids.ulid(now)
            change = ClientChange(stored, changed.client, guarded=False, entry=changed.entry, entry_id=entry_id)
            if self._links.use(org_id, name, chat_id, change, now):
                return
            used = self._links.find(org_id, name, now)
            if used is None or used.used_by is not None:
                return
        raise Contended(f"client {link.client_id} is being changed by others")


def _url(org_id: str, bot: StoredChannel, payload: str) -> str:
    if is_test_data(org_id):
        return f"{SIMULATED}{payload}"
    if bot.channel == "telegram":
        return f"https://t.me/{quote(bot.kept['username'])}?start={payload}"
    return f"viber://pa?chatURI={quote(bot.kept['uri'], safe='')}&context={payload}"
