"""Where the core and the outside meet: what services need, in their own words.

Every method that touches data takes the data set's id first; it comes from the authorizer, or from a queue message
that was written under it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from carillon.domain.channels import Channel
from carillon.domain.clients import Client, Staff
from carillon.domain.listing import Page
from carillon.domain.messages import Message, MessageFilter, MessageKey
from carillon.domain.organizations import Organization
from carillon.domain.own_texts import OwnTexts
from carillon.domain.records import Event, Planned, StoredRecord
from carillon.domain.rules import RulesInForce
from carillon.domain.settings import Settings
from carillon.ports_directory import ClientChange, Saved


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Give the current instant, aware, in UTC."""


class Ids(Protocol):
    """Makes new ids."""

    def ulid(self, now: datetime) -> str:
        """Make a ULID of this instant."""


# --- Reading ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Want:
    """What to read of one data set; the organization and its settings always come along.

    `texts`: also which own texts it has.
    """

    org_id: str
    record: str | None = None
    clients: tuple[str, ...] = ()
    staff: tuple[str, ...] = ()
    rules: bool = False
    texts: bool = False
    messages: tuple[MessageKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was read, strongly consistent; what does not exist is None or missing."""

    organization: Organization | None
    settings: Settings | None
    rules: RulesInForce
    record: StoredRecord | None = None
    clients: Mapping[str, Client] = field(default_factory=dict)
    staff: Mapping[str, Staff] = field(default_factory=dict)
    messages: Mapping[MessageKey, Message] = field(default_factory=dict)
    own_texts: OwnTexts = field(default_factory=OwnTexts)


class Reader(Protocol):
    """Reads whatever a use case needs in one batch."""

    def read(self, wants: Sequence[Want]) -> list[Snapshot]:
        """Read everything wanted in one call per 100 items, in the order of the wants."""

    def all_staff(self, org_id: str) -> dict[str, Staff]:
        """Read every member of staff of an organization."""


# --- Records ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RecordChange:
    """A record as it is to be: written only if version and plan revision are still the expected ones (0: none)."""

    record: StoredRecord
    expected_version: int
    expected_revision: int
    new_events: tuple[Event, ...]
    start: datetime
    retention: datetime | None = None


@dataclass(frozen=True, slots=True)
class Committed:
    """How far the planner has come with a record."""

    version: int
    plan_revision: int
    scheduled: tuple[Planned, ...]


class Records(Protocol):
    """Records with their plan and outbox, each one item."""

    def save(self, org_id: str, change: RecordChange) -> bool:
        """Write record, plan and pending events at once; False when another writer came first."""

    def save_with_client(self, org_id: str, change: RecordChange | None, client: ClientChange, now: datetime) -> Saved:
        """Write a record (if it changes) and the client it brings along at once; see `Clients.save`."""

    def commit(self, org_id: str, ref: str, done: Committed) -> bool:
        """Note what was planned and clear the announced events; False when the record moved on meanwhile."""

    def of_client(self, org_id: str, client_id: str, *, since: datetime, limit: int = 100) -> list[StoredRecord]:
        """List a client's records that start at or after an instant."""

    def page(
        self, org_id: str, collection: str, *, limit: int, position: str | None, since: datetime, days: int = 31
    ) -> Page[StoredRecord]:
        """List records by start, looking at so many days at most; a position begins with its day."""


@dataclass(frozen=True, slots=True)
class DueRow:
    """A reminder as it was planned: of which record, for whom, when, in which generation of the plan."""

    ref: str
    client_id: str
    key: str
    at: datetime
    generation: int


class DueRows(Protocol):
    """The immutable rows of planned reminders, by the day they are due."""

    def put(self, org_id: str, ref: str, client_id: str, entries: Sequence[Planned]) -> None:
        """Write rows; writing one again changes nothing."""

    def between(
        self, org_id: str, since: datetime, until: datetime, *, limit: int, position: str | None
    ) -> Page[DueRow]:
        """List what is due in [since, until)."""


# --- Messages --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Moved:
    """A move of a message to a new status, with what becomes known by it."""

    status: str
    at: datetime
    reason: str | None = None
    provider_id: str | None = None
    parts: int | None = None
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A sender's claim on a message: who, when, to which address, rendered from which version of the record."""

    owner: str
    now: datetime
    to: str
    version: int


class Messages(Protocol):
    """Messages and decisions not to send."""

    def create(self, org_id: str, message: Message, *, retention_days: int) -> bool:
        """Store a message unless it exists; False when it does."""

    def require(self, org_id: str, key: MessageKey, version: int) -> bool:
        """Bind a queued message to a record's version: it is sent only if rendered from that or a newer one.

        True also for one that was bound so before and has gone since, so that binding again changes nothing. False
        when the message left the queue unbound, or was never stored.
        """

    def claim(self, org_id: str, message: Message, claim: Claim) -> bool:
        """Move a queued message to `sending` under an owner and a lease; False when someone else was faster."""

    def abandon(self, org_id: str, message: Message, moved: Moved) -> bool:
        """Move a message out of `sending` whose lease is over; False when it left `sending` or was claimed anew."""

    def finish(
        self,
        org_id: str,
        message: Message,
        moved: Moved,
        *,
        owner: str,
        then: Message | None = None,
        retention_days: int = 90,
    ) -> bool:
        """Write the outcome of a claimed message, fenced by its owner; `then` is the fallback stored with it."""

    def withdraw(self, org_id: str, message: Message, moved: Moved) -> bool:
        """Move a message out of `queued` without sending it (or defer it); False when it had left `queued`."""

    def receipt(self, org_id: str, key: MessageKey, moved: Moved) -> bool:
        """Apply a provider's report; False when it is older than what is known, or the message is gone."""

    def find(self, org_id: str, message_id: str) -> Message | None:
        """Find a message by its public id."""

    def page(
        self, org_id: str, wanted: MessageFilter, *, limit: int, position: str | None, now: datetime
    ) -> Page[Message]:
        """List messages, newest first."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Up to where an organization was swept: reminders due, messages made, and records (a page's position) ahead."""

    due: datetime
    queued: datetime
    records: str | None = None


class Watermarks(Protocol):
    """Remembers up to where organizations were swept."""

    def load(self, org_id: str) -> Marks | None:
        """Read them; None before the first sweep."""

    def save(self, org_id: str, marks: Marks) -> None:
        """Write them."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run of re-planning: where it stands, and for which revision of each cause it (or one before) was started."""

    id: str
    position: str
    revisions: Mapping[str, int] = field(default_factory=dict)

    def revision(self, cause: str) -> int:
        """Give the latest revision of a cause that a run was started for."""
        return self.revisions.get(cause, 0)

    def with_revision(self, cause: str, revision: int) -> "Run":
        """Note the revision of a cause."""
        return Run(self.id, self.position, {**self.revisions, cause: revision})


class Runs(Protocol):
    """The latest run of re-planning of each organization."""

    def load(self, org_id: str) -> Run | None:
        """Read it."""

    def start(self, org_id: str, run: Run, *, over: Run | None) -> bool:
        """Put a new run in the place of the latest; False when that has moved."""

    def advance(self, org_id: str, run: Run, following: Run) -> bool:
        """Note the next place of a run; False when it has moved."""


@dataclass(frozen=True, slots=True)
class Remains:
    """What is left of an organization in one part of the table: where it lies, its records, and where to go on."""

    places: list[tuple[str, str]]
    records: list[StoredRecord]
    position: dict[str, str] | None


class Everything(Protocol):
    """All items of one organization."""

    def page(self, org_id: str, position: dict[str, str] | None) -> Remains:
        """Look through the next part of the table; the tombstone is not among what it gives."""

    def delete(self, places: Sequence[tuple[str, str]]) -> None:
        """Delete items; deleting what is gone is fine."""


# --- Queues and schedules --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Due:
    """A reminder that is due: the entry of the plan it stands for."""

    org_id: str
    record: str
    client_id: str
    key: str
    start: datetime
    at: datetime
    generation: int


@dataclass(frozen=True, slots=True)
class Ready:
    """A stored message that is to be sent.

    `record`, `client_id` and `staff` say what else its sender will need, which spares a second read. `delay`: seconds.
    """

    org_id: str
    channel: Channel
    key: MessageKey
    record: str
    client_id: str
    staff: tuple[str, ...] = ()
    delay: int = 0


class Queues(Protocol):
    """The queues between the functions."""

    def send_ready(self, messages: Sequence[Ready]) -> None:
        """Put stored messages on the queues of their channels."""

    def send_due(self, reminders: Sequence[Due]) -> None:
        """Put reminders on the due queue at once."""

    def send_job(self, job: Mapping[str, Any], *, delay: int = 0) -> None:
        """Put a job on the jobs queue, to be done after `delay` seconds."""


class Schedules(Protocol):
    """One-time, immutable schedules: each is made once and deleted, never changed."""

    def create(self, reminder: Due) -> None:
        """Schedule a reminder; one that is scheduled already is fine."""

    def delete(self, reminder: Due) -> None:
        """Delete a reminder's schedule; one that is gone already is fine."""


# --- Providers -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message as the person will read it; `variables` are a WhatsApp template's."""

    text: str
    subject: str | None = None
    html: str | None = None
    content_sid: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What a provider is asked to send, once. `token` comes back in its receipts and names the message.

    `attempt` counts the calls for this message from 1.
    """

    org_id: str
    message_id: str
    to: str
    rendered: Rendered
    token: str
    valid_seconds: int
    sender_name: str
    reply_to: str | None = None
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a provider answered.

    `permanent`, `misconfigured` and `unknown` have a reason of the contract; `retry` may carry the provider's own
    delay in seconds. `code` is the provider's, for logs and the timeline. `receipt` is there when the receipt is known
    at once, as for test data.
    """

    kind: Literal["accepted", "permanent", "retry", "misconfigured", "unknown"]
    provider_id: str | None = None
    reason: str | None = None
    code: str | None = None
    retry_after: int | None = None
    parts: int | None = None
    receipt: Literal["delivered", "failed"] | None = None


class Provider(Protocol):
    """Sends one message in one call, without hidden retries; never raises for what the provider says."""

    def send(self, outgoing: Outgoing) -> Outcome:
        """Send, within 10 seconds."""


class RenderingFailed(Exception):
    """A text could not be made; the message fails with `template_error` and is not lost silently."""


class Composer(Protocol):
    """Writes a message from the newest state of what it is about."""

    def compose(self, message: Message, snapshot: Snapshot) -> Rendered:
        """Render for the message's channel, audience and recipient; raises RenderingFailed."""


class Tokens(Protocol):
    """Names a message to a provider, so that nobody else can."""

    def issue(self, org_id: str, key: MessageKey) -> str:
        """Make a token of letters, digits, `-` and `_`."""

    def read(self, token: str) -> tuple[str, MessageKey] | None:
        """Give back what a token names; None for one that was not issued here."""


class Connections(Protocol):
    """Which channels can send for an organization."""

    def connected(self, organization: Organization, settings: Settings) -> frozenset[Channel]:
        """Name the channels that can send."""

    def whatsapp_templates(self, organization: Organization, settings: Settings) -> frozenset[tuple[str, str, str]]:
        """Name the texts (template key, audience, locale) that have an approved WhatsApp template."""
