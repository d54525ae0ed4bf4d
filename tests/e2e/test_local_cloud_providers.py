"""The fakes of SES, SNS, Twilio, Telegram and Viber answer, refuse and report as the real ones."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from botocore.exceptions import ClientError
from twilio.request_validator import RequestValidator

from local.config import TWILIO_ACCOUNT
from tests.e2e.running_cloud import RunningCloud

ACCOUNT, TOKEN = TWILIO_ACCOUNT
SENDER = "whatsapp:+15005550006"


class Listener(ThreadingHTTPServer):
    """Takes callbacks and remembers them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/status?m=a%20b"
        self.status = 204


class _Handler(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}
        self.server.received.append((self.path, dict(self.headers.items()), form))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def listener() -> Iterator[Listener]:
    server = Listener()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def twilio(cloud: RunningCloud, method: str, path: str, token: str = TOKEN, **options: Any) -> httpx.Response:
    url = cloud.facts["aws_endpoints"]["twilio"] + path
    return httpx.request(method, url, auth=(ACCOUNT, token), timeout=30, **options)


def send(cloud: RunningCloud, **changes: Any) -> httpx.Response:
    form = {"To": "whatsapp:+31612345678", "From": SENDER, "Body": "hello", **changes}
    return twilio(cloud, "POST", f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json", data=form)


def make_template(cloud: RunningCloud, body: str) -> str:
    request = {"friendly_name": "t", "language": "en", "types": {"twilio/text": {"body": body}}}
    sid = str(twilio(cloud, "POST", "/v1/Content", json=request).json()["sid"])
    approval = twilio(
        cloud, "POST", f"/v1/Content/{sid}/ApprovalRequests/whatsapp", json={"name": "t", "category": "UTILITY"}
    )
    assert approval.json()["status"] == "approved"
    return sid


def outbox(cloud: RunningCloud) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = cloud.tools.get("/outbox.json").json()["items"]
    return items


def test_a_template_is_rendered_and_its_statuses_come_back_signed(cloud: RunningCloud, listener: Listener) -> None:
    sid = make_template(cloud, "Hi {{1}}, see you at {{2}}.")
    variables = json.dumps({"1": "Zoë", "2": "14:30"})
    answer = send(cloud, Body="", ContentSid=sid, ContentVariables=variables, StatusCallback=listener.url)
    assert answer.status_code == 201
    assert (answer.json()["status"], answer.json()["direction"]) == ("queued", "outbound-api")
    cloud.advance("PT10S")
    assert [form["MessageStatus"] for _, _, form in listener.received] == ["sent", "delivered"]
    for _, headers, form in listener.received:
        assert RequestValidator(TOKEN).validate(listener.url, form, headers["x-twilio-signature"])
        assert form["MessageSid"] == answer.json()["sid"]
    (item,) = outbox(cloud)
    assert item["text"] == "Hi Zoë, see you at 14:30."
    assert (item["channel"], item["to"]) == ("whatsapp", "+31612345678")
    found = twilio(cloud, "GET", answer.json()["uri"]).json()
    assert found["status"] == "delivered"
    listed = twilio(cloud, "GET", f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json?To=whatsapp%3A%2B31612345678")
    assert [message["sid"] for message in listed.json()["messages"]] == [answer.json()["sid"]]


def test_free_text_outside_the_window_fails_by_callback_and_reaches_nobody(
    cloud: RunningCloud, listener: Listener
) -> None:
    assert send(cloud, StatusCallback=listener.url).status_code == 201
    cloud.advance("PT10S")
    (_, _, form) = listener.received[0]
    assert (form["MessageStatus"], form["ErrorCode"]) == ("failed", "63016")
    assert outbox(cloud) == []


@pytest.mark.parametrize(("overrides", "times"), [("", 1), ("#rc=3&rp=5xx", 4), ("#rc=5&rp=all", 6), ("#rc=2", 1)])
def test_a_report_that_meets_an_error_comes_again_as_its_address_asks(
    cloud: RunningCloud, listener: Listener, overrides: str, times: int
) -> None:
    listener.status = 500
    assert send(cloud, StatusCallback=listener.url + overrides).status_code == 201
    cloud.advance("PT1M")
    assert [form["MessageStatus"] for _, _, form in listener.received] == ["failed"] * times
    assert {path for path, _, _ in listener.received} == {"/status?m=a%20b"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"To": ""}, 21604),
        ({"To": "whatsapp:12345"}, 21211),
        ({"From": ""}, 21603),
        ({"To": "+31612345678"}, 21910),
        ({"Body": ""}, 21619),
        ({"Body": "x" * 1601}, 21617),
        ({"ContentSid": "HXnobody"}, 21655),
    ],
)
def test_twilio_refuses_with_its_own_codes(probe_cloud: RunningCloud, changes: dict[str, str], code: int) -> None:
    answer = send(probe_cloud, **changes)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert answer.json()["more_info"].endswith(f"/{code}")


