"""E-mail through SES: what is asked for, and what each answer means."""

from dataclasses import replace
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.utils import parseaddr
from typing import Any

import boto3
import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProxyConnectionError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError
from botocore.stub import ANY, Stubber
from hypothesis import example, given
from hypothesis import strategies as st

from carillon.adapters.providers.aws_errors import THROTTLED
from carillon.adapters.providers.ses import MISCONFIGURED, PERMANENT, TEXTS, SesEmail, _mailbox
from carillon.adapters.providers.ses_events import EmailEvent, read_event
from carillon.domain.own_channels import OwnSender
from carillon.ports.delivery import Attachment, Outcome, Outgoing, Rendered
from local.fakes import ses_rules
from tests.builders import ORG


def outgoing(**changes: Any) -> Outgoing:
    basis: dict[str, Any] = {
        "org_id": ORG,
        "message_id": "01M",
        "to": "anna@example.com",
        "rendered": Rendered("Tot morgen", subject="Herinnering", html="<p>Tot morgen</p>"),
        "token": "abc_DEF-123",
        "valid_seconds": 3600,
        "sender_name": "Salon Aurora",
        "reply_to": "salon@example.com",
    }
    return Outgoing(**(basis | changes))


@pytest.fixture(scope="module")
def sesv2() -> Any:
    return boto3.client("sesv2", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")


@pytest.fixture
def ses(sesv2: Any) -> SesEmail:
    return SesEmail(sesv2, from_address="no-reply@carillon.example", configuration_set="main")


def expected(**changes: Any) -> dict[str, Any]:
    return {
        "FromEmailAddress": "Salon Aurora <no-reply@carillon.example>",
        "Destination": {"ToAddresses": ["anna@example.com"]},
        "ReplyToAddresses": ["salon@example.com"],
        "Content": {
            "Simple": {
                "Subject": {"Data": "Herinnering", "Charset": "UTF-8"},
                "Body": {
                    "Text": {"Data": "Tot morgen", "Charset": "UTF-8"},
                    "Html": {"Data": "<p>Tot morgen</p>", "Charset": "UTF-8"},
                },
            }
        },
        "ConfigurationSetName": "main",
        "EmailTags": [{"Name": "message", "Value": "abc_DEF-123"}],
    } | changes


def test_an_email_is_one_call_with_text_html_and_its_token(ses: SesEmail, sesv2: Any) -> None:
    with Stubber(sesv2) as stub:
        stub.add_response("send_email", {"MessageId": "m-1"}, expected())
        assert ses.send(outgoing()) == Outcome("accepted", provider_id="m-1")
        stub.assert_no_pending_responses()


def test_an_address_of_the_organizations_own_is_whom_it_is_from(ses: SesEmail, sesv2: Any) -> None:
    own = OwnSender("hi@salon.example", {"from_name": "Aurora"})
    with Stubber(sesv2) as stub:
        for named, mailbox in ((None, "Salon Aurora <hi@salon.example>"), (own, "Aurora <hi@salon.example>")):
            stub.add_response("send_email", {"MessageId": "m-1"}, expected(FromEmailAddress=mailbox))
            assert ses.send(outgoing(from_address="hi@salon.example", own=named)).kind == "accepted"
        # Whoever of the staff writes is not the organization.
        stub.add_response("send_email", {"MessageId": "m-1"}, expected(FromEmailAddress='"Sam, X" <sam@salon.example>'))
        ses.send(outgoing(from_address="sam@salon.example", own=own, sender_name="Sam, X"))


def test_an_own_address_that_ses_does_not_know_is_the_senders_fault(ses: SesEmail, sesv2: Any) -> None:
    message = "Email address is not verified. The following identities failed the check: hi@salon.example"
    with Stubber(sesv2) as stub:
        stub.add_client_error("send_email", "MessageRejected", message)
        assert ses.send(outgoing(from_address="hi@salon.example")).kind == "misconfigured"


def test_files_and_the_way_out_of_marketing_go_along(ses: SesEmail, sesv2: Any) -> None:
    plain = expected()["Content"]["Simple"]
    content = {
        "Simple": plain
        | {
            "Headers": [
                {"Name": "List-Unsubscribe", "Value": "<https://api.example/u/x>"},
                {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
            ],
            "Attachments": [
                {
                    "FileName": "invite.ics",
                    "ContentType": "text/calendar; method=REQUEST; charset=UTF-8",
                    "ContentDisposition": "ATTACHMENT",
                    "ContentTransferEncoding": "BASE64",
                    "RawContent": b"BEGIN:VCALENDAR",
                }
            ],
        }
    }
    invitation = Attachment("invite.ics", "text/calendar; method=REQUEST; charset=UTF-8", b"BEGIN:VCALENDAR")
    with Stubber(sesv2) as stub:
        stub.add_response("send_email", {"MessageId": "m-1"}, expected(Content=content))
        sent = ses.send(outgoing(unsubscribe="https://api.example/u/x", attachments=(invitation,)))
        assert sent.kind == "accepted"
    assert not list(ses_rules.faults(expected(Content=content)))


def test_without_html_and_reply_address_there_are_none(ses: SesEmail, sesv2: Any) -> None:
    plain = outgoing(rendered=Rendered("Tot morgen", subject="Herinnering"), reply_to=None)
    content = {
        "Simple": {
            "Subject": {"Data": "Herinnering", "Charset": "UTF-8"},
            "Body": {"Text": {"Data": "Tot morgen", "Charset": "UTF-8"}},
        }
    }
    with Stubber(sesv2) as stub:
        stub.add_response("send_email", {"MessageId": "m-1"}, expected(Content=content, ReplyToAddresses=[]))
        assert ses.send(plain).kind == "accepted"


SANDBOX = "Email address is not verified. The following identities failed the check in region EU-CENTRAL-1: "
RATE, DAY = "Maximum sending rate exceeded.", "Daily message quota exceeded."


@pytest.mark.parametrize(
    ("code", "status", "text", "outcome"),
    [
        ("TooManyRequestsException", 429, RATE, Outcome("retry")),
        ("TooManyRequestsException", 429, "", Outcome("retry")),
        ("TooManyRequestsException", 429, DAY, Outcome("retry", retry_after=3600)),
        ("TooManyRequestsException", 429, "Daily sending quota exceeded", Outcome("retry", retry_after=3600)),
        ("ThrottlingException", 400, "Rate exceeded", Outcome("retry")),
        ("ThrottlingException", 400, DAY, Outcome("retry", retry_after=3600)),
        ("Throttling", 400, RATE, Outcome("retry")),
        ("Throttling", 400, DAY, Outcome("retry", retry_after=3600)),
        ("LimitExceededException", 400, DAY, Outcome("retry", retry_after=3600)),
        ("LimitExceededException", 400, RATE, Outcome("retry")),
        ("LimitExceededException", 400, "Too many resources", Outcome("permanent", reason="provider_error")),
        ("UnheardOfException", 429, "", Outcome("retry")),
        ("ExpiredTokenException", 403, "", Outcome("retry")),
        ("AccountSuspendedException", 400, "", Outcome("misconfigured")),
        ("SendingPausedException", 400, "", Outcome("misconfigured")),
        ("MailFromDomainNotVerifiedException", 400, "", Outcome("misconfigured")),
        ("NotFoundException", 404, "Configuration set <main> does not exist.", Outcome("misconfigured")),
        ("AccessDeniedException", 403, "", Outcome("misconfigured")),
        ("UnrecognizedClientException", 403, "", Outcome("misconfigured")),
        ("SignatureDoesNotMatch", 403, "", Outcome("misconfigured")),
        ("MessageRejected", 400, "Message contains a virus", Outcome("permanent", reason="content_rejected")),
        ("MessageRejected", 400, SANDBOX + "Aurora <no-reply@carillon.example>", Outcome("misconfigured")),
        ("MessageRejected", 400, SANDBOX + "anna@example.com", Outcome("permanent", reason="sender_misconfigured")),
        ("BadRequestException", 400, "Illegal address", Outcome("permanent", reason="recipient_rejected")),
        ("BadRequestException", 400, "Missing final '@domain'", Outcome("permanent", reason="recipient_rejected")),
        ("BadRequestException", 400, "Invalid Reply-To address", Outcome("permanent", reason="content_rejected")),
        ("BadRequestException", 400, "Missing required header", Outcome("permanent", reason="content_rejected")),
        ("UnheardOfException", 400, "", Outcome("permanent", reason="provider_error")),
        ("UnheardOfException", 418, "", Outcome("permanent", reason="provider_error")),
        ("InternalServiceErrorException", 500, "", Outcome("unknown", reason="provider_5xx")),
        ("BadGateway", 502, "", Outcome("unknown", reason="provider_5xx")),
        ("ServiceUnavailable", 503, "", Outcome("unknown", reason="provider_5xx")),
        ("GatewayTimeout", 504, "", Outcome("unknown", reason="provider_5xx")),
    ],
)
def test_each_answer_has_its_meaning(
    ses: SesEmail, sesv2: Any, code: str, status: int, text: str, outcome: Outcome
) -> None:
    with Stubber(sesv2) as stub:
        stub.add_client_error("send_email", code, text, http_status_code=status)
        found = ses.send(outgoing())
        stub.assert_no_pending_responses()
    assert found == replace(outcome, code=code)


def test_every_error_that_the_api_documents_is_listed(sesv2: Any) -> None:
    documented = {shape.name for shape in sesv2.meta.service_model.operation_model("SendEmail").error_shapes}
    assert documented <= set(PERMANENT) | MISCONFIGURED | THROTTLED | {text.code for text in TEXTS}


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (ConnectTimeoutError(endpoint_url="x"), "retry", None),
        (EndpointConnectionError(endpoint_url="x"), "retry", None),
        (NoCredentialsError(), "retry", None),
        (PartialCredentialsError(provider="env", cred_var="x"), "retry", None),
        (CredentialRetrievalError(provider="env", error_msg="x"), "retry", None),
        (ProxyConnectionError(proxy_url="x"), "retry", None),
        (ReadTimeoutError(endpoint_url="x"), "unknown", "provider_timeout"),
        (ConnectionClosedError(endpoint_url="x"), "unknown", "connection_lost"),
        (HTTPClientError(error="x"), "unknown", "connection_lost"),
        (ResponseParserError("x"), "unknown", "connection_lost"),
        (ValueError("x"), "unknown", "connection_lost"),
    ],
)
def test_a_lost_connection_is_unknown_only_if_the_request_may_have_been_read(
    ses: SesEmail, sesv2: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: str, reason: str | None
) -> None:
    def broken(**_: object) -> None:
        raise error

    monkeypatch.setattr(sesv2, "send_email", broken)
    found = ses.send(outgoing())
    assert (found.kind, found.reason) == (kind, reason)


