"""Records with their plan and outbox, and the rows of reminders that are due."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from carillon.domain.listing import Page
from carillon.domain.records import Event, Planned, Reminded, StoredRecord
from carillon.domain.values import value
from carillon.ports.directory import ClientChange, Saved


@value
class RecordChange:
    """A record as it is to be: written only if version and plan revision are still the expected ones (0: none)."""

    record: StoredRecord
    expected_version: int
    expected_revision: int
    new_events: tuple[Event, ...]
    start: datetime
    retention: datetime | None = None


@value
class Committed:
    """How far the planner has come with a record."""

    version: int
    plan_revision: int
    scheduled: tuple[Planned, ...]


class Records(Protocol):
    """Records with their plan and outbox, each one item."""

    def save(self, org_id: str, change: RecordChange) -> bool:
        """Write record, plan and pending events at once; False when another writer came first."""

    def save_with_client(self, org_id: str, change: RecordChange | None, client: ClientChange, now: datetime) -> Saved:
        """Write a record (if it changes) and the client it brings along at once; see `Clients.save`."""

    def commit(self, org_id: str, ref: str, done: Committed) -> bool:
        """Note what was planned and clear the announced events; False when the record moved on meanwhile."""

    def of_client(self, org_id: str, client_id: str, *, since: datetime, limit: int = 100) -> list[StoredRecord]:
        """List a client's records that start at or after an instant."""

    def page_of_client(
        self, org_id: str, client_id: str, *, limit: int, position: str | None, since: datetime | None = None
    ) -> Page[StoredRecord]:
        """List a client's records by the instant they stand at, page by page: all, or those from `since` on."""

    def page(
        self,
        org_id: str,
        collection: str | None,
        *,
        limit: int,
        position: str | None,
        since: datetime,
        until: datetime | None = None,
        days: int = 31,
    ) -> Page[StoredRecord]:
        """List records of a collection (None: of all) by the instant at which they stand, up to the day of `until`.

        Looks at so many days at most; a position begins with its day.
        """


@value
class DueRow:
    """A reminder as it was planned: of which record, for whom, when, in which generation of the plan."""

    ref: str
    client_id: str
    key: str
    at: datetime
    generation: int
    audience: Reminded = "client"


DUE_ROWS_KEPT = timedelta(days=7)
"""How long a row is kept after its reminder was due."""


class DueRows(Protocol):
    """The immutable rows of planned reminders, by the day they are due."""

    def put(self, org_id: str, ref: str, client_id: str, entries: Sequence[Planned]) -> None:
        """Write rows; writing one again changes nothing."""

    def between(
        self, org_id: str, since: datetime, until: datetime, *, limit: int, position: str | None
    ) -> Page[DueRow]:
        """List what is due in [since, until)."""
