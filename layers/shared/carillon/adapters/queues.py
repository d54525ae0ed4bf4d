"""The SQS queues between the functions: batches of ten, fair between organizations."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from carillon.domain.channels import Channel
from carillon.domain.errors import Contended
from carillon.domain.messages import MessageKey
from carillon.domain.times import iso, parse_instant
from carillon.ports.queues import Due, Ready

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

BATCH = 10
LONGEST_DELAY = 900
"""Seconds; SQS delays no longer than that."""


class SqsQueues:
    """See the port `Queues`. A queue that a function has no URL of is not one it may send to."""

    def __init__(
        self, client: "SQSClient", *, channels: Mapping[Channel, str], due: str | None = None, jobs: str | None = None
    ) -> None:
        self._client = client
        self._channels = channels
        self._due = due
        self._jobs = jobs

    def send_ready(self, messages: Sequence[Ready]) -> None:
        """Put stored messages on the queues of their channels."""
        by_queue: dict[str, list[tuple[str, dict[str, Any], int]]] = {}
        for message in messages:
            entry = (message.org_id, ready_to_data(message), min(message.delay, LONGEST_DELAY))
            by_queue.setdefault(self._channels[message.channel], []).append(entry)
        for queue, entries in by_queue.items():
            self._send(queue, entries)

    def send_due(self, reminders: Sequence[Due]) -> None:
        """Put reminders on the due queue."""
        if reminders:
            self._send(_known(self._due), [(due.org_id, due_to_data(due), 0) for due in reminders])

    def send_job(self, job: Mapping[str, Any], *, delay: int = 0) -> None:
        """Put a job on the jobs queue."""
        self._send(_known(self._jobs), [(str(job["o"]), dict(job), delay)])

    def send_wait(self, message: Ready, at: datetime) -> None:
        """Have a job see to it that a stored message comes to its channel's queue at a later instant."""
        self.send_job({"kind": "wait", "at": iso(at), **waiting_to_data(message)})

    def send_jobs(self, jobs: Sequence[Mapping[str, Any]]) -> None:
        """Put jobs on the jobs queue, ten a call."""
        self._send(_known(self._jobs), [(str(job["o"]), dict(job), 0) for job in jobs])

    def _send(self, queue: str, entries: Sequence[tuple[str, dict[str, Any], int]]) -> None:
        for begin in range(0, len(entries), BATCH):
            answer = self._client.send_message_batch(
                QueueUrl=queue,
                Entries=[
                    {
                        "Id": str(number),
                        "MessageBody": json.dumps(body, separators=(",", ":")),
                        "DelaySeconds": delay,
                        # Fair queues: a busy organization does not hold up the others.
                        "MessageGroupId": org_id,
                    }
                    for number, (org_id, body, delay) in enumerate(entries[begin : begin + BATCH])
                ],
            )
            failed = answer.get("Failed", [])
            if failed:
                raise Contended(f"SQS did not take {len(failed)} of a batch: {failed[0].get('Code')}")


def due_to_data(due: Due) -> dict[str, Any]:
    """Write a due reminder as a queue message."""
    data: dict[str, Any] = {
        "o": due.org_id,
        "r": due.record,
        "c": due.client_id,
        "key": due.key,
        "start": iso(due.start),
        "at": iso(due.at),
        "gen": due.generation,
    }
    return data if due.audience == "client" else {**data, "au": due.audience, "s": list(due.staff)}


def ready_to_data(message: Ready) -> dict[str, Any]:
    """Write a stored message as a message of its channel's queue."""
    return {
        "o": message.org_id,
        "p": message.key.recipient,
        "d": message.key.digest,
        "r": message.record,
        "c": message.client_id,
        "s": list(message.staff),
    }


def waiting_to_data(message: Ready) -> dict[str, Any]:
    """Write a stored message that waits elsewhere than on its channel's queue, which is therefore named."""
    data = {**ready_to_data(message), "ch": message.channel}
    flags = [name for name, holds in (("paced", message.paced), ("patient", message.patient)) if holds]
    data |= {"as": flags} if flags else {}
    return data | ({"dl": iso(message.deadline)} if message.deadline is not None and not message.paced else {})


def waiting_from_data(data: Mapping[str, Any]) -> Ready | None:
    """Read a stored message that waited; None for what is none."""
    if "ch" not in data:
        return None
    flags, deadline = data.get("as", ()), data.get("dl")
    return replace(
        ready_from_data(data, data["ch"]),
        paced="paced" in flags,
        patient="patient" in flags,
        deadline=parse_instant(deadline) if deadline is not None else None,
    )


def due_from_data(data: Mapping[str, Any]) -> Due:
    """Read a queue message of the due queue."""
    return Due(
        org_id=data["o"],
        record=data["r"],
        client_id=data["c"],
        key=data["key"],
        start=parse_instant(data["start"]),
        at=parse_instant(data["at"]),
        generation=data["gen"],
        audience=data.get("au", "client"),
        staff=tuple(data.get("s", ())),
    )


def ready_from_data(data: Mapping[str, Any], channel: Channel) -> Ready:
    """Read a queue message of a channel's queue."""
    return Ready(
        org_id=data["o"],
        channel=channel,
        key=MessageKey(data["p"], data["d"]),
        record=data["r"],
        client_id=data["c"],
        staff=tuple(data["s"]),
    )


def _known(url: str | None) -> str:
    if url is None:
        raise LookupError("this function has no URL of that queue")
    return url
