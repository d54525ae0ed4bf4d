"""What AWS refuses, and moto and botocore let pass: each request is held against all of it.

botocore checks types, required members and lower bounds; the rest of what its service models say (patterns, upper
bounds, enumerations) it leaves to the service. moto takes nearly everything. What no model says stands here, in
`aws_rules_dynamodb` and beside the local cloud's fakes, which refuse by the same rules.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any

from botocore.exceptions import ClientError
from botocore.model import OperationModel

from local.fakes import ses_rules, sns_rules
from local.scheduler.expressions import At
from local.scheduler.rules import ApiError, check_name, check_schedule
from tests import aws_rules_dynamodb

_GROUP_ID = re.compile(r"[!-~]{1,128}")
_ENTRY_ID = re.compile(r"[A-Za-z0-9_\-]{1,80}")
_NOT_XML = re.compile(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")
_LONGEST_DELAY, _BATCH, _BATCH_BYTES = 900, 10, 256 * 1024
_DEVICE_DATA_BYTES = 2048
_BOUNDED: Mapping[str, Callable[[Any], int]] = {
    "string": len,
    "blob": len,
    "list": len,
    "map": len,
    "integer": int,
    "long": int,
}
_CODES = {"sesv2": "BadRequestException", "sns": "InvalidParameter", "sqs": "InvalidParameterValue"}
"""The error by which a service refuses, where it is not `ValidationException`."""


class Watch:
    """Checks each request of the clients it watches, before it is sent; refuses as AWS would, and remembers why.

    `refused` is to be empty at the end: code that copes with a refusal would hide it otherwise.
    """

    def __init__(self, now: Callable[[], datetime], roles: Collection[str] = ()) -> None:
        self._now = now
        self._roles = roles
        self.seen: Counter[tuple[str, str]] = Counter()
        self.refused: list[str] = []

    def __call__(self, params: dict[str, Any], model: OperationModel, **_: object) -> None:
        """Check a request: for botocore's event `before-parameter-build`."""
        service, operation = str(model.service_model.service_name), str(model.name)
        self.seen[service, operation] += 1
        found = faults(params, model, self._now(), self._roles)
        if found:
            self.refused += [f"{service} {operation}: {fault}" for fault in found]
            answer: Any = {
                "Error": {"Code": _CODES.get(service, "ValidationException"), "Message": "; ".join(found)},
                "ResponseMetadata": {"HTTPStatusCode": 400},
            }
            raise ClientError(answer, operation)


@contextmanager
def watching(events: Any, now: Callable[[], datetime], roles: Collection[str] = ()) -> Iterator[Watch]:
    """Watch what a client sends, or every client that a session makes from now on; fails if AWS refused any of it.

    `events`: the client's `meta.events`, or the session's emitter.
    """
    watch = Watch(now, roles)
    events.register("before-parameter-build", watch, unique_id="aws-rules")
    try:
        yield watch
    finally:
        events.unregister("before-parameter-build", watch, unique_id="aws-rules")
    assert not watch.refused, "; ".join(watch.refused)


def faults(request: Mapping[str, Any], model: OperationModel, now: datetime, roles: Collection[str] = ()) -> list[str]:
    """Say everything that AWS would refuse a request for. `roles`: the ARNs that the scheduler may assume."""
    service, operation = str(model.service_model.service_name), str(model.name)
    found = list(_shape(model.input_shape, request, operation)) if model.input_shape is not None else []
    match service, operation:
        case "scheduler", _:
            found += _scheduler(operation, request, now, roles)
        case "sqs", "SendMessage":
            found += _queued([request])
        case "sqs", "SendMessageBatch":
            found += _queued(request.get("Entries", []), batch=True)
        case "sesv2", "SendEmail":
            found += ses_rules.faults(request)
        case "sns", "Publish":
            found += sns_rules.faults(request)
        case "sns", "CreatePlatformEndpoint" | "SetEndpointAttributes":
            found += _endpoint(request)
        case "dynamodb", _:
            found += aws_rules_dynamodb.faults(operation, request)
    return found


def _shape(shape: Any, value: Any, path: str) -> Iterator[str]:
    """Hold a value against its shape in the service's model."""
    if not _is_bounded(shape):
        return
    yield from _bounds(shape, value, path)
    if shape.type_name == "structure" and isinstance(value, Mapping):
        for name, member in value.items():
            if name in shape.members:
                yield from _shape(shape.members[name], member, f"{path}.{name}")
    elif shape.type_name == "list" and isinstance(value, Sequence):
        for number, member in enumerate(value):
            yield from _shape(shape.member, member, f"{path}[{number}]")
    elif shape.type_name == "map" and isinstance(value, Mapping):
        for name, member in value.items():
            yield from _shape(shape.key, name, f"{path} key {name!r}")
            yield from _shape(shape.value, member, f"{path}.{name}")


