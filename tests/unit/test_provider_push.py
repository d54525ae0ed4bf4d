"""Push through SNS: what each device is sent, what each answer means, and what several of them come to."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError
from botocore.stub import Stubber

from carillon.adapters.providers.simulated import ExceptTestData
from carillon.adapters.providers.sns_push import MAX_PAYLOAD, SnsPush
from carillon.domain.reach import Device
from carillon.ports.delivery import Outcome, Outgoing, Rendered
from tests.builders import ID, ORG

ARN = "arn:aws:sns:eu-central-1:123456789012:endpoint"
ANDROID = Device(id="pixel", platform="fcm", endpoint=f"{ARN}/GCM/carillon-a/1")
IPHONE = Device(id="iphone", platform="apns", endpoint=f"{ARN}/APNS/carillon-a/2")
SANDBOX = Device(id="dev", platform="apns", endpoint=f"{ARN}/APNS_SANDBOX/carillon-a/3")


def outgoing(*devices: Device, text: str = "Tot morgen om 14:30", **changes: Any) -> Outgoing:
    basis: dict[str, Any] = {
        "org_id": ORG,
        "message_id": ID,
        "to": " ".join(device.id for device in devices),
        "rendered": Rendered(text, subject="Herinnering"),
        "token": "",
        "valid_seconds": 3600,
        "sender_name": "Salon Aurora",
        "devices": devices,
    }
    return Outgoing(**(basis | changes))


@pytest.fixture
def sns() -> Any:
    return boto3.client("sns", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")


class Scripted:
    """Stands for SNS's client: answers each endpoint as it is told to."""

    def __init__(self, answers: Mapping[str, object]) -> None:
        self.answers = answers
        self.asked: list[dict[str, Any]] = []

    def publish(self, **request: Any) -> dict[str, str]:
        self.asked.append(request)
        answer = self.answers[request["TargetArn"]]
        if isinstance(answer, Exception):
            raise answer
        return {"MessageId": str(answer)}


def refused(code: str, message: str = "", status: int = 400) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Publish")


def sent(sns: Any, message: Outgoing, **expected: Any) -> Outcome:
    with Stubber(sns) as stub:
        stub.add_response("publish", {"MessageId": "m-1"}, expected)
        outcome = SnsPush(sns).send(message)
        stub.assert_no_pending_responses()
    return outcome


def text_attributes(**named: str) -> dict[str, Any]:
    return {
        f"AWS.SNS.MOBILE.{n.replace('__', '.')}": {"DataType": "String", "StringValue": v} for n, v in named.items()
    }


def test_an_android_device_gets_an_fcm_v1_message_that_replaces_its_own_repetition(sns: Any) -> None:
    payload = {
        "fcmV1Message": {
            "message": {
                "notification": {"title": "Herinnering", "body": "Tot morgen om 14:30"},
                "data": {"carillon_message_id": ID},
                "android": {"priority": "high", "ttl": "3600s", "notification": {"tag": ID}},
            }
        }
    }
    written = json.dumps(payload, separators=(",", ":"))
    message = json.dumps({"default": "Tot morgen om 14:30", "GCM": written}, separators=(",", ":"))
    outcome = sent(
        sns,
        outgoing(ANDROID),
        TargetArn=ANDROID.endpoint,
        MessageStructure="json",
        Message=message,
        MessageAttributes=text_attributes(FCM__TTL="3600"),
    )
    assert outcome == Outcome("accepted", provider_id="m-1")


@pytest.mark.parametrize(("device", "platform"), [(IPHONE, "APNS"), (SANDBOX, "APNS_SANDBOX")])
def test_an_iphone_gets_an_alert_that_collapses_with_its_own_repetition(
    sns: Any, device: Device, platform: str
) -> None:
    alert = {"aps": {"alert": {"title": "Herinnering", "body": "Tot morgen om 14:30"}, "sound": "default"}}
    written = json.dumps({**alert, "carillon_message_id": ID}, separators=(",", ":"))
    outcome = sent(
        sns,
        outgoing(device),
        TargetArn=device.endpoint,
        MessageStructure="json",
        Message=json.dumps({"default": "Tot morgen om 14:30", platform: written}, separators=(",", ":")),
        MessageAttributes=text_attributes(
            **{f"{platform}__TTL": "3600"}, APNS__COLLAPSE_ID=ID, APNS__PRIORITY="10", APNS__PUSH_TYPE="alert"
        ),
    )
    assert outcome.kind == "accepted"


def test_the_collapse_id_fits_apple_and_values_of_fcm_are_strings() -> None:
    client = Scripted({ANDROID.endpoint: "1"})
    SnsPush(client).send(outgoing(ANDROID))  # type: ignore[arg-type]
    message = json.loads(json.loads(client.asked[0]["Message"])["GCM"])["fcmV1Message"]["message"]
    assert all(isinstance(value, str) for value in message["data"].values())
    assert len(ID.encode()) <= 64


def test_without_a_subject_the_business_is_the_title() -> None:
    client = Scripted({IPHONE.endpoint: "1"})
    SnsPush(client).send(outgoing(IPHONE, rendered=Rendered("Tot morgen")))  # type: ignore[arg-type]
    message = json.loads(json.loads(client.asked[0]["Message"])["APNS"])
    assert message["aps"]["alert"]["title"] == "Salon Aurora"


def test_a_message_is_kept_no_longer_than_fcm_can() -> None:
    client = Scripted({ANDROID.endpoint: "1"})
    SnsPush(client).send(outgoing(ANDROID, valid_seconds=90 * 24 * 3600))  # type: ignore[arg-type]
    assert client.asked[0]["MessageAttributes"] == text_attributes(FCM__TTL="2419200")


