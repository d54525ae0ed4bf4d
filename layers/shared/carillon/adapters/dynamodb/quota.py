"""The books of quota in the table: credits, the ledger, and what each day took."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.idempotency import answer_write
from carillon.adapters.dynamodb.items import Item
from carillon.adapters.dynamodb.quota_taking import books_of, from_shard
from carillon.adapters.dynamodb.table import ConditionsFailed, Table, Write
from carillon.domain.channels import Bucket
from carillon.domain.errors import Contended
from carillon.domain.idempotency import RepeatedError, StoredAnswer
from carillon.domain.ids import digest, ulid
from carillon.domain.listing import Page
from carillon.domain.messages import Message
from carillon.domain.quota import Books, Credit, DayUse, Entry, Exhausted, debit
from carillon.domain.times import epoch, iso, parse_instant

ROUNDS = 12
AFTER_ALL = "L#~"
"""Sorts after every row of a ledger."""


class DynamoQuota:
    """See the port `Quota`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def books(self, org_id: str, bucket: Bucket) -> Books:
        """Read a bucket's counters as they are at one instant."""
        return books_of(self._table, org_id, bucket)

    def credit(
        self, org_id: str, bucket: Bucket, credit: Credit, *, remember: tuple[str, StoredAnswer] | None = None
    ) -> bool:
        """Give units, or take them back, once per key, in one transaction."""
        answer = [answer_write(*remember, credit.at)] if remember is not None else []
        for _ in range(ROUNDS):
            books = self.books(org_id, bucket)
            try:
                self._table.transact([*answer, *credit_writes(org_id, bucket, credit, books)])
            except Exhausted:
                # What was taken back once is not missing when it is asked for again.
                if self._table.get(keys.quota_credit(org_id, bucket, digest(credit.key))) is None:
                    raise
                return False
            except ConditionsFailed as error:
                if answer and 0 in error.failed:
                    raise RepeatedError from error
                if len(answer) in error.failed:
                    return False
                # What was to be taken back was used in between.
            else:
                return True
        raise Contended(f"the quota of {bucket} kept changing")

    def credited(self, org_id: str, bucket: Bucket, key: str) -> int | None:
        """Say how many units were credited by a key; None for one that was not."""
        item = self._table.get(keys.quota_credit(org_id, bucket, digest(key)))
        return None if item is None else item.get("u", 0)

    def ledger(self, org_id: str, buckets: Sequence[Bucket], *, limit: int, position: str | None) -> Page[Entry]:
        """List ledger entries of some buckets, newest first: their ids are in order of time, whichever bucket's."""
        last = f"L#{position}" if position is not None else AFTER_ALL
        rows: list[tuple[str, Bucket, Item]] = []
        for bucket in buckets:
            page = self._table.query(
                keys.quota_books(org_id, bucket), between=("L#", last), limit=limit + 2, descending=True
            )
            rows += [(item["sk"][2:], bucket, item) for item in page.items if item["sk"] != last]
        rows.sort(key=lambda row: row[0], reverse=True)
        shown = [_entry(entry_id, bucket, item) for entry_id, bucket, item in rows[:limit]]
        return Page(shown, shown[-1].id if len(rows) > limit else None)

    def days(self, org_id: str, bucket: Bucket, since: str, until: str) -> list[DayUse]:
        """List what was counted for days."""
        found: list[DayUse] = []
        after = None
        while True:
            page = self._table.query(
                keys.quota_books(org_id, bucket), between=(f"DAY#{since}", f"DAY#{until}"), after=after
            )
            found += [DayUse(item["sk"][4:], bucket, item["m"], item["u"], item["cd"]) for item in page.items]
            after = page.last
            if after is None:
                return found

    def count(self, org_id: str, use: DayUse) -> bool:
        """Keep what a day took; for good, in the transaction that puts it into the ledger."""
        place = keys.quota_day(org_id, use.bucket, use.day)
        item = {"ty": "quota_day", "m": use.messages, "u": use.units, "cd": use.closed}
        kept = Write(
            place, item=item, condition="attribute_not_exists(pk) OR cd = :no", values={"no": False}
        )  # what is closed stays as it is
        if not use.closed:
            return self._table.write(kept)
        following = (date.fromisoformat(use.day) + timedelta(days=1)).isoformat()
        pool = Write(
            keys.quota_pool(org_id, use.bucket),
            update="SET cl = if_not_exists(cl, :zero) + :u, op = :next",
            condition="op = :day",
            values={"u": use.units, "next": following, "day": use.day, "zero": 0},
        )
        end = datetime.combine(date.fromisoformat(following), time(), UTC)
        # The same day gives the same row, and no two buckets' rows have one id.
        entry_id = ulid(end, hashlib.sha256(use.bucket.encode()).digest()[:10])
        row = {"ty": "quota_entry", "kd": "day", "u": -use.units, "m": use.messages, "at": iso(end), "day": use.day}
        entry = Write(keys.quota_entry(org_id, use.bucket, entry_id), item=row)
        try:
            self._table.transact([pool, kept, entry] if use.units else [pool, kept])
        except ConditionsFailed:
            return False
        return True

    def assume(self, org_id: str, message: Message, at: datetime) -> bool:
        """Flag a message that keeps its units although its outcome stayed unknown."""
        return self._table.write(
            Write(
                keys.message(org_id, message.key.recipient, message.key.digest),
                update="SET qk = :at",
                condition="#st = :unknown AND attribute_exists(qu) AND attribute_not_exists(qk)",
                values={"at": epoch(at), "unknown": "unknown"},
                names={"st": "st"},
            )
        )


