"""The rate at which an organization's messages are handed to their channels: a burst is spread out, nothing is dropped.

Virtual scheduling (GCRA): a lane knows when its next message would be due if all came evenly, and gives each a slot no
sooner than its burst allows. An organization has two lanes. Everything may use the general one; a fifth of the rate is
kept for what is urgent, so that a booking does not stand behind a hundred thousand reminders of the day before.
Instants are whole microseconds since 1970, so that sums are exact.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import ceil

from carillon.domain.messages import Message
from carillon.domain.values import value

SECOND = 1_000_000
BURST = 10
"""How many seconds' worth of messages go out at once."""
KEPT = 5
"""One part in so many of rate and burst is kept for what is urgent."""
FREE = 10
"""As many as a batch holds: what a process passes on by itself before it asks for slots."""
STALE = BURST * SECOND
"""How far others may have moved the general lane before somebody with something urgent looks again."""
SHARE = 100
"""One part in so many of the rate is what a process passes on by itself in the long run."""
URGENT_WITHIN = timedelta(hours=3)
BEFORE_DEADLINE = timedelta(minutes=2)
"""Slots end so long before a message's deadline: a message expires for many reasons, but not for its rate."""
RATE_LIMITED = "rate_limited"

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@value
class Lane:
    """One lane: microseconds between two slots in the long run, and how many may go at once."""

    interval: int
    burst: int

    def slot(self, tat: int, now: int) -> int:
        """Say when the next message may go; `tat`: when it would be due if all came evenly."""
        return max(now, max(tat, now) - (self.burst - 1) * self.interval)

    def after(self, tat: int, count: int, now: int) -> int:
        """Say when the next one would be due once `count` slots were given."""
        return max(tat, now) + count * self.interval


@value
class Used:
    """How far an organization's two lanes are given away; 0: unused."""

    general: int = 0
    kept: int = 0


@value
class Taking:
    """How many slots are taken of each lane; `within`: only if the general one is given away no further than this."""

    general: int
    kept: int
    within: int | None = None


@value
class Rate:
    """An organization's rate."""

    general: Lane
    kept: Lane
    free: Lane
    """What a process lets pass without asking."""

    def allot(self, used: Used, urgent: Sequence[bool], now: int) -> tuple[list[int], Used]:
        """Give each message of a batch its slot, and how far the lanes are given away then.

        Urgent ones come first, and take whichever lane is free sooner. Within a class the batch's order is kept.
        """
        slots = [0] * len(urgent)
        for place in sorted(range(len(urgent)), key=lambda place: not urgent[place]):
            general = self.general.slot(used.general, now)
            if urgent[place] and self.kept.slot(used.kept, now) < general:
                slots[place] = self.kept.slot(used.kept, now)
                used = Used(used.general, self.kept.after(used.kept, 1, now))
            else:
                slots[place] = general
                used = Used(self.general.after(used.general, 1, now), used.kept)
        return slots, used

    def taking(self, used: Used, urgent: Sequence[bool], now: int) -> Taking:
        """Say what a batch takes of each lane, by what is known of them."""
        _, after = self.allot(used, urgent, now)
        kept = (after.kept - max(used.kept, now)) // self.kept.interval if after.kept != used.kept else 0
        # What is urgent was put into the general lane for being the sooner one there.
        within = max(used.general, now) + STALE if sum(urgent) > kept else None
        return Taking(len(urgent) - kept, kept, within)

    def given(self, used: Used, urgent: Sequence[bool], taking: Taking, now: int) -> tuple[list[int], Used]:
        """Hand out slots that were taken: the sooner ones to what is urgent, each class in its order."""
        slots = []
        for _ in range(taking.general):
            slots.append(self.general.slot(used.general, now))
            used = Used(self.general.after(used.general, 1, now), used.kept)
        for _ in range(taking.kept):
            slots.append(self.kept.slot(used.kept, now))
            used = Used(used.general, self.kept.after(used.kept, 1, now))
        order = sorted(range(len(urgent)), key=lambda place: not urgent[place])
        handed = dict(zip(order, sorted(slots), strict=True))
        return [handed[place] for place in range(len(urgent))], used

    def is_behind(self, used: Used, now: int) -> bool:
        """Whether messages of the general lane have to wait."""
        return self.general.slot(used.general, now) > now


def rate_of(per_second: float) -> Rate | None:
    """Make the rate of so many messages a second; None: no rate, for 0."""
    if per_second <= 0:
        return None
    burst = max(KEPT, int(per_second * BURST))
    kept = burst // KEPT
    return Rate(
        general=Lane(ceil(SECOND * KEPT / ((KEPT - 1) * per_second)), burst - kept),
        kept=Lane(ceil(SECOND * KEPT / per_second), kept),
        free=Lane(ceil(SECOND * SHARE / per_second), FREE),
    )


def is_patient(message: Message) -> bool:
    """Whether a message may stand behind others: a reminder, recap or announcement with hours left until its deadline.

    A reminder `before` the start has two hours at most, so it goes ahead of one by days; who asked for something, or
    did something, waits for an answer.
    """
    told_ahead = message.occasion.reminder is not None or message.occasion.kind in ("recap", "posted")
    return told_ahead and message.deadline - message.created_at > URGENT_WITHIN


def micros(at: datetime) -> int:
    """Spell an instant as the lanes count it."""
    return (at - EPOCH) // timedelta(microseconds=1)


def slot_instant(slot: int, latest: datetime | None, now: datetime) -> datetime:
    """Give a slot as an instant, in whole seconds, as messages keep it; never past `latest`, nor before now."""
    at = EPOCH + timedelta(seconds=-(-slot // SECOND))
    if latest is not None and at > latest - BEFORE_DEADLINE:
        at = latest - BEFORE_DEADLINE
    return max(at, now)
