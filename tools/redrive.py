#!/usr/bin/env python3
"""Shows what lies in the dead-letter queues of a stack, and sends it on its way again (`--replay`).

Nothing personal is printed: kinds, organizations, ages and how often each was received. Replaying is safe to repeat.
A message is sent first and deleted then, so at worst it comes twice; what it asks for is done once, since whoever does
it looks first: a message is claimed, a reminder has its message already, a record is planned.

Most dead letters go back to the queue they came from. Two queues hold something else: what the scheduler could not
deliver goes to the due queue, or to that of recaps, and a part of the stream that was given up names no records, so a
job looks through all of them for what is not planned.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3

BATCH = 10
MOST_SHOWN = 1000
PEEK_SECONDS = 60
"""Longer than it takes to look through a queue, so that each message is seen once; then they are visible again."""
WAIT_S = 1
"""A long poll asks every server that may hold a message; a short one may come back with nothing."""
SCHEDULER, STREAM = "SchedulerDeadLetterQueue", "StreamFailureQueue"
LOOK_THROUGH = {"kind": "look_through_all", "o": "@"}


class UsageError(Exception):
    """What was asked for isn't there."""


@dataclass(frozen=True)
class Place:
    """A dead-letter queue, and where its messages go when they are replayed; `recaps`: where recaps among them go."""

    name: str
    url: str
    to: str
    recaps: str | None = None

    def of(self, message: Mapping[str, Any]) -> str:
        """Say where a message goes."""
        is_recap = self.recaps is not None and "recap" in (_body(message) or {})
        return self.recaps if is_recap and self.recaps is not None else self.to


@dataclass(frozen=True)
class Letter:
    """A dead letter without what is personal in it; `age` since it was first sent."""

    kind: str
    organization: str
    age: timedelta
    receives: int


def main(arguments: list[str] | None = None) -> int:
    """List, and with --replay send again; 1 if something could not be."""
    options = _options(arguments)
    try:
        sqs, queues = _open(options)
        places = _chosen(dead_letter_queues(sqs, queues), options.queue)
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    failed = 0
    for place in places:
        _show(place, list(letters(sqs, place)) if not options.replay else None, sqs)
        if options.replay:
            moved, stuck = replay(sqs, place)
            failed += stuck
            if moved or stuck:
                sys.stdout.write(f"  {moved} replayed" + (f", {stuck} could not be\n" if stuck else "\n"))
    return 1 if failed else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--stack", help="the name of a deployed stack")
    which.add_argument("--local", type=Path, help="the folder of a running local cloud (.local)")
    parser.add_argument("--queue", help="one dead-letter queue, by its name in template.yaml; all by default")
    parser.add_argument("--replay", action="store_true", help="send them on their way again")
    return parser.parse_args(arguments)


def _chosen(places: list[Place], name: str | None) -> list[Place]:
    found = [place for place in places if name in (None, place.name)]
    if not found:
        raise UsageError(f"{name or 'none'} is not a dead-letter queue of this stack")
    return found


def _open(options: argparse.Namespace) -> tuple[Any, dict[str, str]]:
    """Answer a client of SQS, and the queues' addresses by their names in the template."""
    if options.local is not None:
        return _open_local(options.local)
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=options.stack)
    found = [resource for page in pages for resource in page["StackResourceSummaries"]]
    queues = {
        str(resource["LogicalResourceId"]): str(resource["PhysicalResourceId"])
        for resource in found
        if resource["ResourceType"] == "AWS::SQS::Queue"
    }
    return boto3.client("sqs"), queues


def _open_local(folder: Path) -> tuple[Any, dict[str, str]]:
    try:
        facts = json.loads((folder / "cloud.json").read_text())
    except OSError:
        raise UsageError(f"no local cloud runs on {folder}") from None
    sqs = boto3.client(
        "sqs",
        endpoint_url=facts["aws_endpoints"]["default"],
        region_name=facts["region"],
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - the emulator takes any
    )
    urls = sqs.list_queues().get("QueueUrls", [])
    return sqs, {url.rsplit("/", 1)[1].partition("-")[2]: url for url in urls}


def dead_letter_queues(sqs: Any, queues: Mapping[str, str]) -> list[Place]:
    """Find the queues that others give messages up to, and the two that AWS's services give up to."""
    by_arn = {_attribute(sqs, url, "QueueArn"): (name, url) for name, url in queues.items()}
    found: dict[str, Place] = {}
    for url in queues.values():
        policy = json.loads(_attribute(sqs, url, "RedrivePolicy") or "{}")
        if policy.get("deadLetterTargetArn") in by_arn:
            name, dead = by_arn[policy["deadLetterTargetArn"]]
            found[name] = Place(name, dead, to=url)
    for name, work in ((SCHEDULER, "DueQueue"), (STREAM, "JobsQueue")):
        if name in queues and work in queues:
            found[name] = Place(
                name, queues[name], to=queues[work], recaps=queues.get("RecapsQueue") if name == SCHEDULER else None
            )
    return [found[name] for name in sorted(found)]


def _attribute(sqs: Any, url: str, name: str) -> str:
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
    return str(answer.get("Attributes", {}).get(name, ""))


