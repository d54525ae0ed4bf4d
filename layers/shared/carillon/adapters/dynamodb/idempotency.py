"""Answers of calls that may be repeated, kept for 24 hours."""

from datetime import datetime

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.table import Table, Write
from carillon.domain.idempotency import KEEP_SECONDS, LEASE_SECONDS, Attempt, StoredAnswer
from carillon.domain.times import epoch
from carillon.ports.system import Clock

_FREE = "attribute_not_exists(pk) OR #until <= :now"


def answer_write(o: str, answer: StoredAnswer, now: datetime) -> Write:
    """Give the write that stores an answer unless there is one already; it joins the transaction of its effect."""
    seconds = epoch(now)
    item = _item(answer, seconds + KEEP_SECONDS)
    key = keys.idempotency(o, answer.key)
    return Write(key, item=item, condition=_FREE, values={"now": seconds}, names={"until": "ttl"})


class DynamoAnswers:
    """See the ports `Answers` of the services and of the doors."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    def find(self, org_id: str, key: str) -> StoredAnswer | None:
        """Read what is stored under a key; TTL deletes late, so what is over is passed over here."""
        item = self._table.get(keys.idempotency(org_id, key))
        if item is None or item["ttl"] <= epoch(self._clock.now()):
            return None
        return StoredAnswer(key, item["h"], item.get("st"), item.get("b", ""), item.get("et"))

    def begin(self, org_id: str, attempt: Attempt) -> bool:
        """Take a key for a call under way."""
        seconds = epoch(self._clock.now())
        return self._table.write(
            Write(
                keys.idempotency(org_id, attempt.key),
                item=_item(StoredAnswer(attempt.key, attempt.fingerprint), seconds + LEASE_SECONDS),
                condition=_FREE,
                values={"now": seconds},
                names={"until": "ttl"},
            )
        )

    def finish(self, org_id: str, answer: StoredAnswer) -> None:
        """Store the answer of a key that was taken."""
        item = _item(answer, epoch(self._clock.now()) + KEEP_SECONDS)
        self._table.write(Write(keys.idempotency(org_id, answer.key), item=item))

    def forget(self, org_id: str, key: str) -> None:
        """Give back a key whose call had no effect."""
        self._table.write(Write(keys.idempotency(org_id, key), delete=True))


def _item(answer: StoredAnswer, until: int) -> dict[str, object]:
    return {
        "ty": "idempotency",
        "h": answer.fingerprint,
        "st": answer.status,
        "b": answer.body or None,
        "et": answer.etag,
        "ttl": until,
    }
