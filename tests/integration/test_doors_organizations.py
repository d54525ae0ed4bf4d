"""The operator's organizations, their keys at the authorizer, and activation."""

from datetime import timedelta
from typing import Any

import pytest

from tests.integration.account import OPERATOR_KEY, Aws, activate, call, new_organization

pytestmark = pytest.mark.usefixtures("aws")


def ask(token: str, scheme: str = "Bearer ") -> dict[str, Any]:
    from functions.authorizer.app import lambda_handler  # noqa: PLC0415 - it reads the environment on first use

    return lambda_handler({"headers": {"authorization": scheme + token}}, None)


def test_a_new_organization_comes_with_settings_and_keys_for_both_data_sets(aws: Aws) -> None:
    made = new_organization(metering={"sms": 100})
    assert made.status == 201
    organization = made.body["organization"]
    assert (organization["id"], organization["metering"]) == ("aurora", {"sms": 100})
    assert organization["notifications_active"] is False
    assert made.body["api_key"]["mode"], made.body["test_api_key"]["mode"] == ("live", "test")
    assert made.body["api_key"]["secret"].startswith("crl_live_aurora.")
    for mode in ("live", "test"):
        settings = call("GET", "/v1/settings", mode=mode)
        assert (settings.status, settings.body["name"], len(settings.body["reminders"])) == (200, "Salon Aurora", 7)
    assert aws.calls.count("TransactWriteItems") == 1


def test_secrets_are_stored_as_hashes_only(aws: Aws) -> None:
    secret = new_organization().body["api_key"]["secret"].rpartition(".")[2]
    assert secret not in str(aws.items())


def test_an_organization_without_an_id_gets_one() -> None:
    assert len(new_organization(id=None).body["organization"]["id"]) == 26


def test_an_id_is_taken_once() -> None:
    assert new_organization().status == 201
    again = new_organization()
    assert (again.status, again.code) == (409, "organization_exists")


def test_a_repeated_creation_answers_the_same_keys_without_storing_them(aws: Aws) -> None:
    document = {"name": "A", "time_zone": "Europe/Paris", "locale": "fr", "country": "FR"}
    headers = {"idempotency-key": "make-a", "authorization": f"Bearer {OPERATOR_KEY}"}
    first = call("POST", "/v1/organizations", document, role="operator", headers=headers)
    second = call("POST", "/v1/organizations", document, role="operator", headers=headers)
    assert (first.status, first.body) == (201, second.body)
    assert first.body["api_key"]["secret"].rpartition(".")[2] not in str(aws.items())
    assert ask(first.body["test_api_key"]["secret"])["isAuthorized"]
    other = call("POST", "/v1/organizations", document | {"name": "B"}, role="operator", headers=headers)
    assert (other.status, other.code) == (422, "idempotency_key_reused")


def test_every_fault_of_an_organization_is_named() -> None:
    wrong = new_organization("a/b", time_zone="Mars/Olympus", country="nl", metering={"fax": 1, "sms": -1}, x=1)
    assert wrong.status == 422
    assert wrong.faults == {
        "/id": "invalid_value",
        "/time_zone": "invalid_value",
        "/country": "invalid_value",
        "/metering/fax": "invalid_value",
        "/metering/sms": "invalid_value",
        "/x": "unknown_field",
    }


def test_organizations_are_listed_by_id_page_by_page() -> None:
    for number in range(7):
        new_organization(f"org-{number}")
    seen: list[str] = []
    query = {"limit": "3"}
    while True:
        page = call("GET", "/v1/organizations", role="operator", query=query).body
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == [f"org-{number}" for number in range(7)]


def test_a_patch_changes_what_it_names() -> None:
    new_organization(metering={"sms": 5})
    changed = call("PATCH", "/v1/organizations/aurora", {"suspended": True}, role="operator")
    assert (changed.status, changed.body["suspended"], changed.body["metering"]) == (200, True, {"sms": 5})
    assert call("PATCH", "/v1/organizations/aurora", {"metering": None}, role="operator").body["metering"] is None
    assert call("GET", "/v1/organizations/aurora", role="operator").body["suspended"] is True


def test_a_removed_organization_is_gone_and_its_id_stays_taken() -> None:
    new_organization()
    assert call("DELETE", "/v1/organizations/aurora", role="operator").status == 202
    assert call("GET", "/v1/organizations/aurora", role="operator").status == 404
    assert call("GET", "/v1/organizations", role="operator").body["items"] == []
    assert new_organization().code == "organization_exists"


