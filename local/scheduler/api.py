"""The service's REST-JSON interface, as boto3 speaks it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from local.fakes.http import Answer, Call
from local.faults import Fault
from local.scheduler.rules import ApiError, invalid
from local.scheduler.schedules import Schedules

_PARTS = 2


class SchedulerApi:
    """Answers HTTP calls to the scheduler endpoint."""

    def __init__(self, schedules: Schedules) -> None:
        self._schedules = schedules

    async def answer(self, call: Call) -> Answer:
        """Answer one call."""
        try:
            return Answer(200, self._route(call))
        except ApiError as error:
            return Answer(error.status, {"Message": str(error)}, {"x-amzn-errortype": error.code})

    def refuse(self, fault: Fault, call: Call) -> Answer | None:  # noqa: ARG002
        """Answer a fault."""
        code, status = {
            "throttle": ("ThrottlingException", 429),
            "reject": (str(fault.code or "ValidationException"), 400),
        }.get(fault.kind, ("InternalServerException", 500))
        return Answer(status, {"Message": "played by the local cloud"}, {"x-amzn-errortype": code})

    def _route(self, call: Call) -> dict[str, Any]:
        parts = [unquote(part) for part in call.path.strip("/").split("/", 1)]
        name = parts[1] if len(parts) == _PARTS else None
        if parts[0] == "schedules":
            return self._schedule(call, name)
        if parts[0] == "schedule-groups":
            return self._group(call, name)
        raise ApiError("UnknownOperationException", 404, f"no operation {call.method} {call.path}")

    def _schedule(self, call: Call, name: str | None) -> dict[str, Any]:
        match call.method, name:
            case "GET", None:
                return self._schedules.list(call.query)
            case "GET", str(name):
                return self._schedules.get(name, call.query.get("groupName"))
            case "POST", str(name):
                return self._schedules.create(name, _document(call))
            case "PUT", str(name):
                return self._schedules.update(name, _document(call))
            case "DELETE", str(name):
                return self._schedules.delete(name, call.query.get("groupName"))
        raise invalid("unknown operation")

    def _group(self, call: Call, name: str | None) -> dict[str, Any]:
        match call.method, name:
            case "GET", None:
                return self._schedules.list_groups()
            case "GET", str(name):
                return self._schedules.get_group(name)
            case "POST", str(name):
                return self._schedules.create_group(name, _document(call))
            case "DELETE", str(name):
                return self._schedules.delete_group(name)
        raise invalid("unknown operation")


def _document(call: Call) -> Mapping[str, Any]:
    try:
        document = json.loads(call.body or b"{}")
    except ValueError:
        raise ApiError("SerializationException", 400, "the body isn't JSON") from None
    if not isinstance(document, dict):
        raise ApiError("SerializationException", 400, "the body isn't an object")
    return document
