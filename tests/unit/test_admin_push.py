"""Connecting an organization's app for push: what SNS is asked, what it says, and that no secret comes out."""

import json
from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import Stubber

from carillon.adapters.providers.admin.push import PushAdmin
from carillon.domain.ids import digest
from carillon.domain.own_channels import OwnSender
from carillon.ports.channels import ChannelRefused, ChannelUnreachable
from tests.builders import ORG

BEGIN = "arn:aws:sns:eu-central-1:123456789012:app/*/carillon-"
NAME = f"carillon-{digest(ORG)}"
KEY = "-----BEGIN PRIVATE KEY-----\nMIGTAgEA\n-----END PRIVATE KEY-----"
ACCOUNT = {"type": "service_account", "project_id": "aurora", "private_key": KEY, "client_email": "push@aurora.example"}
FCM = {"service_json": json.dumps(ACCOUNT)}
APNS = {"signing_key": KEY, "key_id": "ABCDE12345", "team_id": "TEAM123456", "bundle_id": "com.example.aurora"}
TOKEN_BASED = {
    "PlatformCredential": KEY,
    "PlatformPrincipal": "ABCDE12345",
    "ApplePlatformTeamID": "TEAM123456",
    "ApplePlatformBundleID": "com.example.aurora",
}


def arn(platform: str) -> str:
    return f"arn:aws:sns:eu-central-1:123456789012:app/{platform}/{NAME}"


class PlayedSns:
    """SNS's applications; `refuses` maps an operation to the error it answers with."""

    def __init__(self, *there: str) -> None:
        self.there: dict[str, dict[str, str]] = {arn(platform): {"Enabled": "true"} for platform in there}
        self.refuses: dict[str, Exception] = {}
        self.asked: list[str] = []

    def _heard(self, operation: str, application: str | None = None) -> None:
        self.asked.append(operation)
        if operation in self.refuses:
            raise self.refuses[operation]
        if application is not None and application not in self.there:
            raise refused("NotFound", 404)

    def set_platform_application_attributes(
        self,
        *,
        PlatformApplicationArn: str,  # noqa: N803
        Attributes: Mapping[str, str],  # noqa: N803 - SNS's names
    ) -> None:
        self._heard("set", PlatformApplicationArn)
        self.there[PlatformApplicationArn] |= Attributes

    def create_platform_application(
        self,
        *,
        Name: str,  # noqa: N803
        Platform: str,  # noqa: N803
        Attributes: Mapping[str, str],  # noqa: N803
    ) -> None:
        self._heard(f"create {Platform}")
        assert Name == NAME
        self.there[arn(Platform)] = {"Enabled": "true", **Attributes}

    def get_platform_application_attributes(self, *, PlatformApplicationArn: str) -> dict[str, Any]:  # noqa: N803
        self._heard("get", PlatformApplicationArn)
        return {"Attributes": self.there[PlatformApplicationArn]}

    def delete_platform_application(self, *, PlatformApplicationArn: str) -> None:  # noqa: N803
        self._heard("delete")
        del self.there[PlatformApplicationArn]


def refused(code: str, status: int = 400) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": f"Invalid parameter: {KEY}"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "SetPlatformApplicationAttributes")


def admin(sns: PlayedSns) -> PushAdmin:
    return PushAdmin(sns, applications=BEGIN)  # type: ignore[arg-type]


def own(*platforms: str) -> OwnSender:
    kept = {"fcm": arn("GCM"), "apns": arn("APNS")}
    return OwnSender("aurora", {name: kept[name] for name in platforms})


def test_an_app_on_both_platforms_gets_an_application_on_each() -> None:
    sns = PlayedSns()
    found = admin(sns).connect(ORG, "ch", {"fcm": FCM, "apns": {**APNS, "sandbox": False}}, None)
    assert (found.active, found.sender, found.held) == (True, "aurora / com.example.aurora", True)
    assert found.kept == {"fcm": arn("GCM"), "apns": arn("APNS")}
    assert sns.there[arn("GCM")]["PlatformCredential"] == FCM["service_json"]
    assert TOKEN_BASED.items() <= sns.there[arn("APNS")].items()


def test_nothing_secret_is_handed_back_to_be_stored() -> None:
    found = admin(PlayedSns()).connect(ORG, "ch", {"fcm": FCM, "apns": APNS}, None)
    assert (dict(found.secrets), KEY in str(found)) == ({}, False)


def test_an_app_in_development_has_apples_sandbox() -> None:
    found = admin(PlayedSns()).connect(ORG, "ch", {"fcm": None, "apns": {**APNS, "sandbox": True}}, None)
    assert found.kept == {"apns": arn("APNS_SANDBOX")}


