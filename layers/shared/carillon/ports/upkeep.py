"""What keeps a data set in order: the sweep, planning anew, the purge."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Protocol

from carillon.domain.messages import MessageKey
from carillon.domain.records import StoredRecord
from carillon.domain.values import value


@value
class Marks:
    """Up to where an organization was swept: reminders due, messages made, and records (a page's position) ahead."""

    due: datetime
    queued: datetime
    records: str | None = None


class Watermarks(Protocol):
    """Remembers up to where organizations were swept."""

    def load(self, org_id: str) -> Marks | None:
        """Read them; None before the first sweep."""

    def save(self, org_id: str, marks: Marks) -> None:
        """Write them."""


@value
class Run:
    """A run of re-planning: where it stands, and for which revision of each cause it (or one before) was started.

    `asked`: the page at its position is on the queue.
    """

    id: str
    position: str
    revisions: Mapping[str, int] = field(default_factory=dict)
    asked: bool = False

    def revision(self, cause: str) -> int:
        """Give the latest revision of a cause that a run was started for."""
        return self.revisions.get(cause, 0)

    def with_revision(self, cause: str, revision: int) -> "Run":
        """Note the revision of a cause."""
        return Run(self.id, self.position, {**self.revisions, cause: revision})


class Runs(Protocol):
    """The latest run of re-planning of each organization."""

    def load(self, org_id: str) -> Run | None:
        """Read it."""

    def start(self, org_id: str, run: Run, *, over: Run | None) -> bool:
        """Put a new run in the place of the latest; False when that has moved."""

    def advance(self, org_id: str, run: Run, following: Run) -> bool:
        """Note the next place of a run, whose page nobody asked for yet; False when it has moved."""

    def asked(self, org_id: str, run: Run) -> None:
        """Note that the page at a run's place is on the queue; nothing for a run that has moved."""


@value
class Remains:
    """What is left of an organization in one part of the table: where it lies, its records, and where to go on.

    `waiting`: messages whose turn comes at an instant, by a schedule if it was far ahead. `recaps`: names of recurring
    schedules. `notes`: where it is named as one of those that wrote to a person from a shared sender.
    """

    places: list[tuple[str, str]]
    records: list[StoredRecord]
    position: dict[str, str] | None
    waiting: list[tuple[MessageKey, datetime]] = field(default_factory=list)
    recaps: list[str] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)


class Everything(Protocol):
    """All items of one organization."""

    def page(self, org_id: str, position: dict[str, str] | None) -> Remains:
        """Look through the next part of the table; the tombstone is not among what it gives."""

    def delete(self, places: Sequence[tuple[str, str]]) -> None:
        """Delete items; deleting what is gone is fine."""

    def unname(self, org_id: str, notes: Sequence[tuple[str, str]]) -> None:
        """Take an organization out of notes that name others, too; may be repeated."""


class KeptFiles(Protocol):
    """Files that go with messages."""

    def forget(self, org_id: str) -> int:
        """Delete every file of a data set; gives their number. May be repeated."""
