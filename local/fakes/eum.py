"""AWS End User Messaging (`pinpoint-sms-voice-v2`): SendTextMessage, its events, replies and the opt-out list.

Numbers that end in 0002 can't be reached; for those in 0005 the carrier takes the message and never says more; all
others get theirs. AWS's own word STOP, alone, puts a number on the account's opt-out list, as it does unless opt-outs
are self-managed; START takes it off. Replies go to the topic that the configuration set's events go to.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import botocore.session

from local.clock import SimulatedClock
from local.fakes.callbacks import Callbacks
from local.fakes.http import Answer, Call
from local.faults import Fault, FaultRegistry
from local.outbox import Outbox, Sent
from local.store import Store
from local.template import Template

NUMBER = "+3197010250000"
"""What the account sends from where no number or name is asked for."""
_NOTE = "sms opt-outs"
_CARRIER_AFTER_S, _PHONE_AFTER_S = 1.0, 2.0
_JSON = "application/x-amz-json-1.0"
_UNREACHABLE, _SILENT = "0002", "0005"


class _RefusedError(Exception):
    def __init__(self, code: str, message: str, **members: Any) -> None:
        super().__init__(message)
        self.code = code
        self.members = members


class Eum:
    """The fake."""

    def __init__(
        self,
        template: Template,
        store: Store,
        outbox: Outbox,
        callbacks: Callbacks,
        clock: SimulatedClock,
        faults: FaultRegistry,
        sns_url: str,
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._callbacks = callbacks
        self._clock = clock
        self._faults = faults
        self._sns_url = sns_url
        self._destinations = dict(_destinations(template))
        model = botocore.session.get_session().get_service_model("pinpoint-sms-voice-v2")
        self._shape: Any = model.operation_model("SendTextMessage").input_shape

    async def answer(self, call: Call) -> Answer:
        """Answer one call of the JSON protocol."""
        if call.headers.get("x-amz-target", "").rpartition(".")[2] != "SendTextMessage":
            return _problem("UnknownOperationException", 400, "the local cloud only sends text")
        try:
            return Answer(200, {"MessageId": self._send(json.loads(call.body))}, {"content-type": _JSON})
        except _RefusedError as refused:
            return _problem(refused.code, 400, str(refused), **refused.members)

    def refuse(self, fault: Fault, call: Call) -> Answer | None:  # noqa: ARG002
        """Answer a fault; `code` is an error's reason, such as DESTINATION_PHONE_NUMBER_OPTED_OUT."""
        if fault.kind == "throttle":
            return _problem("ThrottlingException", 400, "Rate exceeded")
        if fault.kind == "reject":
            reason = str(fault.code or "DESTINATION_COUNTRY_BLOCKED")
            code = "ConflictException" if reason.startswith("DESTINATION_PHONE") else "ValidationException"
            return _problem(code, 400, "played by the local cloud", Reason=reason)
        return _problem("InternalServerException", 500, "played by the local cloud")

    async def reply(self, sender: str, text: str) -> int:
        """Bring a person's reply; answers 200, or 404 where no configuration set has a topic."""
        topics = list(self._destinations.values())
        if not topics:
            return 404
        word = text.strip().upper()
        listed = set(self._opted_out())
        if word in ("STOP", "START"):
            listed = listed | {sender} if word == "STOP" else listed - {sender}
            self._store.put_note(_NOTE, sorted(listed))
        message = {
            "originationNumber": sender,
            "destinationNumber": NUMBER,
            "messageKeyword": word if word in ("STOP", "START") else "UNKNOWN",
            "messageBody": text,
            "inboundMessageId": str(uuid.uuid4()),
        }
        self._publish(0.0, topics[0], message)
        return 200

    def _send(self, request: dict[str, Any]) -> str:
        wrong = _first_wrong(request, self._shape)
        if wrong:
            fields = [{"Name": wrong, "Message": "does not satisfy its constraint"}]
            raise _RefusedError("ValidationException", wrong, Reason="FIELD_VALIDATION_FAILED", Fields=fields)
        name = request.get("ConfigurationSetName")
        if name is not None and name not in self._destinations:
            raise _RefusedError("ResourceNotFoundException", f"no {name}", ResourceType="configuration-set")
        to = request["DestinationPhoneNumber"]
        if to in self._opted_out():
            reason = "DESTINATION_PHONE_NUMBER_OPTED_OUT"
            raise _RefusedError("ConflictException", "the number opted out", Reason=reason)
        message_id = str(uuid.uuid4())
        sender = request.get("OriginationIdentity", NUMBER)
        marker = json.dumps(request.get("Context", {}))
        self._outbox.add(Sent("sms", "eum", to, sender, request["MessageBody"], provider_id=message_id, marker=marker))
        if name is not None:
            for after, kind, final in _story(to):
                self._publish(after, self._destinations[name], self._event(kind, final, request, message_id))
        return message_id

    def _opted_out(self) -> list[str]:
        return self._store.get_note(_NOTE) or []

    def _event(self, kind: str, final: bool, request: Mapping[str, Any], message_id: str) -> dict[str, Any]:
        now = int(self._clock.time() * 1000)
        return {
            "eventType": kind,
            "eventVersion": "1.0",
            "eventTimestamp": now,
            "isFinal": final,
            "originationPhoneNumber": NUMBER,
            "destinationPhoneNumber": request["DestinationPhoneNumber"],
            "messageId": message_id,
            "messageRequestTimestamp": now,
            "messageType": request.get("MessageType", "TRANSACTIONAL"),
            "messageStatus": kind.removeprefix("TEXT_"),
            "messageStatusDescription": "played by the local cloud",
            "context": request.get("Context", {}),
            "totalMessageParts": 1,
        }

    def _publish(self, after: float, topic: str, message: Mapping[str, Any]) -> None:
        form = {"Action": "Publish", "Version": "2010-03-31", "TopicArn": topic, "Message": json.dumps(message)}
        headers = {"content-type": "application/x-www-form-urlencoded"}
        for _ in range(2 if self._faults.draw("sns", {"duplicate_delivery"}) else 1):
            self._callbacks.add(after, self._sns_url, headers, urlencode(form))


