"""Records, and the rows of what is due, in the table."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.clients import DynamoClients
from carillon.adapters.dynamodb.items import Item
from carillon.adapters.dynamodb.record_items import plan_to_text, record_from_item, record_to_item
from carillon.adapters.dynamodb.table import Table, Write
from carillon.domain import codec
from carillon.domain.listing import Page
from carillon.domain.record_documents import LIVE
from carillon.domain.records import Planned, StoredRecord
from carillon.domain.times import epoch, iso, parse_instant
from carillon.ports.directory import ClientChange, Saved
from carillon.ports.records import DUE_ROWS_KEPT, Committed, DueRow, RecordChange

DAYS_PER_CALL = 31
PER_PAGE = 100
FURTHEST = timedelta(days=400)
"""Nobody books further ahead than that; a listing ends there."""
FAR, AFTER = "9999", "\x7f"
"""Sort behind every instant, and right behind the key they end."""


class DynamoRecords:
    """See the port `Records`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def save(self, org_id: str, change: RecordChange) -> bool:
        """Write record, plan and pending events in one conditional update."""
        return self._table.write(_save(org_id, change))

    def save_with_client(self, org_id: str, change: RecordChange | None, client: ClientChange, now: datetime) -> Saved:
        """Write a record (if it changes) and the client it brings along in one transaction."""
        along = [_save(org_id, change)] if change is not None else []
        return DynamoClients(self._table).save(org_id, client, now, along=along)

    def commit(self, org_id: str, ref: str, done: Committed) -> bool:
        """Note what was planned; the condition makes sure that no event arrived meanwhile."""
        return self._table.write(
            Write(
                keys.record(org_id, ref),
                update="SET sc = :sc, pv = :v, ps = :pr REMOVE ev",
                condition="v = :v AND pr = :pr",
                values={"sc": plan_to_text(done.scheduled), "v": done.version, "pr": done.plan_revision},
            )
        )

    def of_client(self, org_id: str, client_id: str, *, since: datetime, limit: int = 100) -> list[StoredRecord]:
        """List a client's records that start at or after an instant, soonest first."""
        page = self._table.query(
            keys.client_records(org_id, client_id), index="gsi1", between=(iso(since), FAR), limit=limit
        )
        return self._read(page.items)

    def page_of_client(
        self, org_id: str, client_id: str, *, limit: int, position: str | None, since: datetime | None = None
    ) -> Page[StoredRecord]:
        """List a client's records by the instant they stand at, page by page: all, or those from `since` on."""
        partition = keys.client_records(org_id, client_id)
        lower = position or (iso(since) if since is not None else "0")
        page = self._table.query(partition, index="gsi1", between=(lower, FAR), limit=limit)
        following = page.items[-1]["sk1"] + AFTER if page.last is not None else None
        return Page(self._read(page.items), following)

    def has_upcoming(self, org_id: str, client_id: str, now: datetime) -> bool:
        """Whether a client has an appointment ahead that is still to take place; looks no further than the first."""
        position: str | None = None
        while True:
            page = self.page_of_client(org_id, client_id, limit=PER_PAGE, position=position, since=now)
            ahead = (record for record in page.items if record.collection == "appointments")
            if any(record.document.status in LIVE for record in ahead):
                return True
            position = page.position
            if position is None:
                return False

    def page(
        self,
        org_id: str,
        collection: str | None,
        *,
        limit: int,
        position: str | None,
        since: datetime,
        until: datetime | None = None,
        days: int = DAYS_PER_CALL,
    ) -> Page[StoredRecord]:
        """List records by the day they stand at, walking at most so many days a call (a short page may go on)."""
        lower = position or iso(since)
        day, last = date.fromisoformat(lower[:10]), (until or since + FURTHEST).date()
        wanted = f"{collection}/" if collection is not None else ""
        rows: list[Item] = []
        for _ in range(days):
            if day > last:
                return Page(self._read(rows))
            partition, room = keys.day_records(org_id, day.isoformat()), limit - len(rows)
            page = self._table.query(partition, index="gsi2", between=(lower, FAR), limit=room)
            rows += [row for row in page.items if row["rec"].startswith(wanted)]
            if page.last is not None:
                return Page(self._read(rows), page.items[-1]["sk2"] + AFTER)
            day += timedelta(days=1)
            lower = f"{day}T00:00:00Z"
            if len(rows) >= limit:
                break
        return Page(self._read(rows), lower if day <= last else None)

    def _read(self, rows: Sequence[Item]) -> list[StoredRecord]:
        wanted = [(row["pk"], row["sk"]) for row in rows]
        items = self._table.get_many(wanted, consistent=False)
        records = [record_from_item(items[key]) for key in wanted if key in items]
        return [record for record in records if not record.deleted]


