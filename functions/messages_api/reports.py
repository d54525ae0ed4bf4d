"""Reports: what was sent, message by message, and counted."""

from carillon.bootstrap import records as bootstrap
from carillon.domain.channels import Channel
from carillon.domain.constraints import Instant, document
from carillon.domain.messages import Status
from carillon.domain.times import iso, to_wall
from carillon.runtime.http import READERS, Answer, Call, Page, Routes, spreadsheets
from carillon.services.reporting import Report, Reported, ReportQuery
from carillon.services.summarising import Counted, SummaryQuery

routes = Routes()


@document
class ReportRow:
    """A message of the report.

    `local_time`: `at` on the organization's clocks. `name`: the client's or member's. `sender`: who had a manual
    message sent, the user it was for or else the key.
    """

    id: str
    at: Instant
    local_time: str
    channel: Channel | None
    to: str | None
    name: str | None
    client_id: str | None
    staff_id: str | None
    audience: str
    status: Status
    reason: str | None
    parts: int | None
    key: str
    record: str | None
    origin: str
    sender: str | None
    provider_id: str | None


@document
class CountRow:
    """How many messages there are of a group; what is not grouped by is null. `parts`: SMS parts in all."""

    day: str | None
    channel: Channel | None
    status: Status | None
    reason: str | None
    count: int
    parts: int


COLUMNS = (
    "at",
    "local_time",
    "channel",
    "to",
    "name",
    "client_id",
    "staff_id",
    "audience",
    "status",
    "reason",
    "parts",
    "key",
    "record",
    "origin",
    "sender",
    "id",
    "provider_id",
)


@routes.get(
    "/v1/reports/messages",
    roles=READERS,
    errors=("notifications_inactive",),
    also_as=("text/csv",),
)
def report_messages(call: Call, query: ReportQuery) -> Answer[Page[ReportRow]]:
    """Report what was sent, newest first, as JSON or as CSV for a spreadsheet.

    A CSV answer has at most 5,000 lines; where there is more, the headers `Link` and `X-Next-Cursor` lead on. Only the
    first page has the line of column names, so that pages put together are one file. A cell that a spreadsheet would
    take for a formula has an apostrophe in front, phone numbers too.
    """
    report = bootstrap.reporting().page(call.org_id, query, call.position)
    rows = [_row(item, report.zone) for item in report.page.items]
    answer = Page(rows, report.page.position)
    if query.format == "json":
        return Answer(answer)
    return Answer(
        answer,
        text=_csv(rows, report, first=query.cursor is None),
        content_type=spreadsheets.CONTENT_TYPE,
        headers={"Content-Disposition": f'attachment; filename="messages-{query.channel or "all"}.csv"'},
    )


@routes.get("/v1/reports/summary", roles=READERS, errors=("notifications_inactive",))
def report_summary(call: Call, query: SummaryQuery) -> Answer[Page[CountRow]]:
    """Count messages by day, channel, status and reason, or some of these.

    One call counts up to 20,000 messages; while there is a cursor, add the next page's counts to these.
    """
    page = bootstrap.summarising().page(call.org_id, query, call.position)
    return Answer(Page([_counted(item) for item in page.items], page.position))


def _row(item: Reported, zone: str) -> ReportRow:
    message = item.message
    return ReportRow(
        id=message.id,
        at=iso(message.created_at),
        local_time=to_wall(message.created_at, zone).isoformat(timespec="seconds"),
        channel=message.shown_channel,  # type: ignore[arg-type]
        to=message.to,
        name=item.name,
        client_id=message.client_id,
        staff_id=message.staff_id,
        audience=message.audience,
        status=message.status,
        reason=message.reason,
        parts=message.parts,
        key=message.template,
        record=message.occasion.record or None,
        origin=message.origin,
        sender=message.author.user or message.author.key_id if message.author is not None else None,
        provider_id=message.provider_id,
    )


def _csv(rows: list[ReportRow], report: Report, *, first: bool) -> str:
    # A spreadsheet reads a wall time as one if it has no zone and no T; the column's name says whose it is.
    names = [f"local_time ({report.zone})" if name == "local_time" else name for name in COLUMNS]
    cells = ({**vars(row), "local_time": row.local_time[:19].replace("T", " ")} for row in rows)
    return spreadsheets.write(names, ([row[name] for name in COLUMNS] for row in cells), first=first)


def _counted(item: Counted) -> CountRow:
    return CountRow(
        day=item.day,
        channel=item.channel,  # type: ignore[arg-type]
        status=item.status,  # type: ignore[arg-type]
        reason=item.reason,
        count=item.count,
        parts=item.parts,
    )
