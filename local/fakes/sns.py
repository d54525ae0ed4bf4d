"""SNS: text messages to phones and push messages to devices are captured; all else goes on to the backend."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import aiohttp

from local.fakes import sns_rules
from local.fakes.http import Answer, Call
from local.fakes.push import Push, RefusedError
from local.faults import Fault
from local.outbox import Outbox, Sent

_NAMESPACE = "http://sns.amazonaws.com/doc/2010-03-31/"


class Sns:
    """The fake."""

    def __init__(self, outbox: Outbox, push: Push, session: aiohttp.ClientSession, backend_url: str) -> None:
        self._outbox = outbox
        self._push = push
        self._session = session
        self._backend_url = backend_url

    async def answer(self, call: Call) -> Answer:
        """Answer one call of the Query protocol."""
        form = dict(parse_qsl(call.body.decode(), keep_blank_values=True))
        if form.get("Action") == "Publish" and "PhoneNumber" in form:
            return self._publish(form)
        if self._push.takes(form):
            return self._of_devices(form)
        return await self._pass_on(call)

    def refuse(self, fault: Fault, call: Call) -> Answer | None:
        """Answer a fault on text and push messages; topics and registrations are left alone."""
        to_device = b"TargetArn=" in call.body and b"Action=Publish" in call.body
        if b"PhoneNumber=" not in call.body and not to_device:
            return None
        if fault.kind == "throttle":
            return _problem("Throttled", 429, "Rate exceeded")
        if fault.kind == "reject":
            code = "EndpointDisabled" if to_device else "InvalidParameter"
            return _problem(str(fault.code or code), 400, "played by the local cloud")
        return _problem("InternalError", 500, "played by the local cloud")

    def _publish(self, form: Mapping[str, str]) -> Answer:
        phone, text = form["PhoneNumber"], form.get("Message", "")
        attributes = _attributes(form)
        request = {"PhoneNumber": phone, "Message": text, "MessageAttributes": attributes}
        for fault in sns_rules.faults(request):
            return _problem("InvalidParameter", 400, fault)
        sender = attributes.get("AWS.SNS.SMS.SenderID", {}).get("StringValue", "")
        message_id = str(uuid.uuid4())
        self._outbox.add(Sent("sms", "sns", to=phone, sender=sender or "SMS", text=text, provider_id=message_id))
        return _result("Publish", {"MessageId": message_id})

    def _of_devices(self, form: Mapping[str, str]) -> Answer:
        try:
            return _result(form["Action"], self._push.answer(form, _attributes(form)))
        except RefusedError as refused:
            return _problem(refused.code, refused.status, str(refused))

    async def _pass_on(self, call: Call) -> Answer:
        headers = {k: v for k, v in call.headers.items() if k not in ("host", "content-length")}
        async with self._session.post(self._backend_url + "/", data=call.body, headers=headers) as response:
            kind = response.headers.get("content-type", "text/xml")
            return Answer(response.status, await response.read(), {"content-type": kind})


def _attributes(form: Mapping[str, str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for key, name in form.items():
        if key.startswith("MessageAttributes.entry.") and key.endswith(".Name"):
            value = key.removesuffix("Name") + "Value."
            found[name] = {part: form.get(value + part, "") for part in ("DataType", "StringValue")}
    return found


def _result(action: str, result: Mapping[str, Any]) -> Answer:
    """Write a result: plain values, or maps as SNS writes its attributes."""
    inner = "".join(f"<{name}>{_written(value)}</{name}>" for name, value in result.items())
    xml = (
        f'<{action}Response xmlns="{_NAMESPACE}"><{action}Result>{inner}</{action}Result>'
        f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata></{action}Response>"
    )
    return Answer(200, xml.encode(), {"content-type": "text/xml"})


def _written(value: Any) -> str:
    if not isinstance(value, Mapping):
        return escape(str(value))
    pairs = ((escape(str(key)), escape(str(entry))) for key, entry in value.items())
    return "".join(f"<entry><key>{key}</key><value>{entry}</value></entry>" for key, entry in pairs)


def _problem(code: str, status: int, message: str) -> Answer:
    xml = (
        f'<ErrorResponse xmlns="{_NAMESPACE}"><Error><Type>Sender</Type><Code>{escape(code)}</Code>'
        f"<Message>{escape(message)}</Message></Error><RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
    )
    return Answer(status, xml.encode(), {"content-type": "text/xml"})
