"""Counts of messages by day, channel, status and reason: counted from the messages themselves, so never off.

A status changes for days after a message was made (receipts), so a counter beside the messages would take a write per
change and a recount now and then, and would still only be about right. Counting reads each message once, a read unit
for two: a hundred thousand of them cost about a cent.
"""

from collections import Counter
from typing import Annotated, Literal, get_args

from carillon.domain.constraints import Check, Text, document
from carillon.domain.errors import InvalidValue
from carillon.domain.listing import Page
from carillon.domain.messages import Message, MessageFilter
from carillon.domain.spans import Moment, span_of
from carillon.domain.times import to_wall
from carillon.domain.values import value
from carillon.ports.messages import Messages
from carillon.ports.reading import Reader, Want
from carillon.ports.system import Clock
from carillon.services.activation import require_active
from carillon.services.log import beginning

Group = Literal["day", "channel", "status", "reason"]
GROUPS: tuple[Group, ...] = get_args(Group)
Key = tuple[str | None, str | None, str | None, str | None]
PAGE = 5_000
PAGES_PER_CALL = 4
"""20,000 messages a call: some five seconds of Lambda, well below the 29 a door has."""


def _groups(text: str) -> None:
    named = text.split(",")
    if len(set(named)) != len(named) or not set(named) <= set(GROUPS):
        raise InvalidValue(f"must be some of {','.join(GROUPS)}, each once, with commas between")


@document
class SummaryQuery:
    """Of which time (days are the organization's own, `to` included), and counted by what."""

    from_: Moment | None = None
    to: Moment | None = None
    group_by: Annotated[str, Text(max=40, min=1), Check(_groups)] = ",".join(GROUPS)
    cursor: Annotated[str, Text(max=2000, min=1)] | None = None


@value
class Counted:
    """How many messages there are of a group; what it isn't grouped by is None. `parts`: SMS parts in all."""

    day: str | None
    channel: str | None
    status: str | None
    reason: str | None
    count: int
    parts: int


@value
class Summarising:
    """Counts messages."""

    messages: Messages
    reader: Reader
    clock: Clock

    def page(self, org_id: str, query: SummaryQuery, position: str | None) -> Page[Counted]:
        """Count what one call can; where there is more, the next page's counts are to be added to these.

        Raises Forbidden while inactive, Invalid for a span that can't be.
        """
        snapshot = self.reader.read([Want(org_id)])[0]
        require_active(snapshot)
        if snapshot.settings is None:
            return Page([])
        zone = snapshot.settings.time_zone
        span = span_of(query.from_, query.to, zone)
        wanted = MessageFilter(since=beginning(snapshot, span.since), until=span.until)
        groups, now = query.group_by.split(","), self.clock.now()
        counts: Counter[Key] = Counter()
        parts: Counter[Key] = Counter()
        for _ in range(PAGES_PER_CALL):
            page = self.messages.page(org_id, wanted, limit=PAGE, position=position, now=now)
            for message in page.items:
                key = _key(message, groups, zone)
                counts[key] += 1
                parts[key] += message.parts or 0
            position = page.position
            if position is None:
                break
        found = sorted(counts, key=lambda key: tuple(item or "" for item in key))
        return Page([Counted(*key, counts[key], parts[key]) for key in found], position)


def _key(message: Message, groups: list[str], zone: str) -> Key:
    own = {
        "day": to_wall(message.created_at, zone).date().isoformat(),
        "channel": message.shown_channel,
        "status": message.status,
        "reason": message.reason,
    }
    day, channel, status, reason = (own[name] if name in groups else None for name in GROUPS)
    return day, channel, status, reason
