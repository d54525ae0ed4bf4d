"""When clients were asked for a review."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from carillon.domain.reviews import Asked


class ReviewRequests(Protocol):
    """The latest request to each client."""

    def latest(self, org_id: str, clients: Sequence[str]) -> list[Asked]:
        """Read the latest requests to a client under the ids it has had."""

    def by_client(self, org_id: str, clients: Iterable[str]) -> dict[str, Asked]:
        """Read the latest request noted under each of these ids; one call per 100."""

    def note(self, org_id: str, client_id: str, asked: Asked, *, since: datetime, over: Asked | None = None) -> bool:
        """Note a request unless there was one about another appointment after `since`; False then.

        `over`: the request that may be replaced all the same, since nothing came of it.
        """
