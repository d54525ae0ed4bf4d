"""Apps on devices, as SNS knows them: registered under a platform application, each with its token.

SNS makes an endpoint again only if nothing about it differs; otherwise it refuses and names the one that is there. It
also switches an endpoint off when its platform calls the token bad. So each registration ends with looking at what
came out and setting what differs.
"""

import re
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from carillon.adapters.providers.sns_push import platform_of
from carillon.domain.ids import digest
from carillon.domain.simulation import is_test_data
from carillon.ports.devices import EndpointRefused, Endpoints

if TYPE_CHECKING:
    from mypy_boto3_sns.client import SNSClient

_NAMED = re.compile(r"arn:[\w-]+:sns:\S+?:endpoint/\S+")
_REFUSED = frozenset({"InvalidParameter", "ParameterValueInvalid"})
_GONE = frozenset({"NotFound", "EndpointDisabled"})


class SnsEndpoints:
    """See the port `Endpoints`."""

    def __init__(self, client: "SNSClient") -> None:
        self._client = client

    def register(self, org_id: str, application: str, token: str, known: str | None) -> str:
        """Give the endpoint of a token; the device's own with its new token where it has one in this application."""
        if known is not None and _is_of(known, application):
            taken = self._refreshed(known, token)
            if taken is not None:
                return taken
        endpoint = self._created(application, token, org_id)
        refreshed = self._refreshed(endpoint, token)
        if refreshed is None:
            raise EndpointRefused("the token was unregistered while it was being registered; try again")
        return refreshed

    def delete(self, org_id: str, endpoint: str) -> None:  # noqa: ARG002 - the port's shape
        """Delete an endpoint; SNS says nothing about one that is gone."""
        try:
            self._client.delete_endpoint(EndpointArn=endpoint)
        except ClientError as error:
            if _code(error) not in _GONE:
                raise

    def _created(self, application: str, token: str, org_id: str) -> str:
        try:
            answer = self._client.create_platform_endpoint(
                PlatformApplicationArn=application, Token=token, CustomUserData=org_id
            )
        except ClientError as error:
            return _named(error)
        return answer["EndpointArn"]

    def _refreshed(self, endpoint: str, token: str) -> str | None:
        """Look at an endpoint and set what differs; None when it is gone.

        A token that has an endpoint already can't be given to another one: then that one is the device's.
        """
        try:
            has = self._client.get_endpoint_attributes(EndpointArn=endpoint)["Attributes"]
            if has.get("Token") != token or has.get("Enabled", "").lower() != "true":
                wanted = {"Token": token, "Enabled": "true"}
                self._client.set_endpoint_attributes(EndpointArn=endpoint, Attributes=wanted)
        except ClientError as error:
            if _code(error) == "NotFound":
                return None
            there = _named(error)
            return self._refreshed(there, token) if there != endpoint else None
        return endpoint


class EndpointsExceptTestData:
    """See the port `Endpoints`. Makes up those of test data itself, so that nothing of it leaves."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    def register(self, org_id: str, application: str, token: str, known: str | None) -> str:
        """Register a live device; a test one is always fine."""
        if is_test_data(org_id):
            return f"test:{digest(token)}"
        return self._endpoints.register(org_id, application, token, known)

    def delete(self, org_id: str, endpoint: str) -> None:
        """Delete a live device's endpoint."""
        if not is_test_data(org_id):
            self._endpoints.delete(org_id, endpoint)


def _named(error: ClientError) -> str:
    """Read the endpoint that a refusal names; raises EndpointRefused where it refuses the token itself."""
    said = error.response["Error"].get("Message", "")
    if _code(error) not in _REFUSED:
        raise error
    found = _NAMED.search(said)
    if found is None:
        raise EndpointRefused("must be a token that the platform gave to this app")
    return found.group()


def _is_of(endpoint: str, application: str) -> bool:
    """Whether an endpoint belongs to an application: their names in the ARNs are the same."""
    names = application.rpartition(":")[2].split("/")[1:3]
    return [platform_of(endpoint), endpoint.split("/")[2]] == names


def _code(error: ClientError) -> str:
    return str(error.response["Error"].get("Code", ""))
