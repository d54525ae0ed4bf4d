"""A sender that organizations share: whose messages a person has in front of him, so that his reply finds its way.

Each message notes itself just before it is claimed, because what is written after the provider's call may be lost. So
the latest note may be of a message that never went out; whoever asks looks at the messages themselves, and the last
one of another organization is noted too.
"""

from datetime import datetime, timedelta

from carillon.domain.channels import Channel
from carillon.domain.messages import REACHED, Message, MessageFilter, MessageKey
from carillon.domain.simulation import is_test_data
from carillon.domain.values import value
from carillon.ports.delivery import Outgoing
from carillon.ports.messages import Messages
from carillon.ports.reading import Reader, Want
from carillon.ports.replies import LastWriters
from carillon.ports.system import Clock

REMEMBERED = timedelta(days=400)
"""How long a person may wait before he answers; a yearly appointment is within it."""
LATEST = 20
SHARED_SMS = "sms"
"""Stands for the deployment's SMS numbers: which one of a pool a message leaves from, AWS decides."""


@value
class SharedNumber:
    """Notes who writes from a shared sender."""

    sender: str
    writers: LastWriters

    def announce(self, outgoing: Outgoing, key: MessageKey, now: datetime) -> None:
        """Note a message that is about to go out; own senders and test data leave no note. May be repeated."""
        if outgoing.own is None and not is_test_data(outgoing.org_id):
            self.writers.note(self.sender, outgoing.to, outgoing.org_id, key, now + REMEMBERED)


@value
class Routing:
    """Finds the organization that a reply to a shared sender is for."""

    channel: Channel
    writers: LastWriters
    reader: Reader
    messages: Messages
    clock: Clock

    def of(self, sender: str, address: str) -> str | None:
        """Name the organization that wrote last to a person; None: nobody did."""
        noted = self.writers.of(sender, address)
        if not noted:
            return None
        found = [self._noted(org_id, key) for org_id, key in noted]
        if len(noted) == 1 or (found[0] is not None and found[0].status in REACHED):
            return noted[0][0]
        # The latest note is of a message that never arrived: who was it that did reach the person last?
        latest = [(self._latest(org_id, message), org_id) for (org_id, _), message in zip(noted, found, strict=True)]
        return max(latest, key=lambda each: each[0])[1]

    def _noted(self, org_id: str, key: MessageKey) -> Message | None:
        return self.reader.read([Want(org_id, messages=(key,))])[0].messages.get(key)

    def _latest(self, org_id: str, noted: Message | None) -> str:
        """Give the id of the last message that reached a recipient, which says when it was made; empty: none did."""
        if noted is None or noted.status in REACHED or noted.client_id is None:
            return noted.id if noted is not None and noted.status in REACHED else ""
        wanted = MessageFilter(channel=self.channel, client_id=noted.client_id)
        page = self.messages.page(org_id, wanted, limit=LATEST, position=None, now=self.clock.now())
        return next((message.id for message in page.items if message.status in REACHED), "")
