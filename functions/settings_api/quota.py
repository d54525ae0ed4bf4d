"""Routes of quota: an organization's own, and the operator's credits and usage report."""

from carillon.bootstrap.quotas import quotas
from carillon.runtime.http import MANAGERS, OPERATOR, Answer, Call, Id, Page, Routes, spreadsheets
from carillon.services.quotas import CreditInput, LedgerQuery, LedgerRow, QuotaView, UsageQuery, UsageRow

routes = Routes()
COLUMNS = ("organization_id", "name", "bucket", "metered", "messages", "units", "final")


@routes.get("/v1/quota", roles=MANAGERS)
def get_quota(call: Call) -> Answer[QuotaView]:
    """Show what is left of each channel's quota; SMS counts parts.

    Test data uses none. Of very many messages on their way at once, up to 5,000 per channel are added up as reserved.
    """
    return Answer(quotas().view(call.org_id))


@routes.get("/v1/quota/ledger", roles=MANAGERS)
def list_quota_ledger(call: Call, query: LedgerQuery) -> Answer[Page[LedgerRow]]:
    """List credits and closed days, newest first.

    The balance is the sum of all rows, less what messages took on days that are not in the ledger yet: a day is closed
    once none of its messages can be on its way, after eight days.
    """
    return Answer(quotas().ledger(call.org_id, query, call.position))


@routes.post(
    "/v1/organizations/<organization_id>/credits",
    roles=OPERATOR,
    statuses=(201,),
    errors=("quota_exhausted",),
    repeats="own",
)
def credit_organization(call: Call, organization_id: Id, body: CreditInput) -> Answer[LedgerRow]:
    """Give an organization units of a bucket that is metered, or take back what is left of them."""
    return Answer(quotas().credit(organization_id, body, call.attempt, call.caller.user), status=201)


@routes.get("/v1/organizations/usage", roles=OPERATOR, also_as=("text/csv",))
def report_usage(call: Call, query: UsageQuery) -> Answer[Page[UsageRow]]:
    """Report what organizations used of what is metered, by bucket, as JSON or as CSV for a spreadsheet.

    A page is of up to 100 organizations; where there are more, `next_cursor`, of CSV the headers `Link` and
    `X-Next-Cursor`, lead on. Days are UTC's and counted the day after. Only the first CSV page has the column names.
    """
    page = quotas().usage(query, call.position)
    if query.format == "json":
        return Answer(page)
    span = "-to-".join(quotas().span(query))
    cells = ([vars(row)[name] for name in COLUMNS] for row in page.items)
    return Answer(
        page,
        text=spreadsheets.write(COLUMNS, cells, first=query.cursor is None),
        content_type=spreadsheets.CONTENT_TYPE,
        headers={"Content-Disposition": f'attachment; filename="usage-{span}.csv"'},
    )
