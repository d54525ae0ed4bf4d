"""SMS through AWS End User Messaging: what is asked for, what each answer means, and what its events say."""

from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from botocore.stub import Stubber

from carillon.adapters.providers.eum_events import STATUSES, is_event, read_event, reply_of
from carillon.adapters.providers.eum_sms import FIELDS, MISCONFIGURED_REASONS, REASONS, EumSms
from carillon.adapters.tokens import SignedTokens
from carillon.domain.messages import MessageKey
from carillon.domain.own_channels import OwnSender
from carillon.domain.reasons import FAILED
from carillon.ports.delivery import Outcome, Outgoing, Rendered
from tests.builders import ORG

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
REQUEST = {
    "DestinationPhoneNumber": "+31612345678",
    "MessageBody": "Tot morgen",
    "MessageType": "TRANSACTIONAL",
    "TimeToLive": 3600,
    "Context": {"message": "token-1"},
    "ConfigurationSetName": "carillon",
    "OriginationIdentity": "pool-1",
    "MaxPrice": "0.15",
}


def outgoing(text: str = "Tot morgen", **changes: Any) -> Outgoing:
    basis: dict[str, Any] = {
        "org_id": ORG,
        "message_id": "01M",
        "to": "+31612345678",
        "rendered": Rendered(text),
        "token": "token-1",
        "valid_seconds": 3600,
        "sender_name": "Salon Aurora",
    }
    return Outgoing(**(basis | changes))


@pytest.fixture(scope="module")
def client() -> Any:
    return boto3.client(
        "pinpoint-sms-voice-v2", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x"
    )


def provider(client: Any, **changes: str) -> EumSms:
    return EumSms(client, **({"origination": "pool-1", "configuration_set": "carillon", "max_price": "0.15"} | changes))


def answered(client: Any, message: Outgoing, expected: dict[str, Any], **changes: str) -> Outcome:
    with Stubber(client) as stub:
        stub.add_response("send_text_message", {"MessageId": "m-1"}, expected)
        outcome = provider(client, **changes).send(message)
        stub.assert_no_pending_responses()
    return outcome


def test_an_sms_lives_as_long_as_it_is_of_use_and_carries_its_token(client: Any) -> None:
    assert answered(client, outgoing(), REQUEST) == Outcome("accepted", provider_id="m-1", parts=1)


def test_what_is_not_set_is_left_to_the_account(client: Any) -> None:
    bare = {name: value for name, value in REQUEST.items() if name not in ("OriginationIdentity", "MaxPrice")}
    assert answered(client, outgoing(), bare, origination="", max_price="").kind == "accepted"


def test_an_organizations_own_sender_name_goes_before_the_deployments(client: Any) -> None:
    own = OwnSender("Aurora", {"sender_id": "Aurora"})
    assert answered(client, outgoing(own=own), {**REQUEST, "OriginationIdentity": "Aurora"}).kind == "accepted"


@pytest.mark.parametrize(("seconds", "asked"), [(1, 5), (5, 5), (60, 60), (259_200, 259_200), (10**7, 259_200)])
def test_the_time_to_live_stays_within_what_aws_takes(client: Any, seconds: int, asked: int) -> None:
    assert answered(client, outgoing(valid_seconds=seconds), {**REQUEST, "TimeToLive": asked}).kind == "accepted"


def test_the_longest_token_fits_into_the_context(client: Any) -> None:
    token = SignedTokens(lambda: "key").issue("o" * 64 + "~test", MessageKey("c:" + "x" * 64, "d" * 32))
    assert answered(client, outgoing(token=token), {**REQUEST, "Context": {"message": token}}).kind == "accepted"
    assert len(token) <= 800


@pytest.mark.parametrize(("text", "parts"), [("a" * 160, 1), ("a" * 161, 2), ("ł" * 71, 2)])
def test_the_parts_are_counted_on_the_text_that_goes_out(client: Any, text: str, parts: int) -> None:
    assert answered(client, outgoing(text), {**REQUEST, "MessageBody": text}).parts == parts


def refused(client: Any, code: str, status: int = 400, **members: Any) -> Outcome:
    with Stubber(client) as stub:
        stub.add_client_error(
            "send_text_message", code, "Rate exceeded", http_status_code=status, modeled_fields=members
        )
        return provider(client).send(outgoing())


def in_model(client: Any, shape: str) -> set[str]:
    return set(client.meta.service_model.shape_for(shape).enum)


