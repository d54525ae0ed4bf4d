"""What EventBridge Scheduler refuses, so that a mistake shows here and not first on AWS.

Sources: botocore's service model (lengths, patterns, ranges), the user guide (schedule types, dead-letter queues), and
reports of what the service answers (no past `at()`, no `Z`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from local.scheduler.expressions import At, Expression, InvalidExpressionError, parse

_NAME = re.compile(r"[0-9a-zA-Z\-_.]{1,64}")
_TOKEN = re.compile(r"[a-zA-Z0-9\-_]{1,64}")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")
_QUEUE = re.compile(r"arn:aws[a-z-]*:sqs:[a-z0-9\-]+:\d{12}:[a-zA-Z0-9\-_]+(\.fifo)?")
_ARN = re.compile(r"arn:aws[a-z-]*:[a-zA-Z0-9\-]+:[a-z0-9\-]*:(\d{12})?:.+", re.DOTALL)
_INPUT_BYTES = 256 * 1024
_EXPRESSION_LENGTH = 256
_GROUP_ID_LENGTH = 128


class ApiError(Exception):
    """An error answer of the service: its type, HTTP status and message."""

    def __init__(self, code: str, status: int, message: str) -> None:
        self.code = code
        self.status = status
        super().__init__(message)


def invalid(message: str) -> ApiError:
    """Build a ValidationException."""
    return ApiError("ValidationException", 400, message)


def check_name(name: str, what: str = "name") -> None:
    """Refuse a name of a schedule or group that breaks the rule."""
    if not _NAME.fullmatch(name):
        raise invalid(
            f"1 validation error detected: Value '{name}' at '{what}' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: ^[0-9a-zA-Z-_.]+$ and have length at most 64"
        )


def check_token(token: Any) -> None:
    """Refuse a ClientToken that breaks the rule."""
    if token is not None and not _TOKEN.fullmatch(str(token)):
        raise invalid("1 validation error detected: Value at 'clientToken' failed to satisfy constraint")


def check_schedule(document: Mapping[str, Any], now: datetime, roles: Collection[str]) -> Expression:
    """Refuse what AWS refuses in a CreateSchedule or UpdateSchedule; answer the expression that was read."""
    check_token(document.get("ClientToken"))
    _check_window(document.get("FlexibleTimeWindow"))
    _check_target(document.get("Target"), roles)
    if document.get("State", "ENABLED") not in ("ENABLED", "DISABLED"):
        raise invalid("State must be ENABLED or DISABLED")
    if document.get("ActionAfterCompletion", "NONE") not in ("NONE", "DELETE"):
        raise invalid("ActionAfterCompletion must be NONE or DELETE")
    start, end = document.get("StartDate"), document.get("EndDate")
    if end is not None and end <= (start if start is not None else now.timestamp()):
        raise invalid("The EndDate you specify must come after the StartDate and must be in the future.")
    expression = _read_expression(document, now)
    if isinstance(expression, At) and expression.instant <= now:
        raise invalid(f"Invalid Schedule Expression {document['ScheduleExpression']}. It lies in the past.")
    return expression


def _read_expression(document: Mapping[str, Any], now: datetime) -> Expression:
    text = document.get("ScheduleExpression")
    if not isinstance(text, str) or not 1 <= len(text) <= _EXPRESSION_LENGTH:
        raise invalid("ScheduleExpression is required and has 1 to 256 characters")
    start = document.get("StartDate")
    begins = now if start is None else datetime.fromtimestamp(start, UTC)
    try:
        return parse(text, document.get("ScheduleExpressionTimezone") or "UTC", begins)
    except InvalidExpressionError as error:
        raise invalid(str(error)) from error


def _check_window(window: Any) -> None:
    if not isinstance(window, Mapping) or window.get("Mode") not in ("OFF", "FLEXIBLE"):
        raise invalid("FlexibleTimeWindow with Mode OFF or FLEXIBLE is required")
    minutes = window.get("MaximumWindowInMinutes")
    if window["Mode"] == "OFF" and minutes is not None:
        raise invalid("MaximumWindowInMinutes must not be set when the Mode is OFF")
    if window["Mode"] == "FLEXIBLE" and not (isinstance(minutes, int) and 1 <= minutes <= 1440):  # noqa: PLR2004
        raise invalid("MaximumWindowInMinutes must be between 1 and 1440")


def _check_target(target: Any, roles: Collection[str]) -> None:
    if not isinstance(target, Mapping) or not _ARN.fullmatch(str(target.get("Arn", ""))):
        raise invalid("Target.Arn is required and must be an ARN")
    role = str(target.get("RoleArn", ""))
    if not _ROLE.fullmatch(role):
        raise invalid("Target.RoleArn is required and must be the ARN of a role")
    if role not in roles:
        raise invalid("The execution role you provide must allow AWS EventBridge Scheduler to assume the role.")
    if len(str(target.get("Input", "")).encode()) > _INPUT_BYTES:
        raise invalid("Target.Input must have at most 256 KB")
    _check_retries(target.get("RetryPolicy", {}))
    dead_letters = target.get("DeadLetterConfig", {}).get("Arn")
    if dead_letters is not None:
        match = _QUEUE.fullmatch(str(dead_letters))
        if match is None:
            raise invalid("DeadLetterConfig.Arn must be the ARN of an SQS queue")
        if match.group(1):
            raise invalid("A FIFO queue can't be used as a dead-letter queue of a schedule.")
    _check_delivery(target)


def _check_delivery(target: Mapping[str, Any]) -> None:
    arn = str(target["Arn"])
    if ":sqs:" in arn:
        group = target.get("SqsParameters", {}).get("MessageGroupId")
        if arn.endswith(".fifo") and not group:
            raise invalid("SqsParameters.MessageGroupId is required for a FIFO queue")
        if group is not None and not 1 <= len(str(group)) <= _GROUP_ID_LENGTH:
            raise invalid("SqsParameters.MessageGroupId has 1 to 128 characters")
    elif ":aws-sdk:" in arn:
        try:
            json.loads(target.get("Input", ""))
        except ValueError:
            raise invalid("Target.Input of a universal target must be JSON") from None


def _check_retries(policy: Mapping[str, Any]) -> None:
    age, attempts = policy.get("MaximumEventAgeInSeconds"), policy.get("MaximumRetryAttempts")
    if age is not None and not 60 <= age <= 86_400:  # noqa: PLR2004
        raise invalid("RetryPolicy.MaximumEventAgeInSeconds must be between 60 and 86400")
    if attempts is not None and not 0 <= attempts <= 185:  # noqa: PLR2004
        raise invalid("RetryPolicy.MaximumRetryAttempts must be between 0 and 185")
