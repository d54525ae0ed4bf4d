"""What SNS refuses of a Publish to a phone or a device although its shape is right.

Sources: the API reference (botocore's texts), the developer guide (SMS attributes, payloads of push services).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_PHONE = re.compile(r"\+[1-9]\d{6,14}")
_SENDER_ID = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9]{1,11}")
_PRICE = re.compile(r"\d{1,3}(\.\d{1,4})?")
_TYPES = ("Transactional", "Promotional")
_TEXT_LENGTH = 1600
_BYTES = 256 * 1024
_SMS = "AWS.SNS.SMS."


def faults(request: Mapping[str, Any]) -> Iterator[str]:
    """Say everything that is wrong with a request, in SNS's words as far as they are known."""
    targets = [name for name in ("TopicArn", "TargetArn", "PhoneNumber") if name in request]
    if len(targets) != 1:
        yield "Invalid parameter: exactly one of TopicArn, TargetArn and PhoneNumber"
    message = request.get("Message", "")
    if not message:
        yield "Invalid parameter: Empty message"
    if len(message.encode()) > _BYTES:
        yield "Invalid parameter: Message too long"
    for name, attribute in request.get("MessageAttributes", {}).items():
        kind = attribute.get("DataType", "").partition(".")[0]
        if kind not in ("String", "Number", "Binary") or not attribute.get("StringValue", "x"):
            yield f"Invalid parameter: MessageAttributes {name}"
    if targets == ["PhoneNumber"]:
        yield from _sms(request["PhoneNumber"], message, request.get("MessageAttributes", {}))
    if "MessageStructure" in request:
        yield from _structure(request["MessageStructure"], message)


def _sms(phone: str, text: str, attributes: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    if not _PHONE.fullmatch(phone):
        yield f"Invalid parameter: PhoneNumber Reason: {phone} is not valid to publish to"
    if len(text) > _TEXT_LENGTH:
        yield "Invalid parameter: Message too long"
    values = {name: attribute.get("StringValue", "") for name, attribute in attributes.items()}
    sender, price = values.get(f"{_SMS}SenderID"), values.get(f"{_SMS}MaxPrice")
    if sender is not None and not _SENDER_ID.fullmatch(sender):
        yield "Invalid parameter: SenderID"
    if price is not None and not _PRICE.fullmatch(price):
        yield "Invalid parameter: MaxPrice"
    if values.get(f"{_SMS}SMSType", _TYPES[0]) not in _TYPES:
        yield "Invalid parameter: SMSType"


def _structure(structure: str, message: str) -> Iterator[str]:
    if structure != "json":
        yield "Invalid parameter: Message Structure - only json"
        return
    try:
        payloads = json.loads(message)
    except ValueError:
        payloads = None
    if not isinstance(payloads, dict) or not isinstance(payloads.get("default"), str):
        yield "Invalid parameter: Message Structure - No default entry in JSON message body"
        return
    for service, payload in payloads.items():
        if not isinstance(payload, str):
            yield f"Invalid parameter: Message Structure - {service} is not a string"
        elif service != "default":
            yield from _payload(service, payload)


def _payload(service: str, text: str) -> Iterator[str]:
    try:
        payload = json.loads(text)
    except ValueError:
        payload = None
    if not isinstance(payload, dict):
        yield f"Invalid parameter: Message Structure - {service} is not JSON"
        return
    if service.startswith("APNS") and not isinstance(payload.get("aps"), dict):
        yield f"Invalid parameter: {service} has no aps"
    if service == "GCM":
        sent = payload.get("fcmV1Message", {}).get("message") if "fcmV1Message" in payload else None
        if not isinstance(sent, dict):
            yield "Invalid parameter: GCM has no fcmV1Message.message"
        elif not all(isinstance(value, str) for value in sent.get("data", {}).values()):
            yield "Invalid parameter: GCM data has values that are not strings"
