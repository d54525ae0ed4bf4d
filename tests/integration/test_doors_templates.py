"""Own texts over HTTP: in force, saved, given up, versions, races, roles, and the AWS calls of each."""

import json
from typing import Any

import pytest
from boto3.dynamodb.conditions import Key

from carillon.domain.own_texts import MAX_OWN_TEXTS
from tests.integration.account import Aws, Response, activate, call, new_organization

BOOKED = "/v1/templates/appointment.booked.widget/client/email/nl"
PUSH = "/v1/templates/appointment.booked.widget/client/push/nl"
OWN = "/v1/templates/own.welcome/client/sms/nl"
READ, WRITE = "BatchGetItem", "TransactWriteItems"


@pytest.fixture(autouse=True)
def organization(aws: Aws) -> None:
    new_organization()
    activate()
    aws.calls.clear()


def put(path: str, body: Any, version: str | None = "*", **more: Any) -> Response:
    return call("PUT", path, body, headers={"if-match": version} if version else {}, **more)


def get(path: str, **more: Any) -> Response:
    return call("GET", path, **more)


def delete(path: str, version: str | None = None, **more: Any) -> Response:
    return call("DELETE", path, headers={"if-match": version} if version else {}, **more)


# --- In force --------------------------------------------------------------------------------------------------------


def test_a_built_in_text_is_in_force_until_an_own_one_is_saved() -> None:
    shown = get(BOOKED)
    assert (shown.status, shown.headers["ETag"], shown.body["origin"]) == (200, '"0"', "builtin")
    assert "{{ client.first_name }}" in shown.body["body"]
    saved = put(BOOKED, {"body": "Dag {{ client.first_name }}!"}, '"0"')
    assert (saved.status, saved.headers["ETag"], saved.body["origin"]) == (200, '"1"', "own")
    assert saved.body["subject"] == shown.body["subject"], "a part left out keeps its value"
    assert get(BOOKED).body == saved.body
    assert get(BOOKED.replace("/nl", "/en")).body["origin"] == "builtin"
    activate(mode="test")
    assert get(BOOKED, mode="test").body["origin"] == "builtin", "test data has texts of its own"


def test_what_get_answers_can_be_put_back_as_it_is() -> None:
    shown = get(BOOKED)
    saved = put(BOOKED, shown.body, shown.headers["ETag"])
    assert saved.status == 200
    assert put(BOOKED, saved.body, saved.headers["ETag"]).body["version"] == 2


def test_the_texts_of_push_can_be_edited() -> None:
    assert put(PUSH, {"body": "Geboekt", "subject": "Afspraak"}, '"0"').body["origin"] == "own"


def test_a_text_of_the_general_key_or_the_language_is_in_force_where_there_is_no_nearer_one() -> None:
    general, exact = "/v1/templates/reminder/client/sms/nl", "/v1/templates/reminder.day_before/client/sms/nl-BE"
    put(general, {"body": "Algemeen"})
    shown = get(exact)
    assert (shown.body["body"], shown.body["origin"]) == ("Algemeen", "own")
    assert shown.body["inherited_from"] == {"key": "reminder", "locale": "nl"}
    assert shown.headers["ETag"] == '"0"', "nothing was ever saved at this address"
    assert put(exact, shown.body, '"0"').body["inherited_from"] is None
    assert put(exact, {"body": "Belgisch"}).body["version"] == 2
    assert get(exact).body["body"] == "Belgisch"
    delete(exact)
    assert get(exact).body["body"] == "Algemeen"


def test_a_language_without_built_in_texts_shows_the_organizations_own_text() -> None:
    german = BOOKED.replace("/nl", "/de")
    built_in = get(german).body
    assert (built_in["origin"], built_in["body"]) == ("builtin", get(BOOKED).body["body"])
    put(BOOKED, {"body": "Dag"})
    assert get(german).body["inherited_from"] == {"key": "appointment.booked.widget", "locale": "nl"}
    put(german, {"body": "Hallo"})
    assert (get(german).body["body"], get(BOOKED).body["body"]) == ("Hallo", "Dag")


