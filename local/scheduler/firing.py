"""Fires schedules when they are due: delivery to the target, retries, dead-letter queue."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from local.backend import Backend, BackendError
from local.clock import SimulatedClock
from local.faults import FaultRegistry
from local.scheduler.schedules import Schedules
from local.store import Store, Waiting
from local.triggers.invocations import AsyncInvocations
from local.wiring import function_name

_DEFAULT_ATTEMPTS = 185
_DEFAULT_AGE_S = 86_400
_FIRST_RETRY_S = 1.0
_LONGEST_RETRY_S = 900.0
_FAULT_DELAY_S = 90.0


class ScheduleTimer:
    """Delivers what schedules are due to deliver."""

    def __init__(
        self,
        schedules: Schedules,
        store: Store,
        backend: Backend,
        invocations: AsyncInvocations,
        clock: SimulatedClock,
        faults: FaultRegistry,
    ) -> None:
        self._schedules = schedules
        self._retries = Waiting(store, "schedule delivery")
        self._backend = backend
        self._invocations = invocations
        self._clock = clock
        self._faults = faults

    @property
    def busy(self) -> bool:
        """Deliveries are over when `run_due` is."""
        return False

    def next_due(self) -> float | None:
        """Answer the instant of the next firing or retry."""
        instants = [i for i in (self._schedules.next_due(), self._retries.next_due()) if i is not None]
        return min(instants, default=None)

    async def run_due(self, now: float) -> bool:
        """Fire what is due, in the order of its instants."""
        fired = False
        for due, document in list(self._schedules.due(now)):
            # Set on before it is delivered: a fired schedule must never fire for the same instant again.
            self._schedules.fired(document, due)
            await self._fire(document, due)
            fired = True
        for _, delivery in self._retries.take(now):
            await self._deliver(delivery)
            fired = True
        return fired

    async def _fire(self, document: Mapping[str, Any], due: float) -> None:
        delivery = {
            "arn": document["Arn"],
            "scheduled": due,
            "target": document["Target"],
            "attempt": 1,
        }
        if self._faults.draw("scheduler", {"delay"}):
            self._retries.add(self._clock.time() + _FAULT_DELAY_S, delivery)
            return
        await self._deliver(delivery)
        if self._faults.draw("scheduler", {"duplicate_delivery"}):
            await self._deliver(delivery)

    async def _deliver(self, delivery: dict[str, Any]) -> None:
        execution = str(uuid.uuid4())
        text = _fill_in(delivery, execution)
        try:
            await self._send(delivery["target"], text)
        except BackendError as error:
            await self._failed(delivery, execution, text, error)

    async def _send(self, target: Mapping[str, Any], text: str) -> None:
        arn = str(target["Arn"])
        if ":lambda:" in arn:
            name = function_name(arn)
            self._invocations.invoke(name, json.loads(text) if text else {})
        elif arn.endswith(":aws-sdk:sqs:sendMessage"):
            parameters = json.loads(text)
            queue = parameters.pop("QueueUrl").rsplit("/", 1)[1]
            await self._backend.sqs("SendMessage", queue, **parameters)
        elif ":sqs:" in arn:
            group = target.get("SqsParameters", {}).get("MessageGroupId")
            extra = {"MessageGroupId": group} if group else {}
            await self._backend.sqs("SendMessage", arn.rsplit(":", 1)[1], MessageBody=text or "{}", **extra)
        else:
            raise BackendError("UnsupportedTarget", f"the local cloud can't deliver to {arn}")

    async def _failed(self, delivery: dict[str, Any], execution: str, text: str, error: BackendError) -> None:
        policy = delivery["target"].get("RetryPolicy", {})
        attempt = int(delivery["attempt"])
        pause = min(_LONGEST_RETRY_S, _FIRST_RETRY_S * 2 ** (attempt - 1))
        age = self._clock.time() + pause - delivery["scheduled"]
        if attempt > policy.get("MaximumRetryAttempts", _DEFAULT_ATTEMPTS):
            exhausted = "MaximumRetryAttempts"
        elif age > policy.get("MaximumEventAgeInSeconds", _DEFAULT_AGE_S):
            exhausted = "MaximumEventAgeInSeconds"
        else:
            self._retries.add(self._clock.time() + pause, {**delivery, "attempt": attempt + 1})
            return
        dead_letters = delivery["target"].get("DeadLetterConfig", {}).get("Arn")
        if dead_letters is None:
            return
        attributes = {
            "SCHEDULE_ARN": delivery["arn"],
            "SCHEDULED_TIME": _instant(delivery["scheduled"]),
            "EXECUTION_ID": execution,
            "TARGET_ARN": delivery["target"]["Arn"],
            "ERROR_CODE": error.code,
            "ERROR_MESSAGE": str(error),
            "RETRY_ATTEMPTS": str(attempt - 1),
            "EXHAUSTED_RETRY_CONDITION": exhausted,
            "IS_PAYLOAD_TRUNCATED": "false",
        }
        await self._backend.sqs(
            "SendMessage",
            dead_letters.rsplit(":", 1)[1],
            MessageBody=text or "{}",
            MessageAttributes={k: {"DataType": "String", "StringValue": v} for k, v in attributes.items()},
        )


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _fill_in(delivery: Mapping[str, Any], execution: str) -> str:
    """Replace the context attributes in the target's input."""
    text = str(delivery["target"].get("Input") or "")
    for name, value in (
        ("schedule-arn", delivery["arn"]),
        ("scheduled-time", _instant(delivery["scheduled"])),
        ("execution-id", execution),
        ("attempt-number", str(delivery["attempt"])),
    ):
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text
