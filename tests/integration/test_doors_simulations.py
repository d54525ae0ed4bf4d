"""`POST /v1/simulations` at its door: real texts, real reads, and a table that refuses every write."""

from typing import Any

import pytest

from carillon.adapters.aws import client
from tests.integration.account import Aws, activate, call, new_organization

READS = {"GetItem", "BatchGetItem", "Query"}
SPAN = {"from": "2026-11-23", "to": "2026-12-06"}


class RefusedError(Exception):
    """A write during a simulation."""


@pytest.fixture
def salon(aws: Aws) -> Aws:
    new_organization()
    activate()
    for name, phone in (("anna", "0612345678"), ("ben", "0687654321")):
        consents = {"service": {"sms": True}, "source": "form"}
        body = {"first_name": name.title(), "phone": phone, "consents": consents}
        assert call("PUT", f"/v1/clients/{name}", body).status == 201
    for day, whose in ((1, "anna"), (3, "ben")):
        booking = {"client_id": whose, "start": f"2026-12-0{day}T14:30:00", "duration_minutes": 30, "status": "booked"}
        assert call("PUT", f"/v1/appointments/a{day}", booking).status == 201
    return aws


def refuse_writes(aws: Aws) -> None:
    """Have every call that is no read fail, before it leaves."""

    def check(model: Any, **_: object) -> None:
        if model.name not in READS:
            raise RefusedError(model.name)

    client("dynamodb").meta.events.register("before-call.dynamodb", check)
    aws.calls.clear()


def test_a_simulation_counts_and_writes_nothing(salon: Aws) -> None:
    refuse_writes(salon)
    found = call("POST", "/v1/simulations", SPAN)
    assert found.status == 200, found.body
    assert found.body == {
        "from": "2026-11-23T09:00:00Z",
        "to": "2026-12-06T23:00:00Z",
        "records": 2,
        "truncated": False,
        "items": [
            {"day": "2026-11-30", "channel": "sms", "count": 1, "parts": 1},
            {"day": "2026-12-01", "channel": "sms", "count": 1, "parts": 1},
            {"day": "2026-12-02", "channel": "sms", "count": 1, "parts": 1},
            {"day": "2026-12-03", "channel": "sms", "count": 1, "parts": 1},
        ],
        "not_sent": [],
    }
    assert set(salon.calls) <= READS


def test_other_settings_change_the_counts_and_nothing_else(salon: Aws) -> None:
    refuse_writes(salon)
    elsewhere = call("POST", "/v1/simulations", SPAN | {"settings": {"time_zone": "Pacific/Auckland"}}).body
    # Wall times are meant: the appointments are twelve hours sooner there, and so are their reminders.
    assert elsewhere["to"] == "2026-12-06T11:00:00Z"
    assert {item["day"]: item["count"] for item in elsewhere["items"]} == dict.fromkeys(
        ("2026-11-30", "2026-12-01", "2026-12-02", "2026-12-03"), 1
    )
    wanted = call("GET", "/v1/settings").body["reminders"]
    for item in wanted:
        item["enabled"] = item["key"] == "hour_before"
    fewer = call("POST", "/v1/simulations", SPAN | {"settings": {"reminders": wanted}}).body["items"]
    assert {item["day"]: item["count"] for item in fewer} == {"2026-12-01": 1, "2026-12-03": 1}


def test_a_shared_day_is_foreseen_in_the_words_and_without_a_further_call(salon: Aws) -> None:
    for number in range(16):
        start = f"2026-12-01T{10 + number // 2}:{number % 2 * 25:02d}:00"
        booking = {"client_id": "anna", "start": start, "duration_minutes": 20, "status": "booked"}
        assert call("PUT", f"/v1/appointments/b{number}", booking).status == 201
    refuse_writes(salon)
    call("POST", "/v1/simulations", SPAN)  # which approved WhatsApp texts there are is kept for a minute
    salon.calls.clear()
    apart = call("POST", "/v1/simulations", SPAN).body
    calls = list(salon.calls)
    salon.calls.clear()
    shared = call("POST", "/v1/simulations", SPAN | {"settings": {"collapse_same_day": True}}).body
    of_anna = [item for item in apart["items"] if item["day"] <= "2026-12-01"]
    assert [(item["day"], item["count"], item["parts"]) for item in of_anna] == [
        ("2026-11-30", 17, 17),
        ("2026-12-01", 17, 17),
    ]
    first = [item for item in shared["items"] if item["day"] <= "2026-12-01"]
    # The one that goes tells of all of them, and takes more than one SMS.
    assert [(item["day"], item["count"]) for item in first] == [("2026-11-30", 1), ("2026-12-01", 1)]
    assert all(item["parts"] > 1 for item in first)
    assert {"reason": "duplicate", "count": 32} in shared["not_sent"]
    # All of the day is known from the listing by starts, and nothing went out before.
    assert salon.calls == calls


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"to": "2026-12-07"}, "/to"),
        ({"from": "2026-11-01", "to": "2026-11-10"}, "/to"),
        ({"to": "tomorrow"}, "/to"),
        ({"settings": {"quiet_hours": {"start": "25:00"}}}, "/settings/quiet_hours/start"),
        ({"settings": {"colour": "red"}}, "/settings/colour"),
        ({"colour": "red"}, "/colour"),
    ],
    ids=str,
)
@pytest.mark.usefixtures("salon")
def test_what_makes_no_sense_is_refused_with_its_place(change: dict[str, Any], pointer: str) -> None:
    refused = call("POST", "/v1/simulations", SPAN | change)
    assert (refused.status, [*refused.faults]) == (422, [pointer])


@pytest.mark.usefixtures("salon")
def test_only_who_may_decide_on_settings_simulates() -> None:
    assert call("POST", "/v1/simulations", SPAN, role="manager").status == 200
    assert call("POST", "/v1/simulations", SPAN, role="staff").code == "role_not_allowed"
