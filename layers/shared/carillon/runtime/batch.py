"""Batches from SQS and DynamoDB streams, answered record by record (`ReportBatchItemFailures`).

A record whose handling raises is reported as failed and comes again; the others are done. Each failure is logged
once, here. What a handler can repair or reschedule itself it does, and raises nothing.

Usage, one record at a time or the batch as a whole:

    def lambda_handler(event, context):
        return each(queue_messages(event), bootstrap.run_jobs().handle)

    def lambda_handler(event, context):
        return whole(queue_messages(event), bootstrap.send_email().send)   # returns the failed: {message.id: error}
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from carillon.domain.values import value
from carillon.runtime.logging import logger

Answer = dict[str, list[dict[str, str]]]
Failures = Mapping[str, Exception]


@value
class Message:
    """One record of a batch: `id` is what Lambda wants to hear back, `body` its JSON, `deliveries` counts from 1."""

    id: str
    body: dict[str, Any]
    deliveries: int = 1


@value
class Unreadable:
    """A record whose body is no JSON object; it is reported as failed until its queue gives up on it."""

    id: str
    error: Exception


def queue_messages(event: Mapping[str, Any]) -> list[Message | Unreadable]:
    """Read the records of an SQS event."""
    found: list[Message | Unreadable] = []
    for record in event["Records"]:
        try:
            body = json.loads(record["body"])
            if not isinstance(body, dict):
                raise TypeError("the body is not a JSON object")  # noqa: TRY301 - same path as broken JSON
        except (ValueError, TypeError) as error:
            found.append(Unreadable(record["messageId"], error))
        else:
            received = int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
            found.append(Message(record["messageId"], body, received))
    return found


def stream_messages(event: Mapping[str, Any]) -> list[Message | Unreadable]:
    """Read the records of a DynamoDB stream event; `body` is `{"Keys": …, "NewImage": …}` as DynamoDB spells it."""
    return [Message(record["dynamodb"]["SequenceNumber"], record["dynamodb"]) for record in event["Records"]]


def each(messages: Sequence[Message | Unreadable], handle: Callable[[Message], object]) -> Answer:
    """Handle records one after the other."""

    def all_of(batch: Sequence[Message]) -> Failures:
        failed: dict[str, Exception] = {}
        for message in batch:
            try:
                handle(message)
            except Exception as error:  # noqa: BLE001 - the boundary: it is logged and the record comes again
                failed[message.id] = error
        return failed

    return whole(messages, all_of)


def whole(messages: Sequence[Message | Unreadable], handle: Callable[[Sequence[Message]], Failures | None]) -> Answer:
    """Handle a batch at once; `handle` returns the failed ones. If it raises, every record counts as failed."""
    failed: dict[str, Exception] = {
        message.id: message.error for message in messages if isinstance(message, Unreadable)
    }
    readable = [message for message in messages if isinstance(message, Message)]
    try:
        failed |= (handle(readable) if readable else None) or {}
    except Exception as error:  # noqa: BLE001 - the boundary: it is logged and the records come again
        failed |= {message.id: error for message in readable}
    for cause in dict.fromkeys(failed.values()):
        ids = [record_id for record_id, its_cause in failed.items() if its_cause is cause]
        logger().error("records failed", extra={"record_ids": ids}, exc_info=cause)
    return {"batchItemFailures": [{"itemIdentifier": record_id} for record_id in failed]}
