"""The devices that take push messages: who has which, and what the push service knows of them.

An endpoint is the push service's name for one app on one device. It belongs to one person of a data set at a time;
a claim says to whom, so that an app in which somebody else signs in never shows the messages of both.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from carillon.domain.clients import Client, Staff
from carillon.domain.reach import Platform
from carillon.domain.values import value


@value
class DeviceOwner:
    """A client or a member of staff as stored; `ref` is `c:<id>` or `s:<id>`, and `version` the document's."""

    ref: str
    person: Client | Staff
    version: int


@value
class DeviceClaim:
    """Whose an endpoint is. `owner` None: given up, and about to be deleted. `version` 0: there is no claim."""

    endpoint: str
    owner: str | None = None
    version: int = 0

    @property
    def given_up(self) -> bool:
        """Whether the endpoint is about to be deleted, so that nobody may take it any more."""
        return self.version > 0 and self.owner is None


class DeviceStore(Protocol):
    """People with their devices, and whose each endpoint is."""

    def owner(self, org_id: str, ref: str) -> DeviceOwner | None:
        """Read a person; an id that was merged into another client's gives that client."""

    def claims(self, org_id: str, endpoints: Sequence[str]) -> Mapping[str, DeviceClaim]:
        """Read whose endpoints are; one that nobody has gives a claim of version 0."""

    def save(self, org_id: str, owners: Sequence[DeviceOwner], claims: Sequence[DeviceClaim], now: datetime) -> bool:
        """Write people and claims (versions: as read) at once; False when another writer came first."""


class EndpointRefused(Exception):
    """The push service does not take the token; the text is for people."""


class ApplicationGone(Exception):
    """The push service does not know the organization's app any more."""


class EndpointsUnreachable(Exception):
    """The push service could not be asked; the call may be repeated."""


class Endpoints(Protocol):
    """Apps on devices, as the push service knows them."""

    def register(self, org_id: str, application: str, token: str) -> str:
        """Give the endpoint of a token, made or found, able to receive; another token gives another endpoint.

        Raises EndpointRefused for a token that is none, ApplicationGone, EndpointsUnreachable. May be repeated.
        """

    def delete(self, org_id: str, endpoint: str) -> None:
        """Delete an endpoint; one that is gone already is fine. Raises EndpointsUnreachable."""


class PushApplications(Protocol):
    """The apps that an organization has connected."""

    def of(self, org_id: str) -> Mapping[Platform, str]:
        """Name the push service's application of each platform that is connected."""
