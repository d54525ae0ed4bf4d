"""The whole pipeline in one process on moto: real handlers, real queue messages, a clock to move, deaths on demand.

What AWS does between the functions is played here: the table's stream, EventBridge Scheduler, SQS with at-least-once
delivery. A function that dies leaves its messages on the queue and forgets everything it had in memory.
"""

from __future__ import annotations

import importlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from moto.backends import get_backend

from carillon.adapters import aws as aws_clients
from carillon.ports.delivery import Outcome, Outgoing
from local import resources
from local.template import ACCOUNT_ID
from tests.integration.account import REGION, Aws, forget_services

QUEUES = {
    "due": "dispatch_reminder",
    "recaps": "send_recap",
    "jobs": "run_jobs",
    "email": "send_email",
    "sms": "send_sms",
    "push": "send_push",
    "whatsapp": "send_whatsapp",
    "telegram": "send_telegram",
    "viber": "send_viber",
}
"""Which function a queue feeds; a channel's is named like the channel."""
DOCUMENTS = {"settings", "organization", "client", "quota_event"}
SENDING = {("sns", "Publish"), ("sesv2", "SendEmail")}
SERVICES = ("dynamodb", "sqs", "scheduler", "secretsmanager", "s3")


class DeathError(BaseException):
    """The process dies. No `except Exception` survives that."""


@dataclass
class Deaths:
    """Counts outside calls and kills the process right after the `at`-th (0: never); once."""

    at: int = 0
    calls: list[str] = field(default_factory=list)

    def count(self, name: str) -> None:
        """Note an outside call, and die if it was the one."""
        self.calls.append(name)
        if len(self.calls) == self.at:
            raise DeathError(name)


@dataclass
class World:
    """The account with everything that happens in it."""

    aws: Aws
    deaths: Deaths = field(default_factory=Deaths)
    sent: list[tuple[str, str, str]] = field(default_factory=list)
    """(channel, to, what it is about) of every call that reached a provider."""
    seen: dict[str, str] = field(default_factory=dict)
    """Versions of the documents that the stream has shown."""
    answer: Callable[[Outgoing], Outcome] | None = None
    """What Twilio answers, if not that it takes the message."""

    def __post_init__(self) -> None:
        resources.create_groups(self.aws.template, self._scheduler())
        boto3.client("sesv2", region_name=REGION).create_email_identity(
            EmailIdentity=self.aws.environment["EMAIL_FROM"]
        )
        self.listen()

    # --- Watching outside calls -------------------------------------------------------------------------------------

    def listen(self) -> None:
        """Watch the clients of the process, which a new process makes anew."""
        forget_services()
        _watched[:] = [self]
        for service in SERVICES:
            _watch(service, aws_clients.client(service))
        for service in ("sns", "sesv2"):
            _watch(service, aws_clients.sending_client(service))

    def twilio(self, outgoing: Outgoing) -> Outcome:
        """Stand in for Twilio's HTTP call."""
        self.sent.append(("whatsapp", outgoing.to, outgoing.rendered.text))
        outcome = self.answer(outgoing) if self.answer else Outcome("accepted", provider_id=f"SM{len(self.sent)}")
        self.deaths.count("twilio.send")
        return outcome

    # --- What AWS does between the functions ------------------------------------------------------------------------

    def settle(self) -> None:
        """Run the stream and the queues until nothing moves any more."""
        for _ in range(60):
            moved = [self._stream(), *(self._queue(name) for name in QUEUES)]
            if not any(moved):
                return
        raise AssertionError("it never settles")

    def advance_to(self, instant: datetime) -> None:
        """Move the clock, firing schedules on the way in their order."""
        while True:
            due = [item for item in self.schedules() if item[0] <= instant]
            if not due:
                break
            at, name, payload = min(due)
            self.aws.clock.at = max(self.aws.clock.at, at)
            boto3.client("sqs", region_name=REGION).send_message(QueueUrl=self._url("due"), MessageBody=payload)
            self._scheduler().delete_schedule(Name=name, GroupName=self.aws.environment["REMINDERS_GROUP"])
            self.settle()
        self.aws.clock.at = max(self.aws.clock.at, instant)
        self.settle()

    def deliver_delayed(self) -> None:
        """Bring what waits for later, as SQS does when a delay is over; moto's delays know no clock but its own."""
        for item in self.messages():
            if item["st"] == "queued":
                org_id, _, recipient = item["pk"].partition("#P#")
                body = {"o": org_id, "p": recipient, "d": item["sk"][2:], "r": item["rec"], "c": recipient[2:], "s": []}
                boto3.client("sqs", region_name=REGION).send_message(
                    QueueUrl=self._url(item["ch"]), MessageBody=json.dumps(body)
                )
        self.settle()

    def schedules(self) -> list[tuple[datetime, str, str]]:
        """Every schedule: when, its name, and what it puts on the queue."""
        client, group = self._scheduler(), self.aws.environment["REMINDERS_GROUP"]
        found = []
        for summary in client.list_schedules(GroupName=group)["Schedules"]:
            schedule = client.get_schedule(GroupName=group, Name=summary["Name"])
            at = datetime.strptime(schedule["ScheduleExpression"], "at(%Y-%m-%dT%H:%M:%S)").replace(tzinfo=UTC)
            found.append((at, summary["Name"], schedule["Target"]["Input"]))
        return sorted(found)

    def messages(self) -> list[dict[str, Any]]:
        """Every stored message."""
        return [item for item in self.aws.items() if item.get("ty") == "message"]

    def statuses(self) -> Counter[tuple[Any, Any, Any]]:
        """Count the stored messages by channel, status and reason."""
        return Counter((item.get("ch"), item["st"], item.get("rs")) for item in self.messages())

    def _scheduler(self) -> Any:
        return boto3.client("scheduler", region_name=REGION)

    def _stream(self) -> bool:
        """Bring the stream's function what changed: records it has not followed, documents with a new version."""
        client = boto3.client("dynamodb", region_name=REGION)
        images = client.scan(TableName=self.aws.environment["TABLE_NAME"])["Items"]
        news = [image for image in images if _behind(image) or self._is_news(image)]
        records = [
            {"eventName": "MODIFY", "dynamodb": {"SequenceNumber": str(number), "NewImage": image}}
            for number, image in enumerate(news)
        ]
        if records and self._run("plan_notifications", {"Records": records}) is not None:
            self.seen |= {_place(image): _version(image) for image in news}
        return bool(records)

    def _is_news(self, image: dict[str, Any]) -> bool:
        if image.get("ty", {}).get("S") == "posted":
            return "pk3" in image
        return image.get("ty", {}).get("S") in DOCUMENTS and self.seen.get(_place(image)) != _version(image)

    def _url(self, queue: str) -> str:
        own = f"{queue.upper()}_QUEUE_URL"
        channels: dict[str, str] = json.loads(self.aws.environment["CHANNEL_QUEUES"])
        return self.aws.environment[own] if own in self.aws.environment else channels[queue]

    def _queue(self, name: str) -> bool:
        """Deliver what lies on a queue; what is not acknowledged lies there again."""
        url, sqs = self._url(name), boto3.client("sqs", region_name=REGION)
        if not _lies_something_on(url):
            return False
        taken = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=3600, AttributeNames=["All"]
        ).get("Messages", [])
        if not taken:
            return False
        records = [
            {"messageId": message["MessageId"], "body": message["Body"], "attributes": message["Attributes"]}
            for message in taken
        ]
        answer = self._run(QUEUES[name], {"Records": records})
        failed = {message["MessageId"] for message in taken}
        if answer is not None:
            failed = {item["itemIdentifier"] for item in answer["batchItemFailures"]}
        for message in taken:
            if message["MessageId"] in failed:
                sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
            else:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return True

    def _run(self, function: str, event: dict[str, Any]) -> Any:
        """Invoke a function; None when it died. A redelivery comes minutes later, to a new process."""
        handler = importlib.import_module(f"functions.{function}.app").lambda_handler
        try:
            answer = json.loads(json.dumps(handler(json.loads(json.dumps(event)), None)))
        except DeathError:
            answer = None
        if answer is None or answer["batchItemFailures"]:
            self.aws.clock.advance(timedelta(minutes=3))
            self.listen()
        return answer


