"""SMS through SNS: what is asked for, and what each answer means."""

from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from botocore.stub import Stubber

from carillon.adapters.providers.sns_sms import SnsSms
from carillon.ports.delivery import Outcome, Outgoing, Rendered
from tests.builders import ORG

TRANSACTIONAL = {"AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"}}
SENDER = {"AWS.SNS.SMS.SenderID": {"DataType": "String", "StringValue": "Aurora"}}


def outgoing(text: str = "Tot morgen") -> Outgoing:
    return Outgoing(
        org_id=ORG,
        message_id="01M",
        to="+31612345678",
        rendered=Rendered(text),
        token="",
        valid_seconds=60,
        sender_name="Salon Aurora",
    )


@pytest.fixture(scope="module")
def sns() -> Any:
    return boto3.client("sns", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")


@pytest.mark.parametrize(("sender_id", "attributes"), [("Aurora", TRANSACTIONAL | SENDER), ("", TRANSACTIONAL)])
def test_an_sms_is_transactional_and_from_the_sender_id_where_there_is_one(
    sns: Any, sender_id: str, attributes: dict[str, Any]
) -> None:
    request = {"PhoneNumber": "+31612345678", "Message": "Tot morgen", "MessageAttributes": attributes}
    with Stubber(sns) as stub:
        stub.add_response("publish", {"MessageId": "m-1"}, request)
        assert SnsSms(sns, sender_id=sender_id).send(outgoing()) == Outcome("accepted", provider_id="m-1", parts=1)


def test_no_sms_costs_more_than_it_may(sns: Any) -> None:
    price = {"AWS.SNS.SMS.MaxPrice": {"DataType": "Number", "StringValue": "0.15"}}
    request = {"PhoneNumber": "+31612345678", "Message": "Tot morgen", "MessageAttributes": TRANSACTIONAL | price}
    with Stubber(sns) as stub:
        stub.add_response("publish", {"MessageId": "m-1"}, request)
        assert SnsSms(sns, sender_id="", max_price="0.15").send(outgoing()).kind == "accepted"
        stub.assert_no_pending_responses()


@pytest.mark.parametrize(("text", "parts"), [("a" * 160, 1), ("a" * 161, 2), ("ł" * 70, 1), ("ł" * 71, 2)])
def test_the_parts_are_counted_on_the_text_that_goes_out(sns: Any, text: str, parts: int) -> None:
    with Stubber(sns) as stub:
        stub.add_response("publish", {"MessageId": "m-1"})
        assert SnsSms(sns, sender_id="").send(outgoing(text)).parts == parts


PHONE = "Invalid parameter: PhoneNumber Reason: +3161 is not valid to publish to"


@pytest.mark.parametrize(
    ("code", "status", "text", "outcome"),
    [
        ("InvalidParameter", 400, PHONE, Outcome("permanent", reason="recipient_rejected")),
        (
            "InvalidParameter",
            400,
            "Invalid parameter: Message too long",
            Outcome("permanent", reason="content_rejected"),
        ),
        ("InvalidParameter", 400, "Invalid parameter: Empty message", Outcome("permanent", reason="provider_error")),
        ("InvalidParameter", 400, "Invalid parameter: SenderID", Outcome("misconfigured")),
        ("InvalidParameter", 400, "Invalid parameter: MessageAttributes Reason: …", Outcome("misconfigured")),
        ("InvalidParameter", 400, "", Outcome("permanent", reason="provider_error")),
        ("ParameterValueInvalid", 400, "", Outcome("permanent", reason="content_rejected")),
        ("OptedOut", 400, "", Outcome("permanent", reason="blocked_by_recipient")),
        ("ValidationException", 400, "", Outcome("permanent", reason="provider_error")),
        ("NotFound", 404, "", Outcome("permanent", reason="provider_error")),
        ("UnheardOf", 400, "", Outcome("permanent", reason="provider_error")),
        ("AuthorizationError", 403, "", Outcome("misconfigured")),
        ("InvalidSecurity", 403, "", Outcome("misconfigured")),
        ("AccessDenied", 403, "", Outcome("misconfigured")),
        ("InvalidClientTokenId", 403, "", Outcome("misconfigured")),
        ("SignatureDoesNotMatch", 403, "", Outcome("misconfigured")),
        ("UserError", 400, "", Outcome("misconfigured")),
        ("Throttled", 429, "", Outcome("retry")),
        ("Throttling", 400, "Rate exceeded", Outcome("retry")),
        ("ThrottledException", 400, "", Outcome("retry")),
        ("ThrottlingException", 400, "", Outcome("retry")),
        ("RequestLimitExceeded", 503, "", Outcome("retry")),
        ("UnheardOf", 429, "", Outcome("retry")),
        ("ExpiredToken", 403, "", Outcome("retry")),
        ("InternalError", 500, "", Outcome("unknown", reason="provider_5xx")),
        ("InternalFailure", 500, "", Outcome("unknown", reason="provider_5xx")),
        ("ServiceUnavailable", 503, "", Outcome("unknown", reason="provider_5xx")),
    ],
)
def test_each_answer_has_its_meaning(sns: Any, code: str, status: int, text: str, outcome: Outcome) -> None:
    with Stubber(sns) as stub:
        stub.add_client_error("publish", code, text, http_status_code=status)
        found = SnsSms(sns, sender_id="").send(outgoing())
        stub.assert_no_pending_responses()
    assert found == replace(outcome, code=code)


def test_the_errors_that_the_api_documents_are_told_apart_by_their_codes(sns: Any) -> None:
    shapes = sns.meta.service_model.operation_model("Publish").error_shapes
    codes = {shape.name: shape.metadata["error"]["code"] for shape in shapes}
    assert codes["InvalidParameterException"] == "InvalidParameter"
    assert codes["InvalidParameterValueException"] == "ParameterValueInvalid"
    assert codes["AuthorizationErrorException"] == "AuthorizationError"


@pytest.mark.parametrize(
    ("error", "kind"),
    [(ConnectTimeoutError(endpoint_url="x"), "retry"), (ReadTimeoutError(endpoint_url="x"), "unknown")],
)
def test_a_timeout_is_unknown_only_after_the_request_was_written(
    sns: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: str
) -> None:
    def broken(**_: object) -> None:
        raise error

    monkeypatch.setattr(sns, "publish", broken)
    assert SnsSms(sns, sender_id="").send(outgoing()).kind == kind