def test_a_reminder_that_the_organization_added_has_the_general_text() -> None:
    shown = get("/v1/templates/reminder.mine/client/sms/en").body
    general = get("/v1/templates/reminder/client/sms/en").body
    assert (shown["body"], shown["origin"]) == (general["body"], "builtin")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/templates/appointment.booked/client/email/nl", 404),
        ("/v1/templates/appointment.booked.widget/author/email/nl", 404),
        ("/v1/templates/appointment.booked.widget/client/fax/nl", 404),
        ("/v1/templates/reminder.review/client/email/nl", 404),
        ("/v1/templates/own.Welcome/client/email/nl", 404),
        ("/v1/templates/own.welcome/client/email/nl", 404),
        ("/v1/templates/..%2F..%2Fetc/client/email/nl", 422),
        ("/v1/templates/appointment.booked.widget/client/email/dutch", 422),
        ("/v1/templates/appointment.booked.widget/client/email/NL", 422),
    ],
)
def test_an_address_that_cannot_be_is_refused(path: str, status: int) -> None:
    assert get(path).status == status
    assert put(path, {"body": "x"}).status == (201 if path == "/v1/templates/own.welcome/client/email/nl" else status)


# --- Saving ----------------------------------------------------------------------------------------------------------


def test_a_new_own_key_needs_no_version_and_a_known_one_does() -> None:
    made = put(OWN, {"body": "Welkom"}, None)
    assert (made.status, made.headers["ETag"], made.body["origin"]) == (201, '"1"', "own")
    assert put(OWN, {"body": "Welkom!"}, None).code == "if_match_required"
    assert put(OWN, {"body": "Welkom!"}, '"1"').status == 200
    assert put(OWN.replace("/nl", "/pl"), {"body": "Witamy"}, None).status == 201
    assert put(BOOKED, {"body": "x"}, None).status == 428


def test_an_own_key_has_no_text_to_keep_parts_of() -> None:
    assert put(OWN, {}, None).faults == {"/body": "missing_field"}


def test_a_stale_version_changes_nothing() -> None:
    put(BOOKED, {"body": "one"}, '"0"')
    stale = put(BOOKED, {"body": "two"}, '"0"')
    assert (stale.status, stale.code) == (412, "version_conflict")
    assert put(BOOKED, {"body": "two"}, '"x"').status == 412
    assert get(BOOKED).body["body"] == "one"


def test_of_two_saves_over_one_version_one_wins(aws: Aws) -> None:
    put(BOOKED, {"body": "first"})
    for operation in (READ, WRITE):
        version = get(BOOKED).headers["ETag"]
        aws.just_before(operation, lambda: put(BOOKED, {"body": "theirs"}))
        mine = put(BOOKED, {"body": "mine"}, version)
        assert (mine.status, mine.code) == (412, "version_conflict")
        assert get(BOOKED).body["body"] == "theirs"


def test_a_save_over_any_version_comes_after_one_that_races_it(aws: Aws) -> None:
    aws.just_before(WRITE, lambda: put(BOOKED, {"subject": "Theirs", "body": "theirs"}))
    mine = put(BOOKED, {"body": "mine"})
    assert (mine.status, mine.body["body"], mine.body["subject"], mine.body["version"]) == (200, "mine", "Theirs", 2)


def test_of_two_that_make_one_own_key_the_later_is_told(aws: Aws) -> None:
    aws.just_before(WRITE, lambda: put(OWN, {"body": "theirs"}, None))
    assert put(OWN, {"body": "mine"}, None).status == 428
    assert get(OWN).body["body"] == "theirs"


