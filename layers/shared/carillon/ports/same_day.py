"""A client's appointments by time."""

from datetime import datetime
from typing import Protocol


class ClientDays(Protocol):
    """Finds which records of a client start when, by the index alone."""

    def starting(self, org_id: str, client_id: str, since: datetime, until: datetime) -> list[tuple[datetime, str]]:
        """Name start and record of what starts in [since, until], soonest first; a change shows a moment later."""
