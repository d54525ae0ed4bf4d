"""What people do in chats with an organization's bot: open a link, write, end it.

Whatever raises may be repeated: the provider brings an event again that was not taken, and doing one twice changes
nothing the second time, nor what the person reads.
"""

from typing import Literal

from carillon.domain.chats import ChatChannel, ChatEvent
from carillon.domain.clients import Client
from carillon.domain.errors import Contended, NotFound
from carillon.domain.ids import digest
from carillon.domain.linking import VALID, Link, linked, waiting_name
from carillon.domain.replies import Reply
from carillon.domain.values import value
from carillon.ports.chats import ChatLinks
from carillon.ports.directory import ClientChange, Clients, ClientView
from carillon.ports.system import Clock, Ids
from carillon.services.inbound import Inbound
from carillon.services.unlinking import Unlinking

ROUNDS = 8
START = "start"
SUBSCRIBING: frozenset[ChatChannel] = frozenset({"viber"})
"""Channels on which a person who opened a chat has yet to write before the bot may."""


@value
class Said:
    """What the person is told: which text, in the first of these languages that has it, in whose name.

    `answering`: the provider takes it as the answer to its call; else it takes a call of our own, made once.
    """

    text: Literal["linked", "join", "expired", "unknown"]
    locales: tuple[str, ...]
    organization: str
    answering: bool


class Chats:
    """Takes the events of one channel's chats."""

    def __init__(
        self,
        channel: ChatChannel,
        clients: Clients,
        links: ChatLinks,
        inbound: Inbound,
        unlinking: Unlinking,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._channel = channel
        self._clients = clients
        self._links = links
        self._inbound = inbound
        self._unlinking = unlinking
        self._clock = clock
        self._ids = ids

    def take(self, org_id: str, bot: str, event: ChatEvent) -> Said | None:
        """Take an event of a bot (`bot`: its channel's id); gives what the person is told, if anything."""
        match event.kind:
            case "opened":
                return self._opened(org_id, bot, event)
            case "joined":
                return self._joined(org_id, event)
            case "wrote":
                said = self._joined(org_id, event)
                self._reply(org_id, bot, event, event.text)
                return said
        at = event.at or self._clock.now()
        self._unlinking.end(org_id, event.chat_id, at, source=f"{self._channel}_ended")
        return None

    def _opened(self, org_id: str, bot: str, event: ChatEvent) -> Said | None:
        if not event.text:
            return self._came(org_id, bot, event)
        name = digest(event.text)
        link = self._links.find(org_id, name, self._clock.now())
        if link is None or link.channel != self._channel or link.used_by not in (None, event.chat_id):
            return self._said("expired", org_id, None, event)
        if not event.subscribed:
            return self._hold(org_id, name, link, event)
        said = self._use(org_id, name, event, answering=True)
        # Or it waits, because he opened it once before he could be written to.
        return said or self._joined(org_id, event, answering=True) or self._said("expired", org_id, None, event)

    def _came(self, org_id: str, bot: str, event: ChatEvent) -> Said | None:
        """Deal with somebody who comes without a link."""
        if not self._links.clients(org_id, self._channel, event.chat_id):
            return self._said("unknown", org_id, None, event)
        if self._channel not in SUBSCRIBING:
            # Telegram's button for coming back: what the person means is the word. On Viber it is but a look.
            self._reply(org_id, bot, event, START)
        return None

    def _hold(self, org_id: str, name: str, link: Link, event: ChatEvent) -> Said | None:
        """Let a link wait for whoever opened it: nobody can be written to before he has written himself."""
        now = self._clock.now()
        if link.used_by is None:
            waiting = Link(link.channel, link.client_id, now + VALID)
            self._links.hold(org_id, name, waiting, event.chat_id, now)
        # Read again: it may be another person's by now, or this one's, who joined with it and left since.
        held = self._links.find(org_id, waiting_name(self._channel, event.chat_id), now)
        used = self._links.find(org_id, name, now)
        if held is None or held.used_by is not None or used is None or used.used_by != event.chat_id:
            return self._said("expired", org_id, None, event)
        return self._said("join", org_id, link.client_id, event)

    def _joined(self, org_id: str, event: ChatEvent, *, answering: bool = False) -> Said | None:
        """Link whoever opened a link before he could be written to; None where there is none, or it was done."""
        if self._channel not in SUBSCRIBING:
            return None
        name = waiting_name(self._channel, event.chat_id)
        waiting = self._links.find(org_id, name, self._clock.now())
        if waiting is None or waiting.used_by is not None:
            return None
        return self._use(org_id, name, event, answering=answering)

    def _use(self, org_id: str, name: str, event: ChatEvent, *, answering: bool) -> Said | None:
        """Link the chat, unless that was done before; None for a link that is of no use any more."""
        for _ in range(ROUNDS):
            now = self._clock.now()
            link = self._links.find(org_id, name, now)
            if link is None or link.used_by not in (None, event.chat_id):
                return None
            view = self._view(org_id, link.client_id)
            client = view.client.document if view is not None and view.client is not None else None
            if view is None or client is None or client.removed:
                return None
            if link.used_by is not None:
                is_linked = client.reach.chats.get(self._channel) == event.chat_id
                return self._words("linked", view, client, event, answering=answering) if is_linked else None
            changed = linked(client, self._channel, event.chat_id, event.at or now)
            change = ClientChange(
                view.client, changed.client, guarded=False, entry=changed.entry, entry_id=self._ids.ulid(now)
            )
            if self._links.use(org_id, name, event.chat_id, change, now):
                return self._words("linked", view, client, event, answering=answering)
        raise Contended("who is being linked is being changed by others")

    def _reply(self, org_id: str, bot: str, event: ChatEvent, text: str) -> None:
        at = event.at or self._clock.now()
        # A provider's ids are unique within one bot.
        self._inbound.take(org_id, Reply(self._channel, event.chat_id, text, f"{bot}/{event.event_id}", at))

    def _said(
        self, text: Literal["join", "expired", "unknown"], org_id: str, client_id: str | None, event: ChatEvent
    ) -> Said | None:
        view = self._view(org_id, client_id or "-")
        client = view.client.document if view is not None and view.client is not None else None
        return self._words(text, view, client, event, answering=True) if view is not None else None

    def _words(
        self,
        text: Literal["linked", "join", "expired", "unknown"],
        view: ClientView,
        client: Client | None,
        event: ChatEvent,
        *,
        answering: bool,
    ) -> Said | None:
        if not view.organization.sends:
            return None
        wanted = (client.locale if client is not None else None, event.language, view.settings.locale)
        return Said(text, tuple(locale for locale in wanted if locale), view.settings.name, answering)

    def _view(self, org_id: str, client_id: str) -> ClientView | None:
        try:
            return self._clients.read(org_id, client_id)
        except NotFound:
            return None
