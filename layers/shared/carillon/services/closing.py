"""Closing: a message whose outcome nobody knows is looked up at its provider, where the provider can be asked.

A callback closes it as well, and sooner. What neither knows stays `unknown`: it is not sent again.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from carillon.domain.messages import LEASE, Message
from carillon.domain.recheck import Recheck
from carillon.domain.simulation import is_test_data
from carillon.domain.values import value
from carillon.ports.delivery import LookUp, LookUpFailed, RenderingFailed
from carillon.ports.messages import Messages, Moved
from carillon.ports.queues import Queues, Ready
from carillon.ports.reading import Snapshot
from carillon.ports.system import Clock
from carillon.services.fallback import Fallback
from carillon.services.outgoing import OutgoingMaker
from carillon.services.waiting import hand_over

FIRST_LOOK = timedelta(minutes=5)
"""By then its callback has come, or is lost, and the provider's list shows it."""
AGAIN = timedelta(minutes=15)
GIVEN_UP = timedelta(minutes=55)
"""The last look is before the hour is over."""
SLACK = timedelta(seconds=10)
"""How far the provider's clock may be off, and how late it may note what it took."""


@value
class Closing:
    """Looks up messages of one channel; without a `look_up` there is nobody to ask."""

    messages: Messages
    queues: Queues
    outgoing: OutgoingMaker
    fallback: Fallback
    clock: Clock
    look_up: LookUp | None = None

    def later(self, ready: Ready, since: datetime) -> None:
        """Have a message looked up that became unknown at an instant."""
        if self.look_up is not None and not is_test_data(ready.org_id):
            hand_over(self.queues, [replace(ready, at=since + FIRST_LOOK)], self.clock.now())

    def look(self, ready: Ready, message: Message, snapshot: Snapshot) -> bool:
        """Look a message up; True if that closed it. One that was not found is looked up again within the hour."""
        now, since = self.clock.now(), message.timeline[-1][0]
        if self.look_up is None or is_test_data(ready.org_id) or now >= since + GIVEN_UP + AGAIN:
            return False
        if now < since + FIRST_LOOK:
            # A redelivery of the very message that became unknown: its look may not have been asked for.
            self.later(ready, since)
            return False
        found = self._found(ready, message, snapshot, self.look_up)
        if found is None:
            if now + AGAIN <= since + GIVEN_UP:
                hand_over(self.queues, [replace(ready, at=now + AGAIN)], now)
            return False
        closed = self.messages.receipt(ready.org_id, message.key, found)
        if found.status == "failed":
            self.fallback.resume(ready.org_id, replace(message, status="failed", reason=found.reason), snapshot)
        return closed

    def _found(self, ready: Ready, message: Message, snapshot: Snapshot, look_up: LookUp) -> Moved | None:
        claimed = next((at for at, status, _ in reversed(message.timeline) if status == "sending"), None)
        if claimed is None or message.to is None:
            return None
        try:
            outgoing = self.outgoing.make(ready.org_id, message, snapshot, Recheck(address=message.to), claimed)
            found = look_up.find(outgoing, claimed - SLACK, claimed + LEASE + SLACK)
        except (RenderingFailed, LookUpFailed, LookupError):
            # What it said, or whose it was, can't be told now; it may be at the next look.
            return None
        if found is None:
            return None
        return Moved(found.status, self.clock.now(), found.reason, found.provider_id)
