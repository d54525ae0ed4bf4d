"""The machine's own clock and randomness."""

import secrets
from datetime import UTC, datetime

from carillon.domain.ids import ulid


class SystemClock:
    """See the port `Clock`."""

    def now(self) -> datetime:
        """Give the current instant."""
        return datetime.now(UTC)


class RandomIds:
    """See the port `Ids`."""

    def ulid(self, now: datetime) -> str:
        """Make a ULID of this instant."""
        return ulid(now, secrets.token_bytes(10))
