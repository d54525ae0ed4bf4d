"""Settling: what a provider answered is written under the claim, and what follows from it is set going.

Nothing here may make the queue deliver a message again that the provider may have accepted: the outcome is written
first, whatever else breaks, and a redelivery finds it and goes on from there.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from carillon.domain.channels import Channel
from carillon.domain.messages import MAX_ATTEMPTS, Message
from carillon.domain.patience import patience
from carillon.domain.quota import Exhausted
from carillon.domain.retries import next_attempt, spread
from carillon.domain.values import value
from carillon.ports.delivery import Outcome
from carillon.ports.messages import Claim, Messages, Moved
from carillon.ports.queues import Queues, Ready
from carillon.ports.reading import Snapshot
from carillon.ports.system import Clock
from carillon.services.blocks import BLOCKED, Blocks
from carillon.services.closing import Closing
from carillon.services.fallback import Fallback
from carillon.services.gone_devices import GoneDevices
from carillon.services.pausing import Gate, Pausing, Refusal
from carillon.services.waiting import hand_over

WRITES = 3
"""How often an outcome is written before it is left to the receipt or the sweep."""
MISCONFIGURED = "sender_misconfigured"
AFTER_PAUSE = timedelta(minutes=1)
"""Over how long the messages that waited for a sender are spread, so that one of them tries it."""
Result = Literal["sent", "dropped", "deferred", "failed", "unknown", "busy", "paused", "misconfigured"]
"""`paused`: the organization's own sender was refused; `misconfigured`: the deployment's, which an alarm watches."""
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
class Held:
    """A message under a sender's claim, with everything that was read for it."""

    ready: Ready
    message: Message
    snapshot: Snapshot
    claim: Claim
    gate: Gate


