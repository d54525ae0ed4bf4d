"""The one table, as plain items: a thin, typed layer over the DynamoDB client.

A condition that does not hold is an answer (False, None, `ConditionsFailed`), not an accident. Everything else that
DynamoDB refuses is raised as botocore's error and repeated by whoever called the function.
"""

import random
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from carillon.adapters.dynamodb.items import Item, Wire, from_wire, item_from_wire, item_to_wire, to_wire
from carillon.adapters.dynamodb.keys import Key
from carillon.domain.errors import CarillonError, Contended
from carillon.domain.values import value

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

BATCH_GET = 100
BATCH_WRITE = 25
ROUNDS = 8
"""How often unprocessed parts of a batch are asked for again before giving up."""

PASSING = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
"""Reasons for which a transaction is cancelled that pass by themselves."""
FIRST_PAUSE = 0.01
"""Seconds before a cancelled transaction is tried again; doubled each time, about 1.3 s in all."""


class ConditionsFailed(CarillonError):
    """A transaction was refused; `failed` holds the positions of the conditions that did not hold.

    `unsure`: positions that another transaction held, so that nothing is known of theirs.
    """

    def __init__(self, failed: Sequence[int], unsure: Sequence[int] = ()) -> None:
        super().__init__(f"conditions {list(failed)} do not hold")
        self.failed = tuple(failed)
        self.unsure = tuple(unsure)


@value
class Page:
    """A page of a query; `last` is where the next one begins, None at the end."""

    items: list[Item]
    last: dict[str, str] | None


@value
class Write:
    """One write of a transaction or on its own; exactly one of put, update, delete or check.

    `values` and `names` are DynamoDB's placeholders without their `:` and `#`.
    """

    key: Key
    item: Item | None = None
    update: str | None = None
    delete: bool = False
    condition: str | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def arguments(self, table: str) -> tuple[str, dict[str, Any]]:
        """Give the operation's name and arguments as the client takes them."""
        call: dict[str, Any] = {"TableName": table}
        if self.item is not None:
            operation, call["Item"] = "Put", item_to_wire({"pk": self.key[0], "sk": self.key[1], **self.item})
        else:
            call["Key"] = _wire_key(self.key)
            operation = "Delete" if self.delete else "Update" if self.update is not None else "ConditionCheck"
        if self.update is not None:
            call["UpdateExpression"] = self.update
        if self.condition is not None:
            call["ConditionExpression"] = self.condition
        if self.values:
            call["ExpressionAttributeValues"] = {f":{name}": to_wire(value) for name, value in self.values.items()}
        if self.names:
            call["ExpressionAttributeNames"] = {f"#{name}": value for name, value in self.names.items()}
        return operation, call


def _wire_key(key: Key) -> Wire:
    return {"pk": {"S": key[0]}, "sk": {"S": key[1]}}


def _refused(error: ClientError, code: str) -> bool:
    return bool(error.response["Error"]["Code"] == code)


def _pause(attempt: int) -> None:
    time.sleep(random.uniform(0.5, 1) * FIRST_PAUSE * 2**attempt)  # noqa: S311 - spreads, hides nothing


