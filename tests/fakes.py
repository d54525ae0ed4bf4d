"""The stores in memory: the same promises as the real adapters, which the stores' tests hold both to.

A test builds an `Account`, fills it, and gives services the parts they need.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from threading import RLock

from carillon.domain.channels import Channel
from carillon.domain.clients import Client, Staff
from carillon.domain.idempotency import StoredAnswer
from carillon.domain.listing import Page
from carillon.domain.messages import Message, MessageKey
from carillon.domain.organizations import Organization
from carillon.domain.own_texts import OwnTexts
from carillon.domain.posted import PostedEvent, reference
from carillon.domain.quota import Exhausted
from carillon.domain.records import Planned, StoredRecord
from carillon.domain.reviews import Asked
from carillon.domain.rules import DEFAULTS_LEVEL, ORGANIZATION_LEVEL, Rules, RulesInForce, default_rules
from carillon.domain.settings import Settings
from carillon.ports.directory import ClientChange, Saved
from carillon.ports.reading import Snapshot, Want
from carillon.ports.records import Committed, DueRow, RecordChange
from carillon.services.record_plans import placed


@dataclass
class Account:
    """Everything stored, by data set."""

    organizations: dict[str, Organization] = field(default_factory=dict)
    settings: dict[str, Settings] = field(default_factory=dict)
    rules: dict[str, Rules] = field(default_factory=dict)
    clients: dict[tuple[str, str], Client] = field(default_factory=dict)
    staff: dict[tuple[str, str], Staff] = field(default_factory=dict)
    records: dict[tuple[str, str], StoredRecord] = field(default_factory=dict)
    messages: dict[tuple[str, MessageKey], Message] = field(default_factory=dict)
    required: dict[tuple[str, MessageKey], int] = field(default_factory=dict)
    due_rows: dict[tuple[str, str, str, datetime, int], DueRow] = field(default_factory=dict)
    own_texts: dict[str, OwnTexts] = field(default_factory=dict)
    posted: dict[tuple[str, str], PostedEvent] = field(default_factory=dict)
    undone: list[tuple[str, str]] = field(default_factory=list)
    left: dict[tuple[str, str], int] = field(default_factory=dict)
    """Units left of what is metered, by data set and bucket."""
    lock: RLock = field(default_factory=RLock)

    def take(self, org_id: str, bucket: Channel | None, units: int, at_least: int) -> int:
        """Take units, or as many as are left; gives how many. Negative ones are given back."""
        left = self.left.get((org_id, bucket or ""), 0)
        if left < at_least and bucket is not None:
            raise Exhausted(bucket)
        taken = min(units, left)
        self.left[org_id, bucket or ""] = left - taken
        return taken

    def found(self, org_id: str, status: str | None = None) -> list[Message]:
        """List an organization's messages, by time of making."""
        kept = [message for (owner, _), message in self.messages.items() if owner == org_id]
        return sorted((m for m in kept if status in (None, m.status)), key=lambda m: m.id)


@dataclass
class MemoryReader:
    """See the port `Reader`."""

    account: Account

    def read(self, wants: Sequence[Want]) -> list[Snapshot]:
        with self.account.lock:
            return [self._read(want) for want in wants]

    def all_staff(self, org_id: str) -> dict[str, Staff]:
        return {staff_id: member for (owner, staff_id), member in self.account.staff.items() if owner == org_id}

    def _read(self, want: Want) -> Snapshot:
        a, o = self.account, want.org_id
        own = a.rules.get(o)
        return Snapshot(
            organization=a.organizations.get(o),
            settings=a.settings.get(o),
            rules=RulesInForce(own, ORGANIZATION_LEVEL) if own else RulesInForce(default_rules(), DEFAULTS_LEVEL),
            record=a.records.get((o, want.record)) if want.record else None,
            own_texts=a.own_texts.get(o, OwnTexts()),
            posted=a.posted.get((o, want.record)) if want.record else None,
            clients={i: a.clients[o, i] for i in want.clients if (o, i) in a.clients},
            staff={i: a.staff[o, i] for i in want.staff if (o, i) in a.staff},
            messages={key: a.messages[o, key] for key in want.messages if (o, key) in a.messages},
        )


