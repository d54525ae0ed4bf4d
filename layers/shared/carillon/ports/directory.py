"""Where the core and the outside meet for an organization's own data: itself, keys, settings, clients, staff.

A `Stored` document carries the version that its next write must find; a write that finds another one is refused with
False, and whoever asked reads again.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from carillon.domain.channels import Bucket
from carillon.domain.clients import Client, Staff
from carillon.domain.consents import LedgerEntry
from carillon.domain.idempotency import StoredAnswer
from carillon.domain.listing import Page
from carillon.domain.organizations import ApiKey, Organization
from carillon.domain.quota import Credit
from carillon.domain.reach import Refusal
from carillon.domain.rules import RulesInForce, SavedRules
from carillon.domain.settings import Settings
from carillon.domain.values import value

T = TypeVar("T")


@value
class Stored(Generic[T]):
    """A document as stored, with its version (from 1)."""

    document: T
    version: int


@value
class AuditEntry:
    """Who changed what, when, and how it is since; what it was before stands in the entry before."""

    id: str
    at: datetime
    actor: Mapping[str, str]
    what: str
    version: int
    after: Any


@value
class NewTenant:
    """A new organization: its data sets (live first), each with its settings, its first keys, and its quotas."""

    organizations: tuple[Organization, ...]
    settings: tuple[Settings, ...]
    keys: tuple[ApiKey, ...]
    credits: tuple[tuple[Bucket, Credit], ...] = ()


class Phones(Protocol):
    """Knows phone numbers."""

    def normalise(self, text: str, country: str) -> str:
        """Write a number, national for `country` or international, as E.164; raises InvalidValue."""


class Credentials(Protocol):
    """What the authorizer reads."""

    def find(self, org_id: str, key_id: str) -> tuple[ApiKey | None, Organization | None]:
        """Read a key and its organization in one strongly consistent call."""


class Answers(Protocol):
    """The answers of calls that may be repeated."""

    def find(self, org_id: str, key: str) -> StoredAnswer | None:
        """Read what is stored under a key; None also when its lease or its day is over."""


class Organizations(Protocol):
    """Organizations; each of their data sets has its own state."""

    def load(self, *org_ids: str) -> list[Stored[Organization]]:
        """Read data sets in one call; those that don't exist are left out."""

    def create(self, tenant: NewTenant, now: datetime, remember: StoredAnswer | None) -> bool:
        """Store a new organization in one transaction; False when its id is taken."""

    def save(
        self,
        changed: Sequence[Stored[Organization]],
        now: datetime,
        *,
        audit: AuditEntry | None = None,
        remember: StoredAnswer | None = None,
        given: Sequence[tuple[Bucket, Credit]] = (),
    ) -> bool:
        """Write data sets (`version`: as read) at once; False when another writer came first.

        `given`: units for the quota of the first one.
        """

    def page(self, limit: int, position: str | None) -> Page[Organization]:
        """List organizations by id."""


class SettingsStore(Protocol):
    """The settings document."""

    def load(self, org_id: str) -> Stored[Settings] | None:
        """Read it."""

    def save(
        self,
        org_id: str,
        settings: Stored[Settings],
        audit: AuditEntry,
        *,
        holds: Stored[Organization] | None = None,
    ) -> bool:
        """Write it (`version`: as read) with its audit entry; False when another writer came first.

        `holds`: the organization that the settings were checked against must not have changed since.
        """


@value
class ClientChange:
    """A client as it is to be. `before` None: there was none, not even a removed one.

    `guarded`: its phone and e-mail must be nobody else's. `entry` goes into its consent ledger.
    """

    before: Stored[Client] | None
    after: Client
    guarded: bool
    entry: LedgerEntry | None = None
    entry_id: str = ""

    @property
    def differs(self) -> bool:
        """Whether there is anything to write."""
        return self.entry is not None or self.before is None or self.before.document != self.after


@value
class Saved:
    """What became of a client's change: written, or in the way of another client, or overtaken by another writer."""

    version: int | None = None
    duplicate_of: str | None = None


@value
class ClientView:
    """What the clients' services read at once: the organization, its settings and one client.

    `refusal`: what holds against the e-mail address that was asked about.
    """

    organization: Organization
    settings: Settings
    client: Stored[Client] | None
    refusal: Refusal | None = None


