"""Sending: a stored message is re-checked, rendered, claimed, and handed to its provider, once.

The order is what makes it once: everything that may fail harmlessly comes before the claim, nothing lies between the
claim and the provider's call, and whatever the provider answers is written under the claim. After the claim nothing
makes the queue deliver the message again.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

from carillon.domain.answers import recheck_answer
from carillon.domain.channels import Channel
from carillon.domain.clients import Client
from carillon.domain.decide import QUOTA_EXHAUSTED
from carillon.domain.manual import Elsewhere, recheck_manual
from carillon.domain.messages import Message
from carillon.domain.notices import recheck_notice
from carillon.domain.posted import recheck_posted
from carillon.domain.quota import Exhausted, units_written
from carillon.domain.recaps import recheck_recap
from carillon.domain.recheck import Recheck, recheck
from carillon.domain.trials import recheck_trial
from carillon.domain.values import value
from carillon.ports.delivery import Connections, Outgoing, Provider, RenderingFailed
from carillon.ports.messages import Claim, Messages, Moved
from carillon.ports.queues import Queues, Ready
from carillon.ports.reading import Reader, Snapshot, Want
from carillon.ports.suppressions import AddressMarks
from carillon.ports.system import Clock, Ids
from carillon.services.blocks import BLOCKED, Blocks
from carillon.services.closing import Closing
from carillon.services.facts import account_of, facts_of, marks_of
from carillon.services.fallback import Fallback
from carillon.services.other_addresses import OtherAddresses
from carillon.services.outgoing import OutgoingMaker
from carillon.services.pausing import Pausing
from carillon.services.recap_lists import RecapLists
from carillon.services.same_day import SameDay
from carillon.services.settling import Held, Report, Sent, Settling, ids_of
from carillon.services.shared_numbers import SharedNumber
from carillon.services.waiting import hand_over

ROUNDS = 3


@value
class Sender:
    """Sends the messages of one channel."""

    channel: Channel
    reader: Reader
    messages: Messages
    queues: Queues
    connections: Connections
    outgoing: OutgoingMaker
    provider: Provider
    fallback: Fallback
    pausing: Pausing
    settling: Settling
    closing: Closing
    blocks: Blocks
    clock: Clock
    ids: Ids
    on_error: Report
    shared: SharedNumber | None = None
    others: OtherAddresses | None = None
    lists: RecapLists | None = None
    same_day: SameDay | None = None
    marks: AddressMarks | None = None

    def send(self, batch: Sequence[Ready]) -> list[Sent]:
        """Send a batch side by side: one read for the re-check, then a claim and an outcome for each."""
        snapshots = self.reader.read([_want(ready) for ready in batch])
        with ThreadPoolExecutor(max_workers=max(1, len(batch))) as threads:
            return list(threads.map(self._guarded, batch, snapshots))

    def _guarded(self, ready: Ready, snapshot: Snapshot) -> Sent:
        try:
            return self._send_one(ready, snapshot)
        except Exception as error:  # noqa: BLE001 - one message must not take its batch along
            self.on_error(ids_of(ready), error)
            return Sent(ready, "busy")

    def _send_one(self, ready: Ready, snapshot: Snapshot) -> Sent:
        for _ in range(ROUNDS):
            snapshot = self._complete(ready, snapshot)
            message, now = snapshot.messages.get(ready.key), self.clock.now()
            if message is None or message.status != "queued" or (message.not_before or now) > now:
                return self._not_now(ready, message, snapshot, now)
            snapshot = self._with_lists(ready, message, snapshot)
            checked = self._checked(ready, message, snapshot, now)
            if checked.status == "queued":
                wait = Moved("queued", now, checked.reason, not_before=checked.not_before, deadline=checked.until)
                return self.settling.defer(ready, message, wait)
            if checked.status is not None:
                return self._withdraw(ready, message, snapshot, Moved(checked.status, now, checked.reason))
            gate = self.pausing.gate(ready.org_id, message, snapshot, now)
            if gate.until is not None:
                return self.settling.rest(ready, message, snapshot, gate.until)
            try:
                outgoing = self.outgoing.make(ready.org_id, message, snapshot, checked, now)
            except RenderingFailed:
                return self._withdraw(ready, message, snapshot, Moved("failed", now, "template_error"))
            written = replace(message, units=units_written(message, outgoing.rendered.text))
            claim = self._prepared(written, snapshot, outgoing, now)
            try:
                newer = self._claim(ready, message, claim)
            except Exhausted:
                return self._withdraw(ready, message, snapshot, Moved("suppressed", now, QUOTA_EXHAUSTED))
            if newer is None:
                return self.settling.settle(Held(ready, written, snapshot, claim, gate), self.provider.send(outgoing))
            snapshot = newer
        return Sent(ready, "busy")

    def _with_lists(self, ready: Ready, message: Message, snapshot: Snapshot) -> Snapshot:
        """Read what a message lists: the day of a recap, or the client's other appointments beside a reminder's own."""
        if message.occasion.kind == "recap" and self.lists is not None:
            return self.lists.complete(ready.org_id, message, snapshot)
        if message.audience == "client" and self.same_day is not None:
            client = _client(message, snapshot)
            return self.same_day.with_day(ready.org_id, snapshot, client, message.occasion.reminder)
        return snapshot

    def _prepared(self, message: Message, snapshot: Snapshot, outgoing: Outgoing, now: datetime) -> Claim:
        """Say from whom a shared number is about to write, and give the claim that comes next."""
        if self.shared is not None:
            self.shared.announce(outgoing, message.key, now)
        version = snapshot.record.version if snapshot.record is not None else 0
        listed = outgoing.rendered.listed
        return Claim(self.ids.ulid(now), self.clock.now(), outgoing.to, version, message.units or None, listed)

    def _claim(self, ready: Ready, message: Message, claim: Claim) -> Snapshot | None:
        """Claim a message, with the units it takes; of one that changed meanwhile, gives what is so now."""
        if self.messages.claim(ready.org_id, message, claim):
            return None
        snapshot = self.reader.read([_want(ready)])[0]
        return None if _is_held(snapshot.messages.get(ready.key), claim) else snapshot

    def _checked(self, ready: Ready, message: Message, snapshot: Snapshot, now: datetime) -> Recheck:
        organization, settings = snapshot.organization, snapshot.settings
        if self.fallback.is_answered(ready.org_id, message, snapshot):
            # The channel that this one stands in for brought it after all.
            return Recheck(status="suppressed", reason="covered_by_other_channel")
        if message.occasion.kind == "notice":
            return recheck_notice(message, organization, settings, now)
        if message.occasion.kind == "manual":
            return self._checked_manual(ready, message, snapshot, now)
        if message.occasion.kind == "recap":
            account = account_of(snapshot, self.connections, now=now)
            return recheck_recap(message, account, snapshot.staff, snapshot.day, now)
        if message.occasion.kind == "posted":
            account = account_of(snapshot, self.connections, now=now)
            return recheck_posted(message, snapshot.posted, account, _client(message, snapshot))
        if message.occasion.alone:
            both = organization is not None and settings is not None
            connected = self.connections.connected(organization, settings) if both else frozenset()  # type: ignore[arg-type]
            if message.occasion.kind == "answer":
                return recheck_answer(message, organization, connected, now)
            return recheck_trial(message, organization, settings, snapshot.staff, connected, now)
        record = snapshot.record
        client = _client(message, snapshot)
        facts = facts_of(snapshot, record, self.connections, client=client, now=now) if record is not None else None
        if facts is not None and message.key.recipient.startswith("t:"):
            facts = replace(facts, marks=marks_of(self.marks, ready.org_id, record))
        return recheck(message, facts, now)

    def _checked_manual(self, ready: Ready, message: Message, snapshot: Snapshot, now: datetime) -> Recheck:
        """Check what a person sent; of another address than the stored one, what is known of it now."""
        account, elsewhere = account_of(snapshot, self.connections, now=now), None
        if message.author is not None and message.author.another and message.to is not None:
            if self.others is None:
                raise LookupError(f"{self.channel} has nobody to ask about other addresses")
            refused = self.others.look(ready.org_id, self.channel, message.to, snapshot)
            elsewhere = Elsewhere(message.to, refused)
        return recheck_manual(message, account, snapshot.clients, snapshot.staff, elsewhere, now)

    def _complete(self, ready: Ready, snapshot: Snapshot) -> Snapshot:
        """Read again when the record has come to name people that the queue message did not."""
        if snapshot.record is None:
            return snapshot
        record = snapshot.record
        client_id = record.client_id or ""
        if client_id == ready.client_id and set(record.staff_ids) <= set(ready.staff):
            return snapshot
        newer = replace(ready, client_id=client_id, staff=record.staff_ids)
        return self.reader.read([_want(newer)])[0]

    def _not_now(self, ready: Ready, message: Message | None, snapshot: Snapshot, now: datetime) -> Sent:
        """Deal with a message that waits, or with a redelivery: its holder is at work, or died, or it is settled."""
        if message is None:
            return Sent(ready, "dropped", "message_gone")
        if message.status == "queued" and message.not_before is not None:
            hand_over(self.queues, [replace(ready, at=message.not_before)], now)
            return Sent(ready, "deferred", message.reason, message.id)
        if message.status == "sending":
            if message.lease_until is not None and message.lease_until > now:
                return Sent(ready, "busy", message_id=message.id)
            # Its holder died during or after the call. It may have been sent, so it never goes back to the queue.
            if self.messages.abandon(ready.org_id, message, Moved("unknown", now, "connection_lost")):
                self.closing.later(ready, now)
            return Sent(ready, "unknown", "connection_lost", message.id)
        if message.reason == BLOCKED:
            self.blocks.heed(ready.org_id, message, at=now)
        if message.status in ("failed", "suppressed"):
            self.fallback.resume(ready.org_id, message, snapshot)
        if message.status == "unknown" and self.closing.look(ready, message, snapshot):
            return Sent(ready, "dropped", "looked_up", message.id)
        if message.status == "sent":
            self.fallback.without_receipt(ready, message, snapshot)
        return Sent(ready, "dropped", message.status, message.id)

    def _withdraw(self, ready: Ready, message: Message, snapshot: Snapshot, moved: Moved) -> Sent:
        if not self.messages.withdraw(ready.org_id, message, moved):
            return Sent(ready, "busy", message_id=message.id)
        self.fallback.after(ready.org_id, message, moved, snapshot)
        return Sent(ready, "dropped", moved.reason, message.id)


def _is_held(message: Message | None, claim: Claim) -> bool:
    """Whether a claim is ours although its write was refused: its first answer was lost, and its repeat met itself."""
    return message is not None and message.status == "sending" and message.owner == claim.owner


def _want(ready: Ready) -> Want:
    kind, _, who = ready.key.recipient.partition(":")
    return Want(
        ready.org_id,
        record=ready.record or None,
        clients=tuple(dict.fromkeys([*filter(None, [ready.client_id]), *([who] if kind == "c" else [])])),
        staff=tuple(dict.fromkeys([*ready.staff, *([who] if kind == "s" else [])])),
        texts=True,
        messages=(ready.key,),
    )


def _client(message: Message, snapshot: Snapshot) -> Client | None:
    return snapshot.clients.get(message.client_id) if message.client_id is not None else None
