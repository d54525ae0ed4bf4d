"""Fallback: when a reminder's channel fails for good, the next channel of its strategy gets its turn.

The next message lies under the same occasion on the next channel, so a racing receipt, redelivery and sweep make one
message between them.
"""

from dataclasses import replace

from carillon.domain.channels import CHANNELS, Channel
from carillon.domain.decide import decide_reminder
from carillon.domain.messages import Message, reminder_places
from carillon.domain.quota import Exhausted
from carillon.domain.values import value
from carillon.ports.delivery import Connections
from carillon.ports.messages import Messages, Moved
from carillon.ports.queues import Queues, Ready
from carillon.ports.reading import Reader, Snapshot, Want
from carillon.ports.system import Clock
from carillon.services.facts import facts_of
from carillon.services.making import MessageMaker
from carillon.services.storing import ready_of, store_all
from carillon.services.waiting import hand_over

FINAL_FOR_ALL = frozenset(
    {
        "superseded",
        "too_late",
        "notifications_inactive",
        "not_enrolled",
        "reminder_disabled",
        "covered_by_other_channel",
        "duplicate",
    }
)
"""Reasons that hold for every channel, so trying the next one would be wrong."""
REACHED = frozenset({"delivered", "read"})
NO_RECEIPT = "unreachable"
"""The reason that the next channel's message names for one that brought no receipt in time."""


@value
class Fallback:
    """Chooses, stores and queues the message on the next channel."""

    reader: Reader
    messages: Messages
    queues: Queues
    connections: Connections
    maker: MessageMaker
    clock: Clock

    def next_message(
        self,
        org_id: str,
        message: Message,
        moved: Moved,
        snapshot: Snapshot,
        exhausted: frozenset[Channel] = frozenset(),
    ) -> Message | None:
        """Make the message that follows a failure, or None: nothing failed for good, or no channel is left.

        `exhausted`: channels whose quota turned out to be. After `unknown` nothing follows: the person may have it.
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
        facts = replace(facts, exhausted=exhausted)
        verdict = decide_reminder(message.occasion.reminder, facts, given_up=tried)
        if verdict is None or not verdict.strategy_continues:
            return None
        made = self.maker.make(org_id, message.occasion, verdict, deadline=message.deadline, now=self.clock.now())
        return next((item for item in made if item.status == "queued"), None)

    def after(self, org_id: str, message: Message, moved: Moved, snapshot: Snapshot) -> bool:
        """Store and queue what follows a message that left the queue unsent; False when nothing does."""
        exhausted: frozenset[Channel] = frozenset()
        while True:
            following = self.next_message(org_id, message, moved, snapshot, exhausted)
            if following is None or snapshot.settings is None or snapshot.record is None:
                return False
            days = snapshot.settings.retention_days
            try:
                ready = store_all(self.messages, org_id, [following], snapshot.record, days)
            except Exhausted as error:
                exhausted |= {error.bucket}
            else:
                hand_over(self.queues, ready, self.clock.now())
                return True

    def resume(self, org_id: str, message: Message, snapshot: Snapshot) -> bool:
        """Do it again for a message that failed before, whose handler may have died before it queued what follows.

        What has followed already is queued again; deciding anew could choose another channel than the one that went.
        """
        if message.occasion.reminder is None or message.client_id is None:
            return False
        if self._queue_again(org_id, message, snapshot):
            return True
        return self.after(org_id, message, Moved(message.status, self.clock.now(), message.reason), snapshot)

    def without_receipt(self, ready: Ready, message: Message, snapshot: Snapshot) -> None:
        """Give the next channel its turn when a message that was sent has had no receipt for long enough.

        The message stays `sent`; a receipt that comes later moves it on. A receipt, a failure and this, whichever comes
        first, make one message between them.
        """
        now = self.clock.now()
        if message.fallback_at is None:
            # It was given before, if it was to be, and whoever gave it may have died before queueing.
            if message.occasion.reminder is not None and _waits_for_receipts(snapshot):
                self._queue_again(ready.org_id, message, snapshot)
            return
        if now < message.fallback_at:
            hand_over(self.queues, [replace(ready, at=message.fallback_at)], now)
            return
        days = snapshot.settings.retention_days if snapshot.settings is not None else 90
        exhausted: frozenset[Channel] = frozenset()
        while True:
            then = self.next_message(ready.org_id, message, Moved("failed", now, NO_RECEIPT), snapshot, exhausted)
            try:
                given = self.messages.give_turn(ready.org_id, message, then, retention_days=days)
            except Exhausted as error:
                exhausted |= {error.bucket}
            else:
                break
        if given and then is not None and snapshot.record is not None:
            hand_over(self.queues, [ready_of(ready.org_id, then, snapshot.record)], now)

    def is_answered(self, org_id: str, message: Message, snapshot: Snapshot) -> bool:
        """Whether a channel that was given up before this one, for want of a receipt, has brought one meanwhile."""
        if not message.tried or not _waits_for_receipts(snapshot):
            return False
        earlier = self._siblings(org_id, message)
        tried = dict(message.tried)
        return any(each.channel in tried and each.status in REACHED for each in earlier)

    def _queue_again(self, org_id: str, message: Message, snapshot: Snapshot) -> bool:
        """Queue what followed a message again; False when nothing has."""
        followed = [each for each in self._siblings(org_id, message) if message.channel in dict(each.tried)]
        record = snapshot.record
        waiting = [each for each in followed if each.status == "queued" and each.channel is not None]
        if record is not None and waiting:
            hand_over(self.queues, [ready_of(org_id, each, record) for each in waiting], self.clock.now())
        return any(each.channel is not None for each in followed)

    def _siblings(self, org_id: str, message: Message) -> list[Message]:
        """Read the other messages of a reminder's occasion."""
        if message.occasion.reminder is None or message.client_id is None:
            return []
        places = reminder_places(org_id, message.occasion, message.client_id)
        found = self.reader.read([Want(org_id, messages=tuple(places))])[0].messages
        return [each for key, each in found.items() if key != message.key]


def _waits_for_receipts(snapshot: Snapshot) -> bool:
    return snapshot.settings is not None and snapshot.settings.fallback_after is not None