class Clients(Protocol):
    """Clients with their guards, lookups and consent ledger."""

    def read(self, org_id: str, client_id: str, email: str | None = None) -> ClientView:
        """Read organization, settings and a client in one call; NotFound without the organization.

        `email`: an address to be told about along with them. An id that was merged into another client's gives that
        client, at the cost of another call.
        """

    def save(self, org_id: str, change: ClientChange, now: datetime, remember: StoredAnswer | None = None) -> Saved:
        """Write a client with everything that hangs on it, in one transaction."""

    def by_phone(self, org_id: str, e164: str, limit: int, position: str | None) -> Page[Client]:
        """Find clients by phone."""

    def by_email(self, org_id: str, email: str, limit: int, position: str | None) -> Page[Client]:
        """Find clients by e-mail, without regard to case."""

    def by_name(self, org_id: str, words: Sequence[str], limit: int, position: str | None) -> Page[Client]:
        """Find clients each of whose words begins a word of the name."""

    def page(self, org_id: str, limit: int, position: str | None) -> Page[Client]:
        """List clients by name."""

    def sharing(self, org_id: str, client: Client) -> list[str]:
        """Name the other clients with the same phone or e-mail, but for those who may share it."""

    def consents(self, org_id: str, client_id: str) -> tuple[Client | None, list[LedgerEntry]]:
        """Read a client and its whole consent ledger, oldest first."""


@value
class MergeView:
    """Two clients as stored, aliases not followed; `aliases` lead to the one that goes. `found`: the organization."""

    found: bool
    keep: Stored[Client] | None
    gone: Stored[Client] | None
    aliases: Sequence[Stored[Client]]


@value
class Merge:
    """What a merge makes of the kept client, of the other one, and of what led to that."""

    keep: ClientChange
    gone: ClientChange
    aliases: Sequence[ClientChange]


class MergeStore(Protocol):
    """Two clients at once."""

    def read(self, org_id: str, keep_id: str, gone_id: str) -> MergeView:
        """Read both."""

    def save(self, org_id: str, merge: Merge, now: datetime, remember: StoredAnswer | None = None) -> bool:
        """Write a merge in one transaction; False when one of the clients changed meanwhile."""


class ClientParts(Protocol):
    """Many clients at once."""

    def parts(self, org_id: str) -> Sequence[Iterable[Sequence[Stored[Client]]]]:
        """Give all clients in parts that can be walked side by side, page by page."""

    def save_documents(self, org_id: str, changes: Sequence[ClientChange]) -> list[int]:
        """Write the documents of a page of clients, where no name, contact or consent changes.

        Gives the places of those that another writer changed first.
        """


class Upcoming(Protocol):
    """Knows who is expected."""

    def has_upcoming(self, org_id: str, client_id: str, now: datetime) -> bool:
        """Whether a client has an appointment ahead that is still to take place."""


class StaffStore(Protocol):
    """Members of the business."""

    def load(self, org_id: str, staff_id: str) -> Stored[Staff] | None:
        """Read one."""

    def save(self, org_id: str, staff: Stored[Staff], now: datetime, remember: StoredAnswer | None = None) -> bool:
        """Write one (`version`: as read, 0: new); False when another writer came first."""

    def delete(self, org_id: str, staff_id: str) -> bool:
        """Remove one; False when there is none."""

    def page(self, org_id: str, limit: int, position: str | None) -> Page[Staff]:
        """List them by id."""


class Labels(Protocol):
    """What people read of the catalog."""

    def of(self, locale: str) -> tuple[str, Mapping[str, Mapping[str, str]]]:
        """Give the labels by kind and name in the language of a locale, or in English; and which language it is."""


@value
class RulesState:
    """What saving rules depends on, read at once; `version` 0: the defaults are in force, none were saved yet."""

    organization: Organization
    settings: Settings
    rules: RulesInForce
    version: int


class RulesStore(Protocol):
    """The rules document."""

    def load(self, org_id: str) -> RulesState | None:
        """Read rules, organization and settings in one call; None without the organization."""

    def save(self, org_id: str, rules: Stored[SavedRules], audit: AuditEntry) -> bool:
        """Write them (`version`: as read) with their audit entry; False when another writer came first."""
