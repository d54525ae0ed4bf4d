"""Devices over HTTP, on SNS as moto plays it: registered, moved, replaced, given up, and found gone."""

from typing import Any

import boto3
import pytest

from carillon.adapters.dynamodb.devices import DynamoDevices
from carillon.adapters.dynamodb.table import Table
from carillon.adapters.providers.sns_endpoints import SnsEndpoints
from carillon.domain.reach import MAX_DEVICES, Device
from carillon.services.gone_devices import GoneDevices
from tests.integration.account import REGION, Aws, Response, SetClock, call, new_organization

SERVICE_JSON = (
    '{"type": "service_account", "project_id": "aurora-app", "private_key": "-----BEGIN PRIVATE KEY-----\\nMIIE\\n",'
    ' "client_email": "push@aurora-app.iam.gserviceaccount.com"}'
)
APNS = {
    "signing_key": "-----BEGIN PRIVATE KEY-----\nMIGT\n-----END PRIVATE KEY-----",
    "key_id": "ABCDE12345",
    "team_id": "TEAM123456",
    "bundle_id": "com.example.aurora",
}
PUSH = "/v1/channels/push"
PHONE = "/v1/clients/anna/devices/phone"
TOKEN = "token-one"


@pytest.fixture
def account(aws: Aws) -> Aws:
    """An organization with its app on both platforms, two clients and a member of staff."""
    new_organization()
    assert call("PUT", PUSH, {"fcm": {"service_json": SERVICE_JSON}, "apns": APNS}).status == 201
    for name in ("anna", "bob"):
        assert call("PUT", f"/v1/clients/{name}", {"first_name": name.title()}).status == 201
    assert call("PUT", "/v1/staff/kees", {"name": "Kees"}).status == 201
    return aws


@pytest.fixture
def sns() -> Any:
    return boto3.client("sns", region_name=REGION)


def put(path: str = PHONE, token: str = TOKEN, platform: str = "fcm", **also: Any) -> Response:
    return call("PUT", path, {"platform": platform, "token": token}, **also)


def store(aws: Aws) -> DynamoDevices:
    client = boto3.client("dynamodb", region_name=REGION)
    return DynamoDevices(Table(client, aws.environment["TABLE_NAME"]))


def devices(aws: Aws, ref: str, org: str = "aurora") -> dict[str, str]:
    owner = store(aws).owner(org, ref)
    return {device.id: device.endpoint for device in owner.person.reach.devices} if owner else {}


def endpoints(sns: Any) -> dict[str, dict[str, str]]:
    applications = [each["PlatformApplicationArn"] for each in sns.list_platform_applications()["PlatformApplications"]]
    pages = [sns.list_endpoints_by_platform_application(PlatformApplicationArn=each) for each in applications]
    found = [each["EndpointArn"] for page in pages for each in page["Endpoints"]]
    return {arn: sns.get_endpoint_attributes(EndpointArn=arn)["Attributes"] for arn in found}