@pytest.mark.parametrize("text", ["🎉" * 1000, '"' * 1000 + "é" * 1000, "a" * 5000, "漢" * 2000])
@pytest.mark.parametrize("device", [ANDROID, IPHONE])
def test_a_long_text_is_cut_to_what_the_platforms_take(text: str, device: Device) -> None:
    client = Scripted({device.endpoint: "1"})
    SnsPush(client).send(outgoing(device, text=text))  # type: ignore[arg-type]
    message = json.loads(client.asked[0]["Message"])
    payload = message["GCM" if device is ANDROID else "APNS"]
    assert MAX_PAYLOAD - 400 < len(payload.encode()) <= MAX_PAYLOAD
    body = json.loads(payload)
    shown = body["aps"]["alert"] if device is IPHONE else body["fcmV1Message"]["message"]["notification"]
    assert text.startswith(shown["body"].removesuffix("…"))
    assert shown["body"].endswith("…")


NO_ENDPOINT = "Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified"


@pytest.mark.parametrize(
    ("code", "status", "text", "outcome"),
    [
        ("EndpointDisabled", 400, "Endpoint is disabled", Outcome("permanent", reason="unreachable")),
        ("NotFound", 404, "Endpoint does not exist", Outcome("permanent", reason="unreachable")),
        ("InvalidParameter", 400, NO_ENDPOINT, Outcome("permanent", reason="unreachable")),
        (
            "InvalidParameter",
            400,
            "Invalid parameter: Message too long",
            Outcome("permanent", reason="content_rejected"),
        ),
        ("ParameterValueInvalid", 400, "", Outcome("permanent", reason="content_rejected")),
        ("PlatformApplicationDisabled", 400, "", Outcome("misconfigured")),
        ("AuthorizationError", 403, "", Outcome("misconfigured")),
        ("InvalidSecurity", 403, "", Outcome("misconfigured")),
        ("UserError", 400, "", Outcome("misconfigured")),
        ("Throttled", 429, "", Outcome("retry")),
        ("ThrottledException", 400, "", Outcome("retry")),
        ("InternalError", 500, "", Outcome("unknown", reason="provider_5xx")),
        ("UnheardOf", 400, "", Outcome("permanent", reason="provider_error")),
    ],
)
def test_each_answer_has_its_meaning(code: str, status: int, text: str, outcome: Outcome) -> None:
    client = Scripted({ANDROID.endpoint: refused(code, text, status)})
    found = SnsPush(client).send(outgoing(ANDROID))  # type: ignore[arg-type]
    gone = (ANDROID,) if outcome.reason == "unreachable" else ()
    assert found == replace(outcome, code=code, gone=gone)


def test_the_errors_of_push_that_the_api_documents_are_told_apart_by_their_codes(sns: Any) -> None:
    shapes = sns.meta.service_model.operation_model("Publish").error_shapes
    codes = {shape.metadata["error"]["code"] for shape in shapes}
    assert {"EndpointDisabled", "NotFound", "PlatformApplicationDisabled"} <= codes


GONE, SLOW = refused("EndpointDisabled"), refused("Throttled", status=429)
LOST, FULL = ReadTimeoutError(endpoint_url="x"), refused("PlatformApplicationDisabled")
NEVER = ConnectTimeoutError(endpoint_url="x")


@pytest.mark.parametrize(
    ("first", "second", "kind", "reason", "gone"),
    [
        ("1", "2", "accepted", None, ()),
        ("1", GONE, "accepted", None, (IPHONE,)),
        ("1", LOST, "accepted", None, ()),
        ("1", SLOW, "accepted", None, ()),
        (GONE, LOST, "unknown", "provider_timeout", (ANDROID,)),
        (SLOW, LOST, "unknown", "provider_timeout", ()),
        (FULL, LOST, "unknown", "provider_timeout", ()),
        (SLOW, GONE, "retry", None, (IPHONE,)),
        (NEVER, GONE, "retry", None, (IPHONE,)),
        (SLOW, FULL, "retry", None, ()),
        (FULL, GONE, "misconfigured", None, (IPHONE,)),
        (GONE, GONE, "permanent", "unreachable", (ANDROID, IPHONE)),
        (GONE, refused("ParameterValueInvalid"), "permanent", "content_rejected", (ANDROID,)),
    ],
)
def test_one_device_that_took_it_is_enough_and_one_that_did_not_answer_makes_it_unknown(
    first: object, second: object, kind: str, reason: str | None, gone: tuple[Device, ...]
) -> None:
    for devices in ((ANDROID, IPHONE), (IPHONE, ANDROID)):
        client = Scripted({ANDROID.endpoint: first, IPHONE.endpoint: second})
        outcome = SnsPush(client).send(outgoing(*devices))  # type: ignore[arg-type]
        assert (outcome.kind, outcome.reason, set(outcome.gone)) == (kind, reason, set(gone))
        assert sorted(each["TargetArn"] for each in client.asked) == sorted(each.endpoint for each in devices)


def test_a_person_without_devices_cannot_be_reached() -> None:
    client = Scripted({})
    assert SnsPush(client).send(outgoing()).reason == "unreachable"  # type: ignore[arg-type]
    assert client.asked == []


def test_test_data_leaves_nothing() -> None:
    client = Scripted({})
    outcome = ExceptTestData(SnsPush(client)).send(outgoing(ANDROID, org_id=f"{ORG}~test"))  # type: ignore[arg-type]
    assert (outcome.kind, outcome.receipt, client.asked) == ("accepted", "delivered", [])
