# ruff: noqa: SLF001 - ministack has no public way to what is reached into here
"""ministack's inner state as the local cloud needs it: what is waiting in queues and streams, and snapshots."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ministack.services import dynamodb, kms, s3, secretsmanager, sns, sqs  # type: ignore[import-untyped]

_SNAPSHOT = "backend.pickle"


class _Files:
    """ministack's buckets with what is in them, which it leaves out of its own state."""

    @staticmethod
    def get_state() -> dict[Any, Any]:
        """Answer all buckets."""
        buckets: dict[Any, Any] = s3._buckets._data
        return buckets

    @staticmethod
    def load_persisted_state(state: dict[Any, Any]) -> None:
        """Take up what `get_state` answered before a restart."""
        s3._buckets._data.update(state)


_SERVICES: dict[str, Any] = {
    "dynamodb": dynamodb,
    "sqs": sqs,
    "sns": sns,
    "secretsmanager": secretsmanager,
    "kms": kms,
    "s3": _Files,
}


def queue_states() -> dict[str, dict[str, Any]]:
    """For each queue: how many messages can be received now, and when the next hidden one appears (or None)."""
    states: dict[str, dict[str, Any]] = {}
    queues = list(sqs._queues.all_values())
    for queue in queues:
        # A receive does these two as well; done first, the counts are what a receive would find.
        sqs._expire_retained(queue)
        sqs._dlq_sweep(queue)
    now = sqs.time.time()
    for queue in queues:
        hidden = [m["visible_at"] for m in queue["messages"] if m["visible_at"] > now]
        states[queue["name"]] = {
            "visible": len(queue["messages"]) - len(hidden),
            "next": min(hidden, default=None),
        }
    return states


def sent_messages() -> list[tuple[str | None, str, str, str]]:
    """Find all messages: the provider's id (None where there is none yet), the message's, and its key."""
    found: list[tuple[str | None, str, str, str]] = []
    for table in dynamodb._tables.all_values():
        for items in list(table["items"].values()):
            for item in list(items.values()):
                if item.get("ty") == {"S": "message"}:
                    provider_id = item.get("pid", {}).get("S")
                    found.append((provider_id, item["id"]["S"], item["pk"]["S"], item["sk"]["S"]))
    return found


class Streams:
    """Reading positions of the consumers of DynamoDB streams, kept over restarts with what is unread."""

    def __init__(self) -> None:
        self._cursors: dict[tuple[str, str], int] = {}

    def open(self, table: str, consumer: str) -> None:
        """Register a consumer; a new one begins at the oldest record (TRIM_HORIZON)."""
        self._cursors.setdefault((table, consumer), dynamodb.stream_start_position(table))

    def unread(self) -> dict[str, dict[str, int]]:
        """For each table and consumer the number of records that it hasn't read."""
        counts: dict[str, dict[str, int]] = {}
        for (table, consumer), position in self._cursors.items():
            end = dynamodb.stream_end_position(table)
            counts.setdefault(table, {})[consumer] = max(0, end - position)
        return counts

    def read(self, table: str, consumer: str, limit: int) -> list[dict[str, Any]]:
        """Read up to `limit` records after the consumer's position, without moving it."""
        position = self._cursors[table, consumer]
        records: list[dict[str, Any]] = dynamodb.stream_live_records(table)
        start = dynamodb.stream_start_position(table)
        if position < start:
            position = self._cursors[table, consumer] = start
        return records[position - start : position - start + limit]

    def advance(self, table: str, consumer: str, count: int) -> None:
        """Move the consumer past `count` records and forget what every consumer has read."""
        self._cursors[table, consumer] += count
        start = dynamodb.stream_start_position(table)
        lowest = min(position for (name, _), position in self._cursors.items() if name == table)
        if lowest > start:
            del dynamodb._stream_records[table][: lowest - start]
            dynamodb._stream_trimmed[table] = dynamodb._stream_trimmed.get(table, 0) + lowest - start

    def reset(self) -> None:
        """Forget every consumer."""
        self._cursors.clear()

    def state(self) -> dict[str, Any]:
        """Answer what a snapshot has to keep."""
        tables = {table for table, _ in self._cursors}
        return {
            "records": {table: dynamodb.stream_live_records(table) for table in tables},
            "trimmed": {table: dynamodb.stream_start_position(table) for table in tables},
            "sequence": dynamodb._stream_seq_counter,
            "cursors": self._cursors,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what `state` answered before a restart."""
        self._cursors = dict(state["cursors"])
        dynamodb._stream_seq_counter = state["sequence"]
        for table, records in state["records"].items():
            dynamodb._stream_records[table] = list(records)
            dynamodb._stream_trimmed[table] = state["trimmed"][table]


def save_snapshot(state_dir: Path, streams: Streams) -> None:
    """Write all state as one file, replaced in one step. The caller no longer changes the state meanwhile."""
    for module in (dynamodb, sqs, sns, secretsmanager):
        # Their copies protect against changes during the writing; here nothing changes.
        module.copy = SimpleNamespace(deepcopy=lambda value: value, copy=lambda value: value)
    snapshot = {name: module.get_state() for name, module in _SERVICES.items()}
    temporary = state_dir / f"{_SNAPSHOT}.{os.getpid()}"
    with temporary.open("wb") as file:
        pickle.dump({"services": snapshot, "streams": streams.state()}, file, pickle.HIGHEST_PROTOCOL)
    temporary.replace(state_dir / _SNAPSHOT)


def load_snapshot(state_dir: Path, streams: Streams) -> None:
    """Take up the last snapshot, if there is one."""
    path = state_dir / _SNAPSHOT
    if not path.exists():
        return
    with path.open("rb") as file:
        snapshot = pickle.load(file)  # noqa: S301 - written by this module into our own state folder
    for name, module in _SERVICES.items():
        if name in snapshot["services"]:  # one that an older cloud did not run yet begins empty
            module.load_persisted_state(snapshot["services"][name])
    streams.restore(snapshot["streams"])


def delete_snapshot(state_dir: Path) -> None:
    """Remove the snapshot, so that the next start is empty."""
    (state_dir / _SNAPSHOT).unlink(missing_ok=True)


def dump(value: Any) -> str:
    """Write JSON, with ministack's bytes and decimals as text."""
    return json.dumps(value, default=str)