class TestRegistering:
    def test_a_device_is_registered_and_its_token_is_never_shown(self, account: Aws, sns: Any) -> None:
        answer = put()
        assert (answer.status, answer.body) == (201, {"id": "phone", "platform": "fcm"})
        (arn,) = devices(account, "c:anna").values()
        assert ":endpoint/GCM/" in arn
        assert endpoints(sns)[arn] == {"Token": "token-one", "Enabled": "true"}
        assert "token-one" not in str(call("GET", "/v1/clients/anna").body)

    def test_the_same_once_more_writes_nothing(self, account: Aws) -> None:
        put()
        account.calls.clear()
        assert put().status == 200
        assert not {"TransactWriteItems", "PutItem", "UpdateItem", "DeleteItem"} & set(account.calls)

    def test_iphones_are_registered_with_apple(self, account: Aws) -> None:
        put(platform="apns")
        assert ":endpoint/APNS/" in devices(account, "c:anna")["phone"]

    def test_members_of_staff_have_devices_too(self, account: Aws) -> None:
        assert put("/v1/staff/kees/devices/phone").status == 201
        assert list(devices(account, "s:kees")) == ["phone"]
        assert call("DELETE", "/v1/staff/kees/devices/phone").status == 204
        assert devices(account, "s:kees") == {}

    def test_a_client_with_a_device_can_be_messaged_there_without_any_consent(self, account: Aws) -> None:
        assert account.items("aurora#C#anna")
        assert call("GET", "/v1/clients/anna").body["can_message"]["push"] is False
        put()
        assert call("GET", "/v1/clients/anna").body["can_message"]["push"] is True

    def test_a_client_with_nothing_but_a_device_is_reachable(self, account: Aws) -> None:
        assert call("POST", "/v1/integrations/notifications/activate").status == 200
        before = call("GET", "/v1/clients/anna/diagnosis").body
        assert (before["reachable"], "push" in str(before["checks"])) == (False, False)
        put()
        after = call("GET", "/v1/clients/anna/diagnosis").body
        of_push = {each["check"]: each["ok"] for each in after["checks"] if each["channel"] == "push"}
        assert (after["reachable"], of_push) == (True, {"connection": True, "opt_out": True, "address": True})
        assert account.items("aurora#C#anna")

    def test_a_text_can_be_tried_on_a_device_of_staff(self, account: Aws) -> None:
        assert call("POST", "/v1/integrations/notifications/activate").status == 200
        for name in ("phone", "tablet"):
            assert put(f"/v1/staff/kees/devices/{name}", f"token-{name}").status == 201
        text = {"key": "appointment.booked.widget", "audience": "client", "channel": "push", "locale": "nl"}
        tried = call("POST", "/v1/templates/test-send", {**text, "to": "tablet"})
        assert (tried.status, tried.body["to"]) == (202, "phone tablet")
        assert call("POST", "/v1/templates/test-send", {**text, "to": "watch"}).faults == {"/to": "unknown_reference"}
        assert len(devices(account, "s:kees")) == 2

    def test_replacing_the_client_keeps_the_device(self, account: Aws) -> None:
        put()
        assert call("PUT", "/v1/clients/anna", {"first_name": "Anna", "last_name": "de Vries"}).status == 200
        assert list(devices(account, "c:anna")) == ["phone"]

    def test_a_new_token_replaces_the_devices_endpoint_and_the_old_one_is_deleted(self, account: Aws, sns: Any) -> None:
        put()
        (old,) = devices(account, "c:anna").values()
        assert put(token="token-two").status == 200
        (new,) = devices(account, "c:anna").values()
        assert (new != old, list(endpoints(sns))) == (True, [new])

    def test_an_endpoint_that_was_switched_off_is_switched_on(self, account: Aws, sns: Any) -> None:
        put()
        (arn,) = devices(account, "c:anna").values()
        sns.set_endpoint_attributes(EndpointArn=arn, Attributes={"Enabled": "false"})
        assert put().status == 200
        assert endpoints(sns)[arn]["Enabled"] == "true"
        assert devices(account, "c:anna") == {"phone": arn}

    def test_an_endpoint_that_has_other_data_is_found_by_its_token(self, account: Aws, sns: Any) -> None:
        put()
        (arn,) = devices(account, "c:anna").values()
        sns.set_endpoint_attributes(EndpointArn=arn, Attributes={"CustomUserData": "something else"})
        assert put().status == 200
        assert devices(account, "c:anna") == {"phone": arn}

    def test_a_token_registered_for_somebody_else_moves(self, account: Aws, sns: Any) -> None:
        put()
        assert put("/v1/clients/bob/devices/tablet").status == 201
        assert (devices(account, "c:anna"), list(devices(account, "c:bob"))) == ({}, ["tablet"])
        assert put("/v1/staff/kees/devices/tablet").status == 201
        assert (devices(account, "c:bob"), list(devices(account, "s:kees"))) == ({}, ["tablet"])
        assert len(endpoints(sns)) == 1

    def test_a_token_under_another_id_of_the_same_person_is_one_device(self, account: Aws) -> None:
        put()
        put("/v1/clients/anna/devices/reinstalled")
        assert list(devices(account, "c:anna")) == ["reinstalled"]

    def test_beyond_ten_devices_the_one_that_was_not_heard_of_for_longest_goes(self, account: Aws, sns: Any) -> None:
        for number in range(MAX_DEVICES):
            assert put(f"/v1/clients/anna/devices/d{number}", f"token-{number:04}").status == 201
        put("/v1/clients/anna/devices/d0", "token-0000")
        put("/v1/clients/anna/devices/new", "token-new")
        assert list(devices(account, "c:anna")) == [*(f"d{n}" for n in range(2, MAX_DEVICES)), "d0", "new"]
        assert len(endpoints(sns)) == MAX_DEVICES

    def test_another_organization_has_endpoints_of_its_own(self, account: Aws, sns: Any) -> None:
        put()
        new_organization("borealis")
        call("PUT", PUSH, {"fcm": {"service_json": SERVICE_JSON}}, org="borealis")
        call("PUT", "/v1/clients/anna", {"first_name": "Anna"}, org="borealis")
        assert put(token="token-two", org="borealis").status == 201
        assert list(devices(account, "c:anna")) == ["phone"]
        (own,), (other,) = devices(account, "c:anna").values(), devices(account, "c:anna", "borealis").values()
        assert sorted(endpoints(sns)) == sorted([own, other])
        assert own != other


