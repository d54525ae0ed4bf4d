"""Members of the business in the table: one partition, by id."""

from datetime import datetime

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.idempotency import answer_write
from carillon.adapters.dynamodb.table import ConditionsFailed, Table, Write
from carillon.domain import codec
from carillon.domain.clients import Staff
from carillon.domain.idempotency import RepeatedError, StoredAnswer
from carillon.domain.listing import Page
from carillon.ports.directory import Stored


class DynamoStaff:
    """See the port `StaffStore`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def load(self, org_id: str, staff_id: str) -> Stored[Staff] | None:
        """Read one."""
        item = self._table.get(keys.staff(org_id, staff_id))
        return Stored(codec.loads(Staff, item["doc"]), item["v"]) if item else None

    def save(self, org_id: str, staff: Stored[Staff], now: datetime, remember: StoredAnswer | None = None) -> bool:
        """Write one; False when another writer came first."""
        write = staff_write(org_id, staff)
        if remember is None:
            return self._table.write(write)
        try:
            self._table.transact([write, answer_write(org_id, remember, now)])
        except ConditionsFailed as error:
            if 1 in error.failed:
                raise RepeatedError from error
            return False
        return True

    def delete(self, org_id: str, staff_id: str) -> bool:
        """Remove one; False when there is none."""
        return self._table.write(Write(keys.staff(org_id, staff_id), delete=True, condition="attribute_exists(pk)"))

    def page(self, org_id: str, limit: int, position: str | None) -> Page[Staff]:
        """List them by id."""
        pk = keys.staff(org_id, "")[0]
        after = {"pk": pk, "sk": position} if position else None
        page = self._table.query(pk, limit=limit, after=after, consistent=True)
        return Page([codec.loads(Staff, item["doc"]) for item in page.items], page.last["sk"] if page.last else None)


def staff_write(o: str, staff: Stored[Staff]) -> Write:
    """Give the write of a member's document (`version`: as read, 0: new)."""
    return Write(
        keys.staff(o, staff.document.id),
        item={"ty": "staff", "doc": codec.dumps(staff.document), "v": staff.version + 1},
        condition="v = :v" if staff.version else "attribute_not_exists(pk)",
        values={"v": staff.version} if staff.version else {},
    )
