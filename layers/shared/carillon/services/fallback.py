"""Fallback: when a reminder's channel fails for good, the next channel of its strategy gets its turn.

The next message lies under the same occasion on the next channel, so a racing receipt, redelivery and sweep make one
message between them.
"""

from carillon.domain.channels import CHANNELS
from carillon.domain.decide import decide_reminder
from carillon.domain.messages import Message
from carillon.domain.values import value
from carillon.ports.delivery import Connections
from carillon.ports.messages import Messages, Moved
from carillon.ports.queues import Queues
from carillon.ports.reading import Snapshot
from carillon.ports.system import Clock
from carillon.services.facts import facts_of
from carillon.services.making import MessageMaker
from carillon.services.storing import store_all
from carillon.services.waiting import hand_over

FINAL_FOR_ALL = frozenset({"superseded", "too_late", "notifications_inactive", "not_enrolled", "reminder_disabled"})
"""Reasons that hold for every channel, so trying the next one would be wrong."""


@value
class Fallback:
    """Chooses, stores and queues the message on the next channel."""

    messages: Messages
    queues: Queues
    connections: Connections
    maker: MessageMaker
    clock: Clock

    def next_message(self, org_id: str, message: Message, moved: Moved, snapshot: Snapshot) -> Message | None:
        """Make the message that follows a failure, or None: nothing failed for good, or no channel is left.

        After `unknown` nothing follows: the person may have it already.
        """
        given_up = moved.status in ("failed", "suppressed") and moved.reason not in FINAL_FOR_ALL
        record, client_id = snapshot.record, message.client_id
        if not given_up or message.occasion.reminder is None or record is None or client_id is None:
            return None
        if message.channel is None or self.clock.now() >= message.deadline:
            return None
        if not CHANNELS[message.channel].configurable:
            # Push goes beside the strategy's channels and is none of them.
            return None
        client = snapshot.clients.get(client_id)
        facts = facts_of(snapshot, record, self.connections, client=client, now=self.clock.now())
        if facts is None:
            return None
        tried = {**dict(message.tried), message.channel: moved.reason or ""}
        verdict = decide_reminder(message.occasion.reminder, facts, given_up=tried)
        if verdict is None or not verdict.strategy_continues:
            return None
        made = self.maker.make(org_id, message.occasion, verdict, deadline=message.deadline, now=self.clock.now())
        return next((item for item in made if item.status == "queued"), None)

    def after(self, org_id: str, message: Message, moved: Moved, snapshot: Snapshot) -> bool:
        """Store and queue what follows a message that left the queue unsent; False when nothing does."""
        following = self.next_message(org_id, message, moved, snapshot)
        if following is None or snapshot.settings is None or snapshot.record is None:
            return False
        ready = store_all(self.messages, org_id, [following], snapshot.record, snapshot.settings.retention_days)
        hand_over(self.queues, ready, self.clock.now())
        return True

    def resume(self, org_id: str, message: Message, snapshot: Snapshot) -> bool:
        """Do it again for a message that failed before, whose handler may have died before it queued what follows."""
        return self.after(org_id, message, Moved(message.status, self.clock.now(), message.reason), snapshot)
