"""Quota at the doors: what is left, the ledger, credits, metering, usage, and what exhausted looks like."""

import csv
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from carillon.bootstrap import quotas as bootstrap
from carillon.services.quota_days import QuotaDays
from tests.integration.account import Aws, activate, call, new_organization
from tests.integration.world import World, unwatch

CREDITS = "/v1/organizations/aurora/credits"
ANNA = {
    "id": "anna",
    "first_name": "Anna",
    "email": "anna@example.com",
    "phone": "+31612345678",
    "consents": {"service": {"sms": True, "email": True}},
}
BOOKING = {"client_id": "anna", "start": "2026-12-01T14:30:00", "duration_minutes": 45, "status": "booked"}


@pytest.fixture
def salon(aws: Aws) -> Aws:
    new_organization(metering={"sms": 3, "email": 100})
    activate()
    return aws


@pytest.fixture
def world(salon: Aws) -> Iterator[World]:
    made = World(salon)
    yield made
    unwatch()


def credit(amount: int, bucket: str = "sms", **more: Any) -> Any:
    body = {"bucket": bucket, "amount": amount, "reason": "invoice 7"}
    return call("POST", CREDITS, body, role="operator", **more)


def balance(bucket: str = "sms") -> tuple[int, int, bool]:
    shown = call("GET", "/v1/quota").body["buckets"][bucket]
    return shown["balance"], shown["reserved"], shown["low"]


def ledger(**query: str) -> list[tuple[str, str, int]]:
    items = call("GET", "/v1/quota/ledger", query=query or None).body["items"]
    return [(item["bucket"], item["kind"], item["amount"]) for item in items]


def only_by_sms() -> None:
    reminders = [{"key": "day_before", "enabled": True, "when": {"days_before": 1, "at": "18:00"}, "channels": ["sms"]}]
    assert (
        call("PUT", "/v1/clients/anna/preferences", {"reminders": reminders}, headers={"if-match": "*"}).status == 200
    )


@pytest.mark.usefixtures("salon")
class TestBooks:
    def test_every_bucket_is_shown_and_push_is_never_metered(self) -> None:
        assert call("GET", "/v1/quota").body == {
            "buckets": {
                "email": {"metered": True, "balance": 100, "reserved": 0, "low": False},
                "sms": {"metered": True, "balance": 3, "reserved": 0, "low": False},
                "whatsapp": {"metered": False},
                "push": {"metered": False},
                "telegram": {"metered": False},
                "viber": {"metered": False},
            }
        }

    def test_only_what_is_metered_is_read(self, salon: Aws) -> None:
        salon.calls.clear()
        call("GET", "/v1/quota", mode="test")
        assert salon.calls == ["BatchGetItem"]
        salon.calls.clear()
        call("GET", "/v1/quota")
        # The organization, how far it was swept, two statuses, two buckets' messages of four days, two buckets' books.
        assert salon.calls == ["BatchGetItem", "GetItem", *["Query"] * 12, *["TransactGetItems"] * 2]
        salon.calls.clear()
        credit(5)
        assert salon.calls == ["BatchGetItem", "TransactGetItems", "TransactWriteItems"]

    def test_test_data_uses_none(self) -> None:
        shown = call("GET", "/v1/quota", mode="test").body["buckets"]
        assert {bucket["metered"] for bucket in shown.values()} == {False}
        assert call("GET", "/v1/quota/ledger", mode="test").body["items"] == []

    def test_a_credit_is_in_the_balance_and_in_the_ledger(self, salon: Aws) -> None:
        salon.clock.advance(timedelta(seconds=1))
        made = credit(20)
        assert made.status == 201
        assert (made.body["bucket"], made.body["kind"], made.body["amount"]) == ("sms", "credit", 20)
        assert balance() == (23, 0, False)
        rows = call("GET", "/v1/quota/ledger", query={"bucket": "sms"}).body["items"]
        assert [(row["amount"], row["reason"]) for row in rows] == [(20, "invoice 7"), (3, "metering")]
        assert rows[0] == made.body

    def test_a_repeated_credit_is_one(self) -> None:
        headers = {"idempotency-key": "inv-7"}
        first, second = credit(20, headers=headers), credit(20, headers=headers)
        assert (second.status, second.body) == (201, first.body)
        assert balance()[0] == 23
        assert credit(21, headers=headers).code == "idempotency_key_reused"

    def test_what_is_left_can_be_taken_back_and_no_more(self) -> None:
        refused = credit(-4)
        assert (refused.status, refused.code) == (409, "quota_exhausted")
        assert credit(-3).status == 201
        assert balance() == (0, 0, True)

    def test_faults_are_named(self) -> None:
        assert credit(0).faults == {"/amount": "invalid_value"}
        assert credit(5, "viber").faults == {"/bucket": "invalid_value"}
        assert credit(5, "push").faults == {"/bucket": "invalid_value"}
        gone = call(
            "POST", "/v1/organizations/nobody/credits", {"bucket": "sms", "amount": 1, "reason": "x"}, role="operator"
        )
        assert gone.status == 404

    def test_the_ledger_is_one_list_page_by_page(self, salon: Aws) -> None:
        assert sorted(ledger()) == [("email", "credit", 100), ("sms", "credit", 3)]
        salon.clock.advance(timedelta(seconds=1))
        credit(5)
        first = call("GET", "/v1/quota/ledger", query={"limit": "2"}).body
        rest = call("GET", "/v1/quota/ledger", query={"limit": "2", "cursor": first["next_cursor"]}).body
        amounts = [item["amount"] for item in first["items"] + rest["items"]]
        assert (amounts[0], sorted(amounts)) == (5, [3, 5, 100])
        assert rest["next_cursor"] is None


