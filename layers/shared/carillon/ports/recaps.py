"""Where the core and the outside meet for daily recaps: their schedules, and the records of a day."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from carillon.domain.recaps import Cron, CronPlan, RecapKind
from carillon.domain.records import StoredRecord
from carillon.domain.values import value


@value
class RecapDue:
    """A recap whose schedule fired: when, and the schedule's name (empty: nobody's, it was found missing)."""

    org_id: str
    kind: RecapKind
    at: datetime
    name: str = ""


class RecapPlans(Protocol):
    """Which schedules of recaps a data set has."""

    def load(self, org_id: str) -> CronPlan:
        """Read the plan; an empty one where there is none."""

    def save(self, org_id: str, plan: CronPlan, *, over: int) -> bool:
        """Write a plan, but for what is done, over the version that was read; False when another writer came first."""

    def done(self, org_id: str, kind: RecapKind, at: datetime) -> None:
        """Note that an occurrence was dealt with; never an earlier one than is noted, nor where there is no plan."""

    def drop(self, org_id: str, *, over: int) -> None:
        """Remove the plan of a data set that is gone, if it is still this version."""


class Crons(Protocol):
    """Recurring, immutable schedules: each is made once and deleted, never changed."""

    def create(self, org_id: str, cron: Cron) -> None:
        """Make a recap's schedule; one that is there already is fine."""

    def delete(self, name: str) -> None:
        """Delete a schedule; one that is gone already is fine."""


class RecapQueue(Protocol):
    """The queue of recaps that are due."""

    def send_recap(self, due: RecapDue, *, delay: int = 0) -> None:
        """Put a recap on it, to be looked at after `delay` seconds."""


class Days(Protocol):
    """The records of a day."""

    def between(self, org_id: str, begin: datetime, end: datetime) -> Sequence[StoredRecord]:
        """List the appointments that start in [begin, end), as they are now, in no order: 2,000 at most."""
