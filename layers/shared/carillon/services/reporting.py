"""The report of what was sent, message by message, page by page."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Literal

from carillon.domain.channels import Channel
from carillon.domain.constraints import Id, Text, Whole, document
from carillon.domain.errors import Fault, Invalid
from carillon.domain.listing import Page
from carillon.domain.messages import REACHED, Message, MessageFilter, Status
from carillon.domain.spans import Moment, span_of
from carillon.domain.values import value
from carillon.ports.messages import Messages
from carillon.ports.reading import Reader, Snapshot, Want
from carillon.ports.system import Clock
from carillon.services.activation import require_active
from carillon.services.log import beginning

HANDED_OVER: frozenset[str] = REACHED | {"failed"}
"""Statuses of messages that a provider was given, or that failed on the way to it."""
PAGE, LONGEST_PAGE = 50, 100
ROWS_OF_A_FILE = 5_000
"""The most lines of one CSV answer, about 1.5 MB: Lambda answers API Gateway's HTTP API whole, and 6 MB at most."""


@document
class ReportQuery:
    """Which messages: of a channel, made in a span of time (days are the organization's own, `to` included).

    Without `status`, what was handed over to a provider: sent, delivered, read, failed, unknown. `limit`: 1 to 100
    (50 without it), for CSV up to 5,000 (as many without it).
    """

    channel: Channel | None = None
    status: Status | None = None
    client_id: Id | None = None
    origin: Literal["automatic", "manual"] | None = None
    from_: Moment | None = None
    to: Moment | None = None
    format: Literal["json", "csv"] = "json"
    limit: Annotated[int, Whole(1, ROWS_OF_A_FILE)] | None = None
    cursor: Annotated[str, Text(max=2000, min=1)] | None = None


@value
class Reported:
    """A message of the report, and who got it; no name: a contact of the settings, or somebody who is gone."""

    message: Message
    name: str | None


@value
class Report:
    """A page of the report, and the zone in which its reader lives."""

    page: Page[Reported]
    zone: str


@value
class Reporting:
    """Reports what was sent."""

    messages: Messages
    reader: Reader
    clock: Clock

    def page(self, org_id: str, query: ReportQuery, position: str | None) -> Report:
        """Read a page, newest first; raises Forbidden while inactive, Invalid for a span or limit that can't be."""
        named = (query.client_id,) if query.client_id is not None else ()
        snapshot = self.reader.read([Want(org_id, clients=named)])[0]
        require_active(snapshot)
        if snapshot.settings is None:
            return Report(Page([]), "UTC")
        zone = snapshot.settings.time_zone
        wanted = _filter(query, snapshot, zone)
        limit = _limit(query)
        found = self.messages.page(org_id, wanted, limit=limit, position=position, now=self.clock.now())
        kept = [each for each in found.items if query.status is not None or each.status in HANDED_OVER]
        names = self._names(org_id, kept)
        return Report(Page([Reported(each, names.get(each.key.recipient)) for each in kept], found.position), zone)

    def _names(self, org_id: str, messages: Sequence[Message]) -> Mapping[str, str]:
        """Read who they went to, in one call per 100 people; a merged client is called as it is now."""
        clients = tuple(sorted({each.client_id for each in messages if each.client_id is not None}))
        staff = tuple(sorted({each.staff_id for each in messages if each.staff_id is not None}))
        if not clients and not staff:
            return {}
        found = self.reader.read([Want(org_id, clients=clients, staff=staff)])[0]
        names = {f"c:{known}": client.full_name for known, client in found.clients.items()}
        return names | {f"s:{known}": member.name for known, member in found.staff.items()}


def _filter(query: ReportQuery, snapshot: Snapshot, zone: str) -> MessageFilter:
    span = span_of(query.from_, query.to, zone)
    client = snapshot.clients.get(query.client_id or "")
    wanted = MessageFilter(
        channel=query.channel,
        status=query.status,
        client_id=query.client_id,
        origin=query.origin,
        since=beginning(snapshot, span.since),
        until=span.until,
    )
    return wanted if client is None else replace(wanted, client_id=client.id, former=tuple(client.merged))


def _limit(query: ReportQuery) -> int:
    if query.format == "csv":
        return query.limit or ROWS_OF_A_FILE
    if query.limit is not None and query.limit > LONGEST_PAGE:
        raise Invalid([Fault("/limit", "invalid_value", f"must be at most {LONGEST_PAGE}, but for CSV")])
    return query.limit or PAGE
