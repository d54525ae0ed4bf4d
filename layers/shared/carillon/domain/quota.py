"""Quota: what an organization may still send, per bucket, as books that always balance.

A bucket is a channel: `sms` counts parts, the others messages; push is never metered. Units come in by credits and lie
in a pool, from where they are granted to shards, so that many may take at once without writing the same item. A
message takes its units when it is queued and keeps them once it is accepted; what never went out gives them back.

    pool + granted of all shards       = credits
    granted - free of a shard          = units of the messages that took theirs from it
    free of a shard, pool              ≥ 0
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from carillon.domain.channels import BUCKETS, CHANNELS, Bucket, Channel
from carillon.domain.errors import CarillonError
from carillon.domain.messages import Message
from carillon.domain.organizations import Organization
from carillon.domain.own_texts import OWN_KEY, OwnTexts
from carillon.domain.simulation import is_test_data
from carillon.domain.sms import measure
from carillon.domain.values import value

__all__ = [
    "BUCKETS",
    "SHARDS",
    "Books",
    "Bucket",
    "Credit",
    "Crossing",
    "DayUse",
    "Entry",
    "Exhausted",
    "Plan",
    "Shard",
    "bucket_of",
    "debit",
    "is_metered",
    "kept_buckets",
    "metered_buckets",
    "plan",
    "units_at_queue",
    "units_written",
]

SHARDS = 16
"""Shards of a bucket. Whoever meets nobody uses the first alone, so a small balance is not scattered."""
LOW = 5
"""The balance is low when no more than one in so many is left of what there was after the last credit."""
GRANT = 4
"""A shard is granted one in so many of the pool's units."""
BUILT_IN_PARTS = 2
"""What a built-in SMS takes at most, with names of usual length."""
OWN_PARTS = 4
"""What is set aside for an organization's own SMS until it is written out."""
Crossing = Literal["quota_low", "quota_exhausted"]


class Exhausted(CarillonError):
    """There are fewer units left in a bucket than something needs; nothing was written."""

    def __init__(self, bucket: Channel) -> None:
        super().__init__(f"the quota of {bucket} is exhausted")
        self.bucket = bucket


@value
class Shard:
    """A share of a bucket: units granted to it, and those of them that nobody has taken."""

    granted: int = 0
    free: int = 0


@value
class Books:
    """A bucket's counters at one instant.

    `credits`: everything ever credited, less what was taken back. `base`: what was left after the last credit.
    `low`, `exhausted`: that the crossing was noted since then. `closed`: units of the days that are in the ledger.
    `opened`: the first day that isn't.
    """

    pool: int = 0
    credits: int = 0
    base: int = 0
    low: bool = False
    exhausted: bool = False
    closed: int = 0
    opened: str = ""
    shards: tuple[Shard, ...] = (Shard(),) * SHARDS

    @property
    def left(self) -> int:
        """What may still be taken."""
        return self.pool + sum(shard.free for shard in self.shards)

    @property
    def used(self) -> int:
        """What messages took and keep, or hold while they are on their way."""
        return sum(shard.granted - shard.free for shard in self.shards)

    @property
    def is_low(self) -> bool:
        """Whether 80 % of what there was after the last credit is used."""
        return self.left <= self.base // LOW


@value
class Plan:
    """How units are taken: by which shard, and what is moved to it from the pool and from other shards first.

    `crosses`: with this the balance becomes low, and that was not noted yet.
    """

    shard: int
    units: int
    from_pool: int = 0
    from_shards: tuple[tuple[int, int], ...] = ()
    crosses: bool = False

    @property
    def moved(self) -> int:
        """What comes to the shard."""
        return self.from_pool + sum(units for _, units in self.from_shards)


