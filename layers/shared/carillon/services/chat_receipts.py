"""What became of a message that went into a chat: known by its provider's id, for receipts carry nothing of ours."""

from datetime import timedelta

from carillon.domain.chats import ChatChannel, ChatReceipt
from carillon.domain.errors import Contended, NotFound
from carillon.domain.messages import Message, MessageFilter, MessageKey
from carillon.domain.values import value
from carillon.ports.chats import ChatLinks
from carillon.ports.delivery import Tokens
from carillon.ports.directory import Clients
from carillon.ports.messages import Messages
from carillon.ports.system import Clock
from carillon.services.receipts import Receipt, Receipts, Received

LAST = 100
"""How many of a client's latest messages of the channel are looked at."""
SEEN_WITHIN = timedelta(days=14)
"""Who opens a chat later than that brings a receipt that nobody waits for."""


@value
class ChatReceipts:
    """Applies receipts of one channel's chats; whatever raises may be repeated."""

    channel: ChatChannel
    receipts: Receipts
    messages: Messages
    clients: Clients
    links: ChatLinks
    tokens: Tokens
    clock: Clock

    def apply(self, org_id: str, receipt: ChatReceipt) -> Received:
        """Apply a receipt that came to an organization's bot; Contended: its message is being sent, come again."""
        token = self._stated(org_id, receipt) or self._found(org_id, receipt)
        if token is None:
            return Received("not_ours", org_id)
        reason = "provider_error" if receipt.status == "failed" else None
        return self.receipts.apply(Receipt(token, receipt.status, reason, receipt.provider_id))

    def _stated(self, org_id: str, receipt: ChatReceipt) -> str | None:
        """Take the receipt's own token, if it has one and it is this organization's."""
        named = self.tokens.read(receipt.token) if receipt.token is not None else None
        return receipt.token if named is not None and named[0] == org_id else None

    def _found(self, org_id: str, receipt: ChatReceipt) -> str | None:
        if receipt.provider_id is None or not receipt.chat_id:
            return None
        latest = [each for name in self._who(org_id, receipt) for each in self._latest(org_id, name)]
        for message in latest:
            if message.provider_id == receipt.provider_id:
                return self._token(org_id, message.key)
        if any(message.status == "sending" for message in latest):
            # It overtook its message's outcome, which is written any moment: without it nothing says which it is.
            raise Contended("a receipt came before the outcome of its message")
        return None

    def _who(self, org_id: str, receipt: ChatReceipt) -> list[str]:
        return self.links.clients(org_id, self.channel, receipt.chat_id)

    def _latest(self, org_id: str, client_id: str) -> list[Message]:
        try:
            stored = self.clients.read(org_id, client_id).client
        except NotFound:
            return []
        former = tuple(stored.document.merged) if stored is not None else ()
        now = self.clock.now()
        wanted = MessageFilter(channel=self.channel, client_id=client_id, former=former, since=now - SEEN_WITHIN)
        return list(self.messages.page(org_id, wanted, limit=LAST, position=None, now=now).items)

    def _token(self, org_id: str, key: MessageKey) -> str:
        return self.tokens.issue(org_id, key)