def test_text_version_audit_and_list_are_one_write(aws: Aws) -> None:
    aws.calls.clear()
    put(BOOKED, {"body": "Dag"}, '"0"')
    assert aws.calls == [READ, WRITE]
    (entry,) = (json.loads(item["doc"]) for item in aws.items("aurora#AUD#202611") if "templates" in item["doc"])
    assert (entry["what"], entry["version"]) == ("templates/appointment.booked.widget/client/email/nl", 1)
    assert (entry["actor"], entry["after"]["body"]) == ({"key_id": "key-1"}, "Dag")
    found = aws.table.query(KeyConditionExpression=Key("pk").eq("aurora#TPL"))["Items"]
    address = "appointment.booked.widget#client#email#nl"
    assert sorted(item["sk"] for item in found) == ["INDEX", f"T#{address}", f"V#{address}#00000001"]
    assert next(item for item in found if item["sk"] == "INDEX")[f"t:{address}"] == "1"


def test_there_are_at_most_so_many_own_texts(aws: Aws) -> None:
    put(OWN, {"body": "one"}, None)
    aws.table.update_item(
        Key={"pk": "aurora#TPL", "sk": "INDEX"},
        UpdateExpression="SET n = :n",
        ExpressionAttributeValues={":n": MAX_OWN_TEXTS},
    )
    full = put(BOOKED, {"body": "another"})
    assert (full.status, full.code) == (422, "too_many")
    assert put(OWN, {"body": "two"}).status == 200, "those that are there can be changed"
    assert delete(OWN).status == 204
    assert put(BOOKED, {"body": "another"}).status == 200


# --- Giving up -------------------------------------------------------------------------------------------------------


def test_giving_a_text_up_brings_the_built_in_one_back_and_keeps_the_versions() -> None:
    before = get(BOOKED).body
    put(BOOKED, {"body": "one"})
    put(BOOKED, {"body": "two"})
    assert delete(BOOKED, '"1"').status == 412
    assert delete(BOOKED, '"2"').status == 204
    after = get(BOOKED)
    assert (after.body["body"], after.body["origin"], after.headers["ETag"]) == (before["body"], "builtin", '"3"')
    assert put(BOOKED, {"body": "old"}, '"2"').status == 412, "a version never comes twice"
    put(BOOKED, {"body": "three"}, '"3"')
    versions = get(BOOKED + "/versions").body["items"]
    assert [(each["version"], each["text"] and each["text"]["body"]) for each in versions] == [
        (4, "three"),
        (3, None),
        (2, "two"),
        (1, "one"),
    ]
    assert versions[0]["actor"] == {"key_id": "key-1"}


def test_giving_up_what_is_not_there_does_nothing(aws: Aws) -> None:
    assert delete(BOOKED).status == 204
    assert delete(OWN).status == 404
    assert WRITE not in aws.calls
    put(OWN, {"body": "x"}, None)
    assert (delete(OWN).status, delete(OWN).status, get(OWN).status) == (204, 404, 404)
    again = put(OWN, {"body": "y"}, None)
    assert (again.status, again.body["version"]) == (201, 3)


def test_versions_come_in_pages_and_one_address_at_a_time() -> None:
    for number in range(1, 13):
        put(OWN, {"body": f"text {number}"})
    put(OWN.replace("welcome", "welcome2"), {"body": "another"}, None)
    first = get(OWN + "/versions", query={"limit": "7"}).body
    rest = get(OWN + "/versions", query={"limit": "7", "cursor": first["next_cursor"]}).body
    numbers = [each["version"] for each in first["items"] + rest["items"]]
    assert (numbers, rest["next_cursor"]) == (list(range(12, 0, -1)), None)
    assert get(BOOKED + "/versions").body == {"items": [], "next_cursor": None}


# --- The list --------------------------------------------------------------------------------------------------------


