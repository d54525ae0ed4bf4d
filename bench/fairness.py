"""How long another organization's single message waits while one has 100,000 reminders due at once.

    python bench/fairness.py [REMINDERS] [MESSAGES_A_SECOND]

The slots are given by the shipped code, by as many processes as dispatch at once, over a table in memory. Around it:

- EventBridge Scheduler brings 1,000 reminders a second to the due queue (its quota), which knows no tenants; or, as the
  worst case, all lie there at once. 100 batches of 10 are dispatched at a time, each in 90 ms, 200 of them a second at
  most: a new table takes 4,000 write units a second, and ten messages with their index rows take 20.
- A channel's queue hands out batches of 10 to so many senders at once as the template says; a batch takes as long as
  its provider: 0.4 s for e-mail and SMS, 1 s for WhatsApp. A fair queue prefers organizations that are not noisy; noisy
  is who has 30 messages or more, and over a tenth of all, in flight (AWS's documentation; it calls them approximate).
  Without fairness the queue is first come, first served, which says what the rate alone does.
- SQS delays by whole seconds; schedules of what waits over 15 minutes fire on time here, and within a minute at AWS.
- Another organization sends one message every second, past the due queue, as a booking's confirmation does, and has
  one reminder due every second, behind all that is due. How long a message waits until a sender has it is what counts.
"""

from __future__ import annotations

import heapq
import sys
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "layers" / "shared")]

from carillon.adapters.dynamodb.rates import DynamoRates
from carillon.domain.rates import EPOCH, SECOND, rate_of, slot_instant
from carillon.services.pacing import Pace
from tests.memory_table import MemoryTable

BUSY, QUIET = "busy", "quiet"
BATCH = 10
SCHEDULER = 1_000
DISPATCHERS, DISPATCH_TAKES, DISPATCH_MOST = 100, 0.09, 200
NOISY_COUNT, NOISY_SHARE = 30, 0.1
CHANNELS = {"email": (20, 0.4), "sms": (4, 0.4), "whatsapp": (8, 1.0)}
START = 1_800_000_000
PROBED = 600

Arrival = tuple[float, str]
"""When a message may be received, and whose it is."""


class CountingTable(MemoryTable):
    """The table in memory; counts its writes by the second."""

    def __init__(self) -> None:
        super().__init__(self._count)
        self.calls, self.now, self.by_second = 0, 0.0, dict[int, int]()

    def _count(self, when: str) -> None:
        if when == "before":
            self.calls += 1
            self.by_second[int(self.now)] = self.by_second.get(int(self.now), 0) + 1


def dispatched(due: Sequence[Arrival], per_second: float, table: CountingTable) -> list[tuple[float, float, str]]:
    """Dispatch what is due; gives when each was due, when its channel's queue has it for a sender, and whose it is."""
    rate = rate_of(per_second)
    paces = [Pace(rate, DynamoRates(table), _failed) for _ in range(DISPATCHERS)] if rate is not None else []
    free = [(0.0, number) for number in range(DISPATCHERS)]
    out: list[tuple[float, float, str]] = []
    place, begun = 0, 0.0
    while place < len(due):
        at, number = heapq.heappop(free)
        at = begun = max(at, begun + 1 / DISPATCH_MOST, due[place][0])
        batch = list(due[place : min(place + BATCH, bisect_right(due, (at, "~")))])
        place += len(batch)
        table.now = at
        for org_id in dict.fromkeys(org for _, org in batch):
            mine = [each for each in batch if each[1] == org_id]
            ready = at + DISPATCH_TAKES
            now = int((START + ready) * SECOND)
            slots = paces[number].slots(org_id, [False] * len(mine), now) if paces else [now] * len(mine)
            out += [
                (was_due, max(ready, _seconds(slot, now)), org)
                for (was_due, org), slot in zip(mine, slots, strict=True)
            ]
        heapq.heappush(free, (at + DISPATCH_TAKES, number))
    return out