class Table:
    """Reads and writes of the table named `name`."""

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self.client = client
        self.name = name

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        """Read one item."""
        answer = self.client.get_item(TableName=self.name, Key=_wire_key(key), ConsistentRead=consistent)
        return item_from_wire(answer["Item"]) if "Item" in answer else None

    def get_many(self, keys: Iterable[Key], *, consistent: bool = True) -> dict[Key, Item]:
        """Read items in one call per 100 keys; a key without an item is missing from the answer."""
        wanted = list(dict.fromkeys(keys))
        found: dict[Key, Item] = {}
        for begin in range(0, len(wanted), BATCH_GET):
            pending: Any = {
                self.name: {
                    "Keys": [_wire_key(key) for key in wanted[begin : begin + BATCH_GET]],
                    "ConsistentRead": consistent,
                }
            }
            for _ in range(ROUNDS):
                answer = self.client.batch_get_item(RequestItems=pending)
                for wire in answer["Responses"].get(self.name, []):
                    item = item_from_wire(wire)
                    found[item["pk"], item["sk"]] = item
                pending = answer.get("UnprocessedKeys")
                if not pending:
                    break
            else:
                raise Contended("DynamoDB left keys of a batch unread")
        return found

    def write(self, write: Write) -> bool:
        """Do one write; False when its condition does not hold, Contended when transactions kept holding the item."""
        operation, arguments = write.arguments(self.name)
        call = {"Put": self.client.put_item, "Update": self.client.update_item, "Delete": self.client.delete_item}
        for attempt in range(ROUNDS):
            try:
                call[operation](**arguments)  # type: ignore[operator]
            except ClientError as error:
                if _refused(error, "ConditionalCheckFailedException"):
                    return False
                if not _refused(error, "TransactionConflictException"):
                    raise
                _pause(attempt)
            else:
                return True
        raise Contended("transactions kept holding the item")

    def change(self, write: Write) -> tuple[bool, Item]:
        """Do one update; gives the item as it is then, or, if the condition does not hold, as it is without."""
        _, arguments = write.arguments(self.name)
        try:
            answer = self.client.update_item(
                **arguments, ReturnValues="ALL_NEW", ReturnValuesOnConditionCheckFailure="ALL_OLD"
            )
        except ClientError as error:
            if not _refused(error, "ConditionalCheckFailedException"):
                raise
            return False, item_from_wire(error.response.get("Item", {}))  # type: ignore[arg-type]
        return True, item_from_wire(answer["Attributes"])

    def transact(self, writes: Sequence[Write], *, token: str | None = None, rounds: int = ROUNDS) -> None:
        """Do all writes or none; raises ConditionsFailed, or Contended when others kept writing the same items.

        `rounds`: how often it is tried against others.
        """
        operations = [dict([write.arguments(self.name)]) for write in writes]
        extra = {"ClientRequestToken": token} if token else {}
        for attempt in range(rounds):
            try:
                self.client.transact_write_items(TransactItems=operations, **extra)  # type: ignore[arg-type]
            except ClientError as error:
                if not _refused(error, "TransactionCanceledException"):
                    raise
                reasons = [str(reason.get("Code")) for reason in error.response.get("CancellationReasons", [])]
                failed = [place for place, reason in enumerate(reasons) if reason == "ConditionalCheckFailed"]
                if failed:
                    held = [place for place, reason in enumerate(reasons) if reason in PASSING]
                    raise ConditionsFailed(failed, held) from error
                if not PASSING.intersection(reasons):
                    raise
                # Another transaction held one of the items; botocore doesn't repeat these.
                if attempt + 1 < rounds:
                    _pause(attempt)
            else:
                return
        raise Contended("other transactions kept holding the items")

    def transact_get(self, keys: Sequence[Key]) -> dict[Key, Item]:
        """Read up to 100 items as they are at one instant; a key without an item is missing from the answer."""
        wanted: Any = [{"Get": {"TableName": self.name, "Key": _wire_key(key)}} for key in keys]
        for attempt in range(ROUNDS):
            try:
                answer = self.client.transact_get_items(TransactItems=wanted)
            except ClientError as error:
                if not _refused(error, "TransactionCanceledException"):
                    raise
                # Somebody was writing one of the items.
                _pause(attempt)
            else:
                found = (item_from_wire(part["Item"]) for part in answer["Responses"] if part.get("Item"))
                return {(item["pk"], item["sk"]): item for item in found}
        raise Contended("transactions kept holding the items")

    def put_many(self, items: Sequence[tuple[Key, Item]]) -> None:
        """Put items without conditions, 25 a call; putting one again changes nothing."""
        self._write_many(
            [{"PutRequest": {"Item": item_to_wire({"pk": key[0], "sk": key[1], **item})}} for key, item in items]
        )

    def delete_many(self, places: Sequence[Key]) -> None:
        """Delete items, 25 a call; deleting what is gone is fine."""
        self._write_many([{"DeleteRequest": {"Key": _wire_key(key)}} for key in places])

    def _write_many(self, requests: Sequence[Wire]) -> None:
        for begin in range(0, len(requests), BATCH_WRITE):
            pending: Any = {self.name: list(requests[begin : begin + BATCH_WRITE])}
            for _ in range(ROUNDS):
                pending = self.client.batch_write_item(RequestItems=pending).get("UnprocessedItems")
                if not pending:
                    break
            else:
                raise Contended("DynamoDB left items of a batch unwritten")

    def scan_page(
        self, prefix: str, after: Mapping[str, str] | None, *, named: str | None = None
    ) -> tuple[list[Item], dict[str, str] | None]:
        """Read the next megabyte of the whole table; gives the items whose partition begins so, and where to go on.

        `named`: a data set; then also the notes in which it is one of those that wrote to a person.
        """
        condition, values = "begins_with(pk, :p)", {":p": {"S": prefix}}
        names: dict[str, Any] = {}
        if named is not None:
            condition += " OR (ty = :lw AND (#o = :o OR po = :o))"
            values |= {":lw": {"S": "last_writer"}, ":o": {"S": named}}
            names = {"ExpressionAttributeNames": {"#o": "o"}}
        extra: dict[str, Any] = (
            {"ExclusiveStartKey": {name: {"S": value} for name, value in after.items()}} if after else {}
        )
        answer = self.client.scan(
            TableName=self.name,
            ConsistentRead=True,
            FilterExpression=condition,
            ExpressionAttributeValues=values,
            **names,
            **extra,
        )
        last: Wire | None = answer.get("LastEvaluatedKey")
        following = {name: from_wire(value) for name, value in last.items()} if last else None
        return [item_from_wire(wire) for wire in answer["Items"]], following

    def query(
        self,
        pk: str,
        *,
        index: str | None = None,
        prefix: str | None = None,
        between: tuple[str, str] | None = None,
        limit: int | None = None,
        after: Mapping[str, str] | None = None,
        descending: bool = False,
        consistent: bool = False,
    ) -> Page:
        """Read a page of one partition of the table, or of `gsi1`, `gsi2` or `gsi3`, in the order of its sort key."""
        n = index[-1] if index else ""
        condition, values = f"pk{n} = :pk", {":pk": {"S": pk}}
        if prefix is not None:
            condition, values = f"{condition} AND begins_with(sk{n}, :p)", values | {":p": {"S": prefix}}
        if between is not None:
            condition += f" AND sk{n} BETWEEN :a AND :b"
            values |= {":a": {"S": between[0]}, ":b": {"S": between[1]}}
        call: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
            "ScanIndexForward": not descending,
            "ConsistentRead": consistent,
        }
        if index is not None:
            call["IndexName"] = index
        if limit is not None:
            call["Limit"] = limit
        if after is not None:
            call["ExclusiveStartKey"] = {name: {"S": value} for name, value in after.items()}
        answer = self.client.query(**call)
        last: Wire | None = answer.get("LastEvaluatedKey")
        return Page(
            items=[item_from_wire(wire) for wire in answer["Items"]],
            last={name: from_wire(value) for name, value in last.items()} if last else None,
        )
