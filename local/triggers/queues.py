"""SQS event source mappings: batches, partial answers, redelivery by visibility timeout."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from local.backend import Backend
from local.faults import FaultRegistry
from local.triggers.filters import matches
from local.triggers.pump import Pump
from local.wiring import SourceMapping
from local.workers import Outcome, Workers

_RECEIVE_LIMIT = 10


class QueuePump(Pump):
    """Feeds one queue to one function."""

    def __init__(self, mapping: SourceMapping, backend: Backend, workers: Workers, faults: FaultRegistry) -> None:
        self.queue = mapping.source_arn.rsplit(":", 1)[1]
        super().__init__(f"{self.queue} → {mapping.function}")
        self._mapping = mapping
        self._backend = backend
        self._workers = workers
        self._faults = faults

    def has_work(self, state: Mapping[str, Any], now: float) -> bool:  # noqa: ARG002
        """Whether a message can be received."""
        return bool(state["queues"].get(self.queue, {}).get("visible"))

    def next_due(self, state: Mapping[str, Any]) -> float | None:
        """Answer when the next delayed or hidden message appears."""
        due: float | None = state["queues"].get(self.queue, {}).get("next")
        return due

    async def drain(self) -> None:
        """Take batches until the queue is empty, as many at once as the function may run."""
        lanes = self._workers.concurrency.get(self._mapping.function, 1)
        await asyncio.gather(*(self._drain_lane() for _ in range(lanes)))

    async def _drain_lane(self) -> None:
        while messages := await self._receive():
            kept = [m for m in messages if self._wanted_message(m)]
            if kept:
                done = await self._process(kept)
            else:
                done = set()
            # A message that the filter turns away is deleted, as Lambda does.
            dropped = {m["ReceiptHandle"] for m in messages if m not in kept}
            await self._delete(sorted(done | dropped))

    async def _receive(self) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = []
        while len(messages) < self._mapping.batch_size:
            answer = await self._backend.sqs(
                "ReceiveMessage",
                self.queue,
                MaxNumberOfMessages=min(_RECEIVE_LIMIT, self._mapping.batch_size - len(messages)),
                WaitTimeSeconds=0,
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
            received = answer.get("Messages", [])
            messages += received
            if len(received) < _RECEIVE_LIMIT:
                break
        return messages

    def _wanted_message(self, message: Mapping[str, Any]) -> bool:
        if not self._mapping.filters:
            return True
        try:
            body = json.loads(message["Body"])
        except ValueError:
            body = message["Body"]
        return any(matches(pattern, {"body": body}) for pattern in self._mapping.filters)

    async def _process(self, messages: Sequence[Mapping[str, Any]]) -> set[str]:
        """Run the function on a batch; answer the receipt handles of what is done."""
        event = {"Records": [self._record(message) for message in messages]}
        outcome = await self._workers.invoke(self._mapping.function, event)
        if self._faults.draw("sqs", {"duplicate_delivery"}):
            outcome = await self._workers.invoke(self._mapping.function, event)
        failed = self._failed(outcome, {str(message["MessageId"]) for message in messages})
        return {m["ReceiptHandle"] for m in messages if m["MessageId"] not in failed}

    def _failed(self, outcome: Outcome, ids: set[str]) -> set[str]:
        if outcome.error is not None:
            return ids
        if not self._mapping.partial_answers:
            return set()
        return failed_items(outcome.payload, ids)

    async def _delete(self, handles: Sequence[str]) -> None:
        for start in range(0, len(handles), _RECEIVE_LIMIT):
            entries = [
                {"Id": str(number), "ReceiptHandle": handle}
                for number, handle in enumerate(handles[start : start + _RECEIVE_LIMIT])
            ]
            await self._backend.sqs("DeleteMessageBatch", self.queue, Entries=entries)

    def _record(self, message: Mapping[str, Any]) -> dict[str, Any]:
        arn = self._mapping.source_arn
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message.get("Attributes", {}),
            "messageAttributes": {
                name: {
                    "stringValue": value.get("StringValue"),
                    "dataType": value["DataType"],
                    "stringListValues": [],
                    "binaryListValues": [],
                }
                for name, value in message.get("MessageAttributes", {}).items()
            },
            "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": arn,
            "awsRegion": arn.split(":")[3],
        }


def failed_items(answer: Any, ids: set[str]) -> set[str]:
    """Read a partial answer. Whatever Lambda can't make sense of fails the whole batch."""
    if not answer:
        return set()
    try:
        failed = {entry["itemIdentifier"] for entry in answer.get("batchItemFailures") or []}
    except (AttributeError, KeyError, TypeError):
        return ids
    return min(failed, ids)