def _seconds(slot: int, now: int) -> float:
    if slot <= now:
        return now / SECOND - START
    moment = EPOCH + timedelta(microseconds=now)
    return (slot_instant(slot, None, moment) - EPOCH).total_seconds() - START


def _failed(_: str, error: Exception) -> None:
    raise error


def received(arrivals: Iterable[Arrival], senders: int, takes: float, *, fair: bool) -> dict[str, list[float]]:
    """Let senders empty a channel's queue; gives each organization's waits, in the order in which they ended."""
    coming = deque(sorted(arrivals))
    here: dict[str, deque[float]] = {BUSY: deque(), QUIET: deque()}
    free, flying = [0.0] * senders, list[tuple[float, dict[str, int]]]()
    waits: dict[str, list[float]] = {BUSY: [], QUIET: []}
    while coming or any(here.values()):
        at = heapq.heappop(free)
        if not any(here.values()):
            at = max(at, coming[0][0])
        while coming and coming[0][0] <= at:
            ready, org = coming.popleft()
            here[org].append(ready)
        while flying and flying[0][0] <= at:
            heapq.heappop(flying)
        in_flight = {org: sum(batch.get(org, 0) for _, batch in flying) for org in here}
        noisy = {org for org, n in in_flight.items() if n >= NOISY_COUNT and n > NOISY_SHARE * sum(in_flight.values())}
        batch: dict[str, int] = {}
        for _ in range(BATCH):
            there = [org for org in here if here[org]]
            if not there:
                break
            org = min(there, key=lambda org: (fair and org in noisy, here[org][0]))
            waits[org].append(at - here[org].popleft())
            batch[org] = batch.get(org, 0) + 1
        heapq.heappush(free, at + takes)
        heapq.heappush(flying, (at + takes, _Batch(batch)))
    return waits


class _Batch(dict[str, int]):
    """Compares with nothing: two batches may end at the same time."""

    def __lt__(self, _: object) -> bool:
        return False


def _shown(waits: Sequence[float]) -> str:
    ordered = sorted(waits)
    p50, p99 = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
    return f"p50 {p50:6.1f} s  p99 {p99:6.1f} s  most {ordered[-1]:6.1f} s"


def play(count: int, per_second: float, *, at_once: bool) -> None:
    """Say how long another organization's messages wait, with and without the rate, with and without fair queues."""
    busy = [(0.0 if at_once else number / SCHEDULER, BUSY) for number in range(count)]
    due = sorted([*busy, *((float(number), QUIET) for number in range(PROBED))])
    print(f"\n{count:,} reminders {'in the due queue at once' if at_once else f'due, {SCHEDULER:,} a second'}")
    for rate in (0.0, per_second):
        table = CountingTable()
        out = dispatched(due, rate, table)
        name = f"rate {rate:g}/s" if rate else "no rate  "
        if rate:
            peak = max(table.by_second.values(), default=0)
            print(f"  {table.calls:,} writes to {len(table.items)} rate items, {peak} a second at most")
            last = max(ready for _, ready, org in out if org == BUSY)
            print(f"  the busy organization's last slot: after {last / 60:.1f} min")
        behind = [ready - was_due for was_due, ready, org in out if org == QUIET]
        print(f"  {name}  another's due reminder until its channel's queue has it: {_shown(behind)}")
        for channel, (senders, takes) in CHANNELS.items():
            arrivals = [(ready, org) for _, ready, org in out if org == BUSY] + [
                (n + 0.5, QUIET) for n in range(PROBED)
            ]
            for fair in (False, True):
                waits = received(arrivals, senders, takes, fair=fair)[QUIET]
                kind = "fair queue    " if fair else "plain queue   "
                print(f"  {name}  {channel:8}  {kind} another's message until a sender has it: {_shown(waits)}")


def main() -> None:
    """Play the burst as the scheduler brings it, and as the worst case."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    per_second = float(sys.argv[2]) if len(sys.argv) > 2 else 100.0  # noqa: PLR2004
    for at_once in (False, True):
        play(count, per_second, at_once=at_once)


if __name__ == "__main__":
    main()
