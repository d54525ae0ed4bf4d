"""A hot organization: 10,000 metered messages a minute, and how often each item of its quota is written.

    python bench/quota.py [MESSAGES_A_MINUTE] [WRITERS]

The code that takes units is the shipped one; the table is in memory, on a clock of its own. A transaction takes 12 ms,
and for 8 of them it holds its items: another one that needs one of these is cancelled, as DynamoDB does it. An item of
up to 1 KB costs a write unit, in a transaction two, cancelled ones included; a partition takes 1,000 a second.
"""

from __future__ import annotations

import heapq
import random
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "layers" / "shared")]

from carillon.adapters.dynamodb import quota_taking, table
from carillon.adapters.dynamodb.items import Item
from carillon.adapters.dynamodb.keys import Key
from carillon.adapters.dynamodb.messages import DynamoMessages
from carillon.adapters.dynamodb.quota import DynamoQuota
from carillon.adapters.dynamodb.table import PASSING, Write
from carillon.domain import quota as domain
from carillon.domain.errors import Contended
from carillon.domain.messages import Message
from carillon.domain.quota import Credit
from tests.builders import NOW, message
from tests.memory_table import MemoryTable

TAKES, HELD = 0.012, 0.008
PARTITION = 1_000
ORG = "hot"


class Turns:
    """One thread at a time, in the order of a clock that stands still while anybody works."""

    def __init__(self) -> None:
        self.now = 0.0
        self._queue: list[tuple[float, int, threading.Semaphore]] = []
        self._number = 0
        self._main = threading.Semaphore(0)

    def sleep(self, seconds: float) -> None:
        """Let others work until then."""
        mine = threading.Semaphore(0)
        self._push(self.now + seconds, mine)
        self._main.release()
        mine.acquire()

    def done(self) -> None:
        """Never work again."""
        self._main.release()

    def start(self, threads: Sequence[threading.Thread], begins: Sequence[threading.Semaphore]) -> None:
        """Run until nobody waits."""
        for thread, begin in zip(threads, begins, strict=True):
            self._push(0, begin)
            thread.start()
        while self._queue:
            at, _, turn = heapq.heappop(self._queue)
            self.now = max(self.now, at)
            turn.release()
            self._main.acquire()

    def _push(self, at: float, turn: threading.Semaphore) -> None:
        self._number += 1
        heapq.heappush(self._queue, (at, self._number, turn))


class SimulatedTable(MemoryTable):
    """The table in memory, where calls take time and transactions hold their items."""

    def __init__(self, turns: Turns) -> None:
        super().__init__()
        self._turns = turns
        self._held: dict[Key, float] = {}
        self.units: Counter[tuple[str, int]] = Counter()
        self.calls: Counter[str] = Counter()

    def transact_get(self, keys: Sequence[Key]) -> dict[Key, Item]:
        """Read items at one instant."""
        self.calls["read"] += 1
        self._turns.sleep(TAKES)
        return super().transact_get(keys)

    def write(self, write: Write) -> bool:
        """Do one write."""
        self._count([write], 1)
        self._turns.sleep(TAKES / 2)
        return super().write(write)

    def transact(self, writes: Sequence[Write], *, token: str | None = None, rounds: int = table.ROUNDS) -> None:
        """Do all writes or none; one that meets another is cancelled and tried again."""
        for attempt in range(rounds):
            self._count(writes, 2)
            self.calls["transaction"] += 1
            if any(self._held.get(write.key, 0) > self._turns.now for write in writes):
                self.calls["conflict"] += 1
                self._turns.sleep(TAKES / 2)
                if attempt + 1 < rounds:
                    self._turns.sleep(random.uniform(0.5, 1) * table.FIRST_PAUSE * 2**attempt)  # noqa: S311
                continue
            for write in writes:
                self._held[write.key] = self._turns.now + HELD
            self._turns.sleep(TAKES)
            super().transact(writes, token=token, rounds=rounds)
            return
        raise Contended(f"one of {sorted(PASSING)}")

    def _count(self, writes: Sequence[Write], each: int) -> None:
        for write in writes:
            if "#Q#" in write.key[0]:
                self.units[" ".join(write.key), int(self._turns.now)] += each


def message_number(number: int) -> Message:
    """Make one of many messages, each to a person of his own."""
    return message(channel="sms", recipient=f"c:{number}", id=f"{number:026d}", units=2)


def play(per_minute: int, writers: int, shards: int) -> None:
    """Take and give back for a minute's messages, and say what that cost."""
    for module in (domain, quota_taking):
        vars(module)["SHARDS"] = shards
    turns = Turns()
    simulated = SimulatedTable(turns)
    lag: list[float] = []
    failed: Counter[str] = Counter()

    def work(writer: int, begin: threading.Semaphore) -> None:
        begin.acquire()
        # Each writer is a process of its own, with a memory of its own.
        store = DynamoMessages(simulated)
        for number in range(writer, per_minute, writers):
            due = number * 60 / per_minute
            if due > turns.now:
                turns.sleep(due - turns.now)
            try:
                store.create(ORG, message_number(number), retention_days=90)
            except Contended:
                failed["given up"] += 1
            lag.append(turns.now - due)
        turns.done()

    def credit(begin: threading.Semaphore) -> None:
        begin.acquire()
        credited = Credit("k", "0" * 26, per_minute * 4, "bench", NOW)
        DynamoQuota(simulated).credit(ORG, "sms", credited)
        turns.done()

    ready = threading.Semaphore(0)
    turns.start([threading.Thread(target=credit, args=(ready,))], [ready])
    turns.now = 0.0
    begins = [threading.Semaphore(0) for _ in range(writers)]
    threads = [threading.Thread(target=work, args=each) for each in enumerate(begins)]
    turns.start(threads, begins)
    _report(simulated, lag, failed, f"{shards} shards, {per_minute:,} messages a minute, {writers} writers", per_minute)


def _report(simulated: SimulatedTable, lag: list[float], failed: Counter[str], title: str, per_minute: int) -> None:
    busiest = Counter[str]()
    for (name, _), units in simulated.units.items():
        busiest[name] = max(busiest[name], units)
    books = DynamoQuota(MemoryTableOf(simulated)).books(ORG, "sms")
    lag.sort()
    (hottest, peak), *_ = busiest.most_common(1)
    used = sum(1 for shard in books.shards if shard.granted)
    calls, done = simulated.calls, per_minute - failed["given up"]
    print(title)
    where = hottest.removeprefix(ORG)
    print(f"  at most {peak:,} write units a second on one item ({where}) of {PARTITION:,} in a partition")
    print(f"  {used} shards used; {calls['conflict'] / per_minute * 100:.1f} conflicts per 100 messages")
    print(
        f"  {calls['transaction'] / per_minute:.2f} transactions and {calls['read'] / per_minute:.3f} reads a message"
    )
    print(f"  taken after {lag[len(lag) // 2] * 1000:.0f} ms (median), {lag[int(len(lag) * 0.99)] * 1000:.0f} ms (p99)")
    print(f"  {failed['given up']} left to their queue; books exact: {books.used == 2 * done}")


class MemoryTableOf(MemoryTable):
    """Reads a simulated table when all is over."""

    def __init__(self, simulated: MemoryTable) -> None:
        super().__init__()
        self.items = simulated.items


def main() -> None:
    """Compare one hot item with the shards as shipped."""
    random.seed(7)
    per_minute = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    writers = int(sys.argv[2]) if len(sys.argv) > 2 else 40  # noqa: PLR2004
    shipped = domain.SHARDS
    for shards in (1, shipped):
        play(per_minute, writers, shards)


if __name__ == "__main__":
    main()