class TestRefusals:
    def test_push_must_be_connected_first_and_for_that_platform(self, account: Aws) -> None:
        assert account.items("aurora#CHN")
        assert call("PUT", PUSH, {"apns": APNS}).status == 200
        refused = put()
        assert (refused.status, refused.code) == (409, "channel_not_connected")
        assert put(platform="apns").status == 201
        assert call("DELETE", PUSH).status == 204
        assert put(platform="apns").code == "channel_not_connected"

    def test_nobody_has_no_devices(self, account: Aws) -> None:
        assert put("/v1/clients/nobody/devices/phone").status == 404
        assert put("/v1/staff/nobody/devices/phone").status == 404
        assert call("DELETE", "/v1/clients/nobody/devices/phone").status == 404
        assert endpoints(boto3.client("sns", region_name=REGION)) == {}
        assert account.items("aurora#U#d:") == []

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"platform": "pigeon", "token": "token-one"}, "/platform"),
            ({"platform": "fcm", "token": "with blanks"}, "/token"),
            ({"platform": "fcm", "token": "x" * 3000}, "/token"),
            ({"platform": "fcm"}, "/token"),
        ],
    )
    def test_what_is_no_device_is_refused(self, account: Aws, body: dict[str, Any], pointer: str) -> None:
        refused = call("PUT", PHONE, body)
        assert (refused.status, list(refused.faults)) == (422, [pointer])
        assert devices(account, "c:anna") == {}

    def test_test_data_registers_without_sns(self, account: Aws, sns: Any) -> None:
        call("PUT", PUSH, {"fcm": {"service_json": SERVICE_JSON}}, mode="test")
        call("PUT", "/v1/clients/anna", {"first_name": "Anna"}, mode="test")
        assert put(mode="test").status == 201
        assert put("/v1/clients/anna/devices/apple", platform="apns", mode="test").code == "channel_not_connected"
        assert call("DELETE", PHONE, mode="test").status == 204
        assert (endpoints(sns), len(sns.list_platform_applications()["PlatformApplications"])) == ({}, 2)
        assert devices(account, "c:anna") == {}

    def test_an_endpoint_of_another_app_is_never_taken(self, account: Aws, sns: Any) -> None:
        # SNS keeps apps apart; moto answers with whichever app has the token.
        put()
        new_organization("borealis")
        call("PUT", PUSH, {"fcm": {"service_json": SERVICE_JSON}}, org="borealis")
        call("PUT", "/v1/clients/anna", {"first_name": "Anna"}, org="borealis")
        assert put(org="borealis").faults == {"/token": "invalid_value"}
        assert devices(account, "c:anna", "borealis") == {}
        assert len(endpoints(sns)) == 1