@pytest.mark.usefixtures("salon")
class TestMetering:
    def patch(self, metering: dict[str, int] | None) -> Any:
        return call("PATCH", "/v1/organizations/aurora", {"metering": metering}, role="operator")

    def test_a_bucket_that_comes_begins_with_its_units(self) -> None:
        assert self.patch({"sms": 3, "email": 100, "viber": 7}).status == 200
        assert balance("viber") == (7, 0, False)
        # Saying the same again credits nothing.
        assert self.patch({"sms": 3, "email": 100, "viber": 7}).status == 200
        assert balance("viber") == (7, 0, False)

    def test_a_bucket_that_stays_keeps_its_number(self) -> None:
        refused = self.patch({"sms": 50, "email": 100})
        assert (refused.status, refused.faults) == (422, {"/metering/sms": "invalid_value"})
        assert balance()[0] == 3

    def test_what_is_left_of_a_bucket_that_goes_stays_for_later(self) -> None:
        assert self.patch({"email": 100}).status == 200
        assert call("GET", "/v1/quota").body["buckets"]["sms"] == {"metered": False}
        assert ledger(bucket="sms") == [("sms", "credit", 3)]
        assert credit(2).status == 201
        assert self.patch({"email": 100, "sms": 10}).status == 200
        assert balance() == (15, 0, False)

    def test_push_is_refused(self) -> None:
        assert self.patch({"push": 1}).faults == {"/metering/push": "invalid_value"}


def test_what_is_booked_is_reserved_then_taken_and_what_runs_out_is_told(world: World, salon: Aws) -> None:
    manager = {"manager": {"email": "boss@example.com", "mobile": None}}
    assert call("PUT", "/v1/settings", manager, headers={"if-match": "*"}).status == 200
    assert call("POST", "/v1/clients", ANNA).status == 201
    assert call("POST", "/v1/clients/anna/enrolment").status in (200, 201)
    only_by_sms()
    for number in range(5):
        booking = BOOKING | {"start": f"2026-12-0{number + 1}T14:30:00", "notify": False}
        assert call("PUT", f"/v1/appointments/{number}", booking).status == 201
    world.settle()
    for day in range(1, 6):
        world.advance_to(salon.clock.at.replace(month=11, day=29, hour=18) + timedelta(days=day))
    reminders = [item for item in world.messages() if item.get("rem") == "day_before"]
    assert sorted((item["st"], item.get("rs")) for item in reminders) == [
        ("sent", None),
        ("sent", None),
        ("sent", None),
        ("suppressed", "quota_exhausted"),
        ("suppressed", "quota_exhausted"),
    ]
    assert balance() == (0, 0, True)
    notices = [item["key"] for item in world.messages() if item.get("kd") == "notice"]
    assert sorted(notices) == ["notice.quota_exhausted", "notice.quota_low"]
    told = call("POST", "/v1/explain", {"record": "appointments/4", "reminder": "day_before"}).body["items"]
    assert {item["reason"] for item in told} <= {"quota_exhausted", "duplicate", "too_late", "superseded"}
    checks = call("GET", "/v1/clients/anna/diagnosis").body["checks"]
    assert [check["code"] for check in checks if check["check"] == "quota" and check["channel"] == "sms"] == [
        "quota_exhausted"
    ]
    credit(10)
    assert balance() == (10, 0, False)