def _bounds(shape: Any, value: Any, path: str) -> Iterator[str]:
    measure = _BOUNDED.get(shape.type_name)
    if measure is None:
        return
    said = shape._shape_model  # no public name for patterns
    size = measure(value)
    if not said.get("min", size) <= size <= said.get("max", size):
        yield f"{path}: {size} is not within {said.get('min')} and {said.get('max')}"
    if shape.type_name == "string":
        if "pattern" in said and not _pattern(said["pattern"]).fullmatch(value):
            yield f"{path}: {value!r} does not match {said['pattern']}"
        if "enum" in said and value not in said["enum"]:
            yield f"{path}: {value!r} is none of {said['enum']}"


@cache
def _is_bounded(shape: Any, within: tuple[str, ...] = ()) -> bool:
    """Whether a shape, or anything in it, says more than a type.

    DynamoDB's values are left out: all they say is that a name has 65,535 characters at most, of an item of 400 KB.
    """
    if shape.name in ("AttributeValue", *within):
        return False
    if any(word in shape._shape_model for word in ("min", "max", "pattern", "enum")):
        return True
    inner = list(shape.members.values()) if shape.type_name == "structure" else []
    inner += [getattr(shape, name) for name in ("member", "key", "value") if hasattr(shape, name)]
    return any(_is_bounded(member, (*within, shape.name)) for member in inner)


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


def _scheduler(operation: str, request: Mapping[str, Any], now: datetime, roles: Collection[str]) -> Iterator[str]:
    try:
        check_name(request.get("Name", ""))
        check_name(request.get("GroupName", "default"), "groupName")
        if operation not in ("CreateSchedule", "UpdateSchedule"):
            return
        expression = check_schedule(request, now, roles)
    except ApiError as error:
        yield str(error)
        return
    # Nothing that AWS refuses, but what leaks or goes wrong silently: an update resets whatever it leaves out.
    target = request["Target"]
    if isinstance(expression, At) and request.get("ActionAfterCompletion") != "DELETE":
        yield "a one-time schedule that is not deleted counts against the quota for ever"
    if "MaximumEventAgeInSeconds" not in target.get("RetryPolicy", {}):
        yield "without a maximum age it is tried for a day"
    if "DeadLetterConfig" not in target:
        yield "without a dead-letter queue a failed invocation leaves no trace"


def _queued(entries: Sequence[Mapping[str, Any]], *, batch: bool = False) -> Iterator[str]:
    for entry in entries:
        delay, body, group = entry.get("DelaySeconds", 0), entry.get("MessageBody", ""), entry.get("MessageGroupId")
        if not 0 <= delay <= _LONGEST_DELAY:
            yield f"DelaySeconds {delay} is not within 0 and {_LONGEST_DELAY}"
        if not body or _NOT_XML.search(body):
            yield "a body is neither empty nor has it characters that XML does not know"
        if group is not None and not _GROUP_ID.fullmatch(group):
            yield f"MessageGroupId {group!r} is not 1 to 128 letters, digits and punctuation marks"
    if sum(len(entry.get("MessageBody", "").encode()) for entry in entries) > _BATCH_BYTES:
        yield "the bodies have more than 256 KB together"
    if batch:
        names = [entry.get("Id", "") for entry in entries]
        if not 1 <= len(names) <= _BATCH:
            yield f"a batch of {len(names)}"
        if len(set(names)) < len(names):
            yield "two entries have the same Id"
        if not all(_ENTRY_ID.fullmatch(name) for name in names):
            yield "an Id is not 1 to 80 letters, digits, hyphens and underscores"


def _endpoint(request: Mapping[str, Any]) -> Iterator[str]:
    given = {**request, **request.get("Attributes", {})}
    if not given.get("Token", "x"):
        yield "Invalid parameter: Token Reason: cannot be empty"
    if len(given.get("CustomUserData", "").encode()) > _DEVICE_DATA_BYTES:
        yield "Invalid parameter: CustomUserData Reason: more than 2048 bytes"
    if given.get("Enabled", "true") not in ("true", "false"):
        yield "Invalid parameter: Enabled"
