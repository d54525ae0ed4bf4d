"""Histories of a quota: writers side by side over the same messages, in any order, dying and repeating as they may.

`python -m tests.quota_histories 2000` plays so many and says what happened in them. Each writer is a thread that
waits at every call to the table for its turn, so a seed says exactly who comes next, who dies, whose answer is lost,
and who meets another transaction. The books are added up anew after every single write.
"""

import random
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.items import Item
from carillon.adapters.dynamodb.message_items import message_from_item
from carillon.adapters.dynamodb.messages import DynamoMessages
from carillon.adapters.dynamodb.quota import DynamoQuota
from carillon.domain.channels import Bucket, Channel
from carillon.domain.errors import CarillonError, Contended
from carillon.domain.messages import Message
from carillon.domain.quota import SHARDS, Credit, DayUse
from carillon.ports.messages import Claim, Moved
from tests.builders import NOW, message, reminder_occasion
from tests.faults import Died
from tests.memory_table import MemoryTable

DATA = "org"
BUCKETS: tuple[Bucket, ...] = ("sms", "email")
GAVE_BACK = frozenset({"suppressed", "cancelled", "expired"})


def audit(items: dict[tuple[str, str], Item]) -> dict[str, int]:
    """Add the books up; gives what is left per bucket."""
    messages = [item for item in items.values() if item.get("ty") == "message"]
    left: dict[str, int] = {}
    for bucket in BUCKETS:
        pool = items.get(keys.quota_pool(DATA, bucket), {})
        shards = [items.get(keys.quota_shard(DATA, bucket, number), {}) for number in range(SHARDS)]
        rows = [item for key, item in items.items() if key[0] == f"{DATA}#Q#{bucket}" and key[1].startswith("L#")]
        credited = sum(row["u"] for row in rows if row["kd"] == "credit")
        assert pool.get("n", 0) >= 0
        assert all(shard.get("f", 0) >= 0 for shard in shards)
        assert pool.get("n", 0) + sum(shard.get("g", 0) for shard in shards) == pool.get("cr", 0) == credited
        mine = [item for item in messages if item.get("ch") == bucket and "qu" in item]
        for number, shard in enumerate(shards):
            taken = sum(item["qu"] for item in mine if item["qs"] == number)
            assert shard.get("g", 0) - shard.get("f", 0) == taken, (bucket, number)
        assert all(item["qu"] > 0 and item["st"] not in GAVE_BACK for item in mine)
        left[bucket] = pool.get("n", 0) + sum(shard.get("f", 0) for shard in shards)
        assert left[bucket] == credited - sum(item["qu"] for item in mine)
    return left


class Writer(threading.Thread):
    """Does its operations one after the other; what died is done again, as a queue would have it."""

    def __init__(self, history: "History", operations: list[Callable[[], None]]) -> None:
        super().__init__(daemon=True)
        self.turn, self.waits = threading.Semaphore(0), threading.Semaphore(0)
        self.over = False
        self.broken: BaseException | None = None
        self._history, self._operations = history, operations

    def run(self) -> None:
        self.turn.acquire()
        try:
            while self._operations:
                try:
                    self._operations[0]()
                except (Died, ConnectionError):
                    # The queue brings it again, at the most as often as there are deaths to die.
                    continue
                except CarillonError as error:
                    self._history.seen[type(error).__name__] += 1
                self._operations.pop(0)
                self._history.seen["operations"] += 1
        except BaseException as error:  # noqa: BLE001 - shown by the main thread
            self.broken = error
        self.over = True
        self.waits.release()