@value
class Settling:
    """Writes outcomes, and sets going what follows."""

    messages: Messages
    queues: Queues
    fallback: Fallback
    pausing: Pausing
    blocks: Blocks
    closing: Closing
    clock: Clock
    on_error: Report
    gone: GoneDevices | None = None

    def settle(self, held: Held, outcome: Outcome) -> Sent:
        """Write the outcome of a claimed message; what can't be set going now is found by the redelivery."""
        ready, message, now = held.ready, held.message, self.clock.now()
        refusal: Refusal | None = None
        if outcome.kind == "misconfigured":
            refusal = self.pausing.refused(ready.org_id, message, held.snapshot, held.gate, outcome.code)
            moved, then, decided = self._resting(held, refusal.until, now)
            result: Result = "paused" if refusal.own else "misconfigured"
        else:
            moved, result = self._moved(held, outcome, now)
            then, decided = self._following(held, moved)
        then = self._write(held, moved, then)
        decided = self._go_on(held, outcome, moved, then, now) and decided
        if refusal is not None:
            self._guarded(ready, refusal.note)
        self._guarded(ready, lambda: self.pausing.answered(ready.org_id, message, held.gate, outcome))
        if self.gone is not None and outcome.gone:
            gone = self.gone
            # If that fails, the next push message finds them gone again.
            self._guarded(ready, lambda: gone.forget(ready.org_id, message.key.recipient, outcome.gone))
        if moved.reason == BLOCKED:
            heed = self._guarded(ready, lambda: self._heed(held, moved, outcome))
            decided = heed and decided
        # What is written is safe from repetition, so the queue may bring it again for what is to follow.
        return Sent(ready, result if decided else "busy", moved.reason or outcome.code, message.id, outcome.provider_id)

    def rest(self, ready: Ready, message: Message, snapshot: Snapshot, until: datetime) -> Sent:
        """Deal with a message whose sender rests: the next channel gets its turn, or it waits; it was not tried."""
        now = self.clock.now()
        failed = Moved("failed", now, MISCONFIGURED)
        at = _after_pause(message, until)
        if at < message.deadline and self.fallback.next_message(ready.org_id, message, failed, snapshot) is None:
            return self.defer(ready, message, Moved("queued", now, MISCONFIGURED, not_before=at))
        if not self.messages.withdraw(ready.org_id, message, failed):
            return Sent(ready, "busy", message_id=message.id)
        self.fallback.after(ready.org_id, message, failed, snapshot)
        return Sent(ready, "failed", MISCONFIGURED, message.id)

    def defer(self, ready: Ready, message: Message, moved: Moved) -> Sent:
        """Have a queued message wait; that is no attempt."""
        if not self.messages.withdraw(ready.org_id, message, moved):
            return Sent(ready, "busy", message_id=message.id)
        hand_over(self.queues, [replace(ready, at=moved.not_before)], moved.at)
        return Sent(ready, "deferred", moved.reason, message.id)

    def _resting(self, held: Held, until: datetime, now: datetime) -> tuple[Moved, Message | None, bool]:
        """Decide what becomes of the message that met the refusal."""
        failed = Moved("failed", now, MISCONFIGURED)
        # Where another sender stands in at once, the message stays on its channel.
        then, decided = self._following(held, failed) if until > now else (None, True)
        at = _after_pause(held.message, until)
        if then is None and at < held.message.deadline:
            return Moved("queued", now, MISCONFIGURED, not_before=at), None, decided
        return failed, then, decided

    def _go_on(self, held: Held, outcome: Outcome, moved: Moved, then: Message | None, now: datetime) -> bool:
        """Set going what follows; tells whether that worked."""
        ready = held.ready
        following = None
        if moved.status == "queued":
            following = replace(ready, at=moved.not_before)
        elif then is not None and then.channel is not None:
            following = replace(ready, channel=then.channel, key=then.key, at=then.not_before)
        elif moved.fallback_at is not None:
            following = replace(ready, at=moved.fallback_at)
        elif moved.status == "unknown":
            return self._guarded(ready, lambda: self.closing.later(ready, now))
        if following is not None:
            return self._guarded(ready, lambda: hand_over(self.queues, [following], now))
        if outcome.receipt is not None:
            self._receive(held, Moved(outcome.receipt, now, outcome.reason))
        return True

    def _receive(self, held: Held, moved: Moved) -> None:
        """Apply a receipt that came with the answer."""
        self.messages.receipt(held.ready.org_id, held.ready.key, moved)
        self.fallback.after(held.ready.org_id, held.message, moved, held.snapshot)

    def _heed(self, held: Held, moved: Moved, outcome: Outcome) -> None:
        """Take a block as the opt-out it is."""
        self.blocks.heed(held.ready.org_id, held.message, at=moved.at, code=outcome.code)

    def _guarded(self, ready: Ready, step: Callable[[], None]) -> bool:
        try:
            step()
        except Exception as error:  # noqa: BLE001 - the outcome is written; the redelivery or the sweep does the rest
            self.on_error(ids_of(ready), error)
            return False
        return True

    def _following(
        self, held: Held, moved: Moved, exhausted: frozenset[Channel] = frozenset()
    ) -> tuple[Message | None, bool]:
        """Decide on the next channel; tells also whether that could be decided: the outcome is to be written anyhow."""
        try:
            return self.fallback.next_message(held.ready.org_id, held.message, moved, held.snapshot, exhausted), True
        except Exception as error:  # noqa: BLE001 - an outcome that is not written is lost
            self.on_error(ids_of(held.ready), error)
            return None, False

    def _write(self, held: Held, moved: Moved, then: Message | None) -> Message | None:
        """Write the outcome, trying again; if it can't be written it stays `sending`, for a receipt or the sweep.

        Gives the message that was stored with it: of a channel whose quota is exhausted the turn passes on. Raising
        here would make the queue deliver a message again that the provider may have accepted.
        """
        settings = held.snapshot.settings
        days = settings.retention_days if settings is not None else 90
        exhausted: frozenset[Channel] = frozenset()
        tries = WRITES
        while tries:
            try:
                self.messages.finish(
                    held.ready.org_id, held.message, moved, owner=held.claim.owner, then=then, retention_days=days
                )
            except Exhausted as error:
                exhausted |= {error.bucket}
                then, _ = self._following(held, moved, exhausted)
                continue
            except Exception as error:  # noqa: BLE001 - see above
                self.on_error(ids_of(held.ready), error)
            else:
                break
            tries -= 1
        return then

    def _moved(self, held: Held, outcome: Outcome, now: datetime) -> tuple[Moved, Result]:
        message = held.message
        attempt = message.attempt + 1
        match outcome.kind:
            case "accepted":
                at = self._fallback_at(held, outcome, now)
                sent = Moved("sent", now, provider_id=outcome.provider_id, parts=outcome.parts, fallback_at=at)
                return sent, "sent"
            case "unknown":
                return Moved("unknown", now, outcome.reason or "connection_lost"), "unknown"
            case "retry":
                at = now + next_attempt(attempt, outcome.retry_after, message.id)
                if attempt < MAX_ATTEMPTS and at <= message.deadline:
                    return Moved("queued", now, outcome.code, not_before=at), "deferred"
                return Moved("failed", now, "attempts_exhausted"), "failed"
            case _:
                return Moved("failed", now, outcome.reason or "provider_error"), "failed"

    def _fallback_at(self, held: Held, outcome: Outcome, now: datetime) -> datetime | None:
        """Say when the next channel gets its turn if no receipt comes; None: never, or it would be too late then."""
        settings, message = held.snapshot.settings, held.message
        if settings is None or outcome.receipt is not None:
            return None
        waits = patience(message, settings, held.snapshot.clients.get(message.client_id or ""))
        return now + waits if waits is not None and now + waits < message.deadline else None


def ids_of(ready: Ready) -> dict[str, str]:
    """Name a queue message in the log."""
    return {"organization_id": ready.org_id, "record": ready.record, "message_key": ready.key.digest}


def _after_pause(message: Message, until: datetime) -> datetime:
    return until + AFTER_PAUSE * spread(message.id)
