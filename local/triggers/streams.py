"""DynamoDB stream event source mappings: filter, batch, retry, bisect, on-failure destination."""

from __future__ import annotations

import json
import uuid
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.backend import Backend
from local.clock import SimulatedClock
from local.faults import FaultRegistry
from local.triggers.filters import matches
from local.triggers.pump import Pump
from local.triggers.queues import failed_items
from local.wiring import SourceMapping
from local.workers import Outcome, Workers

_READ_LIMIT = 100
_LONGEST_PAUSE_S = 60.0
_FAULT_PAUSE_S = 30.0
_NOT_DELIVERED = frozenset({"delay", "error_5xx", "throttle", "timeout_before", "timeout_after", "reject"})


@dataclass
class _Piece:
    """Part of the stream that is to be worked off: how many raw records, and how often it was tried."""

    length: int
    attempts: int = 0


class StreamPump(Pump):
    """Feeds one table's stream to one function, in order."""

    def __init__(
        self,
        mapping: SourceMapping,
        backend: Backend,
        workers: Workers,
        clock: SimulatedClock,
        faults: FaultRegistry,
    ) -> None:
        self.table = mapping.source_arn.split(":table/", 1)[1].split("/", 1)[0]
        super().__init__(f"{self.table} stream → {mapping.function}")
        self._mapping = mapping
        self._backend = backend
        self._workers = workers
        self._clock = clock
        self._faults = faults
        self._pieces: deque[_Piece] = deque()
        self._retry_at = 0.0

    @property
    def consumer(self) -> str:
        """Answer the name under which the backend keeps its position."""
        return self._mapping.function

    def has_work(self, state: Mapping[str, Any], now: float) -> bool:
        """Whether there are unread records and no pause before the next try."""
        return self._retry_at <= now and self._unread(state) > 0

    def next_due(self, state: Mapping[str, Any]) -> float | None:
        """Answer when the next try is."""
        return self._retry_at if self._retry_at > self._clock.time() and self._unread(state) else None

    def forget(self) -> None:
        """Drop what was tried, since the stream was emptied."""
        super().forget()
        self._pieces.clear()
        self._retry_at = 0.0

    def _unread(self, state: Mapping[str, Any]) -> int:
        return int(state["streams"].get(self.table, {}).get(self.consumer, 0))

    async def open(self) -> None:
        """Register with the backend."""
        await self._backend.call("stream_open", table=self.table, consumer=self.consumer)

    async def drain(self) -> None:
        """Work the stream off in batches, up to a batch that has to wait for its next try."""
        while self._retry_at <= self._clock.time():
            records = await self._read(_READ_LIMIT)
            if not records:
                return
            if not self._pieces:
                self._pieces.append(_Piece(self._batch_length(records)))
            await self._process(self._pieces[0], records)

    async def _read(self, limit: int) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = await self._backend.call(
            "stream_read", table=self.table, consumer=self.consumer, limit=limit
        )
        return records

    def _wanted_record(self, record: Mapping[str, Any]) -> bool:
        filters = self._mapping.filters
        return not filters or any(matches(pattern, record) for pattern in filters)

    def _batch_length(self, records: Sequence[Mapping[str, Any]]) -> int:
        """Count how many raw records one batch of wanted ones spans."""
        wanted = 0
        for number, record in enumerate(records, 1):
            wanted += self._wanted_record(record)
            if wanted == self._mapping.batch_size:
                return number
        return len(records)

    async def _process(self, piece: _Piece, records: Sequence[dict[str, Any]]) -> None:
        part = records[: piece.length]
        batch = [record for record in part if self._wanted_record(record)]
        if not batch:
            await self._finish(piece, len(part))
            return
        if self._faults.draw("stream", _NOT_DELIVERED):
            self._retry_at = self._clock.time() + _FAULT_PAUSE_S
            return
        outcome = await self._workers.invoke(self._mapping.function, {"Records": batch})
        if self._faults.draw("stream", {"crash_after"}):
            # The work was done and the answer lost: all of it comes again.
            outcome = Outcome(error={"errorType": "Runtime.ExitError", "errorMessage": "played by a fault"})
        if self._faults.draw("stream", {"duplicate_delivery"}):
            outcome = await self._workers.invoke(self._mapping.function, {"Records": batch})
        failed_at = self._failed_at(outcome, batch)
        if failed_at is None:
            await self._finish(piece, len(part))
            return
        done = part.index(batch[failed_at])
        if done:
            # Everything before the first failure counts; the rest begins its tries anew.
            await self._advance(done)
            piece.length -= done
            piece.attempts = 0
        await self._failed(piece, part[done:], outcome)

    def _failed_at(self, outcome: Outcome, batch: Sequence[Mapping[str, Any]]) -> int | None:
        if outcome.error is not None:
            return 0
        if not self._mapping.partial_answers:
            return None
        numbers = [str(record["dynamodb"]["SequenceNumber"]) for record in batch]
        failed = failed_items(outcome.payload, set(numbers))
        return min((numbers.index(number) for number in failed), default=None)

    async def _finish(self, piece: _Piece, count: int) -> None:
        self._pieces.remove(piece)
        self._retry_at = 0.0
        await self._advance(count)

    async def _advance(self, count: int) -> None:
        await self._backend.call("stream_advance", table=self.table, consumer=self.consumer, count=count)

    async def _failed(self, piece: _Piece, part: Sequence[dict[str, Any]], outcome: Outcome) -> None:
        piece.attempts += 1
        limit = self._mapping.retries
        if (0 <= limit < piece.attempts) or self._too_old(part[0]):
            await self._give_up(part, piece.attempts)
            await self._finish(piece, len(part))
        elif self._mapping.bisect and outcome.error is not None and len(part) > 1:
            half = len(part) // 2
            piece.length = half
            self._pieces.insert(1, _Piece(len(part) - half, piece.attempts))
        else:
            pause = min(_LONGEST_PAUSE_S, 0.5 * 2 ** (piece.attempts - 1))
            self._retry_at = self._clock.time() + pause

    def _too_old(self, record: Mapping[str, Any]) -> bool:
        if self._mapping.max_age_s <= 0:
            return False
        made = float(record["dynamodb"]["ApproximateCreationDateTime"])
        return self._clock.time() - made > self._mapping.max_age_s

    async def _give_up(self, part: Sequence[dict[str, Any]], attempts: int) -> None:
        """Tell the on-failure destination which part of the stream was left out."""
        destination = self._mapping.failure_arn
        if destination is None:
            return
        first, last = part[0]["dynamodb"], part[-1]["dynamodb"]
        arn = self._mapping.source_arn
        notice = {
            "version": "1.0",
            "timestamp": self._clock.now().isoformat(),
            "requestContext": {
                "requestId": str(uuid.uuid4()),
                "functionArn": self._mapping.function,
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": attempts,
            },
            "responseContext": {
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": "Unhandled",
            },
            "DDBStreamBatchInfo": {
                "shardId": "shardId-local",
                "startSequenceNumber": first["SequenceNumber"],
                "endSequenceNumber": last["SequenceNumber"],
                "approximateArrivalOfFirstRecord": _moment(first),
                "approximateArrivalOfLastRecord": _moment(last),
                "batchSize": len(part),
                "streamArn": arn,
            },
        }
        queue = destination.rsplit(":", 1)[1]
        await self._backend.sqs("SendMessage", queue, MessageBody=json.dumps(notice))


def _moment(change: Mapping[str, Any]) -> str:
    return datetime.fromtimestamp(float(change["ApproximateCreationDateTime"]), UTC).isoformat()