class TestDays:
    @pytest.fixture
    def days(self, world: World) -> QuotaDays:
        assert call("POST", "/v1/clients", ANNA).status == 201
        assert call("PUT", "/v1/appointments/1", BOOKING).status == 201
        world.settle()
        return bootstrap.days()

    def later(self, days: QuotaDays, world: World, salon: Aws, by: timedelta) -> None:
        salon.clock.advance(by)
        days.run("aurora")
        world.settle()

    def test_a_day_is_counted_the_day_after_and_closed_when_nothing_of_it_can_change(
        self, days: QuotaDays, world: World, salon: Aws
    ) -> None:
        usage = {"from": "2026-11-23", "to": "2026-11-24"}
        taken = 100 - balance("email")[0]
        assert taken > 0
        self.later(days, world, salon, timedelta(days=1))
        rows = call("GET", "/v1/organizations/usage", role="operator", query=usage).body["items"]
        assert [(row["bucket"], row["messages"], row["units"], row["final"]) for row in rows] == [
            ("email", taken, taken, False),
            ("sms", 0, 0, False),
        ]
        assert ledger(bucket="email") == [("email", "credit", 100)]
        self.later(days, world, salon, timedelta(days=9))
        assert ledger(bucket="email") == [("email", "day", -taken), ("email", "credit", 100)]
        rows = call("GET", "/v1/organizations/usage", role="operator", query=usage).body["items"]
        assert [(row["bucket"], row["units"], row["final"]) for row in rows] == [
            ("email", taken, True),
            ("sms", 0, True),
        ]

    def test_the_report_is_also_a_spreadsheet(self, days: QuotaDays, world: World, salon: Aws) -> None:
        call("PATCH", "/v1/organizations/aurora", {"name": "=HYPERLINK(1)"}, role="operator")
        self.later(days, world, salon, timedelta(days=1))
        query = {"from": "2026-11-01", "to": "2026-11-30", "format": "csv"}
        answer = call("GET", "/v1/organizations/usage", role="operator", query=query)
        assert answer.headers["Content-Type"].startswith("text/csv")
        head, email, *_ = csv.reader(answer.body.lstrip("\ufeff").splitlines())
        assert head == ["organization_id", "name", "bucket", "metered", "messages", "units", "final"]
        assert email[:3] == ["aurora", "'=HYPERLINK(1)", "email"]

    def test_an_outcome_that_stays_unknown_counts_as_sent_after_three_days(
        self, days: QuotaDays, world: World, salon: Aws
    ) -> None:
        before = balance("email")
        item = next(each for each in world.messages() if each.get("ch") == "email")
        salon.table.update_item(
            Key={"pk": item["pk"], "sk": item["sk"]},
            UpdateExpression="SET st = :u, pk3 = :p, sk3 = id",
            ExpressionAttributeValues={":u": "unknown", ":p": "aurora#S#unknown"},
        )
        assert balance("email") == (before[0], 1, False)
        self.later(days, world, salon, timedelta(days=2))
        assert balance("email") == (before[0], 1, False)
        self.later(days, world, salon, timedelta(days=2))
        assert balance("email") == (before[0], 0, False)

    @pytest.mark.usefixtures("salon")
    @pytest.mark.parametrize("query", [{"from": "2026-11-31"}, {"from": "2026-12-02"}, {"from": "2025-11-01"}])
    def test_a_span_that_cannot_be_is_refused(self, query: dict[str, str]) -> None:
        answer = call("GET", "/v1/organizations/usage", role="operator", query={"to": "2026-12-01"} | query)
        assert (answer.status, len(answer.faults)) == (422, 1)
