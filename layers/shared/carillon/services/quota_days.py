"""The days of a quota: each day's messages are added up, and once all of them are settled, put into the ledger.

What stayed unknown for three days counts as sent. A day is counted the day after, for the usage report, and closed when
nothing of it can be on its way any more; until then its messages are the ledger's entries themselves.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from carillon.domain.channels import Bucket
from carillon.domain.messages import Message, MessageFilter
from carillon.domain.quota import DayUse, kept_buckets
from carillon.domain.simulation import is_test_data
from carillon.domain.values import value
from carillon.ports.messages import Messages
from carillon.ports.queues import Queues
from carillon.ports.quota import Quota
from carillon.ports.reading import Reader, Want
from carillon.ports.system import Clock

ASSUMED_AFTER = timedelta(hours=72)
"""How long an outcome may stay unknown before it counts as sent."""
SETTLED_AFTER = timedelta(days=8)
"""When nothing of a day is on its way: what waits longest, and then stays unknown, takes seven days."""
HELD = frozenset({"queued", "sending", "unknown"})
PAGE, PAGES = 100, 50
DAYS = 31
"""How many days one sweep has counted, so that a ledger that was left alone for long catches up bit by bit."""


@value
class Tidied:
    """What was done, for the log: messages assumed to be sent, and days that are being counted."""

    assumed: int = 0
    days: int = 0


@value
class QuotaDays:
    """Closes days."""

    quota: Quota
    messages: Messages
    reader: Reader
    queues: Queues
    clock: Clock

    def run(self, org_id: str) -> Tidied:
        """Do what is due for an organization; nothing for one that was never metered, at the cost of one read."""
        if is_test_data(org_id):
            return Tidied()
        organization = self.reader.read([Want(org_id)])[0].organization
        buckets = kept_buckets(organization) if organization is not None else []
        if not buckets:
            return Tidied()
        assumed = self._assume(org_id)
        return Tidied(assumed, sum(self._have_counted(org_id, bucket) for bucket in buckets))

    def _assume(self, org_id: str) -> int:
        """Count what stayed unknown as sent: it keeps what it took, and no longer shows as reserved."""
        now, count = self.clock.now(), 0
        for message in self._all(org_id, MessageFilter(status="unknown", since=now - 2 * SETTLED_AFTER)):
            late = message.timeline[-1][0] <= now - ASSUMED_AFTER
            if late and message.units and not message.assumed:
                count += self.quota.assume(org_id, message, now)
        return count

    def _have_counted(self, org_id: str, bucket: Bucket) -> int:
        """Have the days counted that are over and not counted, or that can be closed and are not."""
        opened = self.quota.books(org_id, bucket).opened
        today = self.clock.now().date()
        if not opened or opened >= today.isoformat():
            return 0
        first, last = date.fromisoformat(opened), today - timedelta(days=1)
        counted = {each.day for each in self.quota.days(org_id, bucket, opened, last.isoformat())}
        jobs = 0
        for number in range(min(DAYS, (last - first).days + 1)):
            day = first + timedelta(days=number)
            closes = number == 0 and day <= today - SETTLED_AFTER
            if closes or day.isoformat() not in counted:
                jobs += 1
                self.queues.send_job({"kind": "count_day", "o": org_id, "bucket": bucket, "day": day.isoformat()})
        return jobs

    def count(self, org_id: str, bucket: Bucket, day: str, so_far: dict[str, Any]) -> bool:
        """Go on counting a day, from where a job before this one came to; tells whether that was the end of it."""
        begin = datetime.combine(date.fromisoformat(day), time(), UTC)
        wanted = MessageFilter(channel=bucket, since=begin, until=begin + timedelta(days=1))
        position, now = so_far.get("position"), self.clock.now()
        messages, units, held = so_far.get("messages", 0), so_far.get("units", 0), so_far.get("held", 0)
        for _ in range(PAGES):
            page = self.messages.page(org_id, wanted, limit=PAGE, position=position, now=now)
            for message in page.items:
                messages += bool(message.units)
                units += message.units
                held += bool(message.units) and message.status in HELD and not message.assumed
            position = page.position
            if position is None:
                break
        else:
            state = {"position": position, "messages": messages, "units": units, "held": held}
            self.queues.send_job({"kind": "count_day", "o": org_id, "bucket": bucket, "day": day, **state})
            return False
        closed = not held and begin <= now - SETTLED_AFTER
        done = self.quota.count(org_id, DayUse(day, bucket, messages, units, closed=closed))
        if closed and done:
            # The next one may be due as well.
            self._have_counted(org_id, bucket)
        return True

    def _all(self, org_id: str, wanted: MessageFilter) -> Iterator[Message]:
        position, now = None, self.clock.now()
        while True:
            page = self.messages.page(org_id, wanted, limit=PAGE, position=position, now=now)
            yield from page.items
            position = page.position
            if position is None:
                return
