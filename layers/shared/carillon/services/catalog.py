"""The catalog as integrators and the console read it: what there is, in their language, and what is connected."""

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from carillon.domain.catalog import AUDIENCES, EVENT_ROWS, ROWS, Audience, Group, Row, takes_status
from carillon.domain.channels import ALL, CHANNELS, LISTABLE, Address, Channel, Purpose
from carillon.domain.codec import from_data
from carillon.domain.constraints import Locale, document
from carillon.domain.errors import NotFound
from carillon.domain.reasons import REASONS
from carillon.domain.templates import BUILT_IN_LOCALES
from carillon.domain.variables import names
from carillon.ports.delivery import Connections
from carillon.ports.directory import Labels
from carillon.ports.reading import Reader, Snapshot, Want

NOT_CONNECTED = "channel_not_connected"


@document
class CatalogQuery:
    """`locale`: the language of the labels, by default the organization's; en for one without labels."""

    locale: Locale | None = None


@document
class OfferedTo:
    """An audience of an event, and the channels on by default."""

    audience: Audience
    label: str
    default_channels: list[Channel]


@document
class CatalogEvent:
    """A row: an event, and what binds the row. `key` names its rules and its texts.

    `sources` and `actors` empty: any. `takes_status`: rules of their own can be bound to a status. `posted`: no record
    shows it, it is posted.
    """

    key: str
    event: str
    group: Group
    group_label: str
    label: str
    purpose: Purpose
    posted: bool
    takes_status: bool
    sources: list[str]
    actors: list[str]
    audiences: list[OfferedTo]


@document
class CatalogAudience:
    """Somebody who can be told."""

    audience: Audience
    label: str


@document
class CatalogChannel:
    """A channel. `unit`: what a metered quota counts. `available` false: see `reason`.

    `configurable`: rules and reminders may switch it. `receipts`: delivery is reported. `quiet_hours`: they hold it.
    """

    channel: Channel
    label: str
    address: Address
    subject: bool
    attachments: bool
    metered: bool
    unit: Literal["message", "part"] | None
    max_length: int
    receipts: bool
    configurable: bool
    manual_templates: bool
    quiet_hours: bool
    available: bool
    reason: str | None
    reason_label: str | None


@document
class TemplateKey:
    """A key that texts have, for whom and on which channels; without one of its own, the text of `falls_back_to`."""

    key: str
    label: str
    audiences: list[Audience]
    channels: list[Channel]
    falls_back_to: str | None


@document
class Variable:
    """A variable of templates; `fields` are those of a list's entries, `fields.*` any field of the integrator's."""

    __omit_none__ = True

    name: str
    list_: bool
    fields: list[str] | None = None


@document
class Reason:
    """Why something was not sent, or failed."""

    reason: str
    label: str


@document
class CatalogView:
    """Everything there is to notify of."""

    locale: Locale
    locales: list[Locale] = field(default_factory=lambda: list(BUILT_IN_LOCALES))
    events: list[CatalogEvent]
    audiences: list[CatalogAudience]
    channels: list[CatalogChannel]
    template_keys: list[TemplateKey]
    variables: list[Variable]
    reasons: list[Reason]


class Catalog:
    """Shows the catalog."""

    def __init__(self, reader: Reader, connections: Connections, labels: Labels) -> None:
        self._reader = reader
        self._connections = connections
        self._labels = labels

    def show(self, org_id: str, locale: str | None) -> CatalogView:
        """Show the catalog in a language; open also while notifications are inactive."""
        snapshot = self._reader.read([Want(org_id)])[0]
        if snapshot.settings is None:
            raise NotFound("there is no such organization")
        connected = connected_in(snapshot, self._connections)
        language, labels = self._labels.of(locale or snapshot.settings.locale)
        return CatalogView(
            locale=language,
            events=[_event(row, labels) for row in EVENT_ROWS],
            audiences=[CatalogAudience(audience=name, label=labels["audiences"][name]) for name in AUDIENCES],
            channels=[_channel(name, labels, available=name in connected) for name in ALL],
            template_keys=[_template_key(row, labels) for row in ROWS.values()],
            variables=[from_data(Variable, each) for each in names()],
            reasons=[Reason(reason=name, label=labels["reasons"][name]) for name in REASONS],
        )


def connected_in(snapshot: Snapshot, connections: Connections) -> frozenset[Channel]:
    """Name the channels that can send for an organization; none for one that is gone."""
    if snapshot.organization is None or snapshot.settings is None:
        return frozenset()
    return connections.connected(snapshot.organization, snapshot.settings)


def _event(row: Row, labels: Mapping[str, Mapping[str, str]]) -> CatalogEvent:
    return CatalogEvent(
        key=row.key,
        event=row.event,
        group=row.group,
        group_label=labels["groups"][row.group],
        label=labels["rows"][row.key],
        purpose=row.purpose,
        posted=row.posted,
        takes_status=takes_status(row),
        sources=sorted(row.sources),
        actors=sorted(row.actors),
        audiences=[
            OfferedTo(audience=name, label=labels["audiences"][name], default_channels=["email"] if on else [])
            for name, on in row.offers.items()
        ],
    )


def _channel(name: Channel, labels: Mapping[str, Mapping[str, str]], *, available: bool) -> CatalogChannel:
    facts = CHANNELS[name]
    return CatalogChannel(
        channel=name,
        label=labels["channels"][name],
        address=facts.address,
        subject=facts.subject,
        attachments=facts.attachments,
        metered=facts.unit is not None,
        unit=facts.unit,
        max_length=facts.max_length,
        receipts=facts.receipts,
        configurable=facts.configurable,
        manual_templates=facts.manual_templates,
        quiet_hours=facts.quiet,
        available=available,
        reason=None if available else NOT_CONNECTED,
        reason_label=None if available else labels["reasons"][NOT_CONNECTED],
    )


def _template_key(row: Row, labels: Mapping[str, Mapping[str, str]]) -> TemplateKey:
    # Push goes beside the others for everything but recaps, which list their channels.
    channels = ALL if row.group != "recaps" else LISTABLE
    return TemplateKey(
        key=row.key,
        label=labels["rows"][row.key],
        audiences=list(row.offers),
        channels=list(channels),
        falls_back_to=row.falls_back_to,
    )
