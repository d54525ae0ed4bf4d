"""The schedules of recaps follow the settings: one for each recap that is on, none for a data set that does not send.

What is to be made, and what is to go, is noted before either is done, so whoever does it again knows all that there may
be. A schedule that nobody knows of any more (its maker died, or was overtaken) fires, is found not to be wanted, and
has itself removed. A recap whose schedule did not fire is found by the sweep.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil

from carillon.domain.errors import Contended
from carillon.domain.recaps import Cron, CronPlan, wanted
from carillon.domain.scheduling import SOON, cron_name
from carillon.domain.values import value
from carillon.ports.reading import Reader, Snapshot, Want
from carillon.ports.recaps import Crons, RecapDue, RecapPlans, RecapQueue
from carillon.ports.system import Clock

ROUNDS = 6
PATIENCE = timedelta(minutes=15)
"""How long after its time a recap counts as missed: longer than its queue message stays invisible."""


@value
class RecapSchedules:
    """Brings the schedules of a data set to where its settings say."""

    reader: Reader
    plans: RecapPlans
    crons: Crons
    queue: RecapQueue
    clock: Clock

    def follow(self, org_id: str, since: datetime, stale: Sequence[str] = ()) -> bool:
        """Make what is missing and delete what is not wanted; False if there was nothing to do.

        `since`: when what is followed was saved: what was due before is not made up for. `stale`: schedules that fired
        without being wanted. Raises Contended when the settings kept changing; the caller repeats.
        """
        strays, acted = set(stale), False
        for _ in range(ROUNDS):
            snapshot = self._read(org_id)
            plan = self.plans.load(org_id)
            following = _following(org_id, plan, snapshot, since, strays)
            if following is None:
                self._bury(org_id, plan, snapshot)
                return acted
            if not self.plans.save(org_id, following, over=plan.version):
                continue
            acted = True
            self._carry_out(org_id, following)
            # Whoever comes first now may have deleted these before they were made: they are still to be looked after.
            strays = {cron_name_of(org_id, cron) for cron in following.live}
            done = replace(following, version=following.version + 1, old=(), settled=True)
            self.plans.save(org_id, done, over=following.version)
        raise Contended(f"the settings of {org_id} kept changing while its recaps were scheduled")

    def mend(self, org_id: str) -> int:
        """Look whether schedules are as they should be and have fired; gives how many recaps were missed."""
        now, plan = self.clock.now(), self.plans.load(org_id)
        if _following(org_id, plan, self._read(org_id), now, set()) is not None:
            self.follow(org_id, now)
            plan = self.plans.load(org_id)
        missed = plan.missed(now, now - PATIENCE)
        for cron, at in missed:
            self.crons.create(org_id, cron)
            self.queue.send_recap(RecapDue(org_id, cron.kind, at))
        return len(missed)

    def _carry_out(self, org_id: str, plan: CronPlan) -> None:
        for cron in plan.live:
            self.crons.create(org_id, cron)
        now = self.clock.now()
        # Who sets 07:00 at 06:59 means today: a schedule just made would begin with tomorrow.
        for cron, at in plan.missed(now, now + SOON):
            delay = max(0, ceil((at - now).total_seconds()))
            self.queue.send_recap(RecapDue(org_id, cron.kind, at), delay=delay)
        for name in plan.old:
            self.crons.delete(name)

    def _bury(self, org_id: str, plan: CronPlan, snapshot: Snapshot) -> None:
        """Leave nothing behind of what is gone: its purge may have looked here before the plan was written."""
        gone = snapshot.organization is None or snapshot.organization.deleted
        if gone and plan.version:
            self.plans.drop(org_id, over=plan.version)

    def _read(self, org_id: str) -> Snapshot:
        return self.reader.read([Want(org_id)])[0]


def cron_name_of(org_id: str, cron: Cron) -> str:
    """Name a recap's schedule."""
    return cron_name(org_id, cron.kind, cron.at, cron.zone, cron.generation)


def _following(org_id: str, plan: CronPlan, snapshot: Snapshot, since: datetime, strays: set[str]) -> CronPlan | None:
    """Work out the plan that is to be; None when it is the one there is, and carried out."""
    there = {(cron.kind, cron.at, cron.zone): cron for cron in plan.live}
    version = plan.version + 1
    live = tuple(
        there.get(each) or Cron(*each, generation=version, since=since)
        for each in wanted(snapshot.organization, snapshot.settings)
    )
    kept = {cron_name_of(org_id, cron) for cron in live}
    known = {cron_name_of(org_id, cron) for cron in plan.live} | set(plan.old) | strays
    old = tuple(sorted(known - kept))
    if live == plan.live and not old and plan.settled:
        return None
    return replace(plan, version=version, live=live, old=old, settled=False)