class TestGivingUp:
    def test_a_device_leaves_and_its_endpoint_is_deleted(self, account: Aws, sns: Any) -> None:
        put()
        assert call("DELETE", PHONE).status == 204
        assert (devices(account, "c:anna"), endpoints(sns)) == ({}, {})
        assert call("DELETE", PHONE).status == 204

    def test_a_device_that_comes_back_while_its_endpoint_is_being_deleted_gets_another(
        self, account: Aws, sns: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put()
        (old,) = devices(account, "c:anna").values()
        with monkeypatch.context() as slow:  # the process that gave it up has not come to SNS yet
            slow.setattr(SnsEndpoints, "delete", lambda *_: None)
            call("DELETE", PHONE)
        assert put().status == 201
        (new,) = devices(account, "c:anna").values()
        assert (new != old, list(endpoints(sns))) == (True, [new])

    def test_a_removed_client_has_no_devices(self, account: Aws, sns: Any) -> None:
        put()
        assert call("DELETE", "/v1/clients/anna").status == 204
        assert (devices(account, "c:anna"), endpoints(sns)) == ({}, {})

    def test_a_client_that_may_not_be_removed_keeps_its_devices(self, account: Aws) -> None:
        put()
        booking = {"client_id": "anna", "start": "2026-12-01T14:30:00", "duration_minutes": 30, "status": "booked"}
        assert call("PUT", "/v1/appointments/1", booking).status == 201
        assert call("DELETE", "/v1/clients/anna").code == "has_upcoming"
        assert list(devices(account, "c:anna")) == ["phone"]

    def test_a_removed_member_leaves_no_endpoint(self, account: Aws, sns: Any) -> None:
        put("/v1/staff/kees/devices/phone")
        assert call("DELETE", "/v1/staff/kees").status == 204
        assert (devices(account, "s:kees"), endpoints(sns)) == ({}, {})
        assert put("/v1/clients/anna/devices/phone").status == 201

    def test_a_merge_keeps_the_devices_of_both_and_their_endpoints(self, account: Aws, sns: Any) -> None:
        put()
        put("/v1/clients/bob/devices/tablet", "token-two")
        assert call("POST", "/v1/clients/merge", {"keep": "anna", "remove": "bob"}).status == 200
        assert list(devices(account, "c:anna")) == ["phone", "tablet"]
        assert len(endpoints(sns)) == 2
        # Under the other id too, and a token of his moves as any other.
        assert put("/v1/clients/bob/devices/tablet", "token-two").status == 200
        assert put("/v1/staff/kees/devices/tablet", "token-two").status == 201
        assert list(devices(account, "c:anna")) == ["phone"]

    def test_an_app_that_is_given_up_is_deleted_at_sns(self, account: Aws, sns: Any) -> None:
        assert account.calls
        assert len(sns.list_platform_applications()["PlatformApplications"]) == 2
        assert call("DELETE", PUSH).status == 204
        assert sns.list_platform_applications()["PlatformApplications"] == []


class TestRacing:
    def test_a_device_registered_for_two_people_at_once_is_one_persons(self, account: Aws) -> None:
        account.just_before("TransactWriteItems", lambda: put("/v1/clients/bob/devices/phone"))
        assert put().status == 201
        assert (list(devices(account, "c:anna")), devices(account, "c:bob")) == (["phone"], {})

    def test_a_client_changed_meanwhile_keeps_both_changes(self, account: Aws) -> None:
        account.just_before(
            "TransactWriteItems", lambda: call("PATCH", "/v1/clients/anna", {"email": "anna@example.com"})
        )
        assert put().status == 201
        assert call("GET", "/v1/clients/anna").body["email"] == "anna@example.com"
        assert list(devices(account, "c:anna")) == ["phone"]


class TestFoundGone:
    def gone(self, account: Aws, sns: Any) -> GoneDevices:
        return GoneDevices(store(account), SnsEndpoints(lambda: sns), SetClock())

    def test_a_device_that_is_gone_leaves_its_person_and_sns(self, account: Aws, sns: Any) -> None:
        put()
        put("/v1/clients/anna/devices/tablet", "token-two")
        found = Device(id="phone", platform="fcm", endpoint=devices(account, "c:anna")["phone"])
        for _ in range(2):  # whoever died before acknowledging does it again
            self.gone(account, sns).forget("aurora", "c:anna", [found])
        assert list(devices(account, "c:anna")) == ["tablet"]
        assert len(endpoints(sns)) == 1

    def test_one_that_was_registered_anew_meanwhile_stays(self, account: Aws, sns: Any) -> None:
        put()
        found = Device(id="phone", platform="fcm", endpoint=devices(account, "c:anna")["phone"])
        put(token="token-two")
        self.gone(account, sns).forget("aurora", "c:anna", [found])
        assert list(devices(account, "c:anna")) == ["phone"]

    def test_whoever_cannot_take_a_device_says_so(self, account: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
        put()
        monkeypatch.setattr(DynamoDevices, "save", lambda *_: False)
        assert call("DELETE", "/v1/clients/anna/devices/phone").status == 503
        assert list(devices(account, "c:anna")) == ["phone"]

    def test_of_somebody_who_is_gone_there_is_nothing_to_forget(self, account: Aws, sns: Any) -> None:
        found = Device(id="phone", platform="fcm", endpoint="arn:aws:sns:eu-central-1:1:endpoint/GCM/a/1")
        self.gone(account, sns).forget("aurora", "c:nobody", [found])
        self.gone(account, sns).forget("aurora", "r:manager#2026-11-23", [found])
        assert account.items("aurora#U#d:") == []
