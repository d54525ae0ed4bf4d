"""Apps on devices, as SNS knows them: registered under a platform application, each with its token.

A token has one endpoint for good, and a device whose token changes gets another one: the same endpoint never comes to
mean another phone. SNS makes an endpoint again only if nothing about it differs; otherwise it refuses and names the one
that is there. It also switches one off when its platform calls the token bad. So each registration looks at what came
out, and switches it on.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from carillon.domain.ids import digest
from carillon.domain.simulation import is_test_data
from carillon.ports.devices import ApplicationGone, EndpointRefused, Endpoints, EndpointsUnreachable

if TYPE_CHECKING:
    from mypy_boto3_sns.client import SNSClient

_NAMED = re.compile(r"arn:[\w-]+:sns:\S+?:endpoint/\S+")
_REFUSED = frozenset({"InvalidParameter", "ParameterValueInvalid"})


class SnsEndpoints:
    """See the port `Endpoints`. The client is made when it is first needed: most calls of the door need none."""

    def __init__(self, client: "Callable[[], SNSClient]") -> None:
        self._client = client

    def register(self, org_id: str, application: str, token: str) -> str:
        """Give the endpoint of a token, switched on."""
        endpoint = self._created(application, token, org_id)
        try:
            has = self._asked(lambda sns: sns.get_endpoint_attributes(EndpointArn=endpoint))["Attributes"]
            if has.get("Enabled", "").lower() != "true":
                wanted = {"Token": token, "Enabled": "true"}
                self._asked(lambda sns: sns.set_endpoint_attributes(EndpointArn=endpoint, Attributes=wanted))
        except _GoneError:
            raise EndpointsUnreachable("the device was unregistered while it was being registered") from None
        return endpoint

    def delete(self, org_id: str, endpoint: str) -> None:  # noqa: ARG002 - the port's shape
        """Delete an endpoint; SNS says nothing about one that is gone."""
        with suppress(_GoneError):
            self._asked(lambda sns: sns.delete_endpoint(EndpointArn=endpoint))

    def _created(self, application: str, token: str, org_id: str) -> str:
        try:
            made = self._asked(
                lambda sns: sns.create_platform_endpoint(
                    PlatformApplicationArn=application, Token=token, CustomUserData=org_id
                )
            )
        except _ThereError as error:
            if _application_of(error.endpoint) != application.rpartition(":")[2].split("/")[1:]:
                raise EndpointRefused("the token belongs to another app") from None
            return error.endpoint
        except _GoneError:
            raise ApplicationGone("the organization's app is gone at SNS: connect push again") from None
        return str(made["EndpointArn"])

    def _asked(self, ask: "Callable[[SNSClient], Any]") -> Any:
        """Ask SNS, in our errors; the token stays out of them, though SNS may repeat it."""
        try:
            return ask(self._client())
        except ClientError as error:
            code = str(error.response["Error"].get("Code", ""))
            named = _NAMED.search(error.response["Error"].get("Message", ""))
            if code == "NotFound":
                raise _GoneError from None
            if code not in _REFUSED:
                raise EndpointsUnreachable(f"SNS answered {code}") from None
            if named is None:
                raise EndpointRefused("must be a token that the platform gave to this app") from None
            raise _ThereError(named.group()) from None
        except BotoCoreError as error:
            raise EndpointsUnreachable(f"SNS could not be asked: {type(error).__name__}") from None


class _GoneError(Exception):
    """There is no such endpoint or application."""


class _ThereError(Exception):
    """The token has an endpoint, with other attributes; SNS names it."""

    def __init__(self, endpoint: str) -> None:
        super().__init__("the token has an endpoint")
        self.endpoint = endpoint


class EndpointsExceptTestData:
    """See the port `Endpoints`. Makes up those of test data itself, so that nothing of it leaves."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    def register(self, org_id: str, application: str, token: str) -> str:
        """Register a live device; a test one is always fine."""
        if is_test_data(org_id):
            return f"test:{digest(token)}"
        return self._endpoints.register(org_id, application, token)

    def delete(self, org_id: str, endpoint: str) -> None:
        """Delete a live device's endpoint."""
        if not is_test_data(org_id):
            self._endpoints.delete(org_id, endpoint)


def _application_of(endpoint: str) -> list[str]:
    """Name platform and application of an endpoint, which its ARN carries before its own id."""
    return endpoint.rpartition(":")[2].split("/")[1:-1]