@dataclass
class MemoryRecords:
    """See the port `Records`."""

    account: Account

    def save(self, org_id: str, change: RecordChange) -> bool:
        with self.account.lock:
            place = (org_id, change.record.ref)
            stored = self.account.records.get(place)
            seen = (stored.version, stored.plan_revision) if stored else (0, 0)
            if seen != (change.expected_version, change.expected_revision):
                return False
            kept = stored or replace(change.record, events=())
            self.account.records[place] = replace(
                change.record,
                start=change.start,
                events=(*kept.events, *change.new_events),
                planned_version=kept.planned_version,
                planned_revision=kept.planned_revision,
                scheduled=kept.scheduled,
            )
            return True

    def save_with_client(self, org_id: str, change: RecordChange | None, client: ClientChange, now: datetime) -> Saved:  # noqa: ARG002
        with self.account.lock:
            if change is not None and not self.save(org_id, change):
                return Saved()
            self.account.clients[org_id, client.after.id] = client.after
            return Saved(version=1)

    def commit(self, org_id: str, ref: str, done: Committed) -> bool:
        with self.account.lock:
            stored = self.account.records.get((org_id, ref))
            if stored is None or (stored.version, stored.plan_revision) != (done.version, done.plan_revision):
                return False
            self.account.records[org_id, ref] = replace(
                stored,
                events=(),
                planned_version=done.version,
                planned_revision=done.plan_revision,
                scheduled=done.scheduled,
            )
            return True

    def of_client(self, org_id: str, client_id: str, *, since: datetime, limit: int = 100) -> list[StoredRecord]:
        found = [record for record in self._of(org_id, since) if record.client_id == client_id]
        return found[:limit]

    def page_of_client(
        self, org_id: str, client_id: str, *, limit: int, position: str | None, since: datetime | None = None
    ) -> Page[StoredRecord]:
        begin = int(position or 0)
        found = self.of_client(org_id, client_id, since=since or datetime(1971, 1, 1, tzinfo=UTC), limit=10_000)
        return Page(found[begin : begin + limit], str(begin + limit) if len(found) > begin + limit else None)

    def page(
        self,
        org_id: str,
        collection: str | None,
        *,
        limit: int,
        position: str | None,
        since: datetime,
        until: datetime | None = None,
        days: int = 31,  # noqa: ARG002 - bounds a call's work, of which there is none here
    ) -> Page[StoredRecord]:
        begin = int(position or 0)
        wanted = f"{collection}/" if collection is not None else ""
        found = [record for record in self._of(org_id, since) if record.ref.startswith(wanted)]
        found = [record for record in found if until is None or (record.start or until) <= until]
        more = len(found) > begin + limit
        return Page(found[begin : begin + limit], str(begin + limit) if more else None)

    def _of(self, org_id: str, since: datetime) -> list[StoredRecord]:
        kept = [r for (owner, _), r in self.account.records.items() if owner == org_id and not r.deleted]
        starts = {record.ref: placed(record, self.account.settings[org_id]) for record in kept}
        return sorted((r for r in kept if starts[r.ref] >= since), key=lambda r: starts[r.ref])


@dataclass
class MemoryDueRows:
    """See the port `DueRows`."""

    account: Account

    def put(self, org_id: str, ref: str, client_id: str, entries: Sequence[Planned]) -> None:
        for entry in entries:
            for at in filter(None, (entry.at, entry.early)):
                row = DueRow(ref, client_id, entry.key, at, entry.generation, entry.audience)
                self.account.due_rows[org_id, ref, entry.name, at, entry.generation] = row

    def between(
        self, org_id: str, since: datetime, until: datetime, *, limit: int, position: str | None
    ) -> Page[DueRow]:
        begin = int(position or 0)
        rows = [row for place, row in self.account.due_rows.items() if place[0] == org_id and since <= row.at < until]
        rows.sort(key=lambda row: (row.at, row.ref, row.key))
        return Page(rows[begin : begin + limit], str(begin + limit) if len(rows) > begin + limit else None)


@dataclass
class MemoryPostedEvents:
    """See the port `PostedEvents`."""

    account: Account

    def put(self, org_id: str, posted_id: str, posted: PostedEvent, remember: StoredAnswer | None) -> None:  # noqa: ARG002
        self.account.posted[org_id, reference(posted_id)] = posted
        self.account.undone.append((org_id, posted_id))

    def done(self, org_id: str, posted_id: str, until: datetime) -> None:  # noqa: ARG002
        self.account.undone = [each for each in self.account.undone if each != (org_id, posted_id)]

    def pending(self, org_id: str, limit: int) -> list[str]:
        return [posted_id for owner, posted_id in self.account.undone if owner == org_id][:limit]


@dataclass
class MemoryClientDays:
    """See the port `ClientDays`."""

    account: Account

    def starting(self, org_id: str, client_id: str, since: datetime, until: datetime) -> list[tuple[datetime, str]]:
        records = [record for (owner, _), record in self.account.records.items() if owner == org_id]
        mine = [(record.start, record.ref) for record in records if record.client_id == client_id]
        return sorted((start, ref) for start, ref in mine if start is not None and since <= start <= until)


@dataclass
class MemoryReviewRequests:
    """See the port `ReviewRequests`."""

    kept: dict[tuple[str, str], Asked] = field(default_factory=dict)

    def latest(self, org_id: str, clients: Sequence[str]) -> list[Asked]:
        return list(self.by_client(org_id, clients).values())

    def by_client(self, org_id: str, clients: Iterable[str]) -> dict[str, Asked]:
        return {client_id: self.kept[org_id, client_id] for client_id in clients if (org_id, client_id) in self.kept}

    def note(self, org_id: str, client_id: str, asked: Asked, *, since: datetime, over: Asked | None = None) -> bool:
        stored = self.kept.get((org_id, client_id))
        free = stored is None or stored.at <= since or stored.same(asked) or (over is not None and stored.same(over))
        if free:
            self.kept[org_id, client_id] = asked
        return free