def credit_writes(o: str, bucket: Bucket, credit: Credit, books: Books | None = None) -> list[Write]:
    """Give the writes of a credit, its key's first; raises Exhausted.

    `books`: as they are now; None where they can be but new, or without shards that hold anything worth counting.
    """
    key = Write(
        keys.quota_credit(o, bucket, digest(credit.key)),
        item={"ty": "quota_key", "u": credit.units},
        condition="attribute_not_exists(pk)",
    )
    item = {
        "ty": "quota_entry",
        "kd": "credit",
        "u": credit.units,
        "at": iso(credit.at),
        "rs": credit.reason,
        "by": credit.actor,
    }
    entry = Write(keys.quota_entry(o, bucket, credit.id), item=item)
    values: dict[str, object] = {"u": credit.units, "zero": 0, "day": credit.at.date().isoformat(), "ty": "quota"}
    counters = "cr = if_not_exists(cr, :zero) + :u, op = if_not_exists(op, :day), #ty = :ty"
    pool, names = keys.quota_pool(o, bucket), {"ty": "ty"}
    if credit.units >= 0:
        base = "if_not_exists(n, :zero) + :u" if books is None else ":base"
        update = f"SET n = if_not_exists(n, :zero) + :u, ba = {base}, {counters} REMOVE lo, ou"
        values |= {} if books is None else {"base": books.left + credit.units}
        return [key, entry, Write(pool, update=update, values=values, names=names)]
    planned = debit(books or Books(), -credit.units)
    if planned is None or books is None:
        raise Exhausted(bucket)
    values |= {"p": planned.from_pool, "base": books.left + credit.units}
    update = f"SET n = if_not_exists(n, :zero) - :p, ba = :base, {counters} REMOVE lo, ou"
    taken = Write(pool, update=update, condition="n >= :p", values=values, names=names)
    return [key, entry, taken, *(from_shard(o, bucket, number, units) for number, units in planned.from_shards)]


def _entry(entry_id: str, bucket: Bucket, item: Item) -> Entry:
    return Entry(
        id=entry_id,
        bucket=bucket,
        kind="day" if item["kd"] == "day" else "credit",
        units=item["u"],
        at=parse_instant(item["at"]),
        reason=item.get("rs"),
        actor=item.get("by"),
        day=item.get("day"),
        messages=item.get("m"),
    )