@pytest.mark.parametrize(
    ("variables", "code"), [('{"1": ""}', 21656), ("{not json", 21656), ('{"1": "a\\nb"}', 21656), ("{}", 63028)]
)
def test_variables_that_whatsapp_would_refuse_are_refused(cloud: RunningCloud, variables: str, code: int) -> None:
    answer = send(cloud, Body="", ContentSid=make_template(cloud, "Hi {{1}}!"), ContentVariables=variables)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_a_wrong_token_is_401(probe_cloud: RunningCloud) -> None:
    answer = twilio(probe_cloud, "GET", f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json", token="wrong")
    assert (answer.status_code, answer.json()["code"]) == (401, 20003)


def email(cloud: RunningCloud, to: str = "person@example.org", **changes: Any) -> str:
    simple = {
        "Subject": {"Data": "Grüße", "Charset": "UTF-8"},
        "Body": {"Text": {"Data": "plain"}, "Html": {"Data": "<p>rich</p>"}},
        **changes.pop("Simple", {}),
    }
    request = {
        "FromEmailAddress": "=?utf-8?q?Caf=C3=A9?= <no-reply@carillon.example>",
        "Destination": {"ToAddresses": [to]},
        "Content": {"Simple": simple},
        "ConfigurationSetName": "mail",
        "EmailTags": [{"Name": "m", "Value": "token-1"}],
        **changes,
    }
    return str(cloud.aws("sesv2").send_email(**request)["MessageId"])


def test_an_email_is_captured_whole_and_its_delivery_is_published(cloud: RunningCloud) -> None:
    attachment = {"FileName": "a.ics", "RawContent": b"BEGIN:VCALENDAR", "ContentType": "text/calendar"}
    message_id = email(cloud, Simple={"Attachments": [attachment], "Headers": [{"Name": "X-A", "Value": "b"}]})
    cloud.advance("PT10S")
    (item,) = outbox(cloud)
    assert (item["from"], item["subject"]) == ("Café <no-reply@carillon.example>", "Grüße")
    assert (item["text"], item["html"]) == ("plain", "<p>rich</p>")
    assert item["attachments"] == [
        {"filename": "a.ics", "content_type": "text/calendar", "size": 15, "text": "BEGIN:VCALENDAR"}
    ]
    assert item["headers"] == {"X-A": "b"}
    (event,) = [json.loads(entry["text"]) for entry in cloud.seen("work")]
    assert event["eventType"] == "Delivery"
    assert event["mail"]["messageId"] == message_id
    assert event["mail"]["tags"]["m"] == ["token-1"]


def test_the_mailbox_simulator_bounces(cloud: RunningCloud) -> None:
    email(cloud, to="bounce@simulator.amazonses.com")
    cloud.advance("PT10S")
    (event,) = [json.loads(entry["text"]) for entry in cloud.seen("work")]
    assert event["bounce"]["bounceType"] == "Permanent"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ConfigurationSetName": "nobody"}, "NotFoundException"),
        ({"EmailTags": [{"Name": "org", "Value": "a#b"}]}, "BadRequestException"),
        ({"Simple": {"Headers": [{"Name": "X-A", "Value": "é"}]}}, "BadRequestException"),
        ({"Simple": {"Subject": {"Data": "Grüße"}}}, "BadRequestException"),
        ({"to": "nobody"}, "BadRequestException"),
        ({"FromEmailAddress": "hi@salon.example"}, "MessageRejected"),
    ],
)
def test_ses_refuses_what_it_refuses(probe_cloud: RunningCloud, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError) as caught:
        email(probe_cloud, **changes)
    assert caught.value.response["Error"]["Code"] == code


def test_a_domain_may_send_once_its_records_are_set(cloud: RunningCloud) -> None:
    ses = cloud.aws("sesv2")
    made = ses.create_email_identity(EmailIdentity="Salon.example", Tags=[{"Key": "k", "Value": "v"}])
    tokens = made["DkimAttributes"]["Tokens"]
    assert (made["IdentityType"], made["VerifiedForSendingStatus"], len(tokens)) == ("DOMAIN", False, 3)
    ses.put_email_identity_mail_from_attributes(EmailIdentity="salon.example", MailFromDomain="mail.salon.example")
    records = [
        {"type": "CNAME", "name": f"{token}._domainkey.salon.example", "value": f"{token}.dkim.amazonses.com"}
        for token in tokens
    ]
    assert cloud.tools.post("/dns", json={"records": records}).json() == {"records": 3}
    found = ses.get_email_identity(EmailIdentity="salon.example")
    assert (found["VerifiedForSendingStatus"], found["DkimAttributes"]["Status"]) == (True, "SUCCESS")
    assert found["MailFromAttributes"]["MailFromDomainStatus"] == "PENDING"
    assert found["Tags"] == [{"Key": "k", "Value": "v"}]
    assert email(cloud, FromEmailAddress="Sam <sam@mail.salon.example>")
    assert cloud.tools.delete("/dns").json() == {"records": 0}
    assert not ses.get_email_identity(EmailIdentity="salon.example")["VerifiedForSendingStatus"]


