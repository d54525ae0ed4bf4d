"""Recaps in memory: the plan of schedules, the schedules themselves, their queue, and the records of a day."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from carillon.domain.channels import Channel
from carillon.domain.recaps import Cron, CronPlan, RecapKind
from carillon.domain.records import StoredRecord
from carillon.domain.scheduling import cron_name
from carillon.domain.settings import Notified, Recap, RecapOf
from carillon.ports.recaps import RecapDue
from carillon.services.making import MessageMaker
from carillon.services.recap_lists import RecapLists
from carillon.services.recap_schedules import RecapSchedules
from carillon.services.recapping import Recapped, Recapper
from carillon.services.sending import Sender
from tests.builders import ORG, appointment, client, organization, record, settings, staff
from tests.fake_messages import MemoryMessages
from tests.fakes import Account, MemoryReader
from tests.faults import Line
from tests.rig import Rig


@dataclass
class MemoryRecapPlans:
    """See the port `RecapPlans`. The next `overtaken` writes find that another writer came first."""

    kept: dict[str, CronPlan] = field(default_factory=dict)

    def load(self, org_id: str) -> CronPlan:
        return self.kept.get(org_id, CronPlan())

    def save(self, org_id: str, plan: CronPlan, *, over: int) -> bool:
        before = self.load(org_id)
        if before.version != over:
            return False
        self.kept[org_id] = replace(plan, done=before.done)
        return True

    def done(self, org_id: str, kind: RecapKind, at: datetime) -> None:
        before = self.kept.get(org_id)
        if before is not None and before.done.get(kind, at) <= at:
            self.kept[org_id] = replace(before, done={**before.done, kind: at})

    def drop(self, org_id: str, *, over: int) -> None:
        if self.load(org_id).version == over:
            self.kept.pop(org_id, None)


@dataclass
class MemoryCrons:
    """See the port `Crons`."""

    kept: dict[str, tuple[str, Cron]] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)

    def create(self, org_id: str, cron: Cron) -> None:
        name = cron_name(org_id, cron.kind, cron.at, cron.zone, cron.generation)
        self.kept.setdefault(name, (org_id, cron))

    def delete(self, name: str) -> None:
        self.kept.pop(name, None)
        self.deleted.append(name)

    def times(self) -> list[tuple[str, str, str]]:
        """Give kind, wall time and zone of each."""
        return sorted((cron.kind, cron.at, cron.zone) for _, cron in self.kept.values())


@dataclass
class MemoryRecapQueue:
    """See the port `RecapQueue`."""

    sent: list[tuple[RecapDue, int]] = field(default_factory=list)

    def send_recap(self, due: RecapDue, *, delay: int = 0) -> None:
        self.sent.append((due, delay))


@dataclass
class MemoryDays:
    """See the port `Days`; `reads` counts."""

    account: Account
    reads: int = 0

    def between(self, org_id: str, begin: datetime, end: datetime) -> Sequence[StoredRecord]:
        self.reads += 1
        zone = self.account.settings[org_id].time_zone
        kept = [record for (owner, _), record in self.account.records.items() if owner == org_id]
        return [record for record in kept if begin <= record.appointment.starts(zone) < end]


class RecapRig(Rig):
    """An organization with recaps: Sara and Tom work there, Mia manages, and so does whoever reads boss@example.com.

    07:00 in Amsterdam is 06:00 in UTC.
    """

    def __init__(self, line: Line | None = None, *, org_id: str = ORG, **recap: Any) -> None:
        basis: dict[str, Any] = {"staff": RecapOf(enabled=True), "managers": RecapOf(enabled=True)}
        super().__init__(line)
        self.org_id = org_id
        self.account = Account(
            organizations={org_id: organization(id=org_id)},
            settings={org_id: settings(recap=Recap(**(basis | recap)), manager=Notified(email="boss@example.com"))},
            clients={(org_id, name): client(name, first_name=name.title()) for name in ("anna", "bob")},
            staff={
                (org_id, "sara"): staff("sara", name="Sara"),
                (org_id, "tom"): staff("tom", name="Tom"),
                (org_id, "mia"): staff("mia", name="Mia", roles=["manager"]),
            },
        )
        self.plans = MemoryRecapPlans()
        self.crons = MemoryCrons()
        self.recap_queue = MemoryRecapQueue()
        self.days = MemoryDays(self.account)

    def schedules_of_recaps(self) -> RecapSchedules:
        return RecapSchedules(
            reader=self.line.watch(MemoryReader(self.account)),
            plans=self.line.watch(self.plans),
            crons=self.line.watch(self.crons),
            queue=self.line.watch(self.recap_queue),
            clock=self.clock,
        )

    def recapper(self) -> Recapper:
        return Recapper(
            reader=self.line.watch(MemoryReader(self.account)),
            days=self.line.watch(self.days),
            plans=self.line.watch(self.plans),
            messages=self.line.watch(MemoryMessages(self.account)),
            queues=self.line.watch(self.queues),
            connections=self.connections,
            maker=MessageMaker(self._ids),
            clock=self.clock,
        )

    def sender(self, channel: Channel = "email") -> Sender:
        lists = RecapLists(self.line.watch(MemoryReader(self.account)), self.line.watch(self.days), self.clock)
        return replace(super().sender(channel), lists=lists)

    def book(self, number: str, start: str, *staff_ids: str, **changes: Any) -> None:
        """Store an appointment as it is."""
        about = appointment(start=start, staff_ids=list(staff_ids), **changes)
        self.account.records[self.org_id, f"appointments/{number}"] = record(about, ref=f"appointments/{number}")

    def follow_settings(self) -> bool:
        return self.schedules_of_recaps().follow(self.org_id, self.clock.now())

    def set_recap(self, **changes: Any) -> None:
        """Save other settings of the recaps."""
        now = self.account.settings[self.org_id]
        self.account.settings[self.org_id] = replace(now, recap=replace(now.recap, **changes))

    def fire_recap(self, kind: RecapKind, at: datetime, name: str = "") -> Recapped:
        """Let the clock reach an instant, and the recap's schedule fire for it."""
        self.clock.at = max(self.clock.at, at)
        return self.recapper().tell(RecapDue(self.org_id, kind, at, name))

    def recipients(self, status: str = "queued") -> list[str]:
        return sorted(message.key.recipient for message in self.account.found(self.org_id, status))
