"""Messages that somebody writes: from the API's answer to what a provider is asked to send."""

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest

from carillon import bootstrap
from carillon.adapters import aws as aws_clients
from carillon.adapters.dynamodb.suppressions import DynamoSuppressions
from carillon.bootstrap.marks import address_marks
from carillon.bootstrap.secrets import secret
from tests.integration.account import REGION, Aws, Response, activate, call, new_organization
from tests.integration.world import DeathError, Deaths, World, unwatch

ANNA: dict[str, Any] = {
    "id": "anna",
    "first_name": "Anna",
    "email": "anna@example.com",
    "phone": "+31612345678",
    "locale": "en",
    "consents": {"service": {"email": True, "sms": True, "whatsapp": True}},
}
BOB = ANNA | {"id": "bob", "first_name": "Bob", "email": "bob@example.com", "phone": "+31687654321"}
VISIT = {
    "client_id": "anna",
    "start": "2026-12-01T14:30:00",
    "duration_minutes": 45,
    "status": "booked",
    "service": "Haircut",
    "notify": False,
}
MEGABYTE = 1024 * 1024


class Desk:
    """Somebody who writes, and every request that SES got."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self.world = World(aws)
        self.mails: list[Any] = []
        self.listen()

    def listen(self) -> None:
        events = aws_clients.sending_client("sesv2").meta.events
        events.register("before-call.sesv2.SendEmail", lambda params, **_: self._note(params), unique_id="desk")

    def _note(self, params: Any) -> None:
        self.mails.append(json.loads(params["body"]))

    def settle(self) -> None:
        self.world.settle()

    def status(self, sent: Response) -> tuple[str, str | None]:
        found = call("GET", f"/v1/messages/{sent.body['message']['id']}").body
        return found["status"], found["reason"]


@pytest.fixture
def desk(aws: Aws) -> Iterator[Desk]:
    new_organization()
    activate()
    for person in (ANNA, BOB):
        assert call("POST", "/v1/clients", person).status == 201
    assert call("POST", "/v1/staff", {"id": "s1", "name": "Sam", "email": "sam@salon.example"}).status == 201
    made = Desk(aws)
    made.settle()
    yield made
    unwatch()


def send(channel: str = "email", **fields: Any) -> Response:
    who = {} if "staff_id" in fields or "client_id" in fields else {"client_id": "anna"}
    headers, role = fields.pop("headers", {}), fields.pop("role", "staff")
    mode = fields.pop("mode", "live")
    body = {"channel": channel, **who, **fields}
    return call("POST", "/v1/messages", body, headers=headers, role=role, mode=mode)


def own_messages(headers: dict[str, str]) -> list[Any]:
    items: list[Any] = call("GET", "/v1/messages", role="staff", headers=headers).body["items"]
    return items


def preview(channel: str = "email", **fields: Any) -> Response:
    return call("POST", "/v1/messages/preview", {"channel": channel, "client_id": "anna", **fields}, role="staff")


def file(name: str = "Żółta faktura.pdf", content: bytes = b"%PDF-1.7 invoice", kind: str = "application/pdf") -> Any:
    return {"filename": name, "content_type": kind, "content_base64": base64.b64encode(content).decode()}


def booked() -> None:
    assert call("PUT", "/v1/appointments/a1", VISIT).status == 201


def test_words_go_out_as_they_were_typed_with_their_links_and_files(desk: Desk) -> None:
    text = "Hi <b>Anna</b> & {{ client.first_name }}\nsee https://salon.example/care?a=1&b=2."
    sent = send(subject="After {{ the }} visit", text=text, attachments=[file("C:\\desk\\Żółta faktura.pdf"), file()])
    assert (sent.status, sent.body["message"]["origin"], sent.body["message"]["key"]) == (202, "manual", "manual")
    desk.settle()
    (mail,) = desk.mails
    simple = mail["Content"]["Simple"]
    assert simple["Subject"]["Data"] == "After {{ the }} visit"
    assert simple["Body"]["Text"]["Data"] == text
    html = simple["Body"]["Html"]["Data"]
    assert "Hi &lt;b&gt;Anna&lt;/b&gt; &amp; {{ client.first_name }}" in html
    assert '<a href="https://salon.example/care?a=1&amp;b=2"' in html
    assert [(each["FileName"], each["ContentType"]) for each in simple["Attachments"]] == [
        ("Żółta faktura.pdf", "application/pdf")
    ] * 2
    assert base64.b64decode(simple["Attachments"][0]["RawContent"]) == b"%PDF-1.7 invoice"
    assert desk.status(sent) == ("sent", None)


def test_who_sent_it_and_what_it_says_is_kept_and_staff_see_their_own_alone(desk: Desk) -> None:
    booked()
    eva, joe = ({"on-behalf-of": name} for name in ("eva", "joe"))
    sent = send(text="Hello", record="appointments/a1", attachments=[file()], headers=eva)
    send(text="Other", headers=joe)
    place = f"/v1/messages/{sent.body['message']['id']}"
    shown = call("GET", place).body
    assert (shown["actor"], shown["record"]) == ({"key_id": "key-1", "user": "eva"}, "appointments/a1")
    assert shown["content"] == {
        "subject": "Salon Aurora",
        "text": "Hello",
        "attachments": [{"filename": "Żółta faktura.pdf", "content_type": "application/pdf", "size": 16}],
    }
    assert call("GET", place, role="staff", headers=eva).status == 200
    assert call("GET", place, role="staff", headers=joe).status == 404
    seen = {
        name: sorted(each["actor"]["user"] for each in own_messages(headers))
        for name, headers in (("eva", eva), ("joe", joe), ("key", {}))
    }
    assert seen == {"eva": ["eva"], "joe": ["joe"], "key": ["eva", "joe"]}
    automatic = call("GET", "/v1/messages", role="staff", headers=eva, query={"origin": "automatic"})
    assert automatic.body["items"] == []
    assert len(call("GET", "/v1/messages", query={"record": "appointments/a1", "origin": "manual"}).body["items"]) == 1
    assert len(desk.world.messages()) == 2


def test_a_template_goes_out_as_its_preview_shows_it(desk: Desk) -> None:
    booked()
    about = {"template": "reminder.day_before", "record": "appointments/a1"}
    shown = preview(**about).body
    assert (shown["editable"], shown["blocked"], shown["sms"]) == (True, None, None)
    assert "14:30" in shown["text"]
    sent = send(**about)
    # What was shown goes, whatever becomes of the appointment meanwhile.
    call("PUT", "/v1/appointments/a1", VISIT | {"start": "2026-12-01T16:00:00"})
    desk.settle()
    (mail,) = [mail for mail in desk.mails if "16:00" not in str(mail)]
    body = mail["Content"]["Simple"]["Body"]
    assert body["Text"]["Data"] == shown["text"]
    assert "14:30" in body["Html"]["Data"]
    assert sent.body["message"]["key"] == "reminder.day_before"
    edited = send(**about, text=shown["text"] + "\n\nBring {{ your }} card.")
    desk.settle()
    assert "Bring {{ your }} card." in desk.mails[-1]["Content"]["Simple"]["Body"]["Html"]["Data"]
    assert edited.body["message"]["key"] == "reminder.day_before"


def test_an_sms_is_shown_with_its_parts(desk: Desk) -> None:
    shown = preview("sms", text="x" * 161).body
    assert shown["sms"] == {"encoding": "GSM-7", "parts": 2, "characters": 161}
    assert shown["subject"] is None
    assert preview("sms", text="Zażółć").body["sms"]["encoding"] == "UCS-2"
    sent = send("sms", text="Come “early”…")
    desk.settle()
    assert desk.world.sent[-1] == ("sms", "+31612345678", 'Come "early"...')
    assert desk.status(sent) == ("sent", None)


def test_all_faults_of_an_input_are_told_at_once(desk: Desk) -> None:
    assert desk
    bad = {"channel": "viber", "client_id": "nobody", "record": "appointments/none", "template": "x", "to": "12345"}
    refused = call("POST", "/v1/messages", bad | {"subject": "s", "attachments": [file(), file("a.exe"), {}]})
    assert refused.status == 422
    assert refused.faults == {
        "/attachments/1/filename": "invalid_value",
        "/attachments/2/filename": "missing_field",
        "/attachments/2/content_type": "missing_field",
        "/attachments/2/content_base64": "missing_field",
        "/template": "template_not_supported",
        "/subject": "invalid_value",
        "/attachments": "invalid_value",
        "/client_id": "unknown_reference",
        "/record": "unknown_reference",
        "/to": "invalid_value",
    }
    assert call("POST", "/v1/messages/preview", bad).status == 422
    alone = send("viber", text="Hi", template="reminder")
    assert (alone.status, alone.code) == (422, "template_not_supported")


def test_references_are_checked(desk: Desk) -> None:
    booked()
    assert send(text="Hi", client_id="bob", record="appointments/a1").faults == {"/record": "unknown_reference"}
    assert send(template="no.such").faults == {"/template": "unknown_reference"}
    assert send(text="Hi", staff_id="nobody").faults == {"/staff_id": "unknown_reference"}
    assert send(text="Hi", client_id="anna", staff_id="s1").faults == {"/staff_id": "invalid_value"}
    assert send().faults == {"/text": "missing_field"}
    assert send("sms", text="x" * 1601).faults == {"/text": "invalid_value"}
    assert send("sms", text="Hi", to="12").faults == {"/to": "invalid_value"}
    assert send(text="Hi", to="nobody").faults == {"/to": "invalid_value"}
    assert send(text="Hi\x07").faults == {"/text": "invalid_value"}
    assert desk.world.messages() == []
    told = send(text="Hi", staff_id="s1")
    desk.settle()
    assert (told.body["message"]["staff_id"], desk.status(told)) == ("s1", ("sent", None))


def test_files_have_limits(desk: Desk) -> None:
    assert send(text="Hi", attachments=[file()] * 11).faults == {"/attachments": "invalid_value"}
    most = [file(content=b"x" * MEGABYTE)] * 3
    too_large = send(text="Hi", attachments=[*most, file(content=b"x")])
    assert (too_large.status, too_large.code) == (413, "attachments_too_large")
    body = {"channel": "email", "client_id": "anna", "text": "Hi", "attachments": [file(content=b"x" * 4 * MEGABYTE)]}
    over = call("POST", "/v1/messages", body)
    assert (over.status, over.code) == (413, "body_too_large")
    assert send(text="Hi", attachments=most).status == 202
    # Lambda takes 6 MB of event and SQS 1 MB: the files are in neither queue nor table.
    assert all(len(str(item)) < 3000 for item in desk.aws.items("aurora#P#"))
    desk.settle()
    assert len(desk.mails[0]["Content"]["Simple"]["Attachments"]) == 3


def test_another_address_is_taken_unless_somebody_there_said_no(desk: Desk) -> None:
    sent = send("sms", text="Hi", to="06 1111 2222")
    assert sent.body["message"]["to"] == "+31611112222"
    desk.settle()
    assert desk.world.sent[-1][1] == "+31611112222"
    # Bob says stop after the message was accepted, and before it goes.
    waiting = send("email", text="Hi", to="BOB@example.com")
    bob = call("GET", "/v1/clients/bob").body
    assert waiting.status == 202
    stop(desk, "bob", "email")
    desk.settle()
    assert desk.status(waiting) == ("suppressed", "opted_out")
    refused = send("email", text="Hi", to="bob@example.com")
    assert (refused.status, refused.code) == (409, "opted_out")
    assert preview(text="Hi", to="bob@example.com").body["blocked"] == "opted_out"
    assert bob["email"] == "bob@example.com"


def test_what_is_kept_of_an_address_counts_whoever_has_it(desk: Desk) -> None:
    told = desk.aws.environment
    marks = address_marks(told["TABLE_NAME"], told["DEPLOYMENT_SECRET_ARN"])
    now = desk.aws.clock.now()
    waiting = [send("sms", text="Hi", to="0611112222"), send(text="Hi", to="gone@example.com")]
    assert [each.status for each in waiting] == [202, 202]
    marks.said("aurora", "sms", "+31611112222", "out", now)
    known = DynamoSuppressions(bootstrap.table(told["TABLE_NAME"]), secret(told["DEPLOYMENT_SECRET_ARN"]).signing_key)
    known.note("aurora", "email", "gone@example.com", "address_bounced", now)
    assert send("sms", text="Hi", to="0611112222").code == "opted_out"
    assert send(text="Hi", to="GONE@example.com").code == "no_address"
    desk.settle()
    assert [desk.status(each) for each in waiting] == [("suppressed", "opted_out"), ("suppressed", "address_bounced")]
    assert desk.mails == []


def test_a_message_whose_file_is_gone_fails_and_nothing_goes_out(desk: Desk) -> None:
    sent = send(text="As attached", attachments=[file()])
    s3, bucket = boto3.client("s3", region_name=REGION), desk.aws.environment["ATTACHMENTS_BUCKET"]
    s3.delete_object(Bucket=bucket, Key=f"aurora/{sent.body['message']['id']}/0")
    desk.settle()
    assert desk.status(sent) == ("failed", "template_error")
    assert desk.mails == []


def test_a_removed_organizations_files_go_with_it(desk: Desk) -> None:
    for mode in ("live", "test"):
        if mode == "test":
            activate(mode="test")
            call("POST", "/v1/clients", ANNA, mode="test")
        assert send(text="Hi", attachments=[file()], mode=mode).status == 202
    desk.settle()
    assert files_of(desk, "aurora")
    assert call("DELETE", "/v1/organizations/aurora", role="operator").status == 202
    desk.settle()
    assert files_of(desk, "aurora") == []


def files_of(desk: Desk, org_id: str) -> list[str]:
    """Name what lies in the bucket of an organization, its test data included."""
    s3, bucket = boto3.client("s3", region_name=REGION), desk.aws.environment["ATTACHMENTS_BUCKET"]
    return [each["Key"] for each in s3.list_objects_v2(Bucket=bucket, Prefix=org_id).get("Contents", [])]


def test_writing_to_somebody_costs_a_read_and_a_transaction(desk: Desk) -> None:
    booked()
    send(text="Hi")
    assert call("PUT", "/v1/appointments/a2", VISIT | {"staff_ids": ["s1"]}).status == 201
    for record, reads in ((None, 1), ("appointments/a1", 1), ("appointments/a2", 2)):
        desk.world.deaths = Deaths()
        send(text="Hi", **({"record": record} if record else {}))
        found = desk.world.deaths.calls
        assert found == ["dynamodb.BatchGetItem"] * reads + ["dynamodb.TransactWriteItems", "sqs.SendMessageBatch"]


def stop(desk: Desk, client_id: str, channel: str) -> None:
    """Have a client say stop, as a reply or a link does."""
    key = {"pk": f"aurora#C#{client_id}", "sk": "-"}
    item = desk.aws.table.get_item(Key=key)["Item"]
    document = json.loads(item["doc"]) | {"opted_out": [channel]}
    desk.aws.table.update_item(
        Key=key,
        UpdateExpression="SET doc = :doc",
        ExpressionAttributeValues={":doc": json.dumps(document)},
    )


def test_consent_that_is_withdrawn_meanwhile_counts(desk: Desk) -> None:
    sent = send("sms", text="Hi")
    call("PUT", "/v1/clients/anna/consents", {"service": {"sms": False}})
    desk.settle()
    assert desk.status(sent) == ("suppressed", "consent_missing")
    refused = send("sms", text="Hi")
    assert (refused.status, refused.code) == (409, "consent_missing")


def test_whatsapp_outside_its_window_takes_an_approved_template_unedited(desk: Desk) -> None:
    booked()
    about: dict[str, Any] = {"template": "appointment.booked.console", "record": "appointments/a1"}
    assert preview("whatsapp", **about).body["blocked"] == "whatsapp_window_closed"
    content = {
        "name": "n",
        "content_sid": "HX" + "0" * 32,
        "text": "Booked: {{ client.first_name }}",
        "variables": {"1": "client.first_name"},
    }
    document = json.dumps({"current": content | {"status": "approved"}, "waiting": None})
    place = {"pk": "@#WAT", "sk": "appointment.booked.console#client#en"}
    desk.aws.table.put_item(Item={**place, "ty": "whatsapp_template", "status": "approved", "doc": document})
    desk.aws.clock.advance(timedelta(minutes=10))
    desk.world.listen()
    shown = preview("whatsapp", **about).body
    assert (shown["blocked"], shown["editable"], shown["text"]) == (None, False, "Booked: Anna")
    edited = send("whatsapp", **about, text="Booked, Anna!")
    assert (edited.status, edited.code) == (409, "whatsapp_window_closed")
    assert send("whatsapp", text="Free words").code == "whatsapp_window_closed"
    assert send("whatsapp", **about, text=shown["text"]).status == 202
    (kept,) = [json.loads(item["doc"]) for item in desk.aws.items("aurora#P#") if item["ty"] == "message_body"]
    assert (kept["content_sid"], kept["variables"]) == ("HX" + "0" * 32, {"1": "Anna"})


def test_a_repeated_call_sends_once_and_answers_the_same(desk: Desk) -> None:
    key = {"idempotency-key": "form-7"}
    first, again = send(text="Hi", headers=key), send(text="Hi", headers=key)
    assert (first.status, first.body) == (again.status, again.body)
    assert send(text="Ho", headers=key).code == "idempotency_key_reused"
    assert send(text="Hi").body["message"]["id"] != first.body["message"]["id"]
    desk.settle()
    assert len(desk.mails) == 2


def test_test_data_is_simulated_and_its_files_are_its_own(desk: Desk) -> None:
    activate(mode="test")
    assert call("POST", "/v1/clients", ANNA | {"email": "bounced@example.com"}, mode="test").status == 201
    sent = send(text="Hi", attachments=[file()], mode="test")
    desk.settle()
    assert desk.mails == []
    found = call("GET", f"/v1/messages/{sent.body['message']['id']}", mode="test").body
    assert (found["status"], found["reason"]) == ("failed", "recipient_rejected")
    files = boto3.client("s3", region_name=REGION).list_objects_v2(Bucket=desk.aws.environment["ATTACHMENTS_BUCKET"])
    assert any(each["Key"].startswith("aurora~test/") for each in files["Contents"])


def test_it_takes_its_units_and_is_refused_when_too_few_are_left(desk: Desk) -> None:
    new_organization("borealis", metering={"sms": 3})
    activate("borealis")
    call("POST", "/v1/clients", ANNA, org="borealis")
    body = {"channel": "sms", "client_id": "anna", "text": "x" * 161}
    assert call("POST", "/v1/messages", body, org="borealis").status == 202
    shown = call("POST", "/v1/messages/preview", body, org="borealis")
    assert shown.body["blocked"] == "quota_exhausted"
    refused = call("POST", "/v1/messages", body, org="borealis")
    assert (refused.status, refused.code) == (409, "quota_exhausted")
    assert call("POST", "/v1/messages", body | {"text": "short"}, org="borealis").status == 202
    assert desk.mails == []


def test_while_inactive_nobody_writes(desk: Desk) -> None:
    assert call("POST", "/v1/integrations/notifications/deactivate").status == 200
    assert send(text="Hi").code == "notifications_inactive"
    assert preview(text="Hi").code == "notifications_inactive"
    assert desk.mails == []


class DeathAfter(Deaths):
    """Kills the process right after the first call of a name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def count(self, name: str) -> None:
        self.at = len(self.calls) + 1 if name == self.name and name not in self.calls else 0
        super().count(name)


def test_a_death_on_the_way_loses_nothing_and_doubles_nothing(desk: Desk) -> None:
    """What happens to a message under its sender's claim is every message's (`test_crashes`)."""
    world = desk.world
    calls = ("s3.PutObject", "dynamodb.TransactWriteItems", "sqs.SendMessageBatch", "s3.GetObject")
    for name in calls:
        world.deaths = DeathAfter(name)
        answer = sent_in_the_end(world, name)
        desk.settle()
        # The sweep queues what was stored and never queued.
        world.deliver_delayed()
        assert name in world.deaths.calls
        (message,) = [item for item in world.messages() if item["id"] == answer.body["message"]["id"]]
        assert (message["st"], [each[2] for each in world.sent].count(name)) == ("sent", 1)
    assert len(world.messages()) == len(calls)


def sent_in_the_end(world: World, subject: str) -> Response:
    """Call as an integrator does: again with the same key, until there is an answer."""
    for _ in range(3):
        try:
            answer = send(subject=subject, text="Hi", attachments=[file()], headers={"idempotency-key": subject})
        except DeathError:
            world.listen()
        else:
            assert answer.status == 202
            return answer
    raise AssertionError("the API never answered")
