"""Manual messages in the table: the message, its words beside it, and the answer of the call, at once."""

from dataclasses import replace
from datetime import timedelta

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.idempotency import answer_write
from carillon.adapters.dynamodb.items import Item
from carillon.adapters.dynamodb.messages import creation
from carillon.adapters.dynamodb.quota_taking import Taking
from carillon.adapters.dynamodb.table import ConditionsFailed, Table, Write
from carillon.adapters.written import StoredWords
from carillon.domain import codec
from carillon.domain.idempotency import RepeatedError, StoredAnswer
from carillon.domain.manual import Written
from carillon.domain.messages import Message
from carillon.domain.settings import Settings
from carillon.domain.times import epoch


class DynamoManualMessages(StoredWords):
    """See the port `ManualStore`."""

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self._items = table
        self._taking = Taking(table)

    def accept(
        self, org_id: str, message: Message, written: Written, remember: StoredAnswer | None, *, settings: Settings
    ) -> None:
        """Store it in one transaction, with the units it takes; raises RepeatedError, Exhausted."""
        days, now = settings.retention_days, message.created_at
        words: Item = {
            "ty": "message_body",
            "doc": codec.dumps(written),
            "ttl": epoch(now + timedelta(days=days)),
        }
        place = keys.message_body(org_id, message.key.recipient, message.key.digest)
        beside = [Write(place, item=words)]
        beside += [answer_write(org_id, remember, now)] if remember is not None else []

        def build(units: int, shard: int) -> list[Write]:
            return [creation(org_id, replace(message, units=units, shard=shard), days), *beside]

        try:
            if message.units and message.channel is not None:
                self._taking.take(org_id, message.channel, message.units, build, now)
            else:
                self._items.transact([creation(org_id, message, days), *beside])
        except ConditionsFailed as error:
            # The id is new: only our own transaction, whose answer was lost on the way, can have stored the message.
            if 0 in error.failed:
                return
            raise RepeatedError("the call's key has an answer") from error
