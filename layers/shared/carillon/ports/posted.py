"""Posted events: stored once, done once."""

from datetime import datetime
from typing import Protocol

from carillon.domain.idempotency import StoredAnswer
from carillon.domain.posted import PostedEvent


class PostedEvents(Protocol):
    """Events that no record shows, each one item until all it names were told."""

    def put(self, org_id: str, posted_id: str, posted: PostedEvent, remember: StoredAnswer | None) -> None:
        """Store an event with the answer of the call that posted it; raises RepeatedError when it has one."""

    def done(self, org_id: str, posted_id: str, until: datetime) -> None:
        """Note that everybody was told; it is kept until then, since what waits is written from it."""

    def pending(self, org_id: str, limit: int) -> list[str]:
        """Name the oldest ones that are not done."""
