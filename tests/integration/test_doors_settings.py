"""The settings document over HTTP: versions, partial saves, faults all at once, the audit in the same write."""

import json
from typing import Any

import pytest

from tests.integration.account import Aws, Response, call, new_organization

pytestmark = pytest.mark.usefixtures("organization")


@pytest.fixture
def organization(aws: Aws) -> None:
    new_organization()
    aws.calls.clear()


def put(body: Any, etag: str = '"1"') -> Response:
    return call("PUT", "/v1/settings", body, headers={"if-match": etag})


def test_reading_is_one_call_and_carries_the_version(aws: Aws) -> None:
    found = call("GET", "/v1/settings")
    assert (found.status, found.headers["ETag"]) == (200, '"1"')
    assert aws.calls == ["GetItem"]
    assert found.body["reminders"][0] == {
        "key": "day_before",
        "enabled": True,
        "when": {"days_before": 1, "at": "18:00"},
        "channels": ["whatsapp", "sms", "email"],
        "strategy": "first_reachable",
    }
    assert found.body["email_sender"] == {"from": "no_reply"}
    assert found.body["message_mode"] == {"mode": "shared"}


def test_saving_what_was_read_is_one_call_with_its_audit_entry(aws: Aws) -> None:
    document = call("GET", "/v1/settings").body
    aws.calls.clear()
    saved = put(document | {"collapse_same_day": True, "warnings": []})
    assert aws.calls == ["TransactWriteItems"]
    assert (saved.status, saved.headers["ETag"]) == (200, '"2"')
    assert saved.body == document | {"collapse_same_day": True, "warnings": []}
    (entry,) = aws.items("aurora#AUD#202611")
    audit = json.loads(entry["doc"])
    assert (audit["what"], audit["version"], audit["actor"]) == ("settings", 2, {"key_id": "key-1"})
    assert audit["after"]["collapse_same_day"] is True


def test_a_field_left_out_keeps_its_value_and_a_list_given_replaces_the_whole() -> None:
    put({"retention_days": 60, "link_domains": ["example.com", "example.org"]})
    saved = put({"link_domains": ["example.net"]}, '"2"').body
    assert (saved["retention_days"], saved["link_domains"], saved["name"]) == (60, ["example.net"], "Salon Aurora")


def test_a_save_needs_the_version_it_was_made_from() -> None:
    assert (call("PUT", "/v1/settings", {}).status, put({}, '"9"').status) == (428, 412)
    assert put({"retention_days": 60}, '"x"').code == "version_conflict"
    assert put({"retention_days": 60}).status == 200
    stale = put({"retention_days": 70})
    assert (stale.status, stale.code) == (412, "version_conflict")
    assert call("GET", "/v1/settings").body["retention_days"] == 60
    assert put({"retention_days": 70}, "*").headers["ETag"] == '"3"'


def test_all_faults_are_named_at_once_and_nothing_is_saved(aws: Aws) -> None:
    wrong = put(
        {
            "time_zone": "Mars/Olympus",
            "locale": "klingon",
            "nmae": "x",
            "contact": {"phone": "12", "email": "anna"},
            "owner": {"mobile": "+999 1"},
            "quiet_hours": {"enabled": "yes", "start": "25:00", "end": "08:00"},
            "retention_days": 29,
            "review": {"url": "javascript:alert(1)"},
            "reminders": [
                {"key": "day_before", "enabled": True, "when": {"days_before": 1}, "channels": ["fax"]},
            ],
        }
    )
    assert (wrong.status, wrong.code) == (422, "invalid_input")
    assert wrong.faults == {
        "/time_zone": "invalid_value",
        "/locale": "invalid_value",
        "/nmae": "unknown_field",
        "/contact/phone": "invalid_value",
        "/contact/email": "invalid_value",
        "/owner/mobile": "invalid_value",
        "/quiet_hours/enabled": "invalid_value",
        "/quiet_hours/start": "invalid_value",
        "/retention_days": "invalid_value",
        "/review/url": "invalid_value",
        "/reminders/0/when": "invalid_value",
        "/reminders/0/channels/0": "invalid_value",
    }
    assert "TransactWriteItems" not in aws.calls
    assert call("GET", "/v1/settings").headers["ETag"] == '"1"'


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"reminders": []}, "/reminders", "invalid_value"),
        ({"name": "Salon\u202egnip"}, "/name", "invalid_value"),
        ({"name": "a\u0000b"}, "/name", "invalid_value"),
        ({"name": None}, "/name", "invalid_value"),
        ({"fallback_after": "1 hour"}, "/fallback_after", "invalid_value"),
        ({"quiet_hours": {"enabled": True, "start": "08:00", "end": "08:00"}}, "/quiet_hours/end", "invalid_value"),
        ({"order_statuses": [{"key": "a"}, {"key": "a"}]}, "/order_statuses/1/key", "duplicate_key"),
        ({"message_mode": {"mode": "own"}}, "/message_mode/business_name", "missing_field"),
    ],
)
def test_a_rule_over_several_fields_has_its_fault(change: dict[str, Any], pointer: str, code: str) -> None:
    assert put(change).faults == {pointer: code}


def test_reminders_that_share_a_key_or_are_too_many_are_refused() -> None:
    reminders = call("GET", "/v1/settings").body["reminders"]
    own = {"key": "own", "enabled": True, "when": {"before": "PT3H"}, "channels": ["sms"], "strategy": "all"}
    assert put({"reminders": [*reminders, own, own]}).faults == {"/reminders": "duplicate_key"}
    many = [own | {"key": f"own_{number}"} for number in range(6)]
    assert put({"reminders": reminders + many}).faults == {"/reminders": "invalid_value"}
    assert put({"reminders": [*reminders, own]}).status == 200


def test_phones_are_stored_as_international_numbers_of_the_country() -> None:
    saved = put({"contact": {"phone": "06 1234 5678"}, "manager": {"mobile": "+48 601 234 567"}})
    assert saved.body["contact"]["phone"] == "+31612345678"
    assert saved.body["manager"]["mobile"] == "+48601234567"
    changed = put({"country": "PL", "contact": {"phone": "601 234 567"}}, '"2"')
    assert changed.body["contact"]["phone"] == "+48601234567"


def test_an_own_sender_must_be_connected_first() -> None:
    refused = put({"message_mode": {"mode": "own", "business_name": "Aurora"}})
    assert (refused.status, refused.code) == (409, "channel_not_connected")


def test_a_reminder_inside_the_quiet_hours_is_saved_with_a_warning() -> None:
    saved = put({"quiet_hours": {"enabled": True, "start": "17:00", "end": "08:00"}})
    assert saved.status == 200
    assert [(each["pointer"], each["code"]) for each in saved.body["warnings"]] == [
        ("/reminders/0/when/at", "in_quiet_hours")
    ]
    assert "warnings" not in call("GET", "/v1/settings").body


def test_the_test_data_set_has_settings_of_its_own() -> None:
    put({"retention_days": 30})
    assert call("GET", "/v1/settings", mode="test").body["retention_days"] == 90
