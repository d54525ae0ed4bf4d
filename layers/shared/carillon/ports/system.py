"""The clock, and new ids."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Give the current instant, aware, in UTC."""


class Ids(Protocol):
    """Makes new ids."""

    def ulid(self, now: datetime) -> str:
        """Make a ULID of this instant."""
