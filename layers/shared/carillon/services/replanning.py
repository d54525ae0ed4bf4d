"""Re-planning: after a change of settings, activation or a client's preferences, plans follow.

One run per organization at a time: a newer change starts a new run, and pages of an older one are dropped. A page is
repeated harmlessly, since only differences are written; the place in the run is noted before the next page is asked
for, and whoever finds a place noted but its page not asked for asks again. A page that the queue brings twice would
else be two chains of pages from there on. Correctness does not wait for any of it: what
fires is decided on with today's settings.
"""

from dataclasses import replace
from typing import Any, Literal

from carillon.domain.clients import Client
from carillon.domain.records import StoredRecord
from carillon.domain.settings import Settings
from carillon.domain.values import value
from carillon.ports.queues import Queues
from carillon.ports.reading import Reader, Snapshot, Want
from carillon.ports.records import RecordChange, Records
from carillon.ports.system import Clock, Ids
from carillon.ports.upkeep import Run, Runs
from carillon.services.moving import RecordMover
from carillon.services.record_plans import placed, replanned, written

PAGE = 100
ROUNDS = 4
FINISHED = "finished"
MOVED_AT_ONCE = 500
LOOK_AGAIN = 60
"""Seconds after which a merged client's records are looked for again."""
PACE = 1
"""Seconds between pages, so that one organization's run leaves room for the others."""
Cause = Literal["settings", "organization"]


@value
class Replanner:
    """Brings plans to where today's settings and preferences say."""

    reader: Reader
    records: Records
    runs: Runs
    queues: Queues
    clock: Clock
    ids: Ids

    def begin(self, org_id: str, cause: Cause, revision: int) -> bool:
        """Start a run for a change; False when one for it (or for a newer change) is under way or done.

        An organization that was removed is not planned again but purged.
        """
        organization = self.reader.read([Want(org_id)])[0].organization
        if organization is not None and organization.deleted:
            self.queues.send_job({"kind": "purge", "o": org_id, "position": None})
            return False
        run = self.runs.load(org_id)
        if run is None or run.revision(cause) < revision:
            fresh = Run(self.ids.ulid(self.clock.now()), "", run.revisions if run else {}).with_revision(
                cause, revision
            )
            if not self.runs.start(org_id, fresh, over=run):
                return self.begin(org_id, cause, revision)
            run = fresh
        return self._ask(org_id, run)

    def page(self, org_id: str, run_id: str, position: str) -> int:
        """Plan one page of what is ahead (appointments, and tasks that are due), nearest first; gives what changed."""
        run = self.runs.load(org_id)
        if run is None or run.id != run_id:
            return 0
        if run.position != position:
            self._ask(org_id, run)
            return 0
        now = self.clock.now()
        listed = self.records.page(org_id, None, limit=PAGE, position=position or None, since=now)
        clients = {record.client_id for record in listed.items if record.client_id is not None}
        snapshot = self.reader.read([Want(org_id, clients=tuple(sorted(clients)))])[0]
        changed = sum(self._plan(org_id, record, snapshot) for record in listed.items)
        following = replace(run, position=listed.position or FINISHED, asked=False)
        if self.runs.advance(org_id, run, following):
            self._ask(org_id, following)
        return changed

    def client(self, org_id: str, client_id: str) -> int:
        """Plan all of a client's upcoming appointments anew, soonest first; gives how many plans changed.

        A client that was merged into another has its records moved there. It is looked at again a minute later, for
        what a PUT that was under way wrote meanwhile.
        """
        snapshot = self.reader.read([Want(org_id, clients=(client_id,))])[0]
        client = snapshot.clients.get(client_id)
        if client is not None and client.id != client_id:
            mover = RecordMover(self.reader, self.records, self.clock)
            moved = mover.move(org_id, client_id, client.id, limit=MOVED_AT_ONCE)
            if moved:
                self.queues.send_job({"kind": "replan_client", "o": org_id, "client": client_id}, delay=LOOK_AGAIN)
            return moved
        now, changed, position = self.clock.now(), 0, None
        while True:
            page = self.records.page_of_client(org_id, client_id, limit=PAGE, position=position, since=now)
            changed += sum(self._plan(org_id, record, snapshot) for record in page.items)
            position = page.position
            if position is None:
                return changed

    def _ask(self, org_id: str, run: Run) -> bool:
        if run.position == FINISHED or run.asked:
            return False
        job: dict[str, Any] = {"kind": "replan_page", "o": org_id, "run": run.id, "position": run.position}
        self.queues.send_job(job, delay=PACE if run.position else 0)
        self.runs.asked(org_id, run)
        return True

    def _plan(self, org_id: str, record: StoredRecord, snapshot: Snapshot) -> bool:
        """Write a record's plan if it differs; a PUT that comes first is read and planned again."""
        for _ in range(ROUNDS):
            settings, organization = snapshot.settings, snapshot.organization
            if settings is None or organization is None or not organization.active or record.deleted:
                return False
            change = replan(record, snapshot.clients.get(record.client_id or ""), settings, self.clock)
            if change is None:
                return False
            if self.records.save(org_id, change):
                return True
            named = (record.client_id,) if record.client_id is not None else ()
            snapshot = self.reader.read([Want(org_id, record=record.ref, clients=named)])[0]
            if snapshot.record is None:
                return False
            record = snapshot.record
        return False


def replan(record: StoredRecord, client: Client | None, settings: Settings, clock: Clock) -> RecordChange | None:
    """Plan a stored record with today's settings and preferences; None when nothing differs.

    Reminders whose instant has passed meanwhile stay silent: nobody booked or moved anything just now.
    """
    now = clock.now()
    entries, fired, revision = replanned(record, record.document, client, settings, now, late="drop")
    if entries == record.plan and placed(record, settings) == record.start:
        return None
    planned = replace(record, plan=entries, fired=fired, plan_revision=revision)
    return written(planned, record, settings, now)
