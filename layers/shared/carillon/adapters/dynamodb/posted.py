"""Posted events in the table: where records lie, listed in gsi3 until they are done."""

from datetime import datetime

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.idempotency import answer_write
from carillon.adapters.dynamodb.table import ConditionsFailed, Table, Write
from carillon.domain import codec
from carillon.domain.idempotency import RepeatedError, StoredAnswer
from carillon.domain.posted import PostedEvent, reference
from carillon.domain.times import epoch, parse_instant

PENDING = "posted"
"""The status under which gsi3 lists events that are not done."""


class DynamoPostedEvents:
    """See the port `PostedEvents`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def put(self, org_id: str, posted_id: str, posted: PostedEvent, remember: StoredAnswer | None) -> None:
        """Write the event, and the answer in the same transaction."""
        item = {
            "ty": PENDING,
            "doc": codec.dumps(posted),
            "pk3": keys.problem_messages(org_id, PENDING),
            "sk3": posted_id,
        }
        write = Write(keys.record(org_id, reference(posted_id)), item=item, condition="attribute_not_exists(pk)")
        if remember is None:
            self._table.write(write)
            return
        try:
            self._table.transact([write, answer_write(org_id, remember, parse_instant(posted.accepted_at))])
        except ConditionsFailed as error:
            raise RepeatedError from error

    def done(self, org_id: str, posted_id: str, until: datetime) -> None:
        """Take it out of the index, and let it go in time."""
        self._table.write(
            Write(
                keys.record(org_id, reference(posted_id)),
                update="SET #ttl = :ttl REMOVE pk3, sk3",
                condition="attribute_exists(pk)",
                values={"ttl": epoch(until)},
                names={"ttl": "ttl"},
            )
        )

    def pending(self, org_id: str, limit: int) -> list[str]:
        """Query the index, oldest first."""
        page = self._table.query(keys.problem_messages(org_id, PENDING), index="gsi3", limit=limit)
        return [row["sk3"] for row in page.items]
