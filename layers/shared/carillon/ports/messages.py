"""Messages: stored once, claimed once, moved along the allowed moves."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from carillon.domain.listing import Page
from carillon.domain.messages import Message, MessageFilter, MessageKey
from carillon.domain.values import value


@value
class Moved:
    """A move of a message to a new status, with what becomes known by it.

    `soft`: as a receipt it doesn't move a message that was delivered. `fallback_at`: until when a receipt is waited
    for. `deadline`: a later one than before, for what quiet hours hold.
    """

    status: str
    at: datetime
    reason: str | None = None
    provider_id: str | None = None
    parts: int | None = None
    not_before: datetime | None = None
    soft: bool = False
    fallback_at: datetime | None = None
    deadline: datetime | None = None


@value
class Claim:
    """A sender's claim on a message: who, when, to which address, rendered from which version of the record.

    `units`: what it takes now that it is written; None: as before. `listed`: the other appointments its text lists.
    """

    owner: str
    now: datetime
    to: str
    version: int
    units: int | None = None
    listed: tuple[str, ...] = ()


class Messages(Protocol):
    """Messages and decisions not to send.

    A message with `units` takes them from its channel's quota in the very write that stores it (where fewer are left,
    those), has them put right by its claim, keeps them once it was accepted, and gives them back when it leaves the
    queue, or a claim, unsent. Whatever would take more than is left raises Exhausted and writes nothing.
    """

    def create(self, org_id: str, message: Message, *, retention_days: int) -> bool:
        """Store a message unless it exists; False when it does."""

    def require(self, org_id: str, key: MessageKey, version: int) -> bool:
        """Bind a queued message to a record's version: it is sent only if rendered from that or a newer one.

        True also for one that was bound so before and has gone since, so that binding again changes nothing. False
        when the message left the queue unbound, or was never stored.
        """

    def claim(self, org_id: str, message: Message, claim: Claim) -> bool:
        """Move a queued message to `sending` under an owner and a lease; False when someone else was faster."""

    def abandon(self, org_id: str, message: Message, moved: Moved) -> bool:
        """Move a message out of `sending` whose lease is over; False when it left `sending` or was claimed anew."""

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
        """Write the outcome of a claimed message, fenced by its owner; `then` is the fallback stored with it."""

    def withdraw(self, org_id: str, message: Message, moved: Moved) -> bool:
        """Move a message out of `queued` without sending it (or defer it); False when it had left `queued`.

        Deferring it again for the same reason adds nothing to its timeline, so it stays small however long it waits.
        """

    def postpone(self, org_id: str, key: MessageKey, until: datetime, *, at: datetime) -> bool:
        """Note in a queued message that it waits for its slot; False when it was claimed, or waits for something."""

    def give_turn(self, org_id: str, message: Message, then: Message | None, *, retention_days: int) -> bool:
        """Store the next channel's message beside one that is `sent` and had no receipt in time; None: there is none.

        Done once: False when a receipt was faster, or somebody else.
        """

    def receipt(self, org_id: str, key: MessageKey, moved: Moved) -> bool:
        """Apply a provider's report; False when it is older than what is known, or the message is gone."""

    def find(self, org_id: str, message_id: str, *, now: datetime) -> Message | None:
        """Find a message by its public id; None when there is none, or its time to live is over."""

    def among(self, org_id: str, keys: Sequence[MessageKey], *, now: datetime) -> list[Message]:
        """Read those of some messages that there are, in one call per 100."""

    def page(
        self, org_id: str, wanted: MessageFilter, *, limit: int, position: str | None, now: datetime
    ) -> Page[Message]:
        """List messages, newest first."""
