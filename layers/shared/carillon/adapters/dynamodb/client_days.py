"""Which records of a client start when, as the index names them: keys only, so one call without a read."""

from datetime import datetime

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.table import Table
from carillon.domain.times import iso, parse_instant

MOST = 50
"""More appointments of one client in two days are looked at by nobody."""


class DynamoClientDays:
    """See the port `ClientDays`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def starting(self, org_id: str, client_id: str, since: datetime, until: datetime) -> list[tuple[datetime, str]]:
        """Query the client's partition of the index between two instants."""
        partition = keys.client_records(org_id, client_id)
        page = self._table.query(partition, index="gsi1", between=(iso(since), iso(until)), limit=MOST)
        places = (row["sk1"].partition("#") for row in page.items)
        return [(parse_instant(start), ref) for start, _, ref in places]
