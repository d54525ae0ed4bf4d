"""The organization itself: its state, its keys, and who is calling."""

from dataclasses import field
from typing import Literal, get_args

from carillon.domain.channel_states import ChannelState
from carillon.domain.channels import Bucket, Channel
from carillon.domain.constraints import Country, Locale, Name, Zone, document
from carillon.domain.reach import OptedAddress, Refused
from carillon.domain.values import value

Role = Literal["operator", "org_admin", "manager", "staff", "integration"]
ROLES: tuple[Role, ...] = get_args(Role)
Mode = Literal["live", "test"]
TEST_SUFFIX = "~test"
"""Ends the id of an organization's test data set; `~` can't stand in an organization's own id."""
OPERATOR_ORG = "@"
"""The reserved tenant of what spans organizations."""


@document
class Organization:
    """An organization (or its test data set, which has its own state).

    `metering` None: nothing is metered; else units per bucket at the start. `ledgers`: buckets that are
    metered, or were. `deleted`: the tombstone; nothing is sent from then on. `channels`: the organization's own
    senders, in short; their documents lie apart. `opted`: what people at the settings' manager's and owner's addresses
    said; `refused`: those that must not be written to again.
    """

    id: str
    name: Name
    time_zone: Zone
    locale: Locale
    country: Country
    metering: dict[Bucket, int] | None = None
    ledgers: list[Bucket] = field(default_factory=list)
    active: bool = False
    suspended: bool = False
    deleted: bool = False
    created_at: str = ""
    channels: dict[Channel, ChannelState] = field(default_factory=dict)
    opted: list[OptedAddress] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    @property
    def sends(self) -> bool:
        """Whether anything may go out at all."""
        return self.active and not self.suspended and not self.deleted


@value
class Caller:
    """Who calls: `org_id` names the data set and comes from the authorizer alone."""

    org_id: str
    role: Role
    key_id: str
    mode: Mode
    user: str | None = None

    @property
    def actor(self) -> dict[str, str]:
        """The caller as answers and the audit show it."""
        return {"key_id": self.key_id} | ({"user": self.user} if self.user else {})


@document
class ApiKey:
    """An API key as stored: the secret only as a hash."""

    id: str
    role: Role
    mode: Mode
    secret_hash: str
    created_at: str
    expires_at: str | None = None
    name: str | None = None


@value
class NewKey:
    """A key just made; `secret` is shown this once."""

    id: str
    secret: str
    role: Role
    mode: Mode
    meta: dict[str, str] = field(default_factory=dict)


def data_set(org_id: str, mode: Mode) -> str:
    """Name the data set a key works on."""
    return org_id + TEST_SUFFIX if mode == "test" else org_id


def organization_of(data_set_id: str) -> str:
    """Name the organization that a data set belongs to."""
    return data_set_id.removesuffix(TEST_SUFFIX)