_watched: list[World] = []
"""The world whose calls are counted; clients of a session share their handlers, so there is one of each."""


def _watch(service: str, client: Any) -> None:
    def after(model: Any, **_: object) -> None:
        for world in _watched:
            world.deaths.count(f"{service}.{model.name}")

    def before(model: Any, params: Any, **_: object) -> None:
        for world in _watched:
            if (service, model.name) in SENDING:
                world.sent.append(_described(service, params))

    client.meta.events.register(f"after-call.{service}", after, unique_id=f"world-after-{service}")
    client.meta.events.register(f"before-call.{service}", before, unique_id=f"world-before-{service}")


def _lies_something_on(url: str) -> bool:
    """Look at a queue without a call: most are empty most of the time, and asking each took a third of every test."""
    found: bool = (
        get_backend("sqs")[ACCOUNT_ID][REGION].get_queue(url.rpartition("/")[2]).approximate_number_of_messages > 0
    )
    return found


def unwatch() -> None:
    """Stop counting: the world is over."""
    _watched.clear()


def _place(image: dict[str, Any]) -> str:
    return f"{image['pk']['S']} {image['sk']['S']}"


def _version(image: dict[str, Any]) -> str:
    return str(image.get("v", {}).get("N", "1"))


def _behind(image: dict[str, Any]) -> bool:
    if image.get("ty") != {"S": "record"}:
        return False
    done = (image.get("pv", {}).get("N", "0"), image.get("ps", {}).get("N", "0"))
    return "ev" in image or done != (image["v"]["N"], image["pr"]["N"])


def _described(service: str, params: Any) -> tuple[str, str, str]:
    body = params["body"]
    if service == "sns":
        return "sms", body["PhoneNumber"], body["Message"]
    document = json.loads(body)
    simple = document["Content"]["Simple"]
    return "email", document["Destination"]["ToAddresses"][0], simple["Subject"]["Data"]
