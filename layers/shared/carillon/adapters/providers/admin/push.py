"""An organization's app at SNS: a platform application for Firebase, one for Apple, or both.

SNS keeps the credentials and gives them to nobody, so they are not kept here. An application's name follows from the
organization, so an attempt that broke off is found again by the next.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from carillon.domain.ids import digest
from carillon.domain.own_channels import OwnSender
from carillon.domain.reach import Platform
from carillon.ports.channels import ChannelRefused, ChannelUnreachable, Connected

if TYPE_CHECKING:
    from mypy_boto3_sns.client import SNSClient

PLATFORMS: dict[Platform, tuple[str, ...]] = {"fcm": ("GCM",), "apns": ("APNS", "APNS_SANDBOX")}
"""How SNS names them; an app that is being developed has Apple's sandbox."""
_SERVICE_ACCOUNT = ("type", "project_id", "private_key", "client_email")
_REFUSED = frozenset({"InvalidParameter", "ParameterValueInvalid"})


class PushAdmin:
    """See the port `ChannelAdmin`. `applications`: the ARN of this deployment's, with `*` for the platform."""

    def __init__(self, client: "SNSClient", *, applications: str) -> None:
        self._client = client
        self._applications = applications

    def connect(self, org_id: str, _channel_id: str, stated: Mapping[str, Any], before: OwnSender | None) -> Connected:
        """Make or renew the applications that are stated, and delete those that are not."""
        wanted = {name: (stated[name], *_attributes(name, stated[name])) for name in PLATFORMS if stated.get(name)}
        if not wanted:
            raise ChannelRefused("fcm, apns or both must be stated")
        kept: dict[str, str] = {}
        for name, (_, platform, attributes) in wanted.items():
            kept[name] = self._arn(platform, org_id)
            try:
                self._renew(kept[name], platform, attributes)
            except ChannelRefused as error:
                if before is None:
                    self._delete_all(org_id, set())
                raise ChannelRefused(str(error), f"/{name}") from None
        self._delete_all(org_id, set(kept.values()))
        sender = " / ".join(_seen(app) for app, _, _ in wanted.values())
        return Connected(active=True, sender=sender, kept=kept, held=True)

    def check(self, _org_id: str, _channel_id: str, own: OwnSender) -> Connected:
        """Ask whether the applications are there and switched on."""
        problems = [text for name in PLATFORMS if name in own.settings if (text := self._problem(own.settings[name]))]
        return Connected(active=not problems, sender=own.sender, problem="; ".join(problems) or None, held=True)

    def disconnect(self, org_id: str, _channel_id: str, _own: OwnSender) -> None:
        """Delete the applications; their endpoints get nothing from then on."""
        self._delete_all(org_id, set())

    def _arn(self, platform: str, org_id: str) -> str:
        return self._applications.replace("*", platform, 1) + digest(org_id)

    def _renew(self, arn: str, platform: str, attributes: dict[str, str]) -> None:
        try:
            self._asked(
                lambda: self._client.set_platform_application_attributes(
                    PlatformApplicationArn=arn, Attributes={**attributes, "Enabled": "true"}
                )
            )
        except _GoneError:
            name = arn.rpartition("/")[2]
            self._asked(
                lambda: self._client.create_platform_application(Name=name, Platform=platform, Attributes=attributes)
            )

    def _problem(self, arn: str) -> str | None:
        try:
            found = self._asked(lambda: self._client.get_platform_application_attributes(PlatformApplicationArn=arn))
        except _GoneError:
            return "the application is gone at SNS: connect push again"
        if found["Attributes"].get("Enabled", "true").lower() != "true":
            return "SNS has switched the application off: its credentials are no longer good"
        return None

    def _delete_all(self, org_id: str, kept: set[str]) -> None:
        for platform in (name for names in PLATFORMS.values() for name in names):
            arn = self._arn(platform, org_id)
            if arn not in kept:
                # Asked for first: what SNS answers to deleting one that is not there is not documented.
                with suppress(_GoneError):
                    self._asked(partial(self._client.get_platform_application_attributes, PlatformApplicationArn=arn))
                    self._asked(partial(self._client.delete_platform_application, PlatformApplicationArn=arn))

    def _asked(self, ask: Callable[[], Any]) -> Any:
        """Ask SNS, in our errors; what it was told stays out of them, though SNS may repeat it."""
        try:
            return ask()
        except ClientError as error:
            code = error.response["Error"].get("Code", "")
            if code == "NotFound":
                raise _GoneError from None
            if code in _REFUSED:
                raise ChannelRefused("the platform does not accept these credentials") from None
            raise ChannelUnreachable(f"SNS answered {code}") from None
        except BotoCoreError as error:
            raise ChannelUnreachable(f"SNS could not be asked: {type(error).__name__}") from None


class _GoneError(Exception):
    """There is no such application."""


def _attributes(name: Platform, app: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Give SNS's name of the platform and what it takes for token-based credentials."""
    if name == "fcm":
        _service_account(app)
        return "GCM", {"PlatformCredential": app["service_json"]}
    return "APNS_SANDBOX" if app.get("sandbox") else "APNS", {
        "PlatformCredential": app["signing_key"],
        "PlatformPrincipal": app["key_id"],
        "ApplePlatformTeamID": app["team_id"],
        "ApplePlatformBundleID": app["bundle_id"],
    }


def _service_account(app: Mapping[str, Any]) -> dict[str, Any]:
    try:
        account = json.loads(app["service_json"])
    except ValueError:
        account = None
    if not isinstance(account, dict) or not all(isinstance(account.get(name), str) for name in _SERVICE_ACCOUNT):
        text = "must be the JSON file of a service account, with " + ", ".join(_SERVICE_ACCOUNT)
        raise ChannelRefused(text, "/fcm/service_json")
    return account


def _seen(app: Mapping[str, Any]) -> str:
    return str(app["bundle_id"]) if "bundle_id" in app else str(_service_account(app)["project_id"])