def _save(o: str, change: RecordChange) -> Write:
    record = change.record
    attributes = record_to_item(o, record, change.start)
    attributes["ttl"] = epoch(change.retention) if change.retention is not None else None
    kept = {name: value for name, value in attributes.items() if value is not None}
    # What is open again never expires, and a lead may have gone from a client to a contact.
    gone = [name for name in ("gone", "ttl", "pk1", "sk1") if name not in kept]
    assignments = [f"#{name} = :{name}" for name in kept]
    values: dict[str, object] = dict(kept)
    if change.new_events:
        assignments.append("#ev = list_append(if_not_exists(#ev, :none), :new)")
        values |= {"none": [], "new": [codec.dumps(event) for event in change.new_events]}
    update = f"SET {', '.join(assignments)}"
    if gone:
        update += f" REMOVE {', '.join(f'#{name}' for name in gone)}"
    condition = "attribute_not_exists(pk)"
    if change.expected_version:
        # The plan's revision too: a job that planned anew between our read and this write must not be undone.
        condition = "#v = :was AND #pr = :planned"
        values |= {"was": change.expected_version, "planned": change.expected_revision}
    named = [*kept, *gone, *(["ev"] if change.new_events else [])]
    return Write(
        keys.record(o, record.ref), update=update, condition=condition, values=values, names={n: n for n in named}
    )


class DynamoDueRows:
    """See the port `DueRows`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def put(self, org_id: str, ref: str, client_id: str, entries: Sequence[Planned]) -> None:
        """Write a row for each planned reminder; one that is looked at early has another row there."""
        self._table.put_many(
            [
                (
                    keys.due_row(org_id, at, ref, entry.name, entry.generation),
                    {
                        "ty": "due",
                        "rec": ref,
                        "key": entry.key,
                        "au": entry.audience if entry.audience != "client" else None,
                        "cl": client_id,
                        "at": iso(at),
                        "gen": entry.generation,
                        "ttl": epoch(at + DUE_ROWS_KEPT),
                    },
                )
                for entry in entries
                for at in (entry.at, entry.early)
                if at is not None
            ]
        )

    def between(
        self, org_id: str, since: datetime, until: datetime, *, limit: int, position: str | None
    ) -> Page[DueRow]:
        """List what is due in [since, until), day by day, at most 31 days a call (a short page may go on)."""
        lower = position or iso(since)
        day = date.fromisoformat(lower[:10])
        found: list[DueRow] = []
        for _ in range(DAYS_PER_CALL):
            if day > until.date():
                return Page(found)
            page = self._table.query(
                keys.due_day(org_id, day.isoformat()), between=(lower, iso(until)), limit=limit - len(found)
            )
            found += [
                DueRow(row["rec"], row["cl"], row["key"], parse_instant(row["at"]), row["gen"], row.get("au", "client"))
                for row in page.items
            ]
            if page.last is not None:
                return Page(found, page.items[-1]["sk"] + AFTER)
            day += timedelta(days=1)
            lower = f"{day}T00:00:00Z"
            if len(found) >= limit:
                break
        return Page(found, lower if day <= until.date() else None)
