"""What SES is asked to send, through the whole pipeline: from whom, with which file, with which way out."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from icalendar import Calendar

from carillon.adapters import aws as aws_clients
from functions.client_pages.app import lambda_handler as pages
from tests.integration.account import REGION, Aws, activate, call, event, new_organization
from tests.integration.played_ses import PlayedSes, played_ses
from tests.integration.world import World, unwatch

ANNA = {
    "id": "anna",
    "first_name": "Anna",
    "email": "anna@example.com",
    "locale": "en",
    "consents": {"service": {"email": True}, "marketing": {"email": True}, "wording": "Yes"},
}
BOOKING = {
    "client_id": "anna",
    "staff_ids": ["s1"],
    "start": "2026-12-01T14:30:00",
    "duration_minutes": 45,
    "status": "booked",
    "service": "Haircut",
}


class Post:
    """Every request that SES got, by recipient."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self.world = World(aws)
        self.requests: list[Any] = []
        self.listen()

    def listen(self) -> None:
        events = aws_clients.sending_client("sesv2").meta.events
        events.register("before-call.sesv2.SendEmail", lambda params, **_: self._note(params), unique_id="post")

    def _note(self, params: Any) -> None:
        self.requests.append(json.loads(params["body"]))

    def to(self, address: str) -> Any:
        return [each for each in self.requests if each["Destination"]["ToAddresses"] == [address]]

    def own_address(self, ses: PlayedSes, *, proven: bool) -> None:
        """Connect an address of the organization's own."""
        boto3.client("sesv2", region_name=REGION).create_email_identity(EmailIdentity="salon.example")
        made = call("PUT", "/v1/channels/email", {"from_address": "hi@salon.example", "from_name": "Aurora"})
        if proven:
            ses.identities.set_records(made.body["dns_records"])
        found = call("POST", "/v1/channels/email/check").body["status"]
        assert found == ("active" if proven else "pending")


@pytest.fixture
def post(aws: Aws) -> Iterator[Post]:
    new_organization()
    activate()
    assert call("POST", "/v1/clients", ANNA).status == 201
    staff = {"id": "s1", "name": "Sam", "email": "sam@salon.example"}
    assert call("POST", "/v1/staff", staff).status == 201
    yield Post(aws)
    unwatch()


def settings(body: dict[str, Any]) -> None:
    current = call("GET", "/v1/settings")
    assert call("PUT", "/v1/settings", body, headers={"if-match": current.headers["ETag"]}).status == 200


def remind(key: str, **changes: Any) -> None:
    """Have one reminder switched on, and no other."""
    known = call("GET", "/v1/settings").body["reminders"]
    settings(
        {
            "reminders": [
                each | {"enabled": each["key"] == key} | (changes if each["key"] == key else {}) for each in known
            ]
        }
    )
    assert call("POST", "/v1/clients/anna/preferences/reset").status == 200


def book(post: Post, **changes: Any) -> None:
    assert call("PUT", "/v1/appointments/42", BOOKING | changes).status in (200, 201)
    post.world.settle()


def entry(request: Any) -> tuple[str, Any]:
    (file,) = request["Content"]["Simple"]["Attachments"]
    calendar = Calendar.from_ical(base64.b64decode(file["RawContent"]))
    assert file["ContentType"] == f"text/calendar; method={calendar['METHOD']}; charset=UTF-8"
    (event,) = calendar.walk("VEVENT")
    return str(calendar["METHOD"]), event


def test_a_booking_a_move_and_a_cancellation_are_one_entry_in_the_calendar(post: Post) -> None:
    book(post)
    book(post, start="2026-12-02T10:00:00")
    book(post, start="2026-12-02T10:00:00", status="cancelled")
    for address in ("anna@example.com", "sam@salon.example"):
        found = [entry(request) for request in post.to(address)]
        assert [method for method, _ in found] == ["REQUEST", "REQUEST", "CANCEL"]
        assert len({event["UID"] for _, event in found}) == 1
        sequences = [int(event["SEQUENCE"]) for _, event in found]
        assert sequences == sorted(set(sequences))
        assert {event["ATTENDEE"] for _, event in found} == {f"mailto:{address}"}


def test_a_reminder_carries_no_file(post: Post) -> None:
    remind("first", channels=["email"])
    book(post, notify=False)
    post.world.advance_to(datetime(2026, 11, 30, 13, 30, tzinfo=UTC))
    (request,) = post.to("anna@example.com")
    assert "Attachments" not in request["Content"]["Simple"]
    assert "Headers" not in request["Content"]["Simple"]


@pytest.mark.parametrize(
    ("sender", "proven", "mailbox", "reply_to"),
    [
        ("no_reply", True, "Salon Aurora <no-reply@example.com>", ["salon@mail.example"]),
        ("organization", False, "Salon Aurora <no-reply@example.com>", ["salon@mail.example"]),
        ("organization", True, "Aurora <hi@salon.example>", ["salon@mail.example"]),
        ("staff", True, '"Sam, Salon Aurora" <sam@salon.example>', []),
        ("staff", False, "Salon Aurora <no-reply@example.com>", ["sam@salon.example"]),
    ],
)
def test_mail_comes_from_whom_the_organization_chose(
    post: Post, monkeypatch: pytest.MonkeyPatch, sender: str, proven: bool, mailbox: str, reply_to: list[str]
) -> None:
    post.own_address(played_ses(monkeypatch), proven=proven)
    settings({"email_sender": {"from": sender}, "contact": {"email": "salon@mail.example"}})
    book(post)
    (request,) = post.to("anna@example.com")
    assert (request["FromEmailAddress"], request["ReplyToAddresses"]) == (mailbox, reply_to)
    assert {item["st"] for item in post.world.messages()} == {"sent"}


def test_marketing_says_how_to_end_it_and_one_click_does(post: Post) -> None:
    settings({"review": {"url": "https://review.example/aurora", "at_most_every_days": None}})
    remind("review")
    book(post, notify=False)
    post.world.advance_to(datetime(2026, 12, 1, 17, 0, tzinfo=UTC))
    (request,) = post.to("anna@example.com")
    simple = request["Content"]["Simple"]
    assert [header["Name"] for header in simple["Headers"]] == ["List-Unsubscribe", "List-Unsubscribe-Post"]
    address = simple["Headers"][0]["Value"].strip("<>")
    path = "/" + address.removeprefix("https://").partition("/")[2]
    assert path.startswith("/u/")
    assert address in simple["Body"]["Text"]["Data"]
    assert address in simple["Body"]["Html"]["Data"]
    assert "anna" not in address
    one_click = event("POST", path, "List-Unsubscribe=One-Click")
    assert pages(one_click, None)["statusCode"] == 200
    assert call("GET", "/v1/clients/anna/consents").body["marketing"]["email"] is False
    book(post, start="2026-12-08T14:30:00", notify=False)
    post.world.advance_to(datetime(2026, 12, 8, 17, 0, tzinfo=UTC))
    assert len(post.to("anna@example.com")) == 1