def _first_wrong(request: Mapping[str, Any], shape: Any) -> str | None:
    """Name the first field that breaks AWS's model of it; botocore itself looks at neither patterns nor choices."""
    for name in shape.required_members:
        if name not in request:
            return str(name)
    for name, value in request.items():
        member = shape.members.get(name)
        if member is None or not _satisfies(value, member):
            return str(name)
    return None


def _satisfies(value: Any, shape: Any) -> bool:
    rules = shape.metadata
    size = value if isinstance(value, int) else len(value)
    within = rules.get("min", size) <= size <= rules.get("max", size)
    if shape.type_name == "map":
        pairs = value.items() if isinstance(value, dict) else ()
        return within and all(_satisfies(key, shape.key) and _satisfies(each, shape.value) for key, each in pairs)
    matches = "pattern" not in rules or re.fullmatch(rules["pattern"], value) is not None
    return within and matches and value in rules.get("enum", [value])


def _story(to: str) -> Iterator[tuple[float, str, bool]]:
    """Say what becomes of a message to a number, with the seconds after which it is told and whether it is the end."""
    if to.endswith(_UNREACHABLE):
        yield _PHONE_AFTER_S, "TEXT_UNREACHABLE", True
        return
    yield _CARRIER_AFTER_S, "TEXT_SUCCESSFUL", to.endswith(_SILENT)
    if not to.endswith(_SILENT):
        yield _PHONE_AFTER_S, "TEXT_DELIVERED", True


def _destinations(template: Template) -> Iterator[tuple[str, str]]:
    """Give the topic of each configuration set."""
    for resource in template.resources("AWS::SMSVOICE::ConfigurationSet"):
        for destination in resource.properties.get("EventDestinations", []):
            yield resource.name, destination["SnsDestination"]["TopicArn"]


def _problem(code: str, status: int, message: str, **members: Any) -> Answer:
    body = {"__type": f"com.amazonaws.pinpointsmsvoicev2#{code}", "Message": message, **members}
    return Answer(status, body, {"content-type": _JSON})
