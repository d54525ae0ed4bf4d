"""SES v2: SendEmail, identities, and the events that a configuration set publishes to its topic."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from email.header import decode_header, make_header
from email.utils import parseaddr
from typing import Any
from urllib.parse import urlencode

from local.clock import SimulatedClock
from local.fakes import ses_rules
from local.fakes.callbacks import Callbacks
from local.fakes.http import Answer, Call
from local.fakes.ses_identities import Identities, IdentityError
from local.faults import Fault, FaultRegistry
from local.outbox import Outbox, Sent, instant
from local.template import ACCOUNT_ID, Template

_DELIVERED_AFTER_S = 1.0
_COMPLAINED_AFTER_S = 2.0
_SIMULATOR = "simulator.amazonses.com"


@dataclass(frozen=True)
class Destination:
    """Where the events of a configuration set go."""

    topic_arn: str
    types: frozenset[str]


class _RefusedError(Exception):
    def __init__(self, code: str, message: str, status: int = 400) -> None:
        self.code = code
        self.status = status
        super().__init__(message)


class Ses:
    """The fake. Addresses of SES's mailbox simulator behave as there; all other mail is delivered."""

    def __init__(
        self,
        template: Template,
        outbox: Outbox,
        callbacks: Callbacks,
        clock: SimulatedClock,
        faults: FaultRegistry,
        sns_url: str,
        identities: Identities,
    ) -> None:
        self._identities = identities
        self._sets = {r.name for r in template.resources("AWS::SES::ConfigurationSet")}
        self._destinations = _destinations(template)
        self._outbox = outbox
        self._callbacks = callbacks
        self._clock = clock
        self._faults = faults
        self._sns_url = sns_url
        self._region = template.region

    async def answer(self, call: Call) -> Answer:
        """Answer one call."""
        body = json.loads(call.body) if call.body else {}
        try:
            if (call.method, call.path) == ("POST", "/v2/email/outbound-emails"):
                return Answer(200, {"MessageId": self._send(body)})
            return Answer(200, self._identities.answer(call.method, call.path, body))
        except (_RefusedError, IdentityError) as error:
            return _problem(error.code, error.status, str(error))

    def refuse(self, fault: Fault, call: Call) -> Answer | None:  # noqa: ARG002
        """Answer a fault."""
        code, status, text = {
            "throttle": ("TooManyRequestsException", 429, "Maximum sending rate exceeded."),
            "reject": (str(fault.code or "MessageRejected"), 400, "Email address is not verified."),
        }.get(fault.kind, ("InternalFailure", 500, "played by the local cloud"))
        return _problem(code, status, text)

    def _send(self, request: Mapping[str, Any]) -> str:
        recipients = self._check(request)
        simple = request["Content"].get("Simple")
        if simple is None:
            raise _RefusedError("BadRequestException", "the local cloud takes Simple content only")
        message_id = f"0102{uuid.uuid4().hex[:12]}-{uuid.uuid4()}-000000"
        tags = {tag["Name"]: [tag["Value"]] for tag in request.get("EmailTags", [])}
        body, reply_to = simple.get("Body", {}), request.get("ReplyToAddresses", [])
        for recipient in recipients:
            self._outbox.add(
                Sent(
                    channel="email",
                    provider="ses",
                    to=parseaddr(recipient)[1],
                    sender=_readable(request["FromEmailAddress"]),
                    subject=_readable(simple["Subject"]["Data"]),
                    text=body.get("Text", {}).get("Data", ""),
                    html=body.get("Html", {}).get("Data"),
                    attachments=[_attachment(entry) for entry in simple.get("Attachments", [])],
                    headers={header["Name"]: header["Value"] for header in simple.get("Headers", [])}
                    | ({"Reply-To": ", ".join(reply_to)} if reply_to else {}),
                    provider_id=message_id,
                    marker=json.dumps(tags),
                )
            )
        self._publish_events(request, message_id, recipients, tags)
        return message_id

    def _check(self, request: Mapping[str, Any]) -> list[str]:
        name = request.get("ConfigurationSetName")
        if name and name not in self._sets:
            raise _RefusedError("NotFoundException", f"Configuration set <{name}> does not exist.", 404)
        for fault in ses_rules.faults(request):
            raise _RefusedError("BadRequestException", fault)
        sender = parseaddr(request["FromEmailAddress"])[1]
        if not self._identities.may_send(sender):
            failed = f"The following identities failed the check in region {self._region.upper()}: {sender}"
            raise _RefusedError("MessageRejected", f"Email address is not verified. {failed}")
        destination = request["Destination"]
        return [a for kind in ("ToAddresses", "CcAddresses", "BccAddresses") for a in destination.get(kind, [])]

    def _publish_events(
        self, request: Mapping[str, Any], message_id: str, recipients: list[str], tags: dict[str, list[str]]
    ) -> None:
        destinations = self._destinations.get(request.get("ConfigurationSetName", ""), [])
        mail = self._mail(request, message_id, recipients, tags)
        bounced = [r for r in recipients if r.startswith("bounce") and r.endswith(_SIMULATOR)]
        complained = [r for r in recipients if r.startswith("complaint") and r.endswith(_SIMULATOR)]
        delivered = [r for r in recipients if r not in bounced]
        events: list[tuple[float, dict[str, Any]]] = [(0.0, {"eventType": "Send", "mail": mail, "send": {}})]
        if bounced:
            events.append((_DELIVERED_AFTER_S, {"eventType": "Bounce", "mail": mail, "bounce": self._bounce(bounced)}))
        if delivered:
            delivery = self._delivery(delivered)
            events.append((_DELIVERED_AFTER_S, {"eventType": "Delivery", "mail": mail, "delivery": delivery}))
        if complained:
            complaint = self._complaint(complained)
            events.append((_COMPLAINED_AFTER_S, {"eventType": "Complaint", "mail": mail, "complaint": complaint}))
        for after, event in events:
            for destination in destinations:
                if event["eventType"].lower() in destination.types:
                    self._publish(after, destination.topic_arn, event)

    def _publish(self, after: float, topic: str, event: Mapping[str, Any]) -> None:
        form = {"Action": "Publish", "Version": "2010-03-31", "TopicArn": topic, "Message": json.dumps(event)}
        headers = {"content-type": "application/x-www-form-urlencoded"}
        for _ in range(2 if self._faults.draw("ses", {"duplicate_delivery"}) else 1):
            self._callbacks.add(after, self._sns_url, headers, urlencode(form))

    def _mail(
        self, request: Mapping[str, Any], message_id: str, recipients: list[str], tags: dict[str, list[str]]
    ) -> dict[str, Any]:
        sender = request["FromEmailAddress"]
        subject = request["Content"]["Simple"]["Subject"]["Data"]
        own = {
            "ses:configuration-set": [request.get("ConfigurationSetName", "")],
            "ses:from-domain": [parseaddr(sender)[1].partition("@")[2]],
            "ses:source-ip": ["127.0.0.1"],
            "ses:caller-identity": ["local"],
        }
        return {
            "timestamp": instant(self._clock.time()),
            "source": sender,
            "sourceArn": f"arn:aws:ses:{self._region}:{ACCOUNT_ID}:identity/{own['ses:from-domain'][0]}",
            "sendingAccountId": ACCOUNT_ID,
            "messageId": message_id,
            "destination": recipients,
            "headersTruncated": False,
            "headers": [{"name": "From", "value": sender}, {"name": "Subject", "value": subject}],
            "commonHeaders": {
                "from": [sender],
                "to": recipients,
                "messageId": message_id,
                "subject": subject,
            },
            "tags": {**own, **tags},
        }

    def _delivery(self, recipients: list[str]) -> dict[str, Any]:
        return {
            "timestamp": instant(self._clock.time() + _DELIVERED_AFTER_S),
            "processingTimeMillis": int(_DELIVERED_AFTER_S * 1000),
            "recipients": recipients,
            "smtpResponse": "250 2.6.0 Message received",
            "reportingMTA": "local.smtp-out.amazonses.com",
        }

    def _bounce(self, recipients: list[str]) -> dict[str, Any]:
        return {
            "feedbackId": str(uuid.uuid4()),
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": [
                {
                    "emailAddress": recipient,
                    "action": "failed",
                    "status": "5.1.1",
                    "diagnosticCode": "smtp; 550 5.1.1 user unknown",
                }
                for recipient in recipients
            ],
            "timestamp": instant(self._clock.time() + _DELIVERED_AFTER_S),
            "reportingMTA": "dsn; local.smtp-out.amazonses.com",
        }

    def _complaint(self, recipients: list[str]) -> dict[str, Any]:
        return {
            "feedbackId": str(uuid.uuid4()),
            "complainedRecipients": [{"emailAddress": recipient} for recipient in recipients],
            "complaintFeedbackType": "abuse",
            "timestamp": instant(self._clock.time() + _COMPLAINED_AFTER_S),
        }


def _destinations(template: Template) -> dict[str, list[Destination]]:
    found: dict[str, list[Destination]] = {}
    for resource in template.resources("AWS::SES::ConfigurationSetEventDestination"):
        event = resource.properties["EventDestination"]
        topic = event.get("SnsDestination", {}).get("TopicARN")
        if topic and event.get("Enabled", True):
            types = frozenset(str(kind).lower() for kind in event["MatchingEventTypes"])
            found.setdefault(resource.properties["ConfigurationSetName"], []).append(Destination(topic, types))
    return found


def _readable(text: str) -> str:
    """Decode RFC 2047 words, as a mail program shows them."""
    return str(make_header(decode_header(text))) if "=?" in text else text


def _attachment(entry: Mapping[str, Any]) -> dict[str, Any]:
    content, kind = base64.b64decode(entry["RawContent"]), entry.get("ContentType")
    shown = {"filename": entry["FileName"], "content_type": kind, "size": len(content)}
    return shown | ({"text": content.decode(errors="replace")} if str(kind).startswith("text/") else {})


def _problem(code: str, status: int, message: str) -> Answer:
    return Answer(status, {"message": message}, {"x-amzn-errortype": code})
