"""Review requests: at most one per client in so many days, whichever appointment it is about."""

from datetime import datetime, timedelta

from carillon.domain.settings import Settings
from carillon.domain.values import value

TOO_SOON = "review_too_soon"
TAKING = timedelta(hours=1)
"""How long a request that was noted and has no message yet counts: whoever noted it may be about to store that."""
UNSENT = frozenset({"suppressed", "failed", "expired", "cancelled"})


@value
class Asked:
    """When a client was asked for a review, and after which appointment (its record and start)."""

    record: str
    start: datetime
    at: datetime

    def same(self, other: "Asked") -> bool:
        """Whether both are about the same appointment."""
        return (self.record, self.start) == (other.record, other.start)


def pause(settings: Settings) -> timedelta:
    """Say how long after a request a client is not asked again; zero where the settings don't say."""
    return timedelta(days=settings.review.at_most_every_days or 0)


def too_soon(asked: datetime | None, settings: Settings, now: datetime) -> bool:
    """Whether a client who was asked then must not be asked again yet."""
    return asked is not None and now < asked + pause(settings)
