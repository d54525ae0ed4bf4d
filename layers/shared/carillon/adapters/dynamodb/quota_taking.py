"""Taking units from a bucket, in the transaction of what takes them.

Usually that is one write more: the shard's, on the condition that enough of it is free. Only when it isn't is the whole
bucket read, at one instant, and units are moved. Whoever meets another writer goes to another shard and stays there, so
writers spread exactly as far as they are many.
"""

import random
from collections.abc import Callable, Sequence
from datetime import datetime

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.items import Item
from carillon.adapters.dynamodb.table import ConditionsFailed, Table, Write
from carillon.domain.channels import Channel
from carillon.domain.errors import Contended
from carillon.domain.quota import SHARDS, Books, Crossing, Exhausted, Plan, Shard, plan
from carillon.domain.times import iso

Build = Callable[[int, int], Sequence[Write]]
"""Gives what is written along with taking so many units from a shard."""
ROUNDS = 12
PATIENCE = 2
"""How often a shard is tried against others before another one is."""


class Taking:
    """Takes units; remembers, for its process, the shard that served each bucket last."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._shards: dict[tuple[str, str], int] = {}

    def take(
        self,
        o: str,
        bucket: Channel,
        units: int,
        build: Build,
        now: datetime,
        *,
        shard: int | None = None,
        at_least: int | None = None,
    ) -> None:
        """Take units together with other writes: all or nothing.

        `shard`: the one to take them from, else any. Where fewer are left, but `at_least` so many, those are taken.
        Raises ConditionsFailed for conditions of the other writes (by their places), Exhausted, or Contended.
        """
        place = self._shards.get((o, bucket), 0) if shard is None else shard
        known = False
        for attempt in range(ROUNDS):
            # First plainly, on the chance that the shard has enough; from then on with the books at hand.
            books = books_of(self._table, o, bucket) if attempt else None
            planned = _plan(books, units, place, at_least, fixed=shard is not None)
            if planned is None and known and books is not None:
                self._note_exhausted(o, bucket, books, now)
                raise Exhausted(bucket)
            # That nothing is left counts only once it is known that the other writes would have been done.
            chosen = planned or Plan(place, units)
            others = list(build(chosen.units, chosen.shard))
            try:
                self._table.transact([*others, *_moves(o, bucket, chosen, books, now)], rounds=PATIENCE)
            except ConditionsFailed as error:
                own = [each for each in error.failed if each < len(others)]
                if own:
                    raise ConditionsFailed(own, error.unsure) from error
                known = not any(each < len(others) for each in error.unsure)
            except Contended:
                if shard is None:
                    place = random.randrange(SHARDS)  # noqa: S311 - spreads, hides nothing
            else:
                self._shards[o, bucket] = chosen.shard
                return
        raise Contended(f"the quota of {bucket} kept changing")

    def _note_exhausted(self, o: str, bucket: str, books: Books, now: datetime) -> None:
        """Note that something found too little, once until the next credit."""
        if books.exhausted:
            return
        condition = "(attribute_not_exists(cr) OR cr = :cr) AND attribute_not_exists(ou)"
        noted = Write(
            keys.quota_pool(o, bucket),
            update="SET ou = :at, #ty = :ty",
            condition=condition,
            values={"at": iso(now), "cr": books.credits, "ty": "quota"},
            names={"ty": "ty"},
        )
        try:
            self._table.transact([noted, crossing(o, bucket, "quota_exhausted", books.left, now)])
        except ConditionsFailed:
            # Somebody else noted it, or a credit came in between.
            return


def _plan(books: Books | None, units: int, shard: int, at_least: int | None, *, fixed: bool) -> Plan | None:
    if books is None:
        return Plan(shard, units)
    return plan(books, units, shard, at_least=units if at_least is None else at_least, fixed=fixed)


def books_of(table: Table, o: str, bucket: str) -> Books:
    """Read a bucket's counters as they are at one instant."""
    places = [keys.quota_pool(o, bucket), *(keys.quota_shard(o, bucket, number) for number in range(SHARDS))]
    found = table.transact_get(places)
    return _books(found.get(places[0], {}), [found.get(place, {}) for place in places[1:]])


def _books(pool: Item, shards: Sequence[Item]) -> Books:
    return Books(
        pool=pool.get("n", 0),
        credits=pool.get("cr", 0),
        base=pool.get("ba", 0),
        low="lo" in pool,
        exhausted="ou" in pool,
        closed=pool.get("cl", 0),
        opened=pool.get("op", ""),
        shards=tuple(Shard(each.get("g", 0), each.get("f", 0)) for each in shards),
    )


def _moves(o: str, bucket: str, planned: Plan, books: Books | None, now: datetime) -> list[Write]:
    """Give the writes of a plan: the shard's, and what is moved to it."""
    writes = [_shard(o, bucket, planned)]
    if planned.from_pool or planned.crosses:
        writes.append(_from_pool(o, bucket, planned, now))
    writes += [from_shard(o, bucket, number, units) for number, units in planned.from_shards]
    if planned.crosses and books is not None:
        writes.append(crossing(o, bucket, "quota_low", books.left - planned.units, now))
    return writes


def _shard(o: str, bucket: str, planned: Plan) -> Write:
    """Take the units from the shard, with what comes to it."""
    place, missing = keys.quota_shard(o, bucket, planned.shard), planned.units - planned.moved
    if not planned.moved:
        return Write(place, update="SET f = f - :u", condition="f >= :u", values={"u": planned.units})
    return Write(
        place,
        update="SET g = if_not_exists(g, :no) + :m, f = if_not_exists(f, :no) - :u, #ty = :ty",
        # A condition can't calculate, so it names what must be there already.
        condition="f >= :u" if missing > 0 else None,
        values={"m": planned.moved, "u": missing, "no": 0, "ty": "quota_shard"},
        names={"ty": "ty"},
    )


def _from_pool(o: str, bucket: str, planned: Plan, now: datetime) -> Write:
    place, values = keys.quota_pool(o, bucket), {"u": planned.from_pool}
    if not planned.crosses:
        return Write(place, update="SET n = n - :u", condition="n >= :u", values=values)
    condition = "n >= :u AND attribute_not_exists(lo)"
    return Write(place, update="SET n = n - :u, lo = :at", condition=condition, values={**values, "at": iso(now)})


def from_shard(o: str, bucket: str, number: int, units: int) -> Write:
    """Take granted units away from a shard that nobody has taken yet."""
    place = keys.quota_shard(o, bucket, number)
    return Write(place, update="SET g = g - :u, f = f - :u", condition="f >= :u", values={"u": units})


def given_back(o: str, bucket: str, number: int, units: int) -> Write:
    """Give units back to the shard that they were taken from."""
    place = keys.quota_shard(o, bucket, number)
    return Write(place, update="SET f = f + :u", condition="attribute_exists(pk)", values={"u": units})


def crossing(o: str, bucket: str, kind: Crossing, left: int, now: datetime) -> Write:
    """Note a crossing as an event: the stream has people told of it, and webhooks."""
    item = {"ty": "quota_event", "kind": kind, "b": bucket, "at": iso(now), "left": left}
    return Write(keys.quota_event(o, bucket, iso(now), kind), item=item)
