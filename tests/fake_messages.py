"""Messages and the states of channels in memory, as their ports say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from carillon.domain.channel_states import ChannelState
from carillon.domain.channels import Channel
from carillon.domain.listing import Page
from carillon.domain.messages import LEASE, MOVES, Message, MessageFilter, MessageKey
from carillon.domain.rates import RATE_LIMITED
from carillon.ports.messages import Claim, Moved
from tests.fakes import Account


@dataclass
class MemoryMessages:
    """See the port `Messages`."""

    account: Account

    def create(self, org_id: str, message: Message, *, retention_days: int) -> bool:  # noqa: ARG002
        with self.account.lock:
            if (org_id, message.key) in self.account.messages:
                return False
            if message.units:
                units = self.account.take(org_id, message.channel, message.units, 1)
                message = replace(message, units=units, shard=0)
            self.account.messages[org_id, message.key] = message
            return True

    def require(self, org_id: str, key: MessageKey, version: int) -> bool:
        with self.account.lock:
            stored = self.account.messages.get((org_id, key))
            bound = self.account.required.get((org_id, key), 0)
            if stored is not None and stored.status == "queued":
                self.account.required[org_id, key] = max(bound, version)
                return True
            return stored is not None and bound >= version

    def claim(self, org_id: str, message: Message, claim: Claim) -> bool:
        def free(stored: Message) -> bool:
            required = self.account.required.get((org_id, message.key), 0)
            return stored.status == "queued" and stored.attempt <= message.attempt and required <= claim.version

        held: dict[str, Any] = {
            "owner": claim.owner,
            "lease_until": claim.now + LEASE,
            "attempt": message.attempt + 1,
            "to": claim.to,
            "listed": claim.listed,
        }
        with self.account.lock:
            stored = self.account.messages.get((org_id, message.key))
            if message.units and claim.units and stored is not None and free(stored):
                more = claim.units - message.units
                self.account.take(org_id, message.channel, more, more)
                held["units"] = claim.units
            return self._move(org_id, message.key, Moved("sending", claim.now), free, **held)

    def abandon(self, org_id: str, message: Message, moved: Moved) -> bool:
        def over(stored: Message) -> bool:
            held = stored.status == "sending" and stored.owner == message.owner
            return held and stored.lease_until is not None and stored.lease_until <= moved.at

        return self._move(org_id, message.key, moved, over)

    def finish(
        self,
        org_id: str,
        message: Message,
        moved: Moved,
        *,
        owner: str,
        then: Message | None = None,
        retention_days: int = 90,
    ) -> bool:
        with self.account.lock:
            stored = self.account.messages.get((org_id, message.key))
            if stored is None or stored.status != "sending" or stored.owner != owner:
                return False
            if then is not None:
                self.create(org_id, then, retention_days=retention_days)
            if moved.status == "sent" and moved.parts and stored.units:
                more = moved.parts - stored.units
                if more <= self.account.left.get((org_id, stored.channel or ""), 0):
                    self.account.take(org_id, stored.channel, more, more)
                    self.account.messages[org_id, message.key] = replace(stored, units=moved.parts)
            return self._move(org_id, message.key, moved, lambda _: True, back=True)

    def withdraw(self, org_id: str, message: Message, moved: Moved) -> bool:
        last = message.timeline[-1][1:] if message.timeline else None
        silent = moved.status == "queued" and last == ("queued", moved.reason)
        return self._move(
            org_id, message.key, moved, lambda stored: stored.status == "queued", silent=silent, back=True
        )

    def postpone(self, org_id: str, key: MessageKey, until: datetime, *, at: datetime) -> bool:
        moved = Moved("queued", at, RATE_LIMITED, not_before=until)
        return self._move(
            org_id, key, moved, lambda stored: stored.status == "queued" and (stored.not_before or at) <= at
        )

    def give_turn(self, org_id: str, message: Message, then: Message | None, *, retention_days: int) -> bool:
        with self.account.lock:
            stored = self.account.messages.get((org_id, message.key))
            if stored is None or stored.status != "sent" or stored.fallback_at is None:
                return False
            if then is not None:
                self.create(org_id, then, retention_days=retention_days)
            self.account.messages[org_id, message.key] = replace(stored, fallback_at=None)
            return True

    def receipt(self, org_id: str, key: MessageKey, moved: Moved) -> bool:
        closed = {"queued", "delivered"} if moved.soft else {"queued"}
        return self._move(org_id, key, moved, lambda m: m.status not in closed and moved.status in MOVES[m.status])

    def find(self, org_id: str, message_id: str, *, now: datetime) -> Message | None:  # noqa: ARG002 - see `page`
        return next((m for m in self.account.found(org_id) if m.id == message_id), None)

    def among(self, org_id: str, keys: Sequence[MessageKey], *, now: datetime) -> list[Message]:  # noqa: ARG002
        return [self.account.messages[org_id, key] for key in keys if (org_id, key) in self.account.messages]

    def page(
        self,
        org_id: str,
        wanted: MessageFilter,
        *,
        limit: int,
        position: str | None,
        now: datetime,  # noqa: ARG002 - nothing here outlives its time
    ) -> Page[Message]:
        begin = int(position or 0)
        found = [message for message in reversed(self.account.found(org_id)) if _fits(message, wanted)]
        return Page(found[begin : begin + limit], str(begin + limit) if len(found) > begin + limit else None)

    def _move(
        self,
        org_id: str,
        key: MessageKey,
        moved: Moved,
        allowed: Callable[[Message], bool],
        *,
        silent: bool = False,
        back: bool = False,
        **held: Any,
    ) -> bool:
        with self.account.lock:
            stored = self.account.messages.get((org_id, key))
            if stored is None or not allowed(stored):
                return False
            free: dict[str, Any] = {"owner": None, "lease_until": None}
            if back and stored.units and moved.status in ("suppressed", "cancelled", "expired", "failed"):
                self.account.left[org_id, stored.channel or ""] += stored.units
                free |= {"units": 0, "shard": None}
            self.account.messages[org_id, key] = replace(
                stored,
                status=moved.status,  # type: ignore[arg-type]
                reason=moved.reason,
                not_before=moved.not_before,
                fallback_at=moved.fallback_at,
                deadline=moved.deadline or stored.deadline,
                provider_id=moved.provider_id or stored.provider_id,
                parts=moved.parts if moved.parts is not None else stored.parts,
                timeline=(*stored.timeline, *([] if silent else [(moved.at, moved.status, moved.reason)])),
                **(free | held),
            )
            return True


@dataclass
class MemoryChannelStates:
    """See the port `ChannelStates`."""

    account: Account

    def change(
        self,
        org_id: str,
        channel: Channel,
        before: ChannelState,
        after: ChannelState,
        *,
        notice: Message | None = None,
        retention_days: int = 90,
    ) -> bool:
        with self.account.lock:
            organization = self.account.organizations[org_id]
            if organization.channels.get(channel) != before:
                return False
            self.account.organizations[org_id] = replace(
                organization, channels=organization.channels | {channel: after}
            )
            if notice is not None:
                MemoryMessages(self.account).create(org_id, notice, retention_days=retention_days)
            return True


def _fits(message: Message, wanted: MessageFilter) -> bool:
    asked = (wanted.channel, wanted.status, wanted.record, wanted.client_id, wanted.origin)
    has = (message.shown_channel, message.status, message.occasion.record, message.client_id, message.origin)
    same = all(value is None or value == own for value, own in zip(asked, has, strict=True))
    late_enough = wanted.since is None or message.created_at >= wanted.since
    return same and late_enough and (wanted.until is None or message.created_at < wanted.until)