def test_what_the_client_library_refuses_was_never_sent(ses: SesEmail) -> None:
    assert ses.send(outgoing(to=None)) == Outcome("permanent", reason="content_rejected", code="ParamValidation")


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=200))
@example("Zażółć gęślą jaźń " * 11)
def test_a_senders_name_stays_on_one_line_of_ascii_and_comes_back(name: str) -> None:
    made = _mailbox(name, "no-reply@carillon.example")
    assert made.isascii()
    assert "\n" not in made
    assert "\r" not in made
    shown, address = parseaddr(made)
    assert address == "no-reply@carillon.example"
    assert str(make_header(decode_header(shown))).split() == name.split()


def test_a_name_adds_no_header_and_no_second_sender() -> None:
    made = _mailbox('Aurora\r\nBcc: all@example.com, "x" <y@example.com>', "no-reply@carillon.example")
    assert "\n" not in made
    assert parseaddr(made)[1] == "no-reply@carillon.example"


def test_the_subject_is_passed_as_data(ses: SesEmail, sesv2: Any) -> None:
    with Stubber(sesv2) as stub:
        stub.add_response("send_email", {"MessageId": "m-1"}, expected(Content=ANY))
        assert ses.send(outgoing(rendered=Rendered("x"))).kind == "accepted"