def walk(**query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = get("/v1/templates", query=query | {"limit": "100"} | ({"cursor": cursor} if cursor else {})).body
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def test_the_list_names_every_text_once_with_its_origin() -> None:
    put(BOOKED, {"body": "Dag"})
    put(OWN, {"body": "Welkom"}, None)
    put(BOOKED.replace("/nl", "/de"), {"body": "Hallo"})
    everything = walk()
    addresses = [(each["key"], each["audience"], each["channel"], each["locale"]) for each in everything]
    assert len(set(addresses)) == len(addresses) == 1872 + 2
    own = {address for each, address in zip(everything, addresses, strict=True) if each["origin"] == "own"}
    assert {address[0::3] for address in own} == {
        ("appointment.booked.widget", "nl"),
        ("appointment.booked.widget", "de"),
        ("own.welcome", "nl"),
    }


def test_the_list_can_be_narrowed() -> None:
    put(OWN, {"body": "Welkom"}, None)
    found = walk(key="appointment.booked.widget", audience="client", locale="pl")
    assert [each["channel"] for each in found] == ["email", "push", "sms", "telegram", "viber", "whatsapp"]
    assert [each["key"] for each in walk(channel="sms", locale="nl", key="own.welcome")] == ["own.welcome"]
    assert walk(key="own.unknown") == []
    assert get("/v1/templates", query={"channel": "fax"}).faults == {"/channel": "invalid_value"}
    assert get("/v1/templates", query={"colour": "red"}).status == 422


# --- Who may, and when -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["org_admin", "manager", "integration", "staff", "operator"])
def test_who_may_read_and_who_may_write(role: str) -> None:
    reads, writes = role not in ("staff", "operator"), role in ("org_admin", "manager")
    for path in (BOOKED, BOOKED + "/versions", "/v1/templates"):
        assert get(path, role=role).status == (200 if reads else 403)
    sample = {"key": "recap", "audience": "manager", "channel": "sms", "locale": "nl"}
    assert call("POST", "/v1/templates/preview", sample, role=role).status == (200 if reads else 403)
    assert put(BOOKED, {"body": "x"}, role=role).status == (200 if writes else 403)
    assert delete(BOOKED, role=role).status == (204 if writes else 403)


def test_while_notifications_are_inactive_there_are_no_templates() -> None:
    call("POST", "/v1/integrations/notifications/deactivate")
    sample = {"key": "recap", "audience": "manager", "channel": "sms", "locale": "nl"}
    answers = [
        get(BOOKED),
        get(BOOKED + "/versions"),
        get("/v1/templates"),
        put(BOOKED, {"body": "x"}),
        delete(BOOKED),
        call("POST", "/v1/templates/preview", sample),
    ]
    assert {(answer.status, answer.code) for answer in answers} == {(403, "notifications_inactive")}


def test_another_organization_sees_nothing_of_it() -> None:
    new_organization("borealis")
    activate("borealis")
    put(OWN, {"body": "Welkom"}, None)
    assert get(OWN, org="borealis").status == 404
    assert get(OWN + "/versions", org="borealis").body["items"] == []


# --- Calls -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body", "calls"),
    [
        ("GET", BOOKED, None, [READ]),
        ("GET", OWN, None, [READ]),
        ("PUT", BOOKED, {"body": "x"}, [READ, WRITE]),
        ("DELETE", OWN, None, [READ, WRITE]),
        ("DELETE", BOOKED, None, [READ]),
        ("GET", "/v1/templates", None, [READ]),
        # The organization's state, then the versions.
        ("GET", OWN + "/versions", None, [READ, "Query"]),
        # A language without built-in texts: the organization's locale is known after the first reading only.
        ("GET", BOOKED.replace("/nl", "/de"), None, [READ, READ]),
    ],
)
def test_calls(aws: Aws, method: str, path: str, body: Any, calls: list[str]) -> None:
    put(OWN, {"body": "Welkom"}, None)
    aws.calls.clear()
    assert call(method, path, body, headers={"if-match": "*"}).status < 300
    assert aws.calls == calls