def letters(sqs: Any, place: Place) -> Iterator[Letter]:
    """Look through a queue without taking anything off it, a thousand messages at most."""
    seen: list[dict[str, Any]] = []
    try:
        while len(seen) < MOST_SHOWN and (batch := _receive(sqs, place, PEEK_SECONDS)):
            seen += batch
            yield from map(_letter, batch)
    finally:
        for begin in range(0, len(seen), BATCH):
            entries = [
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0}
                for number, message in enumerate(seen[begin : begin + BATCH])
            ]
            sqs.change_message_visibility_batch(QueueUrl=place.url, Entries=entries)


def _receive(sqs: Any, place: Place, hidden_s: int) -> list[dict[str, Any]]:
    answer = sqs.receive_message(
        QueueUrl=place.url,
        MaxNumberOfMessages=BATCH,
        VisibilityTimeout=hidden_s,
        WaitTimeSeconds=WAIT_S,
        AttributeNames=["All"],
        MessageAttributeNames=["All"],
    )
    found: list[dict[str, Any]] = answer.get("Messages", [])
    return found


def _letter(message: Mapping[str, Any]) -> Letter:
    body, attributes = _body(message), message.get("Attributes", {})
    sent = datetime.fromtimestamp(int(attributes.get("SentTimestamp", 0)) / 1000, UTC)
    organization = str(body.get("o") or "-") if body is not None else "-"
    return Letter(_kind(body), organization, datetime.now(UTC) - sent, int(attributes["ApproximateReceiveCount"]))


def _body(message: Mapping[str, Any]) -> dict[str, Any] | None:
    try:
        body = json.loads(message["Body"])
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _kind(body: Mapping[str, Any] | None) -> str:
    """Name what a message asks for, in words of ours only."""
    match body:
        case None:
            return "unreadable"
        case {"o": _, "kind": str(kind)}:
            return f"job {kind}"
        case {"o": _, "gen": _, "key": str(key)}:
            return f"reminder {key}"
        case {"o": _, "recap": "staff" | "managers" as recap}:
            return f"recap {recap}"
        case {"o": _, "p": _, "d": _}:
            return "message"
        case {"eventType": str(event)}:
            return f"receipt {event}"
        case {"DDBStreamBatchInfo": {"batchSize": size}}:
            return f"part of the stream, {size} records"
    return "something else"


def _show(place: Place, found: list[Letter] | None, sqs: Any) -> None:
    count = _attribute(sqs, place.url, "ApproximateNumberOfMessages")
    sys.stdout.write(f"{place.name}: {count}\n")
    groups = Counter((letter.kind, letter.organization) for letter in found or ())
    for (kind, organization), times in sorted(groups.items()):
        own = [letter for letter in found or () if (letter.kind, letter.organization) == (kind, organization)]
        oldest, most = max(letter.age for letter in own), max(letter.receives for letter in own)
        age = f"{oldest.days} d" if oldest.days else f"{int(oldest.total_seconds() // 60)} min"
        sys.stdout.write(f"  {times} x {kind}, {organization}, up to {age} old, received up to {most} times\n")


def replay(sqs: Any, place: Place) -> tuple[int, int]:
    """Send a queue's messages on; answers how many, and how many stay because SQS did not take them."""
    moved = stuck = 0
    if place.name == STREAM and int(_attribute(sqs, place.url, "ApproximateNumberOfMessages") or 0):
        sqs.send_message(QueueUrl=place.to, MessageBody=json.dumps(LOOK_THROUGH), MessageGroupId=LOOK_THROUGH["o"])
    while batch := _receive(sqs, place, PEEK_SECONDS):
        taken = batch if place.name == STREAM else _send(sqs, place, batch)
        entries = [
            {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]} for number, message in enumerate(taken)
        ]
        if entries:
            sqs.delete_message_batch(QueueUrl=place.url, Entries=entries)
        moved += len(taken)
        stuck += len(batch) - len(taken)
    return moved, stuck


def _send(sqs: Any, place: Place, batch: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Send messages to where they go; answers those that may be deleted."""
    wanted = [message for message in batch if not _is_housekeeping(place, message)]
    if not wanted:
        return batch
    refused: set[int] = set()
    for target in sorted({place.of(message) for message in wanted}):
        entries = [_entry(number, message) for number, message in enumerate(wanted) if place.of(message) == target]
        answer = sqs.send_message_batch(QueueUrl=target, Entries=entries)
        refused |= {id(wanted[int(failure["Id"])]) for failure in answer.get("Failed", [])}
    return [message for message in batch if id(message) not in refused]


def _is_housekeeping(place: Place, message: Mapping[str, Any]) -> bool:
    """Whether it is the sweep's own schedule that could not be delivered: a later run has done its work."""
    return place.name == SCHEDULER and "o" not in (_body(message) or {})


def _entry(number: int, message: Mapping[str, Any]) -> dict[str, Any]:
    organization = (_body(message) or {}).get("o")
    group = message.get("Attributes", {}).get("MessageGroupId") or organization
    entry: dict[str, Any] = {"Id": str(number), "MessageBody": message["Body"]}
    return {**entry, "MessageGroupId": str(group)} if group else entry


if __name__ == "__main__":
    sys.exit(main())
