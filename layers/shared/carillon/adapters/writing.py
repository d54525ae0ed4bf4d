"""Manual messages written out: a template's words filled for one person, or what somebody typed."""

from collections.abc import Callable
from dataclasses import replace

from carillon.adapters.composing import TemplateComposer
from carillon.adapters.dynamodb.table import Table
from carillon.domain.manual import Written
from carillon.domain.messages import Message, Occasion
from carillon.domain.settings import Settings
from carillon.ports.delivery import Connections, Links, Rendered, RenderingFailed
from carillon.ports.manual import Draft
from carillon.ports.reading import Snapshot
from carillon.ports.system import Clock

REMINDER = "reminder."


class ManualWriter:
    """See the port `Writing`. `links` makes addresses under the one at which the outside world reaches the API."""

    def __init__(self, table: Table, connections: Connections, clock: Clock, links: Callable[[str], Links]) -> None:
        self._table = table
        self._connections = connections
        self._clock = clock
        self._links = links

    def from_template(self, message: Message, snapshot: Snapshot, *, public_url: str) -> Draft:
        """Fill the text of the message's template for its recipient; raises RenderingFailed."""
        about, settings = _about(message), _settings(snapshot)
        return _draft(self._composer(public_url).draft(about, snapshot, settings))

    def in_own_words(
        self, message: Message, snapshot: Snapshot, text: str, subject: str | None, *, public_url: str
    ) -> Draft:
        """Put words that somebody typed into the form of their channel."""
        about, settings = _about(message), _settings(snapshot)
        return _draft(self._composer(public_url).plain(about, snapshot, settings, text, subject))

    def _composer(self, public_url: str) -> TemplateComposer:
        return TemplateComposer(self._table, self._connections, self._clock, self._links(public_url))


def _about(message: Message) -> Message:
    """Make the message that the template would be for, if the occasion were its own."""
    key = message.template.removeprefix(REMINDER) if message.template.startswith(REMINDER) else None
    return replace(message, occasion=Occasion(message.occasion.record, reminder=key))


def _settings(snapshot: Snapshot) -> Settings:
    if snapshot.settings is None:
        raise RenderingFailed("the organization has no settings")
    return snapshot.settings


def _draft(rendered: Rendered) -> Draft:
    written = Written(
        text=rendered.text,
        subject=rendered.subject,
        html=rendered.html,
        content_sid=rendered.content_sid,
        variables=dict(rendered.variables),
    )
    return Draft(written, approved=rendered.content_sid is not None)
