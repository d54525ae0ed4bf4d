"""Rules over HTTP: the whole matrix, saved as a whole, in force for the next decision."""

import json
from typing import Any

import pytest

from carillon.domain.catalog import EVENT_ROWS
from tests.integration.account import Aws, Response, activate, call, new_organization

pytestmark = pytest.mark.usefixtures("organization")
BOUND = {"event": "order.status_changed", "audience": "client", "when": {"status": "ready"},
         "channels": {"sms": {"enabled": True, "template": "own.order_ready"}}}  # fmt: skip


@pytest.fixture
def organization(aws: Aws) -> None:
    new_organization()
    activate()
    aws.calls.clear()


def put(body: Any, etag: str = '"0"') -> Response:
    return call("PUT", "/v1/settings/rules", body, headers={"if-match": etag})


def rules() -> list[dict[str, Any]]:
    return call("GET", "/v1/settings/rules").body["rules"]  # type: ignore[no-any-return]


def rule(listed: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(each for each in listed if each["id"] == name)


def test_reading_shows_every_row_with_its_default(aws: Aws) -> None:
    found = call("GET", "/v1/settings/rules")
    assert (found.status, found.headers["ETag"], aws.calls) == (200, '"0"', ["BatchGetItem"])
    listed = found.body["rules"]
    assert [(each["key"], each["audience"]) for each in listed] == [
        (row.key, audience) for row in EVENT_ROWS for audience in row.offers
    ]
    accepted = rule(listed, "appointment.accepted.manager")
    assert (accepted["event"], accepted["when"], accepted["include_actor"]) == ("appointment.accepted", None, False)
    assert accepted["channels"]["email"] == {"enabled": False, "editable": True, "available": True}
    assert rule(listed, "appointment.refused.manager")["channels"]["email"]["enabled"] is True
    assert accepted["channels"]["push"] == {
        "enabled": True,
        "editable": False,
        "available": False,
        "reason": "channel_not_connected",
    }
    assert accepted["channels"]["telegram"]["available"] is False


def test_what_was_read_can_be_saved_as_it_is_with_its_audit_entry(aws: Aws) -> None:
    body = call("GET", "/v1/settings/rules").body
    aws.calls.clear()
    saved = put(body | {"warnings": []})
    assert aws.calls == ["BatchGetItem", "TransactWriteItems"]
    assert (saved.status, saved.headers["ETag"]) == (200, '"1"')
    assert saved.body == body | {"warnings": []}
    (entry,) = [json.loads(item["doc"]) for item in aws.items("aurora#AUD#") if "rules" in item["doc"][:200]]
    assert (entry["what"], entry["version"], entry["actor"]) == ("rules", 1, {"key_id": "key-1"})
    assert put(saved.body, '"1"').headers["ETag"] == '"2"'


def test_a_save_is_shown_and_a_new_version() -> None:
    listed = rules()
    rule(listed, "appointment.booked.widget.client")["channels"]["sms"] = {"enabled": True}
    rule(listed, "appointment.booked.widget.client")["channels"].pop("email")
    rule(listed, "appointment.booked.widget.manager")["include_actor"] = True
    rule(listed, "order.created.client")["channels"]["email"] |= {"enabled": True, "template": "own.hello"}
    assert put({"rules": listed}).status == 200
    now = rules()
    booked = rule(now, "appointment.booked.widget.client")["channels"]
    assert (booked["sms"]["enabled"], booked["email"]["enabled"]) == (True, False)
    assert rule(now, "appointment.booked.widget.manager")["include_actor"] is True
    assert rule(now, "order.created.client")["channels"]["email"]["template"] == "own.hello"


def test_rules_bound_to_a_status_are_added_and_keep_their_ids() -> None:
    saved = put({"rules": [*rules(), BOUND, BOUND | {"id": "mine", "when": {"status": "Zażółć"}}]})
    assert saved.status == 200, saved.body
    first, second = saved.body["rules"][-2:]
    assert (len(first["id"]), second["id"]) == (26, "mine")
    assert (first["key"], first["event"], first["when"]) == ("order.status_changed",) * 2 + ({"status": "ready"},)
    assert (first["channels"]["sms"]["template"], first["channels"]["email"]["enabled"]) == ("own.order_ready", False)
    again = put({"rules": rules()}, '"1"')
    assert [each["id"] for each in again.body["rules"][-2:]] == [first["id"], "mine"]
    assert [each["id"] for each in put({}, '"2"').body["rules"][-2:]] == [first["id"], "mine"]


@pytest.mark.parametrize("change", [{"enabled": False}, {"enabled": True, "template": "own.x"}])
def test_push_cannot_be_switched(change: dict[str, Any]) -> None:
    listed = rules()
    listed[0]["channels"]["push"] = change
    refused = put({"rules": listed})
    assert (refused.status, refused.code) == (422, "channel_not_configurable")
    assert refused.faults == {"/rules/0/channels/push/enabled": "channel_not_configurable"}
    listed[0]["channels"].pop("push")
    assert put({"rules": listed}).body["rules"][0]["channels"]["push"]["enabled"] is True


def test_all_faults_are_named_at_once_and_nothing_is_saved(aws: Aws) -> None:
    listed = rules()
    dropped = listed.pop(5)
    listed[0] |= {"id": "other"}
    listed[1] |= {"event": "appointment.refused", "colour": "red"}
    listed[2]["channels"]["fax"] = {"enabled": True}
    listed[3]["channels"]["email"] |= {"template": "appointment.nonsense", "available": False, "editable": False}
    wrong = [
        {"key": "appointment.nonsense", "audience": "client"},
        {"event": "appointment.booked", "audience": "client"},
        {"key": "order.assigned", "audience": "client"},
        listed[4],
        BOUND | {"event": "appointment.completed"},
        BOUND | {"id": "appointment.completed.client"},
        BOUND | {"audience": "owner"},
        {"audience": "client"},
        {"id": "unknown", "audience": "client"},
        BOUND,
    ]
    size = len(listed)
    refused = put({"rules": listed + wrong})
    assert (refused.status, refused.code) == (422, "invalid_input")
    assert refused.faults == {
        "/rules": "missing_field",
        "/rules/0/id": "read_only",
        "/rules/1/event": "read_only",
        "/rules/1/colour": "unknown_field",
        "/rules/2/channels/fax": "invalid_value",
        "/rules/3/channels/email/template": "unknown_reference",
        "/rules/3/channels/email/available": "read_only",
        "/rules/3/channels/email/editable": "read_only",
        f"/rules/{size}/key": "unknown_reference",
        f"/rules/{size + 1}/key": "missing_field",
        f"/rules/{size + 2}/audience": "unknown_reference",
        f"/rules/{size + 3}": "duplicate_key",
        f"/rules/{size + 4}/when/status": "invalid_value",
        f"/rules/{size + 5}/id": "duplicate_key",
        f"/rules/{size + 6}/audience": "unknown_reference",
        f"/rules/{size + 7}/key": "missing_field",
        f"/rules/{size + 8}/id": "unknown_reference",
        f"/rules/{size + 9}": "duplicate_key",
    }
    assert dropped["id"] in str(refused.body)
    assert "TransactWriteItems" not in aws.calls
    assert call("GET", "/v1/settings/rules").headers["ETag"] == '"0"'


def test_a_channel_that_is_not_connected_can_be_chosen_with_a_warning() -> None:
    listed = rules()
    listed[0]["channels"]["telegram"] = {"enabled": True}
    saved = put({"rules": listed})
    assert (saved.status, [each["code"] for each in saved.body["warnings"]]) == (200, ["channel_not_connected"])
    assert saved.body["warnings"][0]["pointer"] == "/rules/0/channels/telegram"
    assert put(saved.body, '"1"').status == 200


def test_a_save_needs_the_version_it_was_made_from() -> None:
    body = {"rules": rules()}
    assert (call("PUT", "/v1/settings/rules", body).status, put(body, '"9"').status) == (428, 412)
    assert put(body, '"x"').code == "version_conflict"
    assert put(body).status == 200
    assert put(body).code == "version_conflict"
    assert put(body, "*").headers["ETag"] == '"2"'


def test_of_two_saves_of_one_version_exactly_one_wins(aws: Aws) -> None:
    body = {"rules": rules()}
    aws.just_before("TransactWriteItems", lambda: put(body))
    lost = put(body)
    assert (lost.status, lost.code) == (412, "version_conflict")
    assert call("GET", "/v1/settings/rules").headers["ETag"] == '"1"'


def test_a_save_over_any_version_starts_again_when_another_came_first(aws: Aws) -> None:
    aws.just_before("TransactWriteItems", lambda: put({"rules": [*rules(), BOUND | {"id": "mine"}]}))
    saved = put({}, "*")
    assert (saved.status, saved.headers["ETag"], saved.body["rules"][-1]["id"]) == (200, '"2"', "mine")


def test_rules_are_hidden_while_inactive_and_changed_by_administrators_alone() -> None:
    assert put({}, "*").status == 200
    assert call("PUT", "/v1/settings/rules", {}, role="manager", headers={"if-match": "*"}).status == 403
    assert call("GET", "/v1/settings/rules", role="staff").status == 403
    assert call("GET", "/v1/settings/rules", role="integration").status == 200
    call("POST", "/v1/integrations/notifications/deactivate")
    assert call("GET", "/v1/settings/rules").code == "notifications_inactive"
    assert put({}, "*").code == "notifications_inactive"


def test_the_test_data_set_has_rules_of_its_own() -> None:
    activate(mode="test")
    assert put({}, "*").headers["ETag"] == '"1"'
    assert call("GET", "/v1/settings/rules", mode="test").headers["ETag"] == '"0"'