SENT_AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def reported(kind: str, **detail: Any) -> dict[str, Any]:
    mail = {
        "messageId": "m-1",
        "timestamp": "2026-11-23T09:00:00.000Z",
        "destination": ["anna@example.com"],
        "tags": {"message": ["token-1"], "ses:configuration-set": ["main"]},
    }
    return {"eventType": kind, "mail": mail, **detail}


def bounce(kind: str, subtype: str = "General", **more: Any) -> dict[str, Any]:
    return reported("Bounce", bounce={"bounceType": kind, "bounceSubType": subtype, **more})


@pytest.mark.parametrize(
    ("event", "status", "reason", "soft"),
    [
        (reported("Send"), "sent", None, False),
        (reported("DeliveryDelay", deliveryDelay={"delayType": "MailboxFull"}), "sent", None, False),
        (reported("Delivery"), "delivered", None, False),
        (bounce("Transient"), "failed", "unreachable", True),
        (bounce("Transient", "MailboxFull"), "failed", "unreachable", True),
        (bounce("Transient", "MessageTooLarge"), "failed", "content_rejected", True),
        (bounce("Transient", "AttachmentRejected"), "failed", "content_rejected", True),
        (bounce("Undetermined", "Undetermined"), "failed", "unreachable", True),
        (reported("Reject", reject={"reason": "Bad content"}), "failed", "content_rejected", False),
        (reported("Rendering Failure"), "failed", "content_rejected", False),
    ],
)
def test_an_event_moves_the_message_that_its_tag_names(
    event: dict[str, Any], status: str, reason: str | None, soft: bool
) -> None:
    assert read_event(event) == EmailEvent("token-1", status, reason, "m-1", soft)