class TestAuthorizer:
    def test_knows_a_key_and_its_data_set_with_one_read(self, aws: Aws) -> None:
        made = new_organization().body
        aws.calls.clear()
        live = ask(made["api_key"]["secret"])
        assert aws.calls == ["BatchGetItem"]
        assert live == {
            "isAuthorized": True,
            "context": {
                "org_id": "aurora",
                "role": "org_admin",
                "key_id": made["api_key"]["id"],
                "mode": "live",
            },
        }
        assert ask(made["test_api_key"]["secret"])["context"]["org_id"] == "aurora~test"

    def test_knows_the_operator_without_a_read(self, aws: Aws) -> None:
        assert ask(OPERATOR_KEY, "bearer ")["context"]["role"] == "operator"
        assert aws.calls == []

    @pytest.mark.parametrize(
        "token",
        [
            "",
            "x",
            "crl_live_aurora",
            "crl_live_aurora.a.b",
            "crl_live_..",
            "crl_live_@.op.other",
            "crl_dev_a.b.c",
            "é.é.é",
        ],
    )
    def test_denies_what_it_does_not_know(self, token: str) -> None:
        new_organization()
        assert ask(token) == {"isAuthorized": False}

    def test_denies_a_wrong_secret_and_a_live_key_dressed_as_test(self) -> None:
        token = new_organization().body["api_key"]["secret"]
        assert not ask(token + "x")["isAuthorized"]
        assert not ask(token.replace("crl_live_", "crl_test_"))["isAuthorized"]
        assert not ask(token, "Basic ")["isAuthorized"]

    @pytest.mark.parametrize("method", ["PATCH", "DELETE"])
    def test_denies_a_suspended_or_removed_organization(self, method: str) -> None:
        made = new_organization().body
        body = {"suspended": True} if method == "PATCH" else None
        call(method, "/v1/organizations/aurora", body, role="operator")
        assert not ask(made["api_key"]["secret"])["isAuthorized"]
        assert not ask(made["test_api_key"]["secret"])["isAuthorized"]

    def test_denies_a_key_that_has_ended(self, aws: Aws) -> None:
        made = new_organization().body["api_key"]
        (item,) = [item for item in aws.items("aurora#KEY") if item["sk"] == made["id"]]
        item["doc"] = item["doc"].replace('"expires_at":null', '"expires_at":"2026-11-24T00:00:00Z"')
        aws.table.put_item(Item=item)
        assert ask(made["secret"])["isAuthorized"]
        aws.clock.advance(timedelta(days=1))
        assert not ask(made["secret"])["isAuthorized"]


def test_me_tells_whom_a_key_belongs_to(aws: Aws) -> None:
    new_organization()
    aws.calls.clear()
    found = call("GET", "/v1/me", mode="test", role="staff")
    assert len(aws.calls) == 1
    assert found.body["organization"]["id"] == "aurora"
    assert (found.body["role"], found.body["mode"], found.body["features"]) == ("staff", "test", [])


def test_activation_opens_the_features_of_its_data_set_only() -> None:
    new_organization()
    activate(mode="test")
    assert call("GET", "/v1/me", mode="test").body["notifications_active"] is True
    assert "reminders" in call("GET", "/v1/me", mode="test").body["features"]
    assert call("GET", "/v1/me").body["notifications_active"] is False
    cards = {card["id"]: card["status"] for card in call("GET", "/v1/integrations", mode="test").body["items"]}
    assert cards == {
        "notifications": "active",
        "email": "active",
        "sms": "active",
        "whatsapp": "active",
        "push": "not_connected",
        "telegram": "not_connected",
        "viber": "not_connected",
        "payments": "not_connected",
    }


def test_switching_what_is_switched_already_answers_the_card_and_writes_nothing(aws: Aws) -> None:
    new_organization()
    activate()
    aws.calls.clear()
    again = call("POST", "/v1/integrations/notifications/activate")
    assert (again.status, again.body) == (200, {"id": "notifications", "status": "active"})
    assert aws.calls == ["BatchGetItem"]
    off = call("POST", "/v1/integrations/notifications/deactivate", {})
    assert off.body == {"id": "notifications", "status": "inactive"}
    assert [item["ty"] for item in aws.items("aurora#AUD#")] == ["audit", "audit"]


def test_a_repeated_activation_answers_as_the_first_did(aws: Aws) -> None:
    new_organization()
    headers = {"idempotency-key": "on"}
    path = "/v1/integrations/notifications/activate"
    first = call("POST", path, headers=headers)
    call("POST", "/v1/integrations/notifications/deactivate")
    assert call("POST", path, headers=headers).body == first.body
    assert call("GET", "/v1/me").body["notifications_active"] is False
    aws.clock.advance(timedelta(hours=25))
    call("POST", path, headers=headers)
    assert call("GET", "/v1/me").body["notifications_active"] is True