def plan(books: Books, units: int, shard: int, *, at_least: int, fixed: bool = False) -> Plan | None:
    """Plan how to take units, by a preferred shard, or by that one alone (`fixed`); None: too few are left.

    Where fewer are left than wanted but `at_least` so many, those are taken. The pool keeps its last fifth until all
    shards are empty, so that taking from it is the very moment at which the balance becomes low.
    """
    if books.left < at_least:
        return None
    units = min(units, books.left)
    need = units - books.shards[shard].free
    if need <= 0:
        return Plan(shard, units)
    floor = 0 if books.low else books.base // LOW + 1
    spare = max(0, books.pool - floor)
    if spare >= need:
        return Plan(shard, units, from_pool=min(spare, max(need, -(-books.pool // GRANT))))
    roomy = next((place for place, each in enumerate(books.shards) if each.free >= units), None)
    if roomy is not None and not fixed:
        return Plan(roomy, units)
    gathered = _gather(books.shards, need - spare, shard)
    missing = need - spare - sum(part for _, part in gathered)
    crosses = not books.low and books.left - units < floor
    return Plan(shard, units, spare + missing, gathered, crosses)


def debit(books: Books, units: int) -> Plan | None:
    """Plan how to take units back from the pool and, if they don't suffice, from the shards; None: too few are left.

    The plan's shard takes nothing; `from_pool` and `from_shards` are what goes.
    """
    if books.left < units:
        return None
    from_pool = min(books.pool, units)
    return Plan(-1, units, from_pool, _gather(books.shards, units - from_pool, -1))


def _gather(shards: Sequence[Shard], units: int, but: int) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    fullest = sorted(range(len(shards)), key=lambda place: -shards[place].free)
    for place in fullest:
        part = min(units, shards[place].free) if place != but else 0
        if part > 0:
            found.append((place, part))
            units -= part
    return tuple(found)


@value
class Credit:
    """Units given, or taken back where they are negative.

    `key` makes it one: the same key is credited once, whoever brings it, however often.
    """

    key: str
    id: str
    units: int
    reason: str
    at: datetime
    actor: str | None = None


@value
class Entry:
    """A row of the ledger: a credit, or what the messages of a day took (negative), once all of them are settled."""

    id: str
    bucket: Bucket
    kind: Literal["credit", "day"]
    units: int
    at: datetime
    reason: str | None = None
    actor: str | None = None
    day: str | None = None
    messages: int | None = None


@value
class DayUse:
    """What one day's messages took from a bucket; `closed`: no more of it will change."""

    day: str
    bucket: Bucket
    messages: int
    units: int
    closed: bool


def bucket_of(channel: Channel | None) -> Bucket | None:
    """Name the bucket that a channel's messages take from."""
    return next((bucket for bucket in BUCKETS if bucket == channel), None)


def is_metered(organization: Organization, channel: Channel | None) -> bool:
    """Whether a message on a channel takes units: never for test data."""
    bucket = bucket_of(channel)
    return bucket is not None and bucket in (organization.metering or {}) and not is_test_data(organization.id)


def units_at_queue(
    organization: Organization,
    channel: Channel | None,
    template: str = OWN_KEY,
    audience: str = "client",
    own: OwnTexts | None = None,
) -> int:
    """Say how many units a message takes when it is queued, 0 where it is not metered.

    Of an SMS that is not written yet it is an upper bound, which its sender puts right before the call. Without a
    template it is anybody's text.
    """
    if channel is None or not is_metered(organization, channel):
        return 0
    if CHANNELS[channel].unit != "part":
        return 1
    written = template.startswith(OWN_KEY) or any(
        mark.startswith(f"{template}#{audience}#sms#") for mark in (own.marks if own is not None else ())
    )
    return OWN_PARTS if written else BUILT_IN_PARTS


def units_written(message: Message, text: str) -> int:
    """Say how many units a message takes now that it is written; 0 where it isn't metered."""
    in_parts = message.channel is not None and CHANNELS[message.channel].unit == "part"
    return max(1, measure(text).parts) if message.units and in_parts else message.units


def metered_buckets(organization: Organization) -> list[Bucket]:
    """Name the buckets that are metered now, in order."""
    return [bucket for bucket in BUCKETS if is_metered(organization, bucket)]


def kept_buckets(organization: Organization) -> list[Bucket]:
    """Name the buckets that have books: those metered now, or once."""
    known = {*organization.ledgers, *metered_buckets(organization)}
    return [bucket for bucket in BUCKETS if bucket in known and not is_test_data(organization.id)]