def test_new_credentials_keep_the_application_and_with_it_all_devices() -> None:
    sns = PlayedSns("GCM")
    sns.there[arn("GCM")]["Enabled"] = "false"
    admin(sns).connect(ORG, "ch", {"fcm": FCM}, own("fcm"))
    assert sns.there == {arn("GCM"): {"Enabled": "true", "PlatformCredential": FCM["service_json"]}}
    assert "create GCM" not in sns.asked


def test_a_platform_that_is_left_out_is_given_up() -> None:
    sns = PlayedSns("GCM", "APNS")
    admin(sns).connect(ORG, "ch", {"fcm": None, "apns": APNS}, own("fcm", "apns"))
    assert list(sns.there) == [arn("APNS")]


def test_connecting_again_after_an_attempt_that_broke_off_finds_what_it_made() -> None:
    sns = PlayedSns("GCM")
    assert admin(sns).connect(ORG, "ch", {"fcm": FCM}, None).active
    assert list(sns.there) == [arn("GCM")]


@pytest.mark.parametrize("code", ["InvalidParameter", "ParameterValueInvalid"])
def test_credentials_that_a_platform_refuses_are_named_without_being_shown(code: str) -> None:
    sns = PlayedSns()
    sns.refuses["create APNS"] = refused(code)
    with pytest.raises(ChannelRefused) as error:
        admin(sns).connect(ORG, "ch", {"fcm": FCM, "apns": APNS}, None)
    assert error.value.pointer == "/apns"
    assert "PRIVATE KEY" not in f"{error.value} {error.value.__cause__}"
    assert sns.there == {}, "what was made for the other platform is undone"


@pytest.mark.parametrize(
    "text", ["x" * 120, "[]", json.dumps({"type": "service_account"}), json.dumps({**ACCOUNT, "project_id": 7})]
)
def test_what_is_no_service_account_is_refused_before_sns_is_asked(text: str) -> None:
    sns = PlayedSns()
    with pytest.raises(ChannelRefused) as error:
        admin(sns).connect(ORG, "ch", {"fcm": {"service_json": text}}, None)
    assert (error.value.pointer, sns.asked) == ("/fcm/service_json", [])


def test_no_platform_is_no_app() -> None:
    with pytest.raises(ChannelRefused):
        admin(PlayedSns()).connect(ORG, "ch", {"fcm": None, "apns": None}, None)


@pytest.mark.parametrize("error", [refused("InternalError", 500), EndpointConnectionError(endpoint_url="x")])
def test_when_sns_cannot_be_asked_nothing_is_known(error: Exception) -> None:
    sns = PlayedSns("GCM")
    sns.refuses |= {"set": error, "get": error}
    for ask in (
        lambda: admin(sns).connect(ORG, "ch", {"fcm": FCM}, None),
        lambda: admin(sns).check(ORG, "ch", own("fcm")),
        lambda: admin(sns).disconnect(ORG, "ch", own("fcm")),
    ):
        with pytest.raises(ChannelUnreachable) as raised:
            ask()
        assert "PRIVATE KEY" not in str(raised.value)


def test_looking_again_says_what_is_wrong() -> None:
    sns = PlayedSns("GCM")
    assert admin(sns).check(ORG, "ch", own("fcm")).active
    sns.there[arn("GCM")]["Enabled"] = "false"
    off = admin(sns).check(ORG, "ch", own("fcm", "apns"))
    assert (off.active, "switched" in str(off.problem), "gone" in str(off.problem)) == (False, True, True)


def test_giving_up_deletes_what_there_is_however_often() -> None:
    sns = PlayedSns("GCM", "APNS_SANDBOX")
    for _ in range(2):
        admin(sns).disconnect(ORG, "ch", own("fcm"))
    assert sns.there == {}


def test_the_requests_are_of_the_form_that_the_api_takes() -> None:
    client = boto3.client("sns", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub:
        stub.add_client_error("set_platform_application_attributes", "NotFound", http_status_code=404)
        stub.add_response(
            "create_platform_application",
            {"PlatformApplicationArn": arn("APNS")},
            {"Name": NAME, "Platform": "APNS", "Attributes": TOKEN_BASED},
        )
        for _ in ("GCM", "APNS_SANDBOX"):
            stub.add_client_error("get_platform_application_attributes", "NotFound", http_status_code=404)
        assert PushAdmin(client, applications=BEGIN).connect(ORG, "ch", {"apns": APNS}, None).active
        stub.assert_no_pending_responses()