class History:
    """One history, as its seed says."""

    def __init__(self, seed: int, *, writers: int = 3, operations: int = 12, deaths: int = 6) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a seed that can be named
        self.table = MemoryTable(self._hook)
        self.messages, self.quota = [DynamoMessages(self.table) for _ in range(writers)], DynamoQuota(self.table)
        self.seen: Counter[str] = Counter()
        self._deaths, self._now = deaths, NOW
        self._active: Writer | None = None
        self._writers = [Writer(self, [self._operation(store) for _ in range(operations)]) for store in self.messages]

    def play(self) -> "History":
        """Play it to its end; raises what any writer met that it must not."""
        self.quota.credit(DATA, "sms", Credit("first", _id(self._random), self._random.randint(0, 30), "first", NOW))
        for writer in self._writers:
            writer.start()
        while alive := [writer for writer in self._writers if not writer.over]:
            self._active = self._random.choice(alive)
            self._active.turn.release()
            self._active.waits.acquire()
            broken = self._active.broken
            if broken is not None:
                raise broken
            audit(self.table.items)
        self._active = None
        self._close()
        return self

    def _close(self) -> None:
        """Settle what is still on its way, and put the day into the ledger."""
        store = self.messages[0]
        for item in [item for item in self.table.items.values() if item.get("ty") == "message"]:
            held = message_from_item(item)
            if held.status == "queued":
                assert store.withdraw(DATA, held, Moved("expired", self._now, "too_late"))
            elif held.status == "sending":
                assert store.finish(DATA, held, Moved("failed", self._now, "unreachable"), owner=str(held.owner))
        left, day = audit(self.table.items), NOW.date().isoformat()
        for bucket in BUCKETS:
            taken = [item["qu"] for item in self.table.items.values() if item.get("ch") == bucket and "qu" in item]
            use = DayUse(day, bucket, len(taken), sum(taken), closed=True)
            done = self.quota.count(DATA, use), self.quota.count(DATA, use)
            books, rows = (
                self.quota.books(DATA, bucket),
                self.quota.ledger(DATA, [bucket], limit=100, position=None).items,
            )
            if books.opened:
                assert done == (True, False)
                assert left[bucket] == books.left == sum(row.units for row in rows)

    def _hook(self, when: str) -> None:
        active = self._active
        if active is None or threading.current_thread() is not active:
            return
        self.seen["calls"] += 1
        if when != "after":
            active.waits.release()
            active.turn.acquire()
            if when == "before_transaction" and self._random.random() < 0.1:
                self.seen["conflicts"] += 1
                raise Contended("as if another transaction held it")
        if self._deaths and self._random.random() < 0.06:
            self._deaths -= 1
            self.seen["deaths" if when != "after" else "deaths after a write"] += 1
            raise Died(when) if self._random.random() < 0.5 else ConnectionError(when)

    def _operation(self, store: DynamoMessages) -> Callable[[], None]:
        chosen = self._random.random()
        if chosen < 0.1:
            units = self._random.randint(-8, 25)
            credit = Credit(f"key{self._random.randint(0, 4)}", _id(self._random), units, "x", NOW)
            bucket = self._random.choice(BUCKETS)
            return lambda: self._credit(bucket, credit)
        channel: Channel = "sms" if self._random.random() < 0.7 else "email"
        start = NOW + timedelta(hours=self._random.randint(0, 5))
        made = message(reminder_occasion(start=start), channel, id=_id(self._random), created_at=NOW)
        units = self._random.randint(1, 3) if channel == "sms" else 1
        seed = self._random.random()
        return lambda: self._step(store, replace(made, units=units), random.Random(seed))  # noqa: S311

    def _credit(self, bucket: Bucket, credit: Credit) -> None:
        self.seen["credited" if self.quota.credit(DATA, bucket, credit) else "credited before"] += 1

    def _step(self, store: DynamoMessages, made: Message, chance: random.Random) -> None:
        """Do with a message what may be done with it as it is."""
        item = self.table.get(keys.message(DATA, made.key.recipient, made.key.digest))
        if item is None:
            self.seen["created" if store.create(DATA, made, retention_days=90) else "created before"] += 1
            return
        held, now = message_from_item(item), self._now
        if held.status == "queued":
            choice = chance.random()
            if choice < 0.7:
                units = chance.randint(1, 4) if held.channel == "sms" else 1
                store.claim(DATA, held, Claim(made.id, now, "to", 1, units if held.units else None))
            else:
                status = chance.choice(("suppressed", "expired", "cancelled", "failed", "queued"))
                store.withdraw(DATA, held, Moved(status, now, "x"))
        elif held.status == "sending":
            self._finish(store, held, made, chance)
        else:
            status = chance.choice(("delivered", "failed", "read"))
            store.receipt(DATA, held.key, Moved(status, now, "unreachable" if status == "failed" else None))

    def _finish(self, store: DynamoMessages, held: Message, made: Message, chance: random.Random) -> None:
        now, status = self._now, chance.choice(("sent", "sent", "failed", "failed", "queued", "unknown", "delivered"))
        if status == "delivered":
            store.receipt(DATA, held.key, Moved(status, now))
            return
        parts = chance.randint(1, 4) if status == "sent" and held.channel == "sms" else None
        then = None
        if status == "failed" and held.channel == "sms":
            then = message(held.occasion, "email", id=made.id, created_at=NOW, units=chance.randint(0, 1))
        store.finish(DATA, held, Moved(status, now, "x", parts=parts), owner=str(held.owner), then=then)


def _id(chance: random.Random) -> str:
    return "".join(chance.choice("0123456789ABCDEFGHJKMNPQRSTVWXYZ") for _ in range(26)).replace("I", "0")


def main(histories: int) -> None:
    """Play histories and say what happened in all of them."""
    seen: Counter[str] = Counter()
    for seed in range(histories):
        seen += History(seed).play().seen
    sys.stdout.write(
        f"{histories} histories, all exact: "
        + ", ".join(f"{name} {count}" for name, count in sorted(seen.items()))
        + "\n"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