@pytest.mark.parametrize(
    ("code", "reason", "outcome"),
    [
        ("ConflictException", "DESTINATION_PHONE_NUMBER_OPTED_OUT", "blocked_by_recipient"),
        ("ConflictException", "DESTINATION_PHONE_NUMBER_NOT_VERIFIED", "sender_misconfigured"),
        ("ConflictException", "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION", "recipient_rejected"),
        ("ConflictException", "DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE", "recipient_rejected"),
        ("ConflictException", "NO_ORIGINATION_IDENTITIES_FOUND", None),
        ("ConflictException", "NUMBER_CAPABILITIES_MISMATCH", None),
        ("ConflictException", "MESSAGE_TYPE_MISMATCH", None),
        ("ConflictException", "EVENT_DESTINATION_MISMATCH", None),
        ("ConflictException", "REGISTRATION_NOT_COMPLETE", None),
        ("ConflictException", "RESOURCE_NOT_ACTIVE", None),
        ("ValidationException", "DESTINATION_COUNTRY_BLOCKED", "recipient_rejected"),
        ("ValidationException", "COUNTRY_NOT_ENABLED", "recipient_rejected"),
        ("ValidationException", "INTERNATIONAL_SENDING_NOT_SUPPORTED", "recipient_rejected"),
        ("ValidationException", "MAXIMUM_SIZE_EXCEEDED", "content_rejected"),
        ("ValidationException", "INVALID_IDENTITY_FOR_DESTINATION_COUNTRY", "sender_misconfigured"),
        ("ValidationException", "SENDER_ID_NOT_REGISTERED", "sender_misconfigured"),
        ("ValidationException", "SENDER_ID_NOT_SUPPORTED", "sender_misconfigured"),
        ("ValidationException", "SENDER_ID_REQUIRES_REGISTRATION", "sender_misconfigured"),
        ("ValidationException", "PRICE_OVER_THRESHOLD", "sender_misconfigured"),
        ("ValidationException", "CHANNEL_NOT_ENABLED", None),
        ("ValidationException", "INVALID_ARN", None),
        ("ValidationException", "RESOURCE_NOT_ACCESSIBLE", None),
        ("ServiceQuotaExceededException", "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT", "sender_misconfigured"),
    ],
)
def test_a_reason_says_whom_an_error_is_about(client: Any, code: str, reason: str, outcome: str | None) -> None:
    found = refused(client, code, Reason=reason)
    expected = Outcome("misconfigured") if outcome is None else Outcome("permanent", reason=outcome)
    assert (found.kind, found.reason, found.code) == (expected.kind, expected.reason, reason)
    assert reason in in_model(client, f"{code}Reason")


def test_every_reason_in_the_table_is_one_of_the_apis_and_gives_one_of_ours(client: Any) -> None:
    shapes = ("ConflictExceptionReason", "ValidationExceptionReason", "ServiceQuotaExceededExceptionReason")
    known = set().union(*(in_model(client, shape) for shape in shapes))
    assert {*REASONS, *MISCONFIGURED_REASONS} <= known
    assert {*REASONS.values(), *FIELDS.values()} <= set(FAILED)
    assert not MISCONFIGURED_REASONS & set(REASONS)


@pytest.mark.parametrize(
    ("code", "status", "members", "kind", "reason"),
    [
        ("ThrottlingException", 429, {}, "retry", None),
        ("ThrottlingException", 400, {}, "retry", None),
        ("ServiceQuotaExceededException", 400, {"Reason": "DAILY_NOTIFY_TIER_MESSAGE_LIMIT"}, "retry", None),
        ("AccessDeniedException", 400, {"Reason": "ACCOUNT_DISABLED"}, "misconfigured", None),
        ("AccessDeniedException", 400, {"Reason": "INSUFFICIENT_ACCOUNT_REPUTATION"}, "misconfigured", None),
        ("ResourceNotFoundException", 400, {"ResourceType": "pool"}, "misconfigured", None),
        ("ConflictException", 400, {"Reason": "RESOURCE_ALREADY_EXISTS"}, "permanent", "provider_error"),
        (
            "ValidationException",
            400,
            {"Reason": "FIELD_VALIDATION_FAILED", "Fields": [{"Name": "DestinationPhoneNumber", "Message": "…"}]},
            "permanent",
            "recipient_rejected",
        ),
        (
            "ValidationException",
            400,
            {"Reason": "INVALID_PARAMETER", "Fields": [{"Name": "MessageBody", "Message": "…"}]},
            "permanent",
            "content_rejected",
        ),
        ("ValidationException", 400, {"Reason": "OTHER"}, "permanent", "provider_error"),
        ("ValidationException", 400, {}, "permanent", "provider_error"),
        ("InternalServerException", 500, {}, "unknown", "provider_5xx"),
        ("UnheardOf", 400, {}, "permanent", "provider_error"),
        ("UnheardOf", 503, {}, "unknown", "provider_5xx"),
    ],
)
def test_each_code_has_its_meaning(
    client: Any, code: str, status: int, members: dict[str, Any], kind: str, reason: str | None
) -> None:
    found = refused(client, code, status, **members)
    assert (found.kind, found.reason) == (kind, reason)


def test_the_codes_that_the_api_documents_are_all_tried_above(client: Any) -> None:
    shapes = client.meta.service_model.operation_model("SendTextMessage").error_shapes
    assert {shape.name for shape in shapes} == {
        "AccessDeniedException",
        "ConflictException",
        "InternalServerException",
        "ResourceNotFoundException",
        "ServiceQuotaExceededException",
        "ThrottlingException",
        "ValidationException",
    }