def test_identities_are_refused_as_ses_does(cloud: RunningCloud) -> None:
    ses = cloud.aws("sesv2")
    ses.create_email_identity(EmailIdentity="salon.example")
    asked: list[tuple[str, dict[str, str], str]] = [
        ("create_email_identity", {"EmailIdentity": "salon.example"}, "AlreadyExistsException"),
        ("create_email_identity", {"EmailIdentity": "no domain"}, "BadRequestException"),
        ("get_email_identity", {"EmailIdentity": "other.example"}, "NotFoundException"),
        ("delete_email_identity", {"EmailIdentity": "other.example"}, "NotFoundException"),
        (
            "put_email_identity_mail_from_attributes",
            {"EmailIdentity": "salon.example", "MailFromDomain": "a.example"},
            "BadRequestException",
        ),
    ]
    for operation, given, code in asked:
        with pytest.raises(ClientError) as caught:
            getattr(ses, operation)(**given)
        assert caught.value.response["Error"]["Code"] == code
    ses.delete_email_identity(EmailIdentity="salon.example")
    kinds: list[Any] = [{}, {"records": []}, {"records": [{"name": "x"}]}, {"records": "x"}]
    for nonsense in kinds:
        assert cloud.tools.post("/dns", json=nonsense).status_code == 422


def test_a_text_message_is_captured_and_bad_ones_are_refused(cloud: RunningCloud) -> None:
    sns = cloud.aws("sns")
    sender = {"AWS.SNS.SMS.SenderID": {"DataType": "String", "StringValue": "Carillon"}}
    assert sns.publish(PhoneNumber="+31612345678", Message="hello", MessageAttributes=sender)["MessageId"]
    (item,) = outbox(cloud)
    assert (item["channel"], item["from"], item["text"]) == ("sms", "Carillon", "hello")
    for request in (
        {"PhoneNumber": "0612345678", "Message": "x"},
        {"PhoneNumber": "+31612345678", "Message": "x" * 1601},
    ):
        with pytest.raises(ClientError) as caught:
            sns.publish(**request)
        assert caught.value.response["Error"]["Code"] == "InvalidParameter"


@pytest.mark.parametrize(
    ("kind", "code"),
    [("throttle", "TooManyRequestsException"), ("reject", "MessageRejected"), ("error_5xx", "InternalFailure")],
)
def test_faults_strike_as_often_as_they_were_told(cloud: RunningCloud, kind: str, code: str) -> None:
    cloud.tools.post("/faults", json={"target": "ses", "kind": kind, "rate": 0.5, "seed": 7})
    client = cloud.aws("sesv2")
    client.meta.events.register("needs-retry.*", lambda **_: None)
    outcomes = []
    for _ in range(12):
        try:
            email(cloud)
            outcomes.append("sent")
        except ClientError as error:
            outcomes.append(error.response["Error"]["Code"])
    struck = cloud.tools.get("/faults").json()["items"][0]["struck"]
    cloud.tools.delete("/faults")
    assert set(outcomes) <= {"sent", code}
    assert struck > 0
    assert len(outbox(cloud)) == outcomes.count("sent")


def test_chat_messages_are_captured(cloud: RunningCloud) -> None:
    url = cloud.facts["aws_endpoints"]["twilio"]
    answer = httpx.post(f"{url}/bot123:abc/sendMessage", json={"chat_id": 7, "text": "hi"})
    assert answer.json()["result"]["text"] == "hi"
    blocked = httpx.post(f"{url}/bot123:abc/sendMessage", json={"chat_id": 7, "text": ""})
    assert (blocked.status_code, blocked.json()["ok"]) == (400, False)
    message = {"receiver": "u1", "sender": {"name": "Salon"}, "type": "text", "text": "hi"}
    viber = httpx.post(f"{url}/pa/send_message", json=message, headers={"X-Viber-Auth-Token": "t"})
    assert viber.json()["status"] == 0
    assert httpx.post(f"{url}/pa/send_message", json=message).json()["status"] == 2
    assert [item["channel"] for item in outbox(cloud)] == ["telegram", "viber"]


def test_a_form_body_is_what_the_person_reads(cloud: RunningCloud) -> None:
    answer = send(cloud, To="+31612345678", From="+15005550006", Body="línea 1\nlínea 2 & más")
    assert answer.status_code == 201
    assert outbox(cloud)[0]["text"] == "línea 1\nlínea 2 & más"
