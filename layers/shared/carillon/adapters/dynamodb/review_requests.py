"""When clients were asked for a review: one item beside each client, written under a condition."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.table import Table, Write
from carillon.domain.reviews import Asked
from carillon.domain.times import epoch, iso, parse_instant


class DynamoReviewRequests:
    """See the port `ReviewRequests`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def latest(self, org_id: str, clients: Sequence[str]) -> list[Asked]:
        """Read what is noted under each id, in one call."""
        return list(self.by_client(org_id, clients).values())

    def by_client(self, org_id: str, clients: Iterable[str]) -> dict[str, Asked]:
        """Read what is noted under each id, in one call per 100."""
        places = {keys.review_request(org_id, client_id): client_id for client_id in clients}
        items = self._table.get_many(places)
        return {
            places[key]: Asked(item["rec"], parse_instant(item["start"]), parse_instant(item["asked"]))
            for key, item in items.items()
        }

    def note(self, org_id: str, client_id: str, asked: Asked, *, since: datetime, over: Asked | None = None) -> bool:
        """Write it if what stands there is older than `since`, the same request, or the one to replace."""
        same = [asked, *([over] if over is not None else [])]
        free = " OR ".join(f"(#rec = :r{n} AND #start = :s{n})" for n in range(len(same)))
        values: dict[str, object] = {"since": epoch(since)}
        for n, each in enumerate(same):
            values |= {f"r{n}": each.record, f"s{n}": iso(each.start)}
        item = {
            "ty": "review_request",
            "rec": asked.record,
            "start": iso(asked.start),
            "asked": iso(asked.at),
            "at": epoch(asked.at),
        }
        return self._table.write(
            Write(
                keys.review_request(org_id, client_id),
                item=item,
                condition=f"attribute_not_exists(pk) OR #at <= :since OR {free}",
                values=values,
                names={"at": "at", "rec": "rec", "start": "start"},
            )
        )
