"""Push through SNS mobile push: one publish per device of the person, all at once.

A message is taken when one device took it, because the person has it then; what another device answered is not tried
again. If none took it and one did not answer, nobody knows. Devices whose app is gone are named in the outcome.
"""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from carillon.adapters.providers.aws_errors import FAILURES, Text, outcome_of
from carillon.domain.reach import Device
from carillon.ports.delivery import Outcome, Outgoing

if TYPE_CHECKING:
    from mypy_boto3_sns.client import SNSClient

LONGEST_TTL = 2_419_200
"""Seconds: FCM keeps a message for four weeks at most."""
MAX_PAYLOAD = 4000
"""Bytes; APNs and FCM both refuse more than 4,096, and SNS adds what it needs itself."""
GONE = "unreachable"
PERMANENT = {
    "EndpointDisabled": GONE,
    "NotFound": GONE,
    "ParameterValueInvalid": "content_rejected",
    "InvalidParameter": "content_rejected",
}
MISCONFIGURED = frozenset({"AuthorizationError", "InvalidSecurity", "PlatformApplicationDisabled", "UserError"})
TEXTS = (
    # The endpoint, or the application it belonged to, was deleted.
    Text(
        "InvalidParameter",
        r"TargetArn|endpoint.*not|no endpoint",
        Outcome("permanent", reason=GONE, code="InvalidParameter"),
    ),
)
BEST_FIRST = ("accepted", "unknown", "retry", "misconfigured", "permanent")


class Answer(NamedTuple):
    """What came of one device."""

    device: Device
    outcome: Outcome


class SnsPush:
    """See the port `Provider`."""

    def __init__(self, client: "SNSClient") -> None:
        self._client = client

    def send(self, outgoing: Outgoing) -> Outcome:
        """Publish to every device side by side, so that one that hangs holds up no other."""
        devices = outgoing.devices
        if not devices:
            return Outcome("permanent", reason=GONE, code="no_device")
        if len(devices) == 1:
            return _together([self._publish(outgoing, devices[0])])
        with ThreadPoolExecutor(max_workers=len(devices)) as threads:
            return _together(list(threads.map(lambda device: self._publish(outgoing, device), devices)))

    def _publish(self, outgoing: Outgoing, device: Device) -> Answer:
        platform = platform_of(device.endpoint)
        message, attributes = _message(outgoing, platform), _attributes(outgoing, platform)
        try:
            answer = self._client.publish(
                TargetArn=device.endpoint, MessageStructure="json", Message=message, MessageAttributes=attributes
            )
        except FAILURES as error:
            found = outcome_of(error, permanent=PERMANENT, misconfigured=MISCONFIGURED, texts=TEXTS)
            return Answer(device, found)
        return Answer(device, Outcome("accepted", provider_id=answer.get("MessageId")))


def platform_of(endpoint: str) -> str:
    """Name the platform that an endpoint's ARN carries: GCM, APNS or APNS_SANDBOX."""
    return endpoint.rpartition(":")[2].split("/")[1]


def _together(answers: Sequence[Answer]) -> Outcome:
    """Make one outcome of the devices': the best of them, and the devices that are gone."""
    gone = tuple(answer.device for answer in answers if answer.outcome.reason == GONE)
    best = min((answer.outcome for answer in answers), key=_rank)
    retry_after = max((answer.outcome.retry_after or 0 for answer in answers), default=0) or None
    return Outcome(
        best.kind,
        provider_id=best.provider_id,
        reason=best.reason,
        code=best.code,
        retry_after=retry_after if best.kind == "retry" else None,
        gone=gone,
    )


def _rank(outcome: Outcome) -> tuple[int, bool]:
    # That a text was refused says more than that another device is gone.
    return BEST_FIRST.index(outcome.kind), outcome.reason == GONE


def _message(outgoing: Outgoing, platform: str) -> str:
    """Write the message for one platform; SNS demands a `default` beside it, and strings in both places."""
    title = outgoing.rendered.subject or outgoing.sender_name
    text = outgoing.rendered.text
    while True:
        payload = _dump(_apns(title, text, outgoing) if platform.startswith("APNS") else _fcm(title, text, outgoing))
        over = len(payload.encode()) - MAX_PAYLOAD
        if over <= 0 or not text:
            return _dump({"default": outgoing.rendered.text, platform: payload})
        # A character has at most four bytes, and six when JSON escapes it.
        text = text[: max(0, len(text) - max(2, over // 6))].rstrip("…") + "…" if len(text) > 1 else ""


def _fcm(title: str, text: str, outgoing: Outgoing) -> dict[str, Any]:
    return {
        "fcmV1Message": {
            "message": {
                "notification": {"title": title, "body": text},
                # FCM takes nothing but strings here, and keeps short names (`from`, `message_type`) to itself.
                "data": {"carillon_message_id": outgoing.message_id},
                "android": {
                    "priority": "high",
                    "ttl": f"{_ttl(outgoing)}s",
                    # A tag replaces what was shown under it. A collapse key would do the same, but a device holds only
                    # four of them at a time and drops the messages of any others.
                    "notification": {"tag": outgoing.message_id},
                },
            }
        }
    }


def _apns(title: str, text: str, outgoing: Outgoing) -> dict[str, Any]:
    alert = {"title": title, "body": text}
    return {"aps": {"alert": alert, "sound": "default"}, "carillon_message_id": outgoing.message_id}


def _attributes(outgoing: Outgoing, platform: str) -> dict[str, Any]:
    named = {f"AWS.SNS.MOBILE.{'FCM' if platform == 'GCM' else platform}.TTL": str(_ttl(outgoing))}
    if platform.startswith("APNS"):
        named |= {
            "AWS.SNS.MOBILE.APNS.COLLAPSE_ID": outgoing.message_id,
            "AWS.SNS.MOBILE.APNS.PRIORITY": "10",
            "AWS.SNS.MOBILE.APNS.PUSH_TYPE": "alert",
        }
    return {name: {"DataType": "String", "StringValue": value} for name, value in named.items()}


def _ttl(outgoing: Outgoing) -> int:
    return min(outgoing.valid_seconds, LONGEST_TTL)


def _dump(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
