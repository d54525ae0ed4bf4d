"""Purging: everything of a removed organization goes, page by page, and its schedules with it.

The tombstone stands before this starts, so nothing new is made meanwhile; it stays, since an organization's id is never
given to another. A page may be repeated: what is gone is gone. The table is read from end to end, which is what proves
that nothing is left.
"""

from typing import Any

from carillon.domain.plan import due_entries
from carillon.domain.values import value
from carillon.ports.queues import Queues, Schedules
from carillon.ports.reading import Reader, Want
from carillon.ports.recaps import Crons
from carillon.ports.upkeep import Everything, KeptFiles
from carillon.services.storing import due_of

PAGES = 10
"""Pages of 1 MB that one job looks through."""


@value
class Purge:
    """Removes what a removed organization left."""

    reader: Reader
    everything: Everything
    schedules: Schedules
    crons: Crons
    queues: Queues
    files: KeptFiles

    def run(self, org_id: str, position: dict[str, str] | None) -> int:
        """Look through the next part of the table; gives how many items went. Asks for the part after it itself."""
        organization = self.reader.read([Want(org_id)])[0].organization
        if organization is None or not organization.deleted:
            return 0
        gone = self.files.forget(org_id) if position is None else 0
        for _ in range(PAGES):
            page = self.everything.page(org_id, position)
            for record in page.records:
                for entry in due_entries(record.scheduled):
                    self.schedules.delete(due_of(org_id, record, entry))
            for key, at in page.waiting:
                self.schedules.forget(org_id, key, at)
            for name in page.recaps:
                self.crons.delete(name)
            self.everything.unname(org_id, page.notes)
            self.everything.delete(page.places)
            gone += len(page.places)
            position = page.position
            if position is None:
                return gone
        job: dict[str, Any] = {"kind": "purge", "o": org_id, "position": position}
        self.queues.send_job(job)
        return gone
