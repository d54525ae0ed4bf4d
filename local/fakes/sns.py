"""SNS: text messages to phones are captured; everything else goes on to the backend."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import aiohttp

from local.fakes import sns_rules
from local.fakes.http import Answer, Call
from local.faults import Fault
from local.outbox import Outbox, Sent

_NAMESPACE = "http://sns.amazonaws.com/doc/2010-03-31/"


class Sns:
    """The fake."""

    def __init__(self, outbox: Outbox, session: aiohttp.ClientSession, backend_url: str) -> None:
        self._outbox = outbox
        self._session = session
        self._backend_url = backend_url

    async def answer(self, call: Call) -> Answer:
        """Answer one call of the Query protocol."""
        form = dict(parse_qsl(call.body.decode(), keep_blank_values=True))
        if form.get("Action") == "Publish" and "PhoneNumber" in form:
            return self._publish(form)
        return await self._pass_on(call)

    def refuse(self, fault: Fault, call: Call) -> Answer | None:
        """Answer a fault on text messages; topics are left alone."""
        if b"PhoneNumber=" not in call.body:
            return None
        if fault.kind == "throttle":
            return _problem("Throttled", 429, "Rate exceeded")
        if fault.kind == "reject":
            return _problem(str(fault.code or "InvalidParameter"), 400, "played by the local cloud")
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
        xml = (
            f'<PublishResponse xmlns="{_NAMESPACE}"><PublishResult><MessageId>{message_id}</MessageId>'
            f"</PublishResult><ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>"
            "</PublishResponse>"
        )
        return Answer(200, xml.encode(), {"content-type": "text/xml"})

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


def _problem(code: str, status: int, message: str) -> Answer:
    xml = (
        f'<ErrorResponse xmlns="{_NAMESPACE}"><Error><Type>Sender</Type><Code>{escape(code)}</Code>'
        f"<Message>{escape(message)}</Message></Error><RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
    )
    return Answer(status, xml.encode(), {"content-type": "text/xml"})
