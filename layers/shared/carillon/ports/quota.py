"""Quota: a bucket's books, its ledger, and what its days took. Messages take their units through `Messages`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from carillon.domain.channels import Bucket
from carillon.domain.idempotency import StoredAnswer
from carillon.domain.listing import Page
from carillon.domain.messages import Message
from carillon.domain.quota import Books, Credit, DayUse, Entry


class Quota(Protocol):
    """The books of every bucket."""

    def books(self, org_id: str, bucket: Bucket) -> Books:
        """Read a bucket's counters as they are at one instant; all zero where there are none."""

    def credit(
        self, org_id: str, bucket: Bucket, credit: Credit, *, remember: tuple[str, StoredAnswer] | None = None
    ) -> bool:
        """Give units, or take them back where they are negative; False when the credit's key was there before.

        `remember`: an answer that is stored with it, and whose; raises RepeatedError when it was there before. Raises
        Exhausted when fewer are left than are to be taken back.
        """

    def credited(self, org_id: str, bucket: Bucket, key: str) -> int | None:
        """Say how many units were credited by a key; None for one that was not."""

    def ledger(self, org_id: str, buckets: Sequence[Bucket], *, limit: int, position: str | None) -> Page[Entry]:
        """List ledger entries, newest first."""

    def days(self, org_id: str, bucket: Bucket, since: str, until: str) -> list[DayUse]:
        """List what was counted for days (UTC, `until` included), oldest first."""

    def count(self, org_id: str, use: DayUse) -> bool:
        """Keep what a day's messages took so far, or, `closed`, for good: then it goes into the ledger.

        Days are closed in order and once: False for one that is not the first open one.
        """

    def assume(self, org_id: str, message: Message, at: datetime) -> bool:
        """Count a message as sent whose outcome stayed unknown; False when it became known, or was so counted before.

        It keeps its units either way; the flag says why.
        """
