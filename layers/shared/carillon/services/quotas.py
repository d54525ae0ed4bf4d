"""Quota as people see it: what is left, the ledger, credits, and what every organization used."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Annotated, Literal

from carillon.domain.channels import ALL, Bucket, Channel
from carillon.domain.codec import loads
from carillon.domain.constraints import Instant, Text, Whole, document
from carillon.domain.errors import Conflict, Contended, Fault, Invalid, NotFound
from carillon.domain.idempotency import Attempt, RepeatedError
from carillon.domain.listing import ListQuery, Page
from carillon.domain.messages import MessageFilter
from carillon.domain.organizations import OPERATOR_ORG, Organization
from carillon.domain.quota import (
    Credit,
    DayUse,
    Entry,
    Exhausted,
    kept_buckets,
    metered_buckets,
)
from carillon.domain.times import iso
from carillon.domain.values import value
from carillon.ports.directory import Answers, Organizations
from carillon.ports.messages import Messages
from carillon.ports.quota import Quota
from carillon.ports.system import Clock, Ids
from carillon.ports.upkeep import Watermarks

ON_THE_WAY = ("sending", "unknown")
LONGEST_WAIT = timedelta(days=4)
"""No message waits for longer in the queue."""
OVERLAP = timedelta(minutes=30)
PAGE, PAGES = 100, 50
AT_ONCE = 16
LONGEST_SPAN = 366


@document
class MeteredBucket:
    """What is left of a bucket.

    `balance`: what may still be queued; `reserved`: what is queued or on its way, and no longer in the balance. `low`:
    four fifths of what there was after the last credit are used.
    """

    metered: Literal[True] = True
    balance: int
    reserved: int
    low: bool


@document
class UnmeteredBucket:
    """A bucket that nobody counts."""

    metered: Literal[False] = False


@document
class QuotaView:
    """Every bucket, by channel; `sms` counts parts."""

    buckets: dict[Channel, MeteredBucket | UnmeteredBucket]


@document
class LedgerRow:
    """A row of the ledger.

    `credit`: units given, or taken back where `amount` is negative. `day`: what the messages that were made on a day
    (UTC) took, once all of them are settled.
    """

    id: str
    bucket: Bucket
    kind: Literal["credit", "day"]
    amount: int
    at: Instant
    reason: str | None = None
    day: str | None = None
    messages: int | None = None


@document
class LedgerQuery(ListQuery):
    """One bucket's rows, or all."""

    bucket: Bucket | None = None


@document
class CreditInput:
    """Units for a bucket; a negative amount takes back what is left, and no more."""

    bucket: Bucket
    amount: Annotated[int, Whole(-1_000_000_000, 1_000_000_000)]
    reason: Annotated[str, Text(max=200, min=1)]


Day = Annotated[str, Text(max=10, min=10, pattern=r"\d{4}-\d{2}-\d{2}")]


@document
class UsageQuery(ListQuery):
    """Days in UTC, both included, by default those of this month; `limit` counts organizations."""

    from_: Day | None = None
    to: Day | None = None
    format: Literal["json", "csv"] = "json"


@document
class UsageRow:
    """What an organization used of a bucket in the span.

    `final`: every day of it is closed and will not change; else units may still be given back, and the last days may
    not be counted yet.
    """

    organization_id: str
    name: str
    bucket: Bucket
    metered: bool
    messages: int
    units: int
    final: bool