def test_a_permanent_bounce_speaks_against_its_address_from_when_the_mail_was_sent() -> None:
    event = bounce("Permanent", bouncedRecipients=[{"emailAddress": "Anna <Anna@example.com>"}])
    assert read_event(event) == EmailEvent(
        "token-1", "failed", "recipient_rejected", "m-1", False, "address_bounced", ("Anna@example.com",), SENT_AT
    )


def test_a_bounce_that_names_nobody_is_about_whom_the_mail_went_to() -> None:
    for event in (bounce("Permanent"), bounce("Permanent", bouncedRecipients=[{"emailAddress": "MAILER-DAEMON"}])):
        found = read_event(event)
        assert found is not None
        assert found.addresses == ("anna@example.com",)


def test_a_complaint_is_about_a_message_that_came_and_speaks_against_its_address() -> None:
    made = {"complainedRecipients": [{"emailAddress": "anna@example.com"}], "timestamp": "2026-11-23T10:00:00.000Z"}
    at = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
    against: Any = ("address_complained", ("anna@example.com",), at)
    assert read_event(reported("Complaint", complaint=made)) == EmailEvent(
        "token-1", "delivered", None, "m-1", False, *against
    )
    never_tried = made | {"complaintSubType": "OnAccountSuppressionList"}
    assert read_event(reported("Complaint", complaint=never_tried)) == EmailEvent(
        "token-1", "failed", "recipient_rejected", "m-1", False, *against
    )


def test_taking_a_message_out_of_the_spam_folder_is_no_complaint() -> None:
    assert read_event(reported("Complaint", complaint={"complaintFeedbackType": "not-spam"})) is None


@pytest.mark.parametrize("kind", ["Open", "Click", "Subscription", "Anything"])
def test_an_event_that_is_no_move_of_a_message_is_passed_over(kind: str) -> None:
    assert read_event(reported(kind)) is None


@pytest.mark.parametrize(
    "event",
    [{}, {"eventType": "Delivery"}, {"eventType": "Delivery", "mail": {}},
     {"eventType": "Delivery", "mail": {"tags": {}}}, {"eventType": "Delivery", "mail": {"tags": {"message": []}}},
     {"notificationType": "Bounce"}],
)  # fmt: skip
def test_an_event_about_no_message_of_ours_is_passed_over(event: dict[str, Any]) -> None:
    assert read_event(event) is None
