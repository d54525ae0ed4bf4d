"""Sending: a stored message is re-checked, rendered, claimed, and handed to its provider, once.

The order is what makes it once: everything that may fail harmlessly comes before the claim, nothing lies between the
claim and the provider's call, and whatever the provider answers is written under the claim. After the claim nothing
makes the queue deliver the message again.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from carillon.domain.answers import recheck_answer
from carillon.domain.channels import Channel
from carillon.domain.clients import Client
from carillon.domain.messages import MAX_ATTEMPTS, Message
from carillon.domain.recheck import Recheck, recheck
from carillon.domain.retries import next_attempt
from carillon.domain.trials import recheck_trial
from carillon.domain.values import value
from carillon.ports.delivery import Connections, Outcome, Provider, RenderingFailed
from carillon.ports.messages import Claim, Messages, Moved
from carillon.ports.queues import Queues, Ready
from carillon.ports.reading import Reader, Snapshot, Want
from carillon.ports.system import Clock, Ids
from carillon.services.blocks import BLOCKED, Blocks
from carillon.services.facts import facts_of
from carillon.services.fallback import Fallback
from carillon.services.gone_devices import GoneDevices
from carillon.services.outgoing import OutgoingMaker
from carillon.services.shared_numbers import SharedNumber

ROUNDS = 3
WRITES = 3
"""How often an outcome is written before it is left to the receipt or the sweep."""
Result = Literal["sent", "dropped", "deferred", "failed", "unknown", "busy"]


Report = Callable[[Mapping[str, str], Exception], None]
"""Told, with ids for the log, of a message whose handling broke: the edge logs it, the queue brings it again."""


@value
class Sent:
    """What became of one queue message; `busy` means that it must come again later."""

    ready: Ready
    result: Result
    reason: str | None = None
    message_id: str | None = None
    provider_id: str | None = None

    @property
    def ids(self) -> dict[str, str | None]:
        """The ids that a log entry carries; none of them is personal."""
        named = {"message_id": self.message_id, "provider_id": self.provider_id}
        return {"organization_id": self.ready.org_id, "record": self.ready.record, **named}


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
    blocks: Blocks
    clock: Clock
    ids: Ids
    on_error: Report
    gone: GoneDevices | None = None
    shared: SharedNumber | None = None

    def send(self, batch: Sequence[Ready]) -> list[Sent]:
        """Send a batch side by side: one read for the re-check, then a claim and an outcome for each."""
        snapshots = self.reader.read([_want(ready) for ready in batch])
        with ThreadPoolExecutor(max_workers=max(1, len(batch))) as threads:
            return list(threads.map(self._guarded, batch, snapshots))

    def _guarded(self, ready: Ready, snapshot: Snapshot) -> Sent:
        try:
            return self._send_one(ready, snapshot)
        except Exception as error:  # noqa: BLE001 - one message must not take its batch along
            self.on_error(_ids(ready), error)
            return Sent(ready, "busy")

    def _send_one(self, ready: Ready, snapshot: Snapshot) -> Sent:
        for _ in range(ROUNDS):
            snapshot = self._complete(ready, snapshot)
            message, now = snapshot.messages.get(ready.key), self.clock.now()
            if message is None or message.status != "queued" or (message.not_before or now) > now:
                return self._not_now(ready, message, snapshot, now)
            checked = self._checked(message, snapshot, now)
            if checked.status is not None:
                return self._withdraw(ready, message, snapshot, Moved(checked.status, now, checked.reason))
            try:
                outgoing = self.outgoing.make(ready.org_id, message, snapshot, checked, now)
            except RenderingFailed:
                return self._withdraw(ready, message, snapshot, Moved("failed", now, "template_error"))
            if self.shared is not None:
                self.shared.announce(outgoing, message.key, now)
            version = snapshot.record.version if snapshot.record is not None else 0
            claim = Claim(self.ids.ulid(now), self.clock.now(), outgoing.to, version)
            claimed = self.messages.claim(ready.org_id, message, claim)
            if not claimed:
                snapshot = self.reader.read([_want(ready)])[0]
                claimed = _is_held(snapshot.messages.get(ready.key), claim)
            if claimed:
                return self._settle(ready, message, snapshot, claim, self.provider.send(outgoing))
        return Sent(ready, "busy")

    def _checked(self, message: Message, snapshot: Snapshot, now: datetime) -> Recheck:
        organization, settings = snapshot.organization, snapshot.settings
        if message.occasion.alone:
            both = organization is not None and settings is not None
            connected = self.connections.connected(organization, settings) if both else frozenset()  # type: ignore[arg-type]
            if message.occasion.answer is not None:
                return recheck_answer(message, organization, connected, now)
            return recheck_trial(message, organization, settings, snapshot.staff, connected, now)
        record = snapshot.record
        client = _client(message, snapshot)
        facts = facts_of(snapshot, record, self.connections, client=client, now=now) if record is not None else None
        return recheck(message, facts, now)

    def _complete(self, ready: Ready, snapshot: Snapshot) -> Snapshot:
        """Read again when the record has come to name people that the queue message did not."""
        if snapshot.record is None:
            return snapshot
        appointment = snapshot.record.appointment
        if appointment.client_id == ready.client_id and set(appointment.staff_ids) <= set(ready.staff):
            return snapshot
        newer = replace(ready, client_id=appointment.client_id, staff=tuple(appointment.staff_ids))
        return self.reader.read([_want(newer)])[0]

    def _not_now(self, ready: Ready, message: Message | None, snapshot: Snapshot, now: datetime) -> Sent:
        """Deal with a message that waits, or with a redelivery: its holder is at work, or died, or it is settled."""
        if message is None:
            return Sent(ready, "dropped", "message_gone")
        if message.status == "queued" and message.not_before is not None:
            self.queues.send_ready([_later(ready, message.not_before, now)])
            return Sent(ready, "deferred", message.reason, message.id)
        if message.status == "sending":
            if message.lease_until is not None and message.lease_until > now:
                return Sent(ready, "busy", message_id=message.id)
            # Its holder died during or after the call. It may have been sent, so it never goes back to the queue.
            self.messages.abandon(ready.org_id, message, Moved("unknown", now, "connection_lost"))
            return Sent(ready, "unknown", "connection_lost", message.id)
        if message.reason == BLOCKED:
            self.blocks.heed(ready.org_id, message, at=now)
        if message.status in ("failed", "suppressed"):
            self.fallback.resume(ready.org_id, message, snapshot)
        return Sent(ready, "dropped", message.status, message.id)

    def _withdraw(self, ready: Ready, message: Message, snapshot: Snapshot, moved: Moved) -> Sent:
        if not self.messages.withdraw(ready.org_id, message, moved):
            return Sent(ready, "busy", message_id=message.id)
        self.fallback.after(ready.org_id, message, moved, snapshot)
        return Sent(ready, "dropped", moved.reason, message.id)

    def _settle(self, ready: Ready, message: Message, snapshot: Snapshot, claim: Claim, outcome: Outcome) -> Sent:
        now = self.clock.now()
        moved, result = self._moved(message, outcome, now)
        then, decided = self._following(ready, message, moved, snapshot)
        days = snapshot.settings.retention_days if snapshot.settings is not None else 90
        self._write(ready, message, moved, claim.owner, then, days)
        if moved.status == "queued" and moved.not_before is not None:
            decided = self._requeue(ready, _later(ready, moved.not_before, now))
        elif then is not None and then.channel is not None:
            decided = self._requeue(ready, replace(ready, channel=then.channel, key=then.key, delay=0))
        elif outcome.receipt is not None:
            self._receive(ready, message, snapshot, Moved(outcome.receipt, now, outcome.reason))
        self._forget(ready, message, outcome)
        decided = self._heed(ready, message, moved, outcome) and decided
        # What is written is safe from repetition, so the queue may bring it again for what is to follow.
        return Sent(ready, result if decided else "busy", moved.reason or outcome.code, message.id, outcome.provider_id)

    def _forget(self, ready: Ready, message: Message, outcome: Outcome) -> None:
        """Take devices that are gone from the person; if that fails, the next push message finds them gone again."""
        if self.gone is None or not outcome.gone:
            return
        try:
            self.gone.forget(ready.org_id, message.key.recipient, outcome.gone)
        except Exception as error:  # noqa: BLE001 - the outcome is written; nothing may bring the message back
            self.on_error(_ids(ready), error)

    def _heed(self, ready: Ready, message: Message, moved: Moved, outcome: Outcome) -> bool:
        """Take a block as the opt-out it is; tells whether that worked, else the redelivery does it."""
        if moved.reason != BLOCKED:
            return True
        try:
            self.blocks.heed(ready.org_id, message, at=moved.at, code=outcome.code)
        except Exception as error:  # noqa: BLE001 - the outcome is written; its redelivery finds why it failed
            self.on_error(_ids(ready), error)
            return False
        return True

    def _receive(self, ready: Ready, message: Message, snapshot: Snapshot, moved: Moved) -> None:
        """Apply a receipt that came with the answer."""
        self.messages.receipt(ready.org_id, ready.key, moved)
        self.fallback.after(ready.org_id, message, moved, snapshot)

    def _following(
        self, ready: Ready, message: Message, moved: Moved, snapshot: Snapshot
    ) -> tuple[Message | None, bool]:
        """Decide on the next channel; tells also whether that could be decided: the outcome is to be written anyhow."""
        try:
            return self.fallback.next_message(ready.org_id, message, moved, snapshot), True
        except Exception as error:  # noqa: BLE001 - an outcome that is not written is lost
            self.on_error(_ids(ready), error)
            return None, False

    def _write(self, ready: Ready, message: Message, moved: Moved, owner: str, then: Message | None, days: int) -> None:
        """Write the outcome, trying again; if it can't be written it stays `sending`, for a receipt or the sweep.

        Raising here would make the queue deliver a message again that the provider may have accepted.
        """
        for _ in range(WRITES):
            try:
                self.messages.finish(ready.org_id, message, moved, owner=owner, then=then, retention_days=days)
            except Exception as error:  # noqa: BLE001 - see above
                self.on_error(_ids(ready), error)
            else:
                return

    def _requeue(self, ready: Ready, following: Ready) -> bool:
        try:
            self.queues.send_ready([following])
        except Exception as error:  # noqa: BLE001 - stored as queued, so the redelivery or the sweep finds it
            self.on_error(_ids(ready), error)
            return False
        return True

    def _moved(self, message: Message, outcome: Outcome, now: datetime) -> tuple[Moved, Result]:
        attempt = message.attempt + 1
        match outcome.kind:
            case "accepted":
                return Moved("sent", now, provider_id=outcome.provider_id, parts=outcome.parts), "sent"
            case "unknown":
                return Moved("unknown", now, outcome.reason or "connection_lost"), "unknown"
            case "misconfigured":
                return Moved("failed", now, "sender_misconfigured"), "failed"
            case "retry":
                at = now + next_attempt(attempt, outcome.retry_after, message.id)
                if attempt < MAX_ATTEMPTS and at <= message.deadline:
                    return Moved("queued", now, outcome.code, not_before=at), "deferred"
                return Moved("failed", now, "attempts_exhausted"), "failed"
            case _:
                return Moved("failed", now, outcome.reason or "provider_error"), "failed"


def _ids(ready: Ready) -> dict[str, str]:
    return {"organization_id": ready.org_id, "record": ready.record, "message_key": ready.key.digest}


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


def _later(ready: Ready, at: datetime, now: datetime) -> Ready:
    delay = max(1, int((at - now) / timedelta(seconds=1)) + 1)
    return replace(ready, delay=delay)