@value
class Quotas:
    """Use cases of quota. What messages take, they take by themselves."""

    quota: Quota
    organizations: Organizations
    messages: Messages
    marks: Watermarks
    answers: Answers
    clock: Clock
    ids: Ids

    def view(self, org_id: str) -> QuotaView:
        """Show every bucket."""
        organization = self._organization(org_id)
        metered = metered_buckets(organization)
        reserved = self._reserved(org_id, metered) if metered else {}
        shown: dict[Channel, MeteredBucket | UnmeteredBucket] = {}
        for channel in ALL:
            bucket = next((each for each in metered if each == channel), None)
            if bucket is None:
                shown[channel] = UnmeteredBucket()
                continue
            books = self.quota.books(org_id, bucket)
            shown[channel] = MeteredBucket(balance=books.left, reserved=reserved.get(bucket, 0), low=books.is_low)
        return QuotaView(buckets=shown)

    def ledger(self, org_id: str, query: LedgerQuery, position: str | None) -> Page[LedgerRow]:
        """List the ledger, newest first."""
        kept = kept_buckets(self._organization(org_id))
        buckets = [each for each in kept if query.bucket in (None, each)]
        page = self.quota.ledger(org_id, buckets, limit=query.limit, position=position)
        return Page([_row(entry) for entry in page.items], page.position)

    def credit(self, org_id: str, given: CreditInput, attempt: Attempt | None, by: str | None) -> LedgerRow:
        """Give units to an organization, or take them back; raises NotFound, Invalid, Conflict."""
        if attempt is not None and (stored := self.answers.find(OPERATOR_ORG, attempt.key)):
            return loads(LedgerRow, attempt.same(stored).body)
        organization = self._organization(org_id)
        faults = [] if given.amount else [Fault("/amount", "invalid_value", "must not be 0")]
        if given.bucket not in kept_buckets(organization):
            faults.append(Fault("/bucket", "invalid_value", f"{given.bucket} is not metered for this organization"))
        if faults:
            raise Invalid(faults)
        now = self.clock.now()
        entry_id = self.ids.ulid(now)
        credit = Credit(entry_id, entry_id, given.amount, given.reason, now, by)
        row = _row(Entry(entry_id, given.bucket, "credit", given.amount, now, given.reason))
        remember = (OPERATOR_ORG, attempt.answered(201, row)) if attempt is not None else None
        try:
            self.quota.credit(org_id, given.bucket, credit, remember=remember)
        except Exhausted as error:
            raise Conflict("quota_exhausted", f"fewer than {-given.amount} are left of {given.bucket}") from error
        except RepeatedError:
            stored = self.answers.find(OPERATOR_ORG, attempt.key) if attempt is not None else None
            if attempt is None or stored is None:
                raise Contended("another call with the same Idempotency-Key came between") from None
            return loads(LedgerRow, attempt.same(stored).body)
        return row

    def usage(self, query: UsageQuery, position: str | None) -> Page[UsageRow]:
        """Report what the organizations of a page used of what is, or was, metered; raises Invalid for a wrong span."""
        first, last = self.span(query)
        page = self.organizations.page(query.limit, position)
        wanted = [(each, bucket) for each in page.items for bucket in kept_buckets(each)]
        with ThreadPoolExecutor(max_workers=AT_ONCE) as threads:
            used = list(threads.map(lambda each: self.quota.days(each[0].id, each[1], first, last), wanted))
        rows = [_usage(*each, days, first, last) for each, days in zip(wanted, used, strict=True)]
        return Page([row for row in rows if row.metered or row.messages], page.position)

    def span(self, query: UsageQuery) -> tuple[str, str]:
        """Give the first and the last day that are asked for; raises Invalid."""
        today = self.clock.now().date()
        last = query.to or max(today.isoformat(), query.from_ or "")
        first = query.from_ or f"{last[:8]}01"
        _check(first, last)
        return first, last

    def _organization(self, org_id: str) -> Organization:
        found = self.organizations.load(org_id)
        if not found or found[0].document.deleted:
            raise NotFound(f"there is no organization {org_id!r}")
        return found[0].document

    def _reserved(self, org_id: str, buckets: Sequence[Bucket]) -> dict[Bucket, int]:
        """Add up what messages hold that are waiting or on their way: everything older than the sweep's mark is not."""
        now = self.clock.now()
        marks = self.marks.load(org_id)
        since = max(now - LONGEST_WAIT, marks.queued - OVERLAP) if marks is not None else now - LONGEST_WAIT
        filters = [MessageFilter(status=status) for status in ON_THE_WAY]
        filters += [MessageFilter(status="queued", channel=bucket, since=since) for bucket in buckets]
        held: dict[Bucket, int] = dict.fromkeys(buckets, 0)
        for wanted in filters:
            position = None
            for _ in range(PAGES):
                page = self.messages.page(org_id, wanted, limit=PAGE, position=position, now=now)
                for message in page.items:
                    bucket = next((each for each in buckets if each == message.channel), None)
                    if bucket is not None and not message.assumed:
                        held[bucket] += message.units
                position = page.position
                if position is None:
                    break
        return held


def _row(entry: Entry) -> LedgerRow:
    return LedgerRow(
        id=entry.id,
        bucket=entry.bucket,
        kind=entry.kind,
        amount=entry.units,
        at=iso(entry.at),
        reason=entry.reason,
        day=entry.day,
        messages=entry.messages,
    )


def _usage(organization: Organization, bucket: Bucket, days: Sequence[DayUse], first: str, last: str) -> UsageRow:
    since = max(first, organization.created_at[:10])
    wanted = (date.fromisoformat(last) - date.fromisoformat(since)).days + 1
    return UsageRow(
        organization_id=organization.id,
        name=organization.name,
        bucket=bucket,
        metered=bucket in metered_buckets(organization),
        messages=sum(day.messages for day in days),
        units=sum(day.units for day in days),
        final=len(days) >= wanted and all(day.closed for day in days),
    )


def _check(first: str, last: str) -> None:
    faults = []
    for name, text in (("/from", first), ("/to", last)):
        try:
            date.fromisoformat(text)
        except ValueError:
            faults.append(Fault(name, "invalid_value", "must be a day such as 2026-12-01"))
    if not faults and not 0 <= (date.fromisoformat(last) - date.fromisoformat(first)).days < LONGEST_SPAN:
        faults.append(Fault("/to", "invalid_value", f"must be at most {LONGEST_SPAN} days, and not before from"))
    if faults:
        raise Invalid(faults)