@pytest.mark.parametrize(
    ("error", "kind"),
    [(ConnectTimeoutError(endpoint_url="x"), "retry"), (ReadTimeoutError(endpoint_url="x"), "unknown")],
)
def test_a_timeout_is_unknown_only_after_the_request_was_written(
    client: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: str
) -> None:
    def broken(**_: object) -> None:
        raise error

    monkeypatch.setattr(client, "send_text_message", broken)
    assert provider(client).send(outgoing()).kind == kind


def event(kind: str, **changes: Any) -> dict[str, Any]:
    """An event as AWS's user guide shows it."""
    return {
        "eventType": kind,
        "eventVersion": "1.0",
        "eventTimestamp": 1795424403470,
        "isFinal": True,
        "originationPhoneNumber": "+3197010000000",
        "destinationPhoneNumber": "+31612345678",
        "isoCountryCode": "NL",
        "messageId": "m-1",
        "messageRequestTimestamp": 1795424403170,
        "messageEncoding": "GSM",
        "messageType": "TRANSACTIONAL",
        "messageStatus": kind.removeprefix("TEXT_"),
        "messageStatusDescription": "…",
        "context": {"message": "token-1"},
        "totalMessageParts": 1,
        "totalMessagePrice": 0.09582,
        "totalCarrierFee": 0.0,
    } | changes


@pytest.mark.parametrize(
    ("kind", "status", "reason"),
    [
        ("TEXT_QUEUED", "sent", None),
        ("TEXT_PENDING", "sent", None),
        ("TEXT_SENT", "sent", None),
        ("TEXT_SUCCESSFUL", "sent", None),
        ("TEXT_DELIVERED", "delivered", None),
        ("TEXT_INVALID", "failed", "recipient_rejected"),
        ("TEXT_INVALID_MESSAGE", "failed", "content_rejected"),
        ("TEXT_UNREACHABLE", "failed", "unreachable"),
        ("TEXT_CARRIER_UNREACHABLE", "failed", "unreachable"),
        ("TEXT_BLOCKED", "failed", "unreachable"),
        ("TEXT_CARRIER_BLOCKED", "failed", "unreachable"),
        ("TEXT_SPAM", "failed", "content_rejected"),
        ("TEXT_TTL_EXPIRED", "failed", "unreachable"),
        ("TEXT_PROTECT_BLOCKED", "failed", "recipient_rejected"),
    ],
)
def test_each_event_has_its_status(kind: str, status: str, reason: str | None) -> None:
    found = read_event(event(kind))
    assert found is not None
    assert (found.token, found.status, found.reason, found.provider_id) == ("token-1", status, reason, "m-1")


def test_every_event_of_text_messages_is_in_the_table_but_the_one_that_knows_nothing(client: Any) -> None:
    named = {kind for kind in in_model(client, "EventType") if kind.startswith("TEXT_")}
    assert named - set(STATUSES) == {"TEXT_ALL", "TEXT_UNKNOWN"}
    assert set(STATUSES) <= named


@pytest.mark.parametrize(
    "told",
    [
        event("TEXT_UNKNOWN"),
        event("TEXT_DELIVERED", context={}),
        event("TEXT_DELIVERED", context=None),
        event("TEXT_CARRIER_UNREACHABLE", isFinal=False),
        event("VOICE_COMPLETED"),
        {"eventType": "Delivery", "mail": {}},
    ],
    ids=["unknown", "no context", "null context", "still trying", "voice", "mail"],
)
def test_what_tells_nothing_new_is_passed_over(told: dict[str, Any]) -> None:
    assert read_event(told) is None


def test_events_of_sms_are_told_apart_from_those_of_mail() -> None:
    assert is_event(event("TEXT_DELIVERED"))
    assert not is_event({"eventType": "Delivery", "mail": {}})
    assert not is_event({"Type": "Notification"})


REPLY = {
    "originationNumber": "+31612345678",
    "destinationNumber": "+3197010000000",
    "messageKeyword": "KEYWORD_1",
    "messageBody": "Stop maar",
    "previousPublishedMessageId": "m-1",
    "inboundMessageId": "in-1",
}


def test_a_reply_is_known_by_awss_id_and_comes_from_the_persons_number() -> None:
    reply = reply_of(REPLY, NOW)
    assert reply is not None
    assert (reply.channel, reply.address, reply.text, reply.provider_id, reply.at, reply.to) == (
        "sms",
        "+31612345678",
        "Stop maar",
        "in-1",
        NOW,
        "",
    )


@pytest.mark.parametrize("missing", ["originationNumber", "messageBody", "inboundMessageId"])
def test_what_lacks_a_part_is_no_reply(missing: str) -> None:
    assert reply_of({name: value for name, value in REPLY.items() if name != missing}, NOW) is None
    assert reply_of({**REPLY, missing: ""}, NOW) is None
    assert reply_of({**REPLY, missing: 7}, NOW) is None
