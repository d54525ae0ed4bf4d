"""The log and the reports at their doors: JSON and CSV, page by page, and who may read them."""

import csv
import io
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from carillon.adapters.aws import client
from carillon.adapters.dynamodb.messages import DynamoMessages
from carillon.adapters.dynamodb.table import Table
from carillon.domain.ids import ulid
from carillon.domain.messages import Message, Occasion, message_key
from carillon.ports.messages import Claim, Moved
from tests.builders import message
from tests.integration.account import NOW, Aws, activate, call, new_organization

DANGEROUS = '=HYPERLINK("https://evil.example")'


def made(number: int, status: str = "sent", channel: Any = "sms") -> Message:
    at = NOW + timedelta(minutes=number)
    return message(
        Occasion(f"appointments/{number}", event="appointment.booked", version=1),
        channel,
        "c:c1",
        id=ulid(at, number.to_bytes(10)),
        status=status,
        to="+31612345678",
        created_at=at,
        timeline=((at, status, None),),
    )


@pytest.fixture
def salon(aws: Aws) -> Aws:
    new_organization()
    activate()
    assert call("POST", "/v1/clients", {"id": "c1", "first_name": DANGEROUS, "phone": "0612345678"}).status == 201
    store = DynamoMessages(Table(client("dynamodb"), aws.environment["TABLE_NAME"]))
    for number in range(7):
        one = made(number, "suppressed" if number == 3 else "queued")
        store.create("aurora", one, retention_days=90)
        if one.status == "queued":
            assert store.claim("aurora", one, Claim("owner", one.created_at, "+31612345678", 1))
            assert store.finish("aurora", one, Moved("sent", one.created_at, parts=2), owner="owner")
    aws.clock.advance(timedelta(hours=2))
    return aws


@pytest.mark.usefixtures("salon")
def test_the_report_is_the_same_as_json_and_as_csv_page_by_page() -> None:
    rows: list[dict[str, Any]] = []
    query = {"channel": "sms", "limit": "4"}
    while True:
        page = call("GET", "/v1/reports/messages", query=query).body
        rows += page["items"]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert [row["record"] for row in rows] == [f"appointments/{number}" for number in (6, 5, 4, 2, 1, 0)]

    text, query = "", {"channel": "sms", "format": "csv", "limit": "4"}
    while True:
        answer = call("GET", "/v1/reports/messages", query=query)
        text += answer.body
        cursor = answer.headers.get("X-Next-Cursor")
        if cursor is None:
            break
        assert answer.headers["Link"] == (
            f'</v1/reports/messages?channel=sms&format=csv&limit=4&cursor={cursor}>; rel="next"'
            if "cursor" not in query
            else answer.headers["Link"]
        )
        query["cursor"] = cursor
    lines = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert [line["id"] for line in lines] == [row["id"] for row in rows]
    assert lines[0]["to"] == "'+31612345678"
    assert lines[0]["name"] == f"'{DANGEROUS}"
    assert lines[0]["local_time (Europe/Amsterdam)"] == "2026-11-23 10:06:00"
    assert (lines[0]["at"], lines[0]["parts"]) == ("2026-11-23T09:06:00Z", "2")


@pytest.mark.usefixtures("salon")
def test_a_whole_small_report_is_one_file() -> None:
    answer = call("GET", "/v1/reports/messages", query={"format": "csv"})
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "X-Next-Cursor" not in answer.headers
    assert len(answer.body.splitlines()) == 7


@pytest.mark.usefixtures("salon")
def test_the_summary_adds_up() -> None:
    found = call("GET", "/v1/reports/summary", query={"from": "2026-11-23", "to": "2026-11-23"}).body
    assert found["next_cursor"] is None
    assert Counter({(row["channel"], row["status"]): row["count"] for row in found["items"]}) == {
        ("sms", "sent"): 6,
        ("sms", "suppressed"): 1,
    }
    assert call("GET", "/v1/reports/summary", query={"to": "2026-11-22"}).body["items"] == []
    total = call("GET", "/v1/reports/summary", query={"group_by": "channel"}).body["items"]
    assert total == [{"day": None, "channel": "sms", "status": None, "reason": None, "count": 7, "parts": 12}]


@pytest.mark.parametrize(
    "query",
    [
        {"group_by": "colour"},
        {"group_by": "day,day"},
        {"from": "2026-02-30"},
        {"from": "2026-12-02", "to": "2026-12-01"},
        {"limit": "101"},
        {"limit": "0"},
        {"format": "xlsx"},
        {"cursor": "nonsense"},
    ],
    ids=str,
)
@pytest.mark.usefixtures("salon")
def test_what_makes_no_sense_is_refused(query: dict[str, str]) -> None:
    path = "/v1/reports/summary" if "group_by" in query else "/v1/reports/messages"
    assert call("GET", path, query=query).status == 422


@pytest.mark.usefixtures("salon")
def test_staff_reads_no_reports() -> None:
    for path in ("/v1/reports/messages", "/v1/reports/summary"):
        assert call("GET", path, role="staff").code == "role_not_allowed"
        assert [call("GET", path, role=role).status for role in ("manager", "integration")] == [200, 200]


def test_one_message_shows_what_went_out_on_other_channels(salon: Aws) -> None:
    store = DynamoMessages(Table(client("dynamodb"), salon.environment["TABLE_NAME"]))
    first = made(20, "failed", "whatsapp")
    then = message(
        first.occasion,
        "sms",
        "c:c1",
        key=message_key("aurora", first.occasion, "client", "c:c1", "sms"),
        id=ulid(NOW + timedelta(minutes=21), bytes(10)),
        status="delivered",
    )
    first = message(
        first.occasion,
        "whatsapp",
        "c:c1",
        key=message_key("aurora", first.occasion, "client", "c:c1", "whatsapp"),
        id=first.id,
        status="failed",
        reason="unreachable",
        created_at=first.created_at,
        timeline=first.timeline,
    )
    store.create("aurora", first, retention_days=90)
    store.create("aurora", then, retention_days=90)
    shown = call("GET", f"/v1/messages/{first.id}").body
    assert shown["other_channels"] == [
        {"id": then.id, "channel": "sms", "status": "delivered", "reason": None, "at": "2026-11-23T09:00:00Z"}
    ]
